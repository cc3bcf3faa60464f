//! A stack under construction.

use std::collections::BTreeMap;

use runtime_core::names::{TAG_ENVIRONMENT, TAG_PROJECT, TAG_STACK};
use serde_json::{Map, Value as Json, json};

use super::intrinsic::sub;
use super::logic::{Condition, Mapping, Parameter, Test};
use super::options::Options;
use super::resource::{Handle, Resource};
use super::template::{DeployParameter, DeployValue, StackTemplate, Template};
use super::value::Value;
use super::{references, schema, tags};

/// The stack that says who may do what.
const IDENTITY: &str = "identity";

/// What every name and tag of an environment is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    project: String,
    environment: String,
    region: String,
    tags: BTreeMap<String, Json>,
    bounded_roles: bool,
}

impl Naming {
    /// Names and tags of an environment of a project, and the region of its stacks.
    pub fn new(project: &str, environment: &str, region: &str) -> Self {
        let [project, environment, region] = [project, environment, region].map(str::to_owned);
        Self { project, environment, region, tags: BTreeMap::new(), bounded_roles: false }
    }

    /// The same names, for stacks in another region.
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// The project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The environment.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The region of the stacks.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Adds the user's own tags.
    pub fn with_tags(mut self, tags: &BTreeMap<String, String>) -> Self {
        self.tags.extend(tags.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
        self
    }

    /// Adds a tag, or gives one of ours another value: one that is known only when a
    /// stack is deployed, such as the tenant that a parameter names.
    ///
    /// ```
    /// use stacks::cfn::{Naming, Parameter, Stack, aws::sqs, sub};
    ///
    /// let naming = Naming::new("acme", "dev", "eu-west-2");
    /// let naming = naming.with_tag("tenant", sub("${TenantId}"));
    /// let mut stack = Stack::new("jobs", &naming);
    /// stack.parameter("TenantId", Parameter::string());
    /// stack.add("Jobs", sqs::Queue::new());
    /// let template = stack.finish().template;
    /// let tags = &template.resource("Jobs").unwrap().properties()["Tags"];
    /// assert_eq!(tags[3]["Value"]["Fn::Sub"], "${TenantId}");
    /// ```
    pub fn with_tag(mut self, key: &str, value: impl Into<Value<String>>) -> Self {
        self.tags.insert(key.to_owned(), value.into().into_json());
        self
    }

    /// Bounds every role: it may do no more than [`boundary`](Self::boundary) allows.
    pub fn with_bounded_roles(mut self) -> Self {
        self.bounded_roles = true;
        self
    }

    /// The ARN of the policy that bounds the environment's roles, when they are bounded.
    /// The identity stack makes it.
    pub fn boundary(&self) -> Option<Value<String>> {
        let prefix = self.prefix();
        let arn = format!("arn:aws:iam::${{AWS::AccountId}}:policy/{prefix}/{prefix}-boundary");
        self.bounded_roles.then(|| sub(arn))
    }

    /// What physical names begin with, such as `acme-dev`.
    pub fn prefix(&self) -> String {
        format!("{}-{}", self.project, self.environment)
    }

    /// What paths begin with, such as `acme/dev`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.project, self.environment)
    }

    /// A physical name.
    ///
    /// ```
    /// let naming = stacks::cfn::Naming::new("acme", "dev", "eu-west-2");
    /// assert_eq!(naming.name("git-store"), "acme-dev-git-store");
    /// ```
    pub fn name(&self, what: &str) -> String {
        format!("{}-{}-{what}", self.project, self.environment)
    }

    /// The path of an SSM parameter that a stack publishes.
    ///
    /// ```
    /// let naming = stacks::cfn::Naming::new("acme", "dev", "eu-west-2");
    /// assert_eq!(naming.ssm_path("network", "vpc-id"), "/acme/dev/network/vpc-id");
    /// ```
    pub fn ssm_path(&self, stack: &str, name: &str) -> String {
        format!("/{}/{}/{stack}/{name}", self.project, self.environment)
    }

    /// The tags of everything in a stack, in the order they are written.
    pub(super) fn tags(&self, stack: &str) -> Vec<(String, Json)> {
        let own = [
            (TAG_PROJECT, self.project.as_str()),
            (TAG_ENVIRONMENT, self.environment.as_str()),
            (TAG_STACK, stack),
        ];
        let is_own = |key: &str| own.iter().any(|(known, _)| *known == key);
        let given = |key: &str| self.tags.get(key).cloned();
        let mut all: Vec<(String, Json)> = own
            .iter()
            .map(|(key, value)| ((*key).to_owned(), given(key).unwrap_or_else(|| (*value).into())))
            .collect();
        let others = self.tags.iter().filter(|(key, _)| !is_own(key));
        all.extend(others.map(|(key, value)| (key.clone(), value.clone())));
        all
    }
}

/// A stack under construction. Everything is written in the order it is added, so
/// the same calls give the same bytes.
///
/// ```
/// use stacks::cfn::{Naming, Stack, aws::ec2};
///
/// let mut stack = Stack::new("network", &Naming::new("acme", "dev", "eu-west-2"));
/// let vpc = stack.add("Vpc", ec2::Vpc::new().cidr_block("10.40.0.0/16"));
/// let subnet = stack.add("Subnet", ec2::Subnet::new(vpc.id()).cidr_block("10.40.0.0/20"));
/// stack.output("SubnetId", subnet.id());
/// let finished = stack.finish();
/// assert_eq!(finished.stack_name, "acme-dev-network");
/// ```
///
/// # Panics
///
/// Methods panic on mistakes in the code of a stack, which no configuration can
/// cause: a logical id that is used twice or is not 1 to 255 letters and digits, a
/// reference to what is not in the stack.
#[derive(Debug)]
pub struct Stack {
    pub(super) name: String,
    pub(super) naming: Naming,
    description: Option<String>,
    metadata: Map<String, Json>,
    parameters: Map<String, Json>,
    mappings: Map<String, Json>,
    conditions: Map<String, Json>,
    resources: Map<String, Json>,
    outputs: Map<String, Json>,
    depends_on: Vec<String>,
    deploy_parameters: Vec<DeployParameter>,
}

impl Stack {
    /// An empty stack with a short name, such as `network`.
    pub fn new(name: &str, naming: &Naming) -> Self {
        Self {
            name: name.to_owned(),
            naming: naming.clone(),
            description: None,
            metadata: Map::new(),
            parameters: Map::new(),
            mappings: Map::new(),
            conditions: Map::new(),
            resources: Map::new(),
            outputs: Map::new(),
            depends_on: Vec::new(),
            deploy_parameters: Vec::new(),
        }
    }

    /// Says what the stack is.
    pub fn describe(&mut self, text: &str) {
        self.description = Some(text.to_owned());
    }

    /// Adds metadata of the template.
    pub fn metadata(&mut self, key: &str, value: impl Into<Json>) {
        self.metadata.insert(key.to_owned(), value.into());
    }

    /// Adds a resource.
    #[track_caller]
    pub fn add<R: Resource>(&mut self, id: impl Into<String>, resource: R) -> Handle<R> {
        self.add_with(id, resource, Options::new())
    }

    /// Adds a resource with a deletion policy, a condition and the like.
    #[track_caller]
    pub fn add_with<R: Resource>(
        &mut self,
        id: impl Into<String>,
        resource: R,
        options: Options,
    ) -> Handle<R> {
        let id = id.into();
        let mut properties = resource.into_properties().into_json();
        if let Some(tagging) = schema::lookup(R::TYPE).and_then(|info| info.tagging) {
            tags::complete(&mut properties, tagging, &self.naming.tags(&self.name));
        }
        if R::TYPE == "AWS::IAM::Role" {
            self.bound(&mut properties);
        }
        let mut body = Map::new();
        body.insert("Type".into(), R::TYPE.into());
        body.extend(options.into_attributes());
        if properties.as_object().is_some_and(|properties| !properties.is_empty()) {
            body.insert("Properties".into(), properties);
        }
        self.reserve(&id);
        self.resources.insert(id.clone(), body.into());
        Handle::new(id)
    }

    /// Bounds a role. Those of the identity stack make the boundary, and have none.
    fn bound(&mut self, role: &mut Json) {
        if let (Some(boundary), Json::Object(role)) = (self.naming.boundary(), role)
            && self.name != IDENTITY
        {
            role.entry("PermissionsBoundary").or_insert_with(|| boundary.into_json());
            self.depends_on(IDENTITY);
        }
    }

    /// Adds a template parameter and gives its value.
    #[track_caller]
    pub fn parameter<T>(&mut self, name: &str, parameter: Parameter<T>) -> Value<T> {
        self.reserve(name);
        self.parameters.insert(name.to_owned(), parameter.into_json());
        Value::raw(json!({ "Ref": name }))
    }

    /// The template parameter of this name, if there is one.
    pub(super) fn imported<T>(&self, name: &str) -> Option<Value<T>> {
        let known = self.parameters.contains_key(name);
        known.then(|| Value::raw(json!({ "Ref": name })))
    }

    /// Adds a parameter that whoever deploys fills in.
    ///
    /// A template that needs the artefact bucket depends on the `artefacts` stack.
    #[track_caller]
    pub fn deploy_parameter(&mut self, name: &str, value: DeployValue) -> Value<String> {
        if value == DeployValue::ArtefactBucket {
            self.depends_on("artefacts");
        }
        let parameter = Parameter::string().description(&value.to_string());
        self.filled_in(name, parameter, value)
    }

    /// Adds a parameter with what whoever deploys gives for it.
    #[track_caller]
    pub(super) fn filled_in<T>(
        &mut self,
        name: &str,
        parameter: Parameter<T>,
        value: DeployValue,
    ) -> Value<T> {
        self.deploy_parameters.push(DeployParameter { name: name.to_owned(), value });
        self.parameter(name, parameter)
    }

    /// The value of a parameter that was added before with this description.
    pub(super) fn described<T>(&self, name: &str, description: &str) -> Option<Value<T>> {
        let known = self.parameters.get(name)?["Description"] == description;
        known.then(|| Value::raw(json!({ "Ref": name })))
    }

    /// Adds a named condition.
    #[track_caller]
    pub fn condition(&mut self, name: &str, test: Test) -> Condition {
        insert_new(&mut self.conditions, name, test.into_json(), "condition");
        Condition(name.to_owned())
    }

    /// Adds a mapping of rows, each with its columns.
    #[track_caller]
    pub fn mapping<const ROWS: usize, const COLUMNS: usize>(
        &mut self,
        name: &str,
        rows: [(&str, [(&str, &str); COLUMNS]); ROWS],
    ) -> Mapping {
        let rows: Map<String, Json> = rows
            .into_iter()
            .map(|(row, columns)| {
                let columns = columns.into_iter().map(|(key, value)| (key.into(), value.into()));
                (row.to_owned(), Json::Object(columns.collect()))
            })
            .collect();
        insert_new(&mut self.mappings, name, rows.into(), "mapping");
        Mapping(name.to_owned())
    }

    /// Adds an output.
    #[track_caller]
    pub fn output(&mut self, name: &str, value: impl Into<Value<String>>) {
        let output = json!({ "Value": value.into().into_json() });
        insert_new(&mut self.outputs, name, output, "output");
    }

    /// Records that another stack has to be deployed before this one.
    pub fn depends_on(&mut self, stack: &str) {
        if stack != self.name && !self.depends_on.iter().any(|known| known == stack) {
            self.depends_on.push(stack.to_owned());
        }
    }

    /// The short name, such as `network`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its names are made from.
    pub fn naming(&self) -> &Naming {
        &self.naming
    }

    /// The finished template.
    ///
    /// # Panics
    ///
    /// When something refers to what is not in the stack.
    #[track_caller]
    pub fn finish(self) -> StackTemplate {
        let sections = [
            ("Metadata", self.metadata),
            ("Parameters", self.parameters),
            ("Mappings", self.mappings),
            ("Conditions", self.conditions),
            ("Resources", self.resources),
            ("Outputs", self.outputs),
        ];
        let mut body = Map::new();
        body.insert("AWSTemplateFormatVersion".into(), "2010-09-09".into());
        if let Some(text) = self.description {
            body.insert("Description".into(), text.into());
        }
        for (name, section) in sections {
            if !section.is_empty() {
                body.insert(name.into(), section.into());
            }
        }
        let template = Template::new(body.into());
        let dangling = references::dangling(&template);
        assert!(dangling.is_empty(), "stack {}: {}", self.name, dangling.join("; "));
        StackTemplate {
            stack_name: self.naming.name(&self.name),
            template_name: self.name.clone(),
            name: self.name,
            region: self.naming.region.clone(),
            depends_on: self.depends_on,
            deploy_parameters: self.deploy_parameters,
            template,
        }
    }

    /// Parameters and resources share one space of names.
    #[track_caller]
    fn reserve(&self, id: &str) {
        check_id(id);
        let taken = self.resources.contains_key(id) || self.parameters.contains_key(id);
        assert!(!taken, "stack {}: the logical id {id} is used twice", self.name);
    }
}

#[track_caller]
fn insert_new(section: &mut Map<String, Json>, name: &str, value: Json, what: &str) {
    check_id(name);
    assert!(section.insert(name.to_owned(), value).is_none(), "the {what} {name} is added twice");
}

#[track_caller]
fn check_id(id: &str) {
    let valid = (1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    assert!(valid, "`{id}` is no logical id: those are 1 to 255 letters and digits");
}
