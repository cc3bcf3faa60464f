//! What IAM would decide. Requests are evaluated against policies as AWS documents it
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>),
//! so that what a role can reach is a computed fact and not an impression of its text.
//!
//! What is known only once a stack is deployed is a [`HOLE`] in a text: it could be
//! anything. A statement that *may* allow counts as allowing, and one that only *may*
//! deny does not count as denying.

mod condition;
mod pattern;
mod policy;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(super) use policy::{Policy, Trust};

/// Stands in a text for what nobody knows before the deployment.
pub(super) const HOLE: char = '\u{E000}';

/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    /// It does.
    Yes,
    /// It depends on what is not known.
    Maybe,
    /// It does not.
    No,
}

impl Truth {
    pub(super) fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    fn rank(self) -> u8 {
        match self {
            Self::No => 0,
            Self::Maybe => 1,
            Self::Yes => 2,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        if self.rank() <= other.rank() { self } else { other }
    }

    pub(super) fn or(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::Maybe => Self::Maybe,
            Self::No => Self::Yes,
        }
    }

    /// All of them; `Yes` of none. Stops at the first that does not hold.
    pub(super) fn all(each: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Yes;
        for one in each {
            all = all.and(one);
            if all == Self::No {
                break;
            }
        }
        all
    }

    /// Any of them; `No` of none. Stops at the first that does.
    pub(super) fn any(each: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Self::No;
        for one in each {
            any = any.or(one);
            if any == Self::Yes {
                break;
            }
        }
        any
    }
}

/// What somebody asks of AWS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    /// Such as `s3:GetObject`.
    pub(super) action: String,
    /// The action in lowercase.
    folded: String,
    /// The ARN of what it is about; `*` when the action has no resource.
    pub(super) resource: String,
    /// Condition keys, in lowercase, and their values. A key that is not there is not in
    /// the request.
    pub(super) context: BTreeMap<String, Vec<String>>,
}

impl Request {
    pub(super) fn new(action: &str, resource: &str) -> Self {
        let folded = action.to_lowercase();
        let [action, resource] = [action, resource].map(str::to_owned);
        Self { action, folded, resource, context: BTreeMap::new() }
    }

    /// With values of a condition key.
    pub(super) fn with(mut self, key: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        self.context.insert(key.to_ascii_lowercase(), values);
        self
    }
}

/// What comes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is allowed, by the statement of this `Sid`.
    Allowed(String),
    /// No statement allows it.
    NotAllowed,
    /// A statement forbids it, by its `Sid`.
    Denied(String),
}

impl Decision {
    pub(super) fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

/// Decides by all policies of an identity together: a denial wins, whatever allows.
pub(super) fn decide(policies: &[Policy], request: &Request) -> Decision {
    let mut permission = None;
    for statement in policies.iter().flat_map(Policy::statements) {
        match statement.applies(request) {
            Truth::Yes if !statement.allows => return Decision::Denied(statement.sid.clone()),
            Truth::Yes | Truth::Maybe if statement.allows => {
                permission = permission.or(Some(statement));
            }
            _ => {}
        }
    }
    match permission {
        Some(statement) => Decision::Allowed(statement.sid.clone()),
        None => Decision::NotAllowed,
    }
}
