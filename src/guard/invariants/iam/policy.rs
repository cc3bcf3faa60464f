//! Policies as they stand in templates.

use serde_json::Value;

use super::condition::Condition;
use super::pattern::{Pattern, Wild};
use super::{HOLE, Request, Truth};

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Policy(Vec<Statement>);

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Statement {
    pub(super) allows: bool,
    pub(super) sid: String,
    /// As they stand.
    actions: Listed,
    /// In lowercase: IAM does not tell upper from lower in actions.
    folded: Listed,
    resources: Listed,
    principals: Principals,
    conditions: Vec<Condition>,
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Listed {
    /// These.
    These(Vec<String>),
    /// All but these.
    AllBut(Vec<String>),
    /// It does not say: policies of resources and of roles are about themselves.
    Itself,
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Principals {
    /// It does not say: whoever has the policy.
    Holder,
    /// These ARNs, accounts, services or providers.
    These(Vec<String>),
    /// All but these.
    AllBut(Vec<String>),
}

/// Who a policy of a resource lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Trust {
    /// It lets the principal in by name.
    ByName,
    /// It leaves it to the policies of the account's principals.
    ByAccount,
    /// It does not.
    No,
}

impl Policy {
    /// Reads a document; `texts` gives the text or texts of a value, with holes.
    pub(in super::super) fn read(document: &Value, texts: &dyn Fn(&Value) -> Vec<String>) -> Self {
        let statements = match &document["Statement"] {
            Value::Array(statements) => statements.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        Self(statements.into_iter().map(|it| Statement::read(it, texts)).collect())
    }

    pub(in super::super) fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.0.iter()
    }

    /// Whether the policy of a resource lets the principal of this ARN do something.
    pub(in super::super) fn trusts(&self, principal: &str, request: &Request) -> Trust {
        let about = |statement: &Statement, name: &str| {
            statement.applies(request).and(statement.names(name))
        };
        let account = principal.split(':').nth(4).unwrap_or_default();
        let root = format!("arn:aws:iam::{account}:root");
        let whole = [account, root.as_str()];
        let denied =
            self.0.iter().filter(|it| !it.allows).any(|it| {
                [principal].iter().chain(&whole).any(|name| about(it, name) == Truth::Yes)
            });
        let allows = |name: &str| {
            self.0.iter().filter(|it| it.allows).any(|it| about(it, name) != Truth::No)
        };
        match () {
            () if denied => Trust::No,
            () if allows(principal) => Trust::ByName,
            () if whole.iter().any(|name| allows(name)) => Trust::ByAccount,
            () => Trust::No,
        }
    }
}

impl Statement {
    fn read(json: &Value, texts: &dyn Fn(&Value) -> Vec<String>) -> Self {
        let listed = |these: &str, all_but: &str| {
            if !json[these].is_null() {
                Listed::These(texts(&json[these]))
            } else if !json[all_but].is_null() {
                Listed::AllBut(texts(&json[all_but]))
            } else {
                Listed::Itself
            }
        };
        let names = |value: &Value| match value {
            Value::Object(kinds) if kinds.keys().any(|key| is_kind(key)) => {
                kinds.values().flat_map(texts).collect()
            }
            other => texts(other),
        };
        let principals = if !json["Principal"].is_null() {
            Principals::These(names(&json["Principal"]))
        } else if !json["NotPrincipal"].is_null() {
            Principals::AllBut(names(&json["NotPrincipal"]))
        } else {
            Principals::Holder
        };
        let mut conditions = Vec::new();
        for (operator, keys) in json["Condition"].as_object().into_iter().flatten() {
            for (key, values) in keys.as_object().into_iter().flatten() {
                conditions.push(Condition::new(operator, key, texts(values)));
            }
        }
        Self {
            allows: json["Effect"] == "Allow",
            sid: json["Sid"].as_str().unwrap_or_default().to_owned(),
            folded: listed("Action", "NotAction").folded(),
            actions: listed("Action", "NotAction"),
            resources: listed("Resource", "NotResource"),
            principals,
            conditions,
        }
    }

    pub(in super::super) fn sid(&self) -> &str {
        &self.sid
    }

    pub(in super::super) fn allows(&self) -> bool {
        self.allows
    }

    /// The actions and resources that it names, as they stand.
    pub(in super::super) fn named(&self) -> (&[String], &[String]) {
        (self.actions.these(), self.resources.these())
    }

    pub(in super::super) fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Whether it is about the request. Principals are looked at apart.
    pub(super) fn applies(&self, request: &Request) -> Truth {
        // The action first: most statements are about others.
        let action = self.folded.holds(|text| {
            plainly(text, &request.folded).unwrap_or_else(|| {
                Pattern::new(text, Wild::Card, request)
                    .map_or(Truth::No, |it| it.matches(&request.folded))
            })
        });
        if action == Truth::No {
            return action;
        }
        let is_resource = |text: &String| {
            plainly(text, &request.resource).unwrap_or_else(|| {
                Pattern::new(text, Wild::Card, request)
                    .map_or(Truth::No, |it| self.is_resource(&it, &request.resource))
            })
        };
        let conditions = self.conditions.iter().map(|condition| condition.holds(request));
        action.and(self.resources.holds(is_resource)).and(Truth::all(conditions))
    }

    /// Wildcards do not reach over the colons of an ARN. Where that would allow less, we
    /// do not rely on it.
    fn is_resource(&self, pattern: &Pattern, resource: &str) -> Truth {
        let whole = pattern.matches(resource);
        if self.allows { whole } else { whole.and(pattern.matches_arn(resource)) }
    }

    fn names(&self, principal: &str) -> Truth {
        let is = |text: &String| match text.as_str() {
            "*" => Truth::Yes,
            text if text.contains(HOLE) => Truth::Maybe,
            text => Truth::of(text == principal),
        };
        match &self.principals {
            Principals::Holder => Truth::No,
            Principals::These(texts) => Truth::any(texts.iter().map(is)),
            Principals::AllBut(texts) => Truth::any(texts.iter().map(is)).not(),
        }
    }
}

impl Listed {
    /// In lowercase.
    fn folded(self) -> Self {
        let fold = |texts: Vec<String>| texts.iter().map(|text| text.to_lowercase()).collect();
        match self {
            Self::These(texts) => Self::These(fold(texts)),
            Self::AllBut(texts) => Self::AllBut(fold(texts)),
            Self::Itself => Self::Itself,
        }
    }

    fn these(&self) -> &[String] {
        match self {
            Self::These(texts) => texts,
            Self::AllBut(_) | Self::Itself => &[],
        }
    }

    fn holds(&self, matches: impl Fn(&String) -> Truth) -> Truth {
        match self {
            Self::These(texts) => Truth::any(texts.iter().map(matches)),
            Self::AllBut(texts) => Truth::any(texts.iter().map(matches)).not(),
            Self::Itself => Truth::Yes,
        }
    }
}

/// Compares a text without wildcards, variables and holes, which most are.
fn plainly(text: &str, asked: &str) -> Option<Truth> {
    let special = text.contains(['*', '?', '$', HOLE]);
    (!special).then(|| Truth::of(text == asked))
}

fn is_kind(key: &str) -> bool {
    ["AWS", "Service", "Federated", "CanonicalUser"].contains(&key)
}
