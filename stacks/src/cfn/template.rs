//! Finished templates.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::stack::Naming;
use super::yaml;

/// A template and what is needed to deploy it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StackTemplate {
    /// The short name, such as `network`.
    pub name: String,
    /// The name in CloudFormation, such as `acme-dev-network`.
    pub stack_name: String,
    /// The template's name: that of the stack, unless several stacks share it, as the
    /// tenants of a tier share `tenant-premium`.
    pub template_name: String,
    /// The region it is deployed to.
    pub region: String,
    /// Short names of the stacks that have to be deployed before it.
    pub depends_on: Vec<String>,
    /// Parameters that whoever deploys fills in.
    pub deploy_parameters: Vec<DeployParameter>,
    /// The template itself.
    pub template: Template,
}

impl StackTemplate {
    /// A stack of the same template, with values of its own. It costs its names and
    /// its values: the template is shared.
    pub fn instance<'v>(
        &self,
        name: &str,
        naming: &Naming,
        values: impl IntoIterator<Item = (&'v str, String)>,
    ) -> Self {
        let own = values.into_iter().map(|(name, value)| DeployParameter {
            name: name.to_owned(),
            value: DeployValue::Literal { value },
        });
        Self {
            name: name.to_owned(),
            stack_name: naming.name(name),
            template_name: self.template_name.clone(),
            region: self.region.clone(),
            depends_on: self.depends_on.clone(),
            deploy_parameters: self.deploy_parameters.iter().cloned().chain(own).collect(),
            template: self.template.clone(),
        }
    }

    /// The values that are the stack's own, by parameter.
    pub fn literals(&self) -> impl Iterator<Item = (&str, &str)> {
        self.deploy_parameters.iter().filter_map(|parameter| match &parameter.value {
            DeployValue::Literal { value } => Some((parameter.name.as_str(), value.as_str())),
            _ => None,
        })
    }
}

/// A template parameter that is filled in when the stack is deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployParameter {
    /// Its name in the template.
    pub name: String,
    /// What it is to be.
    pub value: DeployValue,
}

/// A value that is known only when a stack is deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeployValue {
    /// The name of the artefact bucket in the region of the stack. The stacks `artefacts`
    /// (home region) and `runtime-artefacts` make them; their names differ by region.
    ArtefactBucket,
    /// The key, in the artefact bucket of the stack's region, of the zip of a function.
    /// The zip has to be there before the stack is deployed.
    CodeKey {
        /// The function's short name, such as `git-store`.
        function: String,
    },
    /// An output of a stack in another region, where its SSM parameter cannot be read.
    Output {
        /// The stack's short name, such as `network`.
        stack: String,
        /// The stack's name in CloudFormation.
        stack_name: String,
        /// The stack's region.
        region: String,
        /// The output's name, such as `VpcId`.
        output: String,
    },
    /// A value that is the stack's own: what tells a tenant's stack from the next one.
    Literal {
        /// The value.
        value: String,
    },
}

impl fmt::Display for DeployValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArtefactBucket => f.write_str("Name of the artefact bucket"),
            Self::CodeKey { function } => {
                write!(f, "Key of the zip of {function} in the artefact bucket")
            }
            Self::Output { stack, region, output, .. } => {
                write!(f, "{output} of the {stack} stack in {region}")
            }
            Self::Literal { .. } => f.write_str("The stack's own"),
        }
    }
}

/// A CloudFormation template. Its sections and everything in them keep their order.
/// Cheap to clone: the stacks of a tier's tenants share one.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    body: Arc<Json>,
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(Self::new)
    }
}

/// A resource of a template.
#[derive(Clone, Copy, Debug)]
pub struct ResourceView<'a> {
    /// Its logical id.
    pub id: &'a str,
    /// Such as `AWS::EC2::VPC`.
    pub type_name: &'a str,
    /// Everything else: `Properties`, `DependsOn`, `DeletionPolicy` and so on.
    pub body: &'a Json,
}

impl<'a> ResourceView<'a> {
    /// Its properties; null when it has none.
    pub fn properties(&self) -> &'a Json {
        &self.body["Properties"]
    }
}

impl Template {
    pub(super) fn new(body: Json) -> Self {
        Self { body: Arc::new(body) }
    }

    /// Whether the two are one template in memory, as those of a tier's tenants are.
    pub fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.body, &other.body)
    }

    /// The template as a JSON value.
    ///
    /// ```
    /// use stacks::cfn::{Naming, Stack, aws::sqs};
    ///
    /// let mut stack = Stack::new("jobs", &Naming::new("acme", "dev", "eu-west-2"));
    /// stack.add("Jobs", sqs::Queue::new());
    /// let template = stack.finish().template;
    /// assert_eq!(template.as_value()["Resources"]["Jobs"]["Type"], "AWS::SQS::Queue");
    /// ```
    pub fn as_value(&self) -> &Json {
        &self.body
    }

    /// The template as indented JSON with a final newline.
    pub fn to_json(&self) -> String {
        // A value in memory can always be written. `{:#}` would be the same, at half the speed.
        serde_json::to_string_pretty(&*self.body).unwrap_or_default() + "\n"
    }

    /// The template as JSON without white space: what is sent to CloudFormation.
    pub fn to_compact_json(&self) -> String {
        serde_json::to_string(&*self.body).unwrap_or_default()
    }

    /// The template as YAML with short-form intrinsics.
    ///
    /// ```
    /// use stacks::cfn::{Naming, Stack, aws::sqs, pseudo};
    ///
    /// let mut stack = Stack::new("jobs", &Naming::new("acme", "dev", "eu-west-2"));
    /// stack.add("Jobs", sqs::Queue::new().queue_name(pseudo::stack_name()));
    /// let yaml = stack.finish().template.to_yaml();
    /// assert!(yaml.contains("QueueName: !Ref AWS::StackName\n"));
    /// ```
    pub fn to_yaml(&self) -> String {
        yaml::to_yaml(&self.body)
    }

    /// The resources in the order they were added.
    pub fn resources(&self) -> impl Iterator<Item = ResourceView<'_>> {
        self.section("Resources").map(|(id, body)| ResourceView {
            id,
            type_name: body["Type"].as_str().unwrap_or_default(),
            body,
        })
    }

    /// A resource by its logical id.
    pub fn resource(&self, id: &str) -> Option<ResourceView<'_>> {
        self.resources().find(|resource| resource.id == id)
    }

    /// The outputs' names and values.
    pub fn outputs(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.section("Outputs").map(|(name, output)| (name, &output["Value"]))
    }

    /// The parameters' names and definitions.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.section("Parameters")
    }

    fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Json)> {
        let section = self.body[name].as_object();
        section.into_iter().flat_map(Map::iter).map(|(name, body)| (name.as_str(), body))
    }
}
