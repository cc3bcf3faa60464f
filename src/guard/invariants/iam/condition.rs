//! Conditions
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>).

use std::net::IpAddr;

use ipnet::IpNet;

use super::pattern::{Pattern, Wild};
use super::{HOLE, Request, Truth};

/// How the values of one key are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Condition {
    /// Lowercase.
    key: String,
    operator: Operator,
    /// Whether it holds when the request has no such key.
    if_exists: bool,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operator {
    test: Test,
    /// None of the values may match.
    negated: bool,
    many: Many,
}

/// Which of the request's values are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Many {
    /// The one that there is.
    Single,
    /// Every one: it holds of none.
    All,
    /// One at least.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Text {
        wild: Wild,
        fold: bool,
    },
    Arn,
    Number(Compare),
    Bool,
    Null,
    Address,
    /// An operator that is not known here.
    Unknown,
}

/// How a number of the request compares to that of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    fn holds(self, given: f64, wanted: f64) -> bool {
        match self {
            Self::Equal => (given - wanted).abs() < f64::EPSILON,
            Self::Less => given < wanted,
            Self::LessOrEqual => given <= wanted,
            Self::Greater => given > wanted,
            Self::GreaterOrEqual => given >= wanted,
        }
    }
}

impl Condition {
    /// `operator` as it stands in a policy, such as `ForAllValues:StringLikeIfExists`.
    pub(super) fn new(operator: &str, key: &str, values: Vec<String>) -> Self {
        let (many, name) = match operator.split_once(':') {
            Some(("ForAllValues", name)) => (Many::All, name),
            Some(("ForAnyValue", name)) => (Many::Any, name),
            _ => (Many::Single, operator),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (test, negated) = test(name);
        let operator = Operator { test, negated, many };
        Self { key: key.to_ascii_lowercase(), operator, if_exists, values }
    }

    /// A key and a value with which it holds, when there is one to tell.
    pub(in super::super) fn example(&self) -> Option<(&str, &str)> {
        let positive = !self.operator.negated && !matches!(self.operator.test, Test::Null);
        let value = self.values.first().filter(|_| positive)?;
        Some((&self.key, value))
    }

    pub(super) fn holds(&self, request: &Request) -> Truth {
        let Operator { test, negated, many } = self.operator;
        let present = request.context.get(&self.key).filter(|values| !values.is_empty());
        if test == Test::Null {
            let absent = Truth::of(present.is_none());
            let wanted = self.values.iter().map(|value| match value.as_str() {
                "true" => absent,
                "false" => absent.not(),
                _ => Truth::Maybe,
            });
            return Truth::any(wanted);
        }
        if test == Test::Unknown {
            return Truth::Maybe;
        }
        let Some(given) = present else {
            return match many {
                _ if self.if_exists => Truth::Yes,
                // Nothing is no exception: true of an empty set.
                Many::All => Truth::Yes,
                Many::Any => Truth::No,
                Many::Single => Truth::of(negated),
            };
        };
        let each = given.iter().map(|value| {
            let matched = Truth::any(self.values.iter().map(|it| self.matches(it, value, request)));
            if negated { matched.not() } else { matched }
        });
        match many {
            Many::All => Truth::all(each),
            // AWS leaves undefined what becomes of several values.
            Many::Single if given.len() > 1 => match Truth::any(each.clone()) {
                any if any == Truth::all(each) => any,
                _ => Truth::Maybe,
            },
            Many::Any | Many::Single => Truth::any(each),
        }
    }

    fn matches(&self, wanted: &str, given: &str, request: &Request) -> Truth {
        let pattern = |wild| Pattern::new(wanted, wild, request);
        match self.operator.test {
            Test::Text { wild, fold: false } => {
                pattern(wild).map_or(Truth::No, |it| it.matches(given))
            }
            Test::Text { wild, fold: true } => Pattern::new(&wanted.to_lowercase(), wild, request)
                .map_or(Truth::No, |it| it.matches(&given.to_lowercase())),
            Test::Arn => pattern(Wild::Card).map_or(Truth::No, |it| it.matches_arn(given)),
            _ if wanted.contains(HOLE) => Truth::Maybe,
            Test::Number(compare) => match (given.parse(), wanted.parse()) {
                (Ok(given), Ok(wanted)) => Truth::of(compare.holds(given, wanted)),
                _ => Truth::No,
            },
            Test::Bool => Truth::of(wanted.eq_ignore_ascii_case(given)),
            Test::Address => Truth::of(within(given, wanted)),
            Test::Null | Test::Unknown => Truth::Maybe,
        }
    }
}

/// The test of an operator without prefix and suffix, and whether it is negated.
fn test(name: &str) -> (Test, bool) {
    let text = |wild, fold| Test::Text { wild, fold };
    match name {
        "StringEquals" | "BinaryEquals" => (text(Wild::No, false), false),
        "StringNotEquals" => (text(Wild::No, false), true),
        "StringEqualsIgnoreCase" => (text(Wild::No, true), false),
        "StringNotEqualsIgnoreCase" => (text(Wild::No, true), true),
        "StringLike" => (text(Wild::Card, false), false),
        "StringNotLike" => (text(Wild::Card, false), true),
        "ArnEquals" | "ArnLike" => (Test::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
        "NumericEquals" => (Test::Number(Compare::Equal), false),
        "NumericNotEquals" => (Test::Number(Compare::Equal), true),
        "NumericLessThan" => (Test::Number(Compare::Less), false),
        "NumericLessThanEquals" => (Test::Number(Compare::LessOrEqual), false),
        "NumericGreaterThan" => (Test::Number(Compare::Greater), false),
        "NumericGreaterThanEquals" => (Test::Number(Compare::GreaterOrEqual), false),
        "Bool" => (Test::Bool, false),
        "Null" => (Test::Null, false),
        "IpAddress" => (Test::Address, false),
        "NotIpAddress" => (Test::Address, true),
        // Dates among them: when a request is made is not known here.
        _ => (Test::Unknown, false),
    }
}

fn within(address: &str, range: &str) -> bool {
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let range = range.parse::<IpNet>().or_else(|_| range.parse::<IpAddr>().map(IpNet::from));
    range.is_ok_and(|range| range.contains(&address))
}
