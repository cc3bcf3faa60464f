//! Checks of the observability stack's inputs.

use super::{Check, is_email};
use crate::spec::ObservabilitySpec;

/// Longest endpoint of a subscription.
const LONGEST_ENDPOINT: usize = 2048;

impl Check {
    pub(super) fn observability(&mut self, spec: &ObservabilitySpec) {
        for (field, endpoints) in [("pages", &spec.pages), ("notices", &spec.notices)] {
            for (index, endpoint) in endpoints.iter().enumerate() {
                let field = format!("observability.{field}[{index}]");
                let known = is_email(endpoint) || is_https(endpoint);
                let message =
                    format!("`{endpoint}` is neither a mail address nor an https endpoint");
                let hint = "write one such as ops@acme.example or https://events.acme.example/key";
                self.that(known, &field, message, hint);
                let again = endpoints[..index].contains(endpoint);
                self.that(!again, &field, format!("{endpoint} is listed twice"), "remove one");
            }
        }
        let quota = spec.session_quota;
        self.range("observability.session_quota", quota, 1..=1_000_000, " sessions");
        let percent = u32::from(spec.traced_percent);
        self.range("observability.traced_percent", percent, 0..=100, " percent");
        let message = "a budget of nothing is always exceeded".to_owned();
        let hint = "choose at least 1 US dollar";
        self.that(spec.monthly_usd > 0, "observability.monthly_usd", message, hint);
    }
}

fn is_https(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|rest| {
        text.len() <= LONGEST_ENDPOINT
            && rest.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_graphic())
    })
}
