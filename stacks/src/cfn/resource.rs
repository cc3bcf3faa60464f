//! What the generated types are made of, and the handles of added resources.

use std::marker::PhantomData;

use serde_json::{Map, Value as Json, json};

use super::value::Value;

/// A resource type of CloudFormation. All implementations are generated.
pub trait Resource {
    /// Its name, such as `AWS::EC2::VPC`.
    const TYPE: &'static str;

    /// Its properties as they stand in the template.
    fn into_properties(self) -> Object;
}

/// The properties of a resource or nested object, in the order they were set.
#[derive(Clone, Debug, Default)]
pub struct Object(Map<String, Json>);

impl Object {
    /// Sets a property.
    pub(crate) fn with<V: IntoProperty>(mut self, key: &str, value: V) -> Self {
        self.0.insert(key.to_owned(), value.into_property());
        self
    }

    /// The object as it stands in the template.
    pub fn into_json(self) -> Json {
        Json::Object(self.0)
    }
}

/// Keeps the generated calls short: `with::<Value<i64>>(key, value.into())`.
pub(crate) trait IntoProperty {
    fn into_property(self) -> Json;
}

impl<T> IntoProperty for Value<T> {
    fn into_property(self) -> Json {
        self.into_json()
    }
}

/// A resource that was added to a stack. The generated getters read its attributes.
///
/// ```
/// use stacks::cfn::{Naming, Stack, aws::ec2};
///
/// let mut stack = Stack::new("network", &Naming::new("acme", "dev", "eu-west-2"));
/// let group = stack.add("LambdaGroup", ec2::SecurityGroup::new("Lambda functions"));
/// assert_eq!(group.group_id().to_string(), r#"{"Fn::GetAtt":["LambdaGroup","GroupId"]}"#);
/// ```
#[derive(Debug)]
pub struct Handle<R> {
    logical_id: String,
    resource: PhantomData<fn() -> R>,
}

impl<R> Handle<R> {
    pub(super) fn new(logical_id: String) -> Self {
        Self { logical_id, resource: PhantomData }
    }

    /// Its name in the template.
    pub fn logical_id(&self) -> &str {
        &self.logical_id
    }

    /// Its `Ref`: for nearly every type the id or name that identifies it.
    pub fn id(&self) -> Value<String> {
        Value::raw(json!({ "Ref": self.logical_id }))
    }

    /// An attribute; the generated getters vouch for its name and type.
    pub(crate) fn attribute<T>(&self, path: &str) -> Value<T> {
        Value::raw(json!({ "Fn::GetAtt": [self.logical_id, path] }))
    }
}

impl<R> Clone for Handle<R> {
    fn clone(&self) -> Self {
        Self::new(self.logical_id.clone())
    }
}
