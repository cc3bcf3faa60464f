//! Which queue is meant: one of the platform's, by its name, or any, by its URL or ARN.

use runtime_core::functions::Function;
use runtime_core::queues;

use crate::error::{Error, Result};

/// A queue of dead letters of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// Its short name, such as `jobs-queue-dead-letters`.
    pub name: String,
    /// A shorter one that is meant as well: that of the queue, the function or the bus.
    pub also: Option<String>,
    /// The end of the physical name: `.fifo`, or nothing.
    pub suffix: &'static str,
    /// What the letters were.
    pub of: String,
    /// The short name of the queue of work that they come from; none: a function was called
    /// with them, or a bus had them.
    pub source: Option<&'static str>,
    /// The function that could not handle them, where it is one.
    pub function: Option<Function>,
}

impl DeadLetters {
    /// The deployed queue's name, with `<project>-<environment>` before it.
    pub fn physical(&self, prefix: &str) -> String {
        format!("{prefix}-{}{}", self.name, self.suffix)
    }

    /// The deployed name of the queue of work that the letters come from.
    pub fn physical_source(&self, prefix: &str) -> Option<String> {
        self.source.map(|source| format!("{prefix}-{source}{}", self.suffix))
    }
}

/// Every queue of dead letters that the platform's stacks make, whether deployed or not.
pub fn known() -> Vec<DeadLetters> {
    let of_queues = queues::ALL.iter().map(|queue| DeadLetters {
        name: queue.dead_letters(),
        also: Some(queue.name.to_owned()),
        suffix: queue.suffix(),
        of: queue.holds.to_owned(),
        source: Some(queue.name),
        function: Some(queue.consumer),
    });
    let is_queue = |name: &str| queues::ALL.iter().any(|queue| queue.name == name);
    let of_functions = Function::ALL.into_iter().map(|function| DeadLetters {
        name: format!("{}-dead-letters", function.name()),
        // The queue of the same name is meant more often.
        also: (!is_queue(function.name())).then(|| function.name().to_owned()),
        suffix: "",
        of: format!("Events that {} was called with", function.name()),
        source: None,
        function: Some(function),
    });
    let of_bus = DeadLetters {
        name: "events-dead-letters".to_owned(),
        also: Some("events".to_owned()),
        suffix: "",
        of: "Events that a target of the bus refused".to_owned(),
        source: None,
        function: None,
    };
    of_queues.chain(of_functions).chain([of_bus]).collect()
}

/// What somebody called a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// One of the platform's.
    Known(DeadLetters),
    /// Any queue, by its address.
    Address {
        /// Its physical name.
        name: String,
        /// Its account, when the address says so.
        account: Option<String>,
        /// Its region, when the address says so.
        region: Option<String>,
    },
}

/// What `text` means where names begin with `prefix` (`<project>-<environment>`). An error
/// names every queue there is, and the one that is most like it.
pub fn parse(text: &str, prefix: &str) -> Result<Named> {
    let address = address(text)?;
    let (name, account, region) = address.clone().unwrap_or_else(|| (text.to_owned(), None, None));
    let known = known();
    let of_work =
        queues::ALL.iter().find(|it| format!("{prefix}-{}{}", it.name, it.suffix()) == name);
    if let Some(queue) = of_work {
        return Err(Error::usage(format!("{name} is a queue of work, not of dead letters"))
            .hint(format!("its dead letters are in {}", queue.dead_letters())));
    }
    // An address also says where: it has to be asked there.
    if address.is_some() {
        return Ok(Named::Address { name, account, region });
    }
    let found = known.iter().find(|it| {
        it.physical(prefix) == text || it.name == text || it.also.as_deref() == Some(text)
    });
    found.map(|it| Named::Known(it.clone())).ok_or_else(|| unknown(text, &known))
}

fn unknown(text: &str, known: &[DeadLetters]) -> Error {
    let likeness = |it: &DeadLetters| {
        let names = it.also.iter().chain([&it.name]);
        names.map(|name| strsim::jaro_winkler(text, name)).fold(0.0, f64::max)
    };
    let like = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let names: Vec<&str> = known.iter().map(|it| it.name.as_str()).collect();
    let error = Error::usage(format!("there is no queue of dead letters called {text}"));
    let error = match like.filter(|it| likeness(it) > 0.75) {
        Some(like) => error.hint(format!("did you mean {}?", like.name)),
        None => error,
    };
    error
        .hint(format!("queues: {}", names.join(", ")))
        .hint("any other queue is named by its URL or ARN")
}

/// A queue's physical name, its account and its region.
type Address = (String, Option<String>, Option<String>);

/// What a URL or an ARN says; none: it is neither.
pub(super) fn address(text: &str) -> Result<Option<Address>> {
    if text.starts_with("arn:") {
        of_arn(text).map(Some)
    } else if text.contains("://") {
        of_url(text).map(Some)
    } else {
        Ok(None)
    }
}

fn of_arn(text: &str) -> Result<Address> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "sqs", region, account, name] if !name.is_empty() && !region.is_empty() => {
            Ok(((*name).to_owned(), Some((*account).to_owned()), Some((*region).to_owned())))
        }
        _ => Err(Error::usage(format!("{text} is no ARN of a queue"))
            .hint("such as arn:aws:sqs:eu-west-2:111122223333:acme-dev-jobs-queue-dead-letters")),
    }
}

fn of_url(text: &str) -> Result<Address> {
    let bad = || {
        Error::usage(format!("{text} is no URL of a queue")).hint(
            "such as https://sqs.eu-west-2.amazonaws.com/111122223333/acme-dev-jobs-queue-dead-letters",
        )
    };
    let (_, rest) = text.split_once("://").ok_or_else(bad)?;
    let mut parts = rest.trim_end_matches('/').split('/');
    let parts = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(host), Some(account), Some(name), None) = parts else { return Err(bad()) };
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || name.is_empty() {
        return Err(bad());
    }
    let region = host.strip_prefix("sqs.").and_then(|rest| rest.split('.').next());
    Ok((name.to_owned(), Some(account.to_owned()), region.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(text: &str) -> String {
        match parse(text, "acme-dev").expect(text) {
            Named::Known(it) => it.physical("acme-dev"),
            Named::Address { name, account, region } => format!("{name} {account:?} {region:?}"),
        }
    }

    #[test]
    fn a_queue_has_several_names() {
        let jobs = "acme-dev-jobs-queue-dead-letters";
        for name in ["jobs", "jobs-queue-dead-letters", jobs] {
            assert_eq!(name_of(name), jobs);
        }
        assert_eq!(name_of("provisioning"), "acme-dev-provisioning-queue-dead-letters.fifo");
        // The function of the same name has dead letters of its own.
        assert_eq!(name_of("jobs-dead-letters"), "acme-dev-jobs-dead-letters");
        assert_eq!(name_of("git-store"), "acme-dev-git-store-dead-letters");
        assert_eq!(name_of("events"), "acme-dev-events-dead-letters");
    }

    #[test]
    fn an_address_says_where() {
        let expected = r#"x Some("111122223333") Some("eu-west-1")"#;
        assert_eq!(name_of("arn:aws:sqs:eu-west-1:111122223333:x"), expected);
        assert_eq!(name_of("https://sqs.eu-west-1.amazonaws.com/111122223333/x"), expected);
        let local = "http://127.0.0.1:4566/000000000000/x";
        assert_eq!(name_of(local), r#"x Some("000000000000") None"#);
        for bad in
            ["arn:aws:sns:eu-west-1:111122223333:x", "arn:aws:sqs", "https://x/y", "http://h/123/x"]
        {
            assert_eq!(parse(bad, "acme-dev").expect_err(bad).exit_code(), 2);
        }
    }

    #[test]
    fn what_is_unknown_is_named_with_what_is_like_it() {
        let error = parse("job-queue-dead-leters", "acme-dev").expect_err("unknown");
        assert_eq!(error.hints()[0], "did you mean jobs-queue-dead-letters?");
        assert!(error.hints()[1].contains("git-store-dead-letters"), "{:?}", error.hints());
        let error = parse("zzz", "acme-dev").expect_err("unknown");
        assert!(error.hints()[0].starts_with("queues: "), "{:?}", error.hints());
    }

    #[test]
    fn a_queue_of_work_is_refused() {
        for name in
            ["acme-dev-jobs", "arn:aws:sqs:eu-west-2:111122223333:acme-dev-provisioning.fifo"]
        {
            let error = parse(name, "acme-dev").expect_err(name);
            assert!(error.message().contains("a queue of work"), "{error}");
        }
    }

    #[test]
    fn names_are_unique() {
        let known = known();
        let names: Vec<&String> =
            known.iter().flat_map(|it| it.also.iter().chain([&it.name])).collect();
        let set: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(set.len(), names.len(), "{names:?}");
    }
}
