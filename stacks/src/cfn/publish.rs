//! How stacks meet: one publishes a value as an SSM parameter, another imports it
//! as a template parameter.

use std::marker::PhantomData;

use super::aws::ssm::{self, parameter::Type};
use super::intrinsic::join;
use super::logic::Parameter;
use super::stack::Stack;
use super::template::DeployValue;
use super::value::Value;

/// A value that a stack publishes for others.
#[derive(Debug)]
pub struct Published<T> {
    stack: String,
    stack_name: String,
    region: String,
    name: String,
    path: String,
    value: PhantomData<fn() -> T>,
}

impl<T> Published<T> {
    /// The path of its SSM parameter.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl<T> Clone for Published<T> {
    fn clone(&self) -> Self {
        Self {
            stack: self.stack.clone(),
            stack_name: self.stack_name.clone(),
            region: self.region.clone(),
            name: self.name.clone(),
            path: self.path.clone(),
            value: PhantomData,
        }
    }
}

/// What can be published: a string or a list of strings.
pub trait Importable: Sized {
    /// The template parameter that imports it from a stack in the same region.
    fn parameter() -> Parameter<Self>;
    /// The template parameter that takes it from a stack in another region.
    fn plain() -> Parameter<Self>;
}

impl Importable for String {
    fn parameter() -> Parameter<Self> {
        Parameter::ssm()
    }

    fn plain() -> Parameter<Self> {
        Parameter::string()
    }
}

impl Importable for Vec<String> {
    fn parameter() -> Parameter<Self> {
        Parameter::ssm_list()
    }

    fn plain() -> Parameter<Self> {
        Parameter::list()
    }
}

impl Stack {
    /// Publishes a value under a name of lowercase words: as an SSM parameter for
    /// other stacks and as an output for people.
    ///
    /// ```
    /// use stacks::cfn::{Naming, Stack, aws::ec2};
    ///
    /// let naming = Naming::new("acme", "dev", "eu-west-2");
    /// let mut network = Stack::new("network", &naming);
    /// let vpc = network.add("Vpc", ec2::Vpc::new().cidr_block("10.40.0.0/16"));
    /// let vpc_id = network.publish("vpc-id", vpc.id());
    /// assert_eq!(vpc_id.path(), "/acme/dev/network/vpc-id");
    ///
    /// let mut efs = Stack::new("efs", &naming);
    /// let vpc = efs.import(&vpc_id);
    /// assert_eq!(efs.finish().depends_on, ["network"]);
    /// # let _ = vpc;
    /// ```
    #[track_caller]
    pub fn publish(&mut self, name: &str, value: impl Into<Value<String>>) -> Published<String> {
        self.publish_as(name, Type::String, value.into())
    }

    /// Publishes a list of strings.
    #[track_caller]
    pub fn publish_list(
        &mut self,
        name: &str,
        values: impl Into<Value<Vec<String>>>,
    ) -> Published<Vec<String>> {
        self.publish_as(name, Type::StringList, join(",", values))
    }

    #[track_caller]
    fn publish_as<T>(&mut self, name: &str, kind: Type, value: Value<String>) -> Published<T> {
        let path = self.naming().ssm_path(self.name(), name);
        let parameter = ssm::Parameter::new(kind, &value).name(&path);
        self.add(format!("{}Parameter", camel(name)), parameter);
        self.output(&camel(name), value);
        Published {
            stack: self.name().to_owned(),
            stack_name: self.naming().name(self.name()),
            region: self.naming().region().to_owned(),
            name: name.to_owned(),
            path,
            value: PhantomData,
        }
    }

    /// A value that another stack publishes: a parameter here, a dependency in the
    /// order of deployment. Imported twice, it is one parameter.
    ///
    /// From a stack in the same region CloudFormation reads the SSM parameter. It
    /// reads none of another region: whoever deploys passes that stack's output.
    /// What is imported again is the same parameter.
    #[track_caller]
    pub fn import<T: Importable>(&mut self, published: &Published<T>) -> Value<T> {
        let Published { stack, stack_name, region, name, path, .. } = published;
        self.depends_on(stack);
        let id = format!("{}{}", camel(stack), camel(name));
        if let Some(known) = self.imported(&id) {
            return known;
        }
        if region == self.naming().region() {
            let description = format!("{name} of the {stack} stack");
            return self.described(&id, &description).unwrap_or_else(|| {
                let parameter = T::parameter().description(&description).default(path.clone());
                self.parameter(&id, parameter)
            });
        }
        let output = DeployValue::Output {
            stack: stack.clone(),
            stack_name: stack_name.clone(),
            region: region.clone(),
            output: camel(name),
        };
        let description = output.to_string();
        self.described(&id, &description)
            .unwrap_or_else(|| self.filled_in(&id, T::plain().description(&description), output))
    }
}

/// `private-subnets` to `PrivateSubnets`.
pub(crate) fn camel(name: &str) -> String {
    name.split('-')
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_uppercase() + rest
        })
        .collect()
}
