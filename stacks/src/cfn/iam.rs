//! IAM policy documents.

use serde_json::{Map, Value as Json, json};

use super::intrinsic::sub;
use super::value::{Literal, Value};

/// A policy document, of an identity, a resource or a trust.
///
/// ```
/// use stacks::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
///
/// let trust = PolicyDocument::new([Statement::allow(["sts:AssumeRole"])
///     .principal(Principal::service("lambda.amazonaws.com"))]);
/// let tls = PolicyDocument::new([Statement::deny(["s3:*"])
///     .sid("TlsOnly")
///     .principal(Principal::anyone())
///     .resource("arn:aws:s3:::reports/*")
///     .when(Operator::Bool, "aws:SecureTransport", "false")]);
/// # let _ = (trust, tls);
/// ```
#[derive(Clone, Debug)]
pub struct PolicyDocument(Vec<Statement>);

impl PolicyDocument {
    /// A document of these statements.
    pub fn new(statements: impl IntoIterator<Item = Statement>) -> Self {
        Self(statements.into_iter().collect())
    }
}

impl Literal for PolicyDocument {
    fn into_json(self) -> Json {
        let statements: Vec<Json> = self.0.into_iter().map(Statement::into_json).collect();
        json!({ "Version": "2012-10-17", "Statement": statements })
    }
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Permits.
    Allow,
    /// Forbids, whatever else permits.
    Deny,
}

/// An action, such as `s3:GetObject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action(String);

impl From<&str> for Action {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// Who a statement of a resource policy or trust policy is about.
#[derive(Clone, Debug)]
pub struct Principal {
    kind: &'static str,
    id: Value<String>,
}

impl Principal {
    /// An AWS service, such as `lambda.amazonaws.com`.
    pub fn service(name: impl Into<Value<String>>) -> Self {
        Self { kind: "Service", id: name.into() }
    }

    /// A user or role by its ARN.
    pub fn aws(arn: impl Into<Value<String>>) -> Self {
        Self { kind: "AWS", id: arn.into() }
    }

    /// This account: it may grant the permission to its users and roles by their
    /// own policies.
    pub fn account() -> Self {
        Self::aws(sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"))
    }

    /// An identity provider by its ARN or domain.
    pub fn federated(provider: impl Into<Value<String>>) -> Self {
        Self { kind: "Federated", id: provider.into() }
    }

    /// Everybody. For statements that deny.
    pub fn anyone() -> Self {
        Self::aws("*")
    }
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Exact match.
    StringEquals,
    /// Exact match, or the key is absent: for actions without a resource.
    StringEqualsIfExists,
    /// No exact match.
    StringNotEquals,
    /// Match with `*` and `?`.
    StringLike,
    /// No match with `*` and `?`.
    StringNotLike,
    /// Exact match of an ARN.
    ArnEquals,
    /// Match of an ARN with `*` and `?`.
    ArnLike,
    /// No match of an ARN with `*` and `?`.
    ArnNotLike,
    /// `true` or `false`.
    Bool,
    /// `true`: the key is absent.
    Null,
    /// Smaller than a number.
    NumericLessThan,
    /// An address in a range.
    IpAddress,
    /// Every value of the request's key matches one of these, with `*` and `?`.
    ForAllValuesStringLike,
    /// Every value of the request's key equals one of these.
    ForAllValuesStringEquals,
    /// Some value of the request's key equals one of these.
    ForAnyValueStringEquals,
}

impl Operator {
    /// Its name in the policy language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StringEquals => "StringEquals",
            Self::StringEqualsIfExists => "StringEqualsIfExists",
            Self::StringNotEquals => "StringNotEquals",
            Self::StringLike => "StringLike",
            Self::StringNotLike => "StringNotLike",
            Self::ArnEquals => "ArnEquals",
            Self::ArnLike => "ArnLike",
            Self::ArnNotLike => "ArnNotLike",
            Self::Bool => "Bool",
            Self::Null => "Null",
            Self::NumericLessThan => "NumericLessThan",
            Self::IpAddress => "IpAddress",
            Self::ForAllValuesStringLike => "ForAllValues:StringLike",
            Self::ForAllValuesStringEquals => "ForAllValues:StringEquals",
            Self::ForAnyValueStringEquals => "ForAnyValue:StringEquals",
        }
    }
}

/// One statement of a policy.
#[derive(Clone, Debug)]
pub struct Statement {
    effect: Effect,
    sid: Option<String>,
    actions: Vec<Action>,
    principals: Vec<Principal>,
    resources: Vec<Value<String>>,
    conditions: Vec<(Operator, String, Vec<Value<String>>)>,
}

impl Statement {
    /// Permits some actions.
    pub fn allow<A: Into<Action>>(actions: impl IntoIterator<Item = A>) -> Self {
        Self::new(Effect::Allow, actions)
    }

    /// Forbids some actions.
    pub fn deny<A: Into<Action>>(actions: impl IntoIterator<Item = A>) -> Self {
        Self::new(Effect::Deny, actions)
    }

    /// Permits or forbids some actions.
    pub fn new<A: Into<Action>>(effect: Effect, actions: impl IntoIterator<Item = A>) -> Self {
        Self {
            effect,
            sid: None,
            actions: actions.into_iter().map(Into::into).collect(),
            principals: Vec::new(),
            resources: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// Names the statement: letters and digits.
    pub fn sid(mut self, sid: &str) -> Self {
        self.sid = Some(sid.to_owned());
        self
    }

    /// Adds a principal.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principals.push(principal);
        self
    }

    /// Adds the ARN of a resource.
    pub fn resource(mut self, arn: impl Into<Value<String>>) -> Self {
        self.resources.push(arn.into());
        self
    }

    /// Applies only when the key compares to the value. All conditions must hold;
    /// for one operator and key, any of its values.
    pub fn when(mut self, operator: Operator, key: &str, value: impl Into<Value<String>>) -> Self {
        let value = value.into();
        match self.conditions.iter_mut().find(|(op, k, _)| *op == operator && k == key) {
            Some((_, _, values)) => values.push(value),
            None => self.conditions.push((operator, key.to_owned(), vec![value])),
        }
        self
    }

    fn into_json(self) -> Json {
        let mut out = Map::new();
        if let Some(sid) = self.sid {
            out.insert("Sid".into(), sid.into());
        }
        let effect = if self.effect == Effect::Allow { "Allow" } else { "Deny" };
        out.insert("Effect".into(), effect.into());
        if !self.principals.is_empty() {
            let mut kinds: Map<String, Json> = Map::new();
            for Principal { kind, id } in self.principals {
                append(&mut kinds, kind, id.into_json());
            }
            out.insert("Principal".into(), kinds.into());
        }
        let actions = self.actions.into_iter().map(|Action(name)| name.into());
        out.insert("Action".into(), one_or_many(actions.collect()));
        if !self.resources.is_empty() {
            let resources = self.resources.into_iter().map(Value::into_json);
            out.insert("Resource".into(), one_or_many(resources.collect()));
        }
        if !self.conditions.is_empty() {
            let mut operators: Map<String, Json> = Map::new();
            for (operator, key, values) in self.conditions {
                let values = one_or_many(values.into_iter().map(Value::into_json).collect());
                let keys = operators.entry(operator.as_str()).or_insert_with(|| json!({}));
                keys[key] = values;
            }
            out.insert("Condition".into(), operators.into());
        }
        out.into()
    }
}

/// Puts a value under a key: alone, or in a list with what is there.
fn append(map: &mut Map<String, Json>, key: &str, value: Json) {
    let merged = match map.remove(key) {
        None => value,
        Some(Json::Array(mut all)) => {
            all.push(value);
            all.into()
        }
        Some(first) => json!([first, value]),
    };
    map.insert(key.to_owned(), merged);
}

fn one_or_many(mut values: Vec<Json>) -> Json {
    if values.len() == 1 { values.remove(0) } else { values.into() }
}
