//! Refuses identities that would let in more, or others, than was meant.

use std::collections::BTreeSet;

use super::Check;
use crate::cfn::camel;
use crate::identity::IDENTITY_STACKS;
use crate::spec::{
    IdentitySpec, IssuerKind, IssuerSpec, PipelineProvider, PipelineSpec, StageKind, StageSpec,
    StageStacks,
};

/// A role's name has 64 characters at most; the prefix takes up to 25 and `-pipeline-` ten.
const LONGEST_STAGE: usize = 29;

/// Longest name of an issuer: part of a path and of logical ids.
const LONGEST_ISSUER: usize = 40;

/// Most characters of what the authoriser is told of issuers. Lambda has room for 4 kB in
/// all of a function's environment.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const LONGEST_ISSUERS: usize = 3_000;

/// Longest value of claims and addresses. IAM takes 255 for a provider's address.
const LONGEST_TEXT: usize = 255;

impl Check {
    pub(super) fn identity(&mut self, identity: &IdentitySpec) {
        let mut stages = BTreeSet::new();
        let mut providers: Vec<(&str, bool)> = Vec::new();
        for (at, pipeline) in identity.pipelines.iter().enumerate() {
            let field = format!("identity.pipelines[{at}]");
            self.pipeline(&field, pipeline, &mut stages);
            let url = pipeline.provider.url();
            let known = providers.iter().find(|(known, _)| *known == url);
            let agrees = known.is_none_or(|(_, existing)| *existing == pipeline.existing_provider);
            let message = format!("another pipeline says the opposite of the provider at {url}");
            let hint = "say the same in both: an account has one provider for each address";
            self.that(agrees, &format!("{field}.existing_provider"), message, hint);
            providers.push((url, pipeline.existing_provider));
        }
        self.issuers(&identity.issuers);
        let mut issuers = BTreeSet::new();
        for (at, issuer) in identity.issuers.iter().enumerate() {
            let field = format!("identity.issuers[{at}]");
            self.issuer(&field, issuer);
            let first = issuers.insert(camel(&issuer.name));
            let message = format!("{} is listed twice", issuer.name);
            self.that(first, &format!("{field}.name"), message, "give each a name of its own");
        }
    }

    /// The authoriser is told of issuers in its environment, and of one by each `iss`.
    fn issuers(&mut self, specs: &[IssuerSpec]) {
        let told = crate::platform::issuers(specs);
        let message = format!(
            "what the authoriser is told of them has {} characters, and there is room for \
             {LONGEST_ISSUERS}",
            told.len()
        );
        let hint = "name fewer: a function has 4 kB for its environment";
        self.that(told.len() <= LONGEST_ISSUERS, "identity.issuers", message, hint);
        let mut known = BTreeSet::new();
        for (at, spec) in specs.iter().enumerate() {
            let issuer = spec.resolve().issuer;
            let message = format!("another issuer has the `iss` {issuer}, too");
            let hint = "list it once: whose keys a token is checked by follows from its `iss`";
            let first = issuer.is_empty() || known.insert(issuer);
            self.that(first, &format!("identity.issuers[{at}].issuer"), message, hint);
        }
    }

    fn pipeline(&mut self, field: &str, pipeline: &PipelineSpec, stages: &mut BTreeSet<String>) {
        let parts = pipeline.project.split('/').count();
        let hub = matches!(pipeline.provider, PipelineProvider::GitHub { .. });
        let fits = if hub { parts == 2 } else { (2..=21).contains(&parts) };
        let example = if hub { "owner/repository" } else { "group/project" };
        let good = fits && is_path(&pipeline.project);
        let message = format!("`{}` is not the name of a project", pipeline.project);
        let hint = format!("write it as {example}, with letters, digits and - _ .");
        self.that(good, &format!("{field}.project"), message, &hint);
        match &pipeline.provider {
            PipelineProvider::GitHub { subject: Some(subject) } => {
                let good = subject.split('/').count() == 2
                    && subject.split('/').all(|part| is_segment(part, "-_.@"));
                let message = format!("`{subject}` is not the subject of a repository");
                let hint = "write what the repository's OIDC settings show between `repo:` and \
                            the next colon, such as octocat-123456/wiki-456789";
                self.that(good, &format!("{field}.subject"), message, hint);
            }
            PipelineProvider::GitHub { subject: None } => {}
            PipelineProvider::GitLab { url } => self.address(&format!("{field}.url"), url),
        }
        let some = !pipeline.stages.is_empty();
        let message = "a pipeline without stages can do nothing".to_owned();
        self.that(some, &format!("{field}.stages"), message, "add a stage that plans or deploys");
        for (at, stage) in pipeline.stages.iter().enumerate() {
            let field = format!("{field}.stages[{at}]");
            self.stage(&field, stage, hub);
            let first = stages.insert(camel(&stage.name));
            let message = format!("the stage {} is there twice", stage.name);
            self.that(first, &format!("{field}.name"), message, "give each a name of its own");
        }
    }

    fn stage(&mut self, field: &str, stage: &StageSpec, hub: bool) {
        let good = super::is_name(&stage.name) && stage.name.len() <= LONGEST_STAGE;
        let message = format!("`{}` is not usable in the name of a role", stage.name);
        let hint = format!("use up to {LONGEST_STAGE} lowercase letters, digits and hyphens");
        self.that(good, &format!("{field}.name"), message, &hint);
        let message = format!("`{}` is not the name of one branch", stage.branch);
        let hint = "name the branch itself, such as main: patterns would let in others";
        self.that(is_path(&stage.branch), &format!("{field}.branch"), message, hint);
        if let Some(environment) = &stage.environment {
            let field = format!("{field}.environment");
            let message = format!("`{environment}` is not the name of one environment");
            let hint = "name the environment itself, such as prod";
            self.that(is_path(environment), &field, message, hint);
            let message =
                "AWS has no condition key for the environment of GitLab's tokens".to_owned();
            let hint = "remove it, and protect the branch in GitLab instead";
            self.that(hub, &field, message, hint);
        }
        let StageStacks::Only(names) = &stage.stacks else { return };
        let field = format!("{field}.stacks");
        let message = "a stage without stacks can do nothing".to_owned();
        self.that(!names.is_empty(), &field, message, "name some, or write all");
        for (at, name) in names.iter().enumerate() {
            let field = format!("{field}[{at}]");
            let again = names[..at].contains(name);
            self.that(!again, &field, format!("{name} is listed twice"), "remove one");
            let own = stage.kind == StageKind::Deploy && IDENTITY_STACKS.contains(&name.as_str());
            let message = format!("a pipeline that deploys {name} could allow itself anything");
            self.that(!own, &field, message, "deploy it with the credentials of an operator");
        }
    }

    fn issuer(&mut self, field: &str, spec: &IssuerSpec) {
        let good = super::is_name(&spec.name) && spec.name.len() <= LONGEST_ISSUER;
        let message = format!("`{}` is not usable in the name of a parameter", spec.name);
        let hint = format!("use up to {LONGEST_ISSUER} lowercase letters, digits and hyphens");
        self.that(good, &format!("{field}.name"), message, &hint);
        match &spec.kind {
            IssuerKind::Entra { tenant_id, client_id } => {
                for (name, id) in [("tenant_id", tenant_id), ("client_id", client_id)] {
                    let message = format!("`{id}` is not a GUID");
                    let hint = "write the id itself: `common` and `organizations` let in the \
                                users of every directory";
                    self.that(is_guid(id), &format!("{field}.{name}"), message, hint);
                }
            }
            IssuerKind::AuthKit { client_id } => {
                let id = client_id.strip_prefix("client_").unwrap_or_default();
                let message = format!("`{client_id}` is not a client id of WorkOS");
                let hint = "copy it from the dashboard; it begins with client_";
                self.that(is_segment(id, ""), &format!("{field}.client_id"), message, hint);
            }
            IssuerKind::Oidc => {}
        }
        let issuer = spec.resolve();
        // What follows from an id is wrong only when the id is, which was said.
        let oidc = spec.kind == IssuerKind::Oidc;
        for (name, url, given) in [
            ("issuer", &issuer.issuer, spec.issuer.is_some()),
            ("jwks_url", &issuer.jwks_url, spec.jwks_url.is_some()),
        ] {
            if given || oidc {
                self.address(&format!("{field}.{name}"), url);
            }
        }
        for (name, text, given) in [
            ("audience", &issuer.audience, spec.audience.is_some() || oidc),
            ("role_claim", &issuer.role_claim, spec.role_claim.is_some()),
            (
                "tenant_claim",
                spec.tenant_claim.as_ref().unwrap_or(&issuer.role_claim),
                spec.tenant_claim.is_some(),
            ),
        ] {
            let message = format!("`{text}` cannot be a value of a token");
            let hint = format!(
                "write up to {LONGEST_TEXT} letters, digits and - _ . : / @, as the issuer does"
            );
            let good = !given || is_claim(text);
            self.that(good, &format!("{field}.{name}"), message, &hint);
        }
    }

    /// `https`, a public name, and a path if any: no more.
    fn address(&mut self, field: &str, url: &str) {
        let message = format!("`{url}` is not the https address of a public host");
        let hint = "write one such as https://login.acme.example, without a slash at the end, \
                    a port, a query or a user";
        self.that(is_address(url), field, message, hint);
    }
}

/// A path of names: no wildcard, no colon, no variable, no empty part.
fn is_path(text: &str) -> bool {
    text.len() <= LONGEST_TEXT && text.split('/').all(|part| is_segment(part, "-_.@+#="))
}

fn is_segment(part: &str, marks: &str) -> bool {
    !part.is_empty()
        && part.chars().any(|c| c.is_ascii_alphanumeric())
        && part.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
}

fn is_guid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

fn is_claim(text: &str) -> bool {
    (1..=LONGEST_TEXT).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@".contains(c))
}

fn is_address(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    url.len() <= LONGEST_TEXT
        && labels.len() >= 2
        && labels.iter().all(is_label)
        // The last label of a name has a letter; that of an address in digits has none.
        && labels.last().is_some_and(|last| last.bytes().any(|b| b.is_ascii_lowercase()))
        && path.is_none_or(|path| path.split('/').all(|part| is_segment(part, "-_.~")))
}
