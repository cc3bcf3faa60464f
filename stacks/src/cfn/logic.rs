//! Conditions, parameters and mappings of a template.

use std::marker::PhantomData;

use serde_json::{Map, Value as Json, json};

use super::intrinsic::function;
use super::value::{Literal, Value};

/// A test that CloudFormation makes when it deploys.
///
/// ```
/// use stacks::cfn::{Test, pseudo};
///
/// let london = Test::equals(pseudo::region(), "eu-west-2");
/// let elsewhere = london.not();
/// # let _ = elsewhere;
/// ```
#[derive(Clone, Debug)]
pub struct Test(Json);

impl Test {
    /// `Fn::Equals`.
    pub fn equals(left: impl Into<Value<String>>, right: impl Into<Value<String>>) -> Self {
        Self(json!({ "Fn::Equals": [left.into().into_json(), right.into().into_json()] }))
    }

    /// `Fn::And` of 2 to 10 tests.
    pub fn all(tests: impl IntoIterator<Item = Test>) -> Self {
        Self(json!({ "Fn::And": tests.into_iter().map(|test| test.0).collect::<Vec<_>>() }))
    }

    /// `Fn::Or` of 2 to 10 tests.
    pub fn any(tests: impl IntoIterator<Item = Test>) -> Self {
        Self(json!({ "Fn::Or": tests.into_iter().map(|test| test.0).collect::<Vec<_>>() }))
    }

    /// `Fn::Not`.
    #[expect(clippy::should_implement_trait, reason = "reads as the function that it is")]
    pub fn not(self) -> Self {
        Self(json!({ "Fn::Not": [self.0] }))
    }

    pub(super) fn into_json(self) -> Json {
        self.0
    }
}

/// A named condition of a stack.
#[derive(Clone, Debug)]
pub struct Condition(pub(super) String);

impl Condition {
    /// `Fn::If`: one value or another.
    pub fn pick<T>(&self, yes: impl Into<Value<T>>, otherwise: impl Into<Value<T>>) -> Value<T> {
        function("If", json!([self.0, yes.into().into_json(), otherwise.into().into_json()]))
    }

    /// The condition as part of another test.
    pub fn test(&self) -> Test {
        Test(json!({ "Condition": self.0 }))
    }
}

/// A template parameter whose value is a `T`.
///
/// ```
/// use stacks::cfn::{Naming, Parameter, Stack};
///
/// let mut stack = Stack::new("efs", &Naming::new("acme", "dev", "eu-west-2"));
/// let key = stack.parameter("CodeKey", Parameter::string().description("Key of the zip"));
/// assert_eq!(key.to_string(), r#"{"Ref":"CodeKey"}"#);
/// ```
#[derive(Clone, Debug)]
pub struct Parameter<T> {
    json: Map<String, Json>,
    yields: PhantomData<fn() -> T>,
}

impl<T> Parameter<T> {
    pub(super) fn of(kind: &str) -> Self {
        let json = [("Type".to_owned(), Json::from(kind))].into_iter().collect();
        Self { json, yields: PhantomData }
    }

    /// What it is for.
    pub fn description(mut self, text: &str) -> Self {
        self.json.insert("Description".into(), text.into());
        self
    }

    /// Its value when none is given; for an SSM parameter, its path.
    pub fn default(mut self, literal: impl Literal) -> Self {
        self.json.insert("Default".into(), literal.into_json());
        self
    }

    /// Shows it as asterisks everywhere.
    pub fn no_echo(mut self) -> Self {
        self.json.insert("NoEcho".into(), true.into());
        self
    }

    /// What whoever gives a value that is not allowed is told.
    pub fn constraint_description(self, text: &str) -> Self {
        self.with("ConstraintDescription", text)
    }

    fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.json.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn into_json(self) -> Json {
        self.json.into()
    }
}

impl Parameter<String> {
    /// A string.
    pub fn string() -> Self {
        Self::of("String")
    }

    /// A regular expression, of Java's kind, that matches all of the value.
    ///
    /// ```
    /// use stacks::cfn::{Naming, Parameter, Stack};
    ///
    /// let mut stack = Stack::new("tenant", &Naming::new("acme", "dev", "eu-west-2"));
    /// let id = Parameter::string()
    ///     .allowed_pattern("^[a-z-]+$")
    ///     .lengths(3, 22)
    ///     .constraint_description("3 to 22 lowercase letters and hyphens");
    /// stack.parameter("TenantId", id);
    /// let template = stack.finish().template;
    /// assert_eq!(template.parameters().next().unwrap().1["MaxLength"], 22);
    /// ```
    pub fn allowed_pattern(self, expression: &str) -> Self {
        self.with("AllowedPattern", expression)
    }

    /// The fewest and the most characters.
    pub fn lengths(self, least: usize, most: usize) -> Self {
        self.with("MinLength", least).with("MaxLength", most)
    }

    /// The value of an SSM parameter, read when the stack is deployed.
    pub fn ssm() -> Self {
        Self::of("AWS::SSM::Parameter::Value<String>")
    }
}

impl Parameter<Vec<String>> {
    /// A comma-separated list of strings.
    pub fn list() -> Self {
        Self::of("CommaDelimitedList")
    }

    /// The values of an SSM parameter of type `StringList`.
    pub fn ssm_list() -> Self {
        Self::of("AWS::SSM::Parameter::Value<List<String>>")
    }
}

impl Parameter<i64> {
    /// A number.
    pub fn number() -> Self {
        Self::of("Number")
    }

    /// The smallest and the largest value.
    pub fn values(self, least: i64, most: i64) -> Self {
        self.with("MinValue", least).with("MaxValue", most)
    }
}

/// A two-level table of strings in a stack.
#[derive(Clone, Debug)]
pub struct Mapping(pub(super) String);

impl Mapping {
    /// `Fn::FindInMap`.
    pub fn find(
        &self,
        row: impl Into<Value<String>>,
        column: impl Into<Value<String>>,
    ) -> Value<String> {
        function("FindInMap", json!([self.0, row.into().into_json(), column.into().into_json()]))
    }
}
