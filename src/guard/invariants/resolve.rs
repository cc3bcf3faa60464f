//! What the intrinsics of templates come to: parameters with a stack's values, what one
//! stack publishes and another imports, and names and ARNs of resources.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use stacks::{DeployValue, StackTemplate};

use super::iam::HOLE;
use super::names;

/// Stands for the account, which no template knows.
pub(super) const ACCOUNT: &str = "111122223333";

/// References lead through this many others at most; a circle has no value.
const DEEPEST: u8 = 24;

/// All stacks of an environment, and what they publish.
pub(super) struct Environment<'a> {
    stacks: Vec<&'a StackTemplate>,
    /// Stack and value of each SSM parameter, by region and path.
    published: BTreeMap<(String, String), (usize, &'a Value)>,
    /// Stacks by their name in CloudFormation; those of one name are in different regions.
    by_name: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Environment<'a> {
    pub(super) fn new(stacks: impl IntoIterator<Item = &'a StackTemplate>) -> Self {
        let stacks: Vec<&StackTemplate> = stacks.into_iter().collect();
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, stack) in stacks.iter().enumerate() {
            by_name.entry(&stack.stack_name).or_default().push(at);
        }
        let mut new = Self { stacks, published: BTreeMap::new(), by_name };
        for (at, stack) in new.stacks.clone().into_iter().enumerate() {
            for resource in stack.template.resources() {
                if resource.type_name == "AWS::SSM::Parameter" {
                    let path = new.text(at, &resource.properties()["Name"]);
                    let key = (stack.region.clone(), path);
                    new.published.insert(key, (at, &resource.properties()["Value"]));
                }
            }
        }
        new
    }

    pub(super) fn stacks(&self) -> impl Iterator<Item = (usize, &'a StackTemplate)> + '_ {
        self.stacks.iter().copied().enumerate()
    }

    /// The stack that writes an SSM parameter.
    pub(super) fn writer(&self, region: &str, path: &str) -> Option<usize> {
        let key = (region.to_owned(), path.to_owned());
        self.published.get(&key).map(|(stack, _)| *stack)
    }

    /// Whether a path that begins like this is written in a region.
    pub(super) fn is_written_below(&self, region: &str, start: &str) -> bool {
        let from = (region.to_owned(), start.to_owned());
        let first = self.published.range(from..).next();
        first.is_some_and(|((at, path), _)| at == region && path.starts_with(start))
    }

    /// A value as text, with holes for what nobody knows.
    pub(super) fn text(&self, stack: usize, value: &Value) -> String {
        self.resolve(stack, value, 0).join(",")
    }

    /// A value as texts: those of a list, or one.
    pub(super) fn texts(&self, stack: usize, value: &Value) -> Vec<String> {
        self.resolve(stack, value, 0)
    }

    /// The name of a resource: its own, or one such as CloudFormation makes up.
    pub(super) fn name(&self, stack: usize, id: &str) -> String {
        self.name_at(stack, id, 0)
    }

    /// The ARN of a resource, when its type has one.
    pub(super) fn arn(&self, stack: usize, id: &str) -> Option<String> {
        self.arn_at(stack, id, 0)
    }

    fn name_at(&self, stack: usize, id: &str, depth: u8) -> String {
        let template = &self.stacks[stack].template;
        let made_up = || format!("{}-{id}-0EXAMPLE0000", self.stacks[stack].stack_name);
        let Some(resource) = template.resource(id) else { return made_up() };
        let named = names::of(resource.type_name);
        match named.map(|named| &resource.properties()[named.property]) {
            None | Some(Value::Null) => made_up(),
            Some(name) => self.resolve(stack, name, depth).join(","),
        }
    }

    fn arn_at(&self, stack: usize, id: &str, depth: u8) -> Option<String> {
        let resource = self.stacks[stack].template.resource(id)?;
        if resource.type_name == "AWS::Lambda::Alias" {
            let properties = resource.properties();
            let function = self.resolve(stack, &properties["FunctionName"], depth).join(",");
            let alias = self.resolve(stack, &properties["Name"], depth).join(",");
            let region = &self.stacks[stack].region;
            let name = function.rsplit(':').next().unwrap_or_default();
            return Some(format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{name}:{alias}"));
        }
        let named = names::of(resource.type_name)?;
        let path = &resource.properties()["Path"];
        let path = path.as_str().unwrap_or("/").trim_start_matches('/');
        let name = format!("{path}{}", self.name_at(stack, id, depth));
        let arn = named.arn.replace("{region}", &self.stacks[stack].region);
        Some(arn.replace("{account}", ACCOUNT).replace("{name}", &name))
    }

    fn resolve(&self, stack: usize, value: &Value, depth: u8) -> Vec<String> {
        let unknown = || vec![HOLE.to_string()];
        if depth > DEEPEST {
            return unknown();
        }
        let depth = depth + 1;
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
            Value::Null => Vec::new(),
            Value::Array(items) => {
                items.iter().flat_map(|item| self.resolve(stack, item, depth)).collect()
            }
            Value::Object(map) => match single(map) {
                Some(("Ref", Value::String(name))) => self.reference(stack, name, depth),
                Some(("Fn::GetAtt", argument)) => {
                    let parts = match argument {
                        Value::String(text) => text.split_once('.'),
                        Value::Array(both) => match both.as_slice() {
                            [Value::String(id), Value::String(name)] => Some((&**id, &**name)),
                            _ => None,
                        },
                        _ => None,
                    };
                    parts.map_or_else(unknown, |(id, name)| {
                        vec![self.attribute(stack, id, name, depth)]
                    })
                }
                Some(("Fn::Sub", argument)) => vec![self.substitute(stack, argument, depth)],
                Some(("Fn::Join", argument)) => {
                    let parts = self.resolve(stack, &argument[1], depth);
                    vec![parts.join(argument[0].as_str().unwrap_or_default())]
                }
                Some(("Fn::Split", argument)) => {
                    let text = self.resolve(stack, &argument[1], depth).join(",");
                    let separator = argument[0].as_str().unwrap_or_default();
                    if separator.is_empty() || text.contains(HOLE) {
                        return unknown();
                    }
                    text.split(separator).map(str::to_owned).collect()
                }
                Some(("Fn::Select", argument)) => {
                    let list = self.resolve(stack, &argument[1], depth);
                    let at = argument[0].as_u64().and_then(|at| usize::try_from(at).ok());
                    let known = list.iter().all(|item| !item.contains(HOLE));
                    match at.and_then(|at| list.get(at)) {
                        Some(item) if known => vec![item.clone()],
                        _ => unknown(),
                    }
                }
                Some(("Fn::FindInMap", argument)) => {
                    let mut at = &self.stacks[stack].template.as_value()["Mappings"];
                    for key in argument.as_array().into_iter().flatten() {
                        at = &at[self.resolve(stack, key, depth).join(",").as_str()];
                    }
                    if at.is_null() { unknown() } else { self.resolve(stack, at, depth) }
                }
                _ => unknown(),
            },
        }
    }

    fn reference(&self, stack: usize, name: &str, depth: u8) -> Vec<String> {
        let one = |text: &str| vec![text.to_owned()];
        let here = self.stacks[stack];
        match name {
            "AWS::AccountId" => return one(ACCOUNT),
            "AWS::Region" => return one(&here.region),
            "AWS::Partition" => return one("aws"),
            "AWS::URLSuffix" => return one("amazonaws.com"),
            "AWS::StackName" => return one(&here.stack_name),
            "AWS::NoValue" => return Vec::new(),
            _ => {}
        }
        let given = here.deploy_parameters.iter().find(|parameter| parameter.name == name);
        let parameter = here.template.parameters().find(|(known, _)| *known == name);
        match (given.map(|parameter| &parameter.value), parameter) {
            (Some(DeployValue::Literal { value }), _) => one(value),
            (Some(DeployValue::Output { stack_name, region, output, .. }), _) => {
                self.output(stack_name, region, output, depth)
            }
            (Some(DeployValue::ArtefactBucket), _) => one("the-artefact-bucket"),
            (Some(_), _) => one(&HOLE.to_string()),
            (None, Some((_, definition))) => self.default(stack, definition, depth),
            (None, None) => one(&self.resource(stack, name, depth)),
        }
    }

    /// What `Ref` gives of a resource.
    fn resource(&self, stack: usize, id: &str, depth: u8) -> String {
        let Some(resource) = self.stacks[stack].template.resource(id) else {
            return HOLE.to_string();
        };
        let by_arn = ["AWS::SNS::Topic", "AWS::SecretsManager::Secret", "AWS::Lambda::Alias"];
        let by_arn =
            by_arn.contains(&resource.type_name) || resource.type_name == "AWS::IAM::ManagedPolicy";
        match self.arn_at(stack, id, depth) {
            Some(arn) if by_arn => arn,
            _ => self.name_at(stack, id, depth),
        }
    }

    fn attribute(&self, stack: usize, id: &str, name: &str, depth: u8) -> String {
        let resource = self.stacks[stack].template.resource(id);
        let named = resource.and_then(|resource| names::of(resource.type_name));
        match named {
            Some(named) if named.attribute == name => self.arn_at(stack, id, depth),
            _ => None,
        }
        // Nobody knows it, but it is that of no other resource.
        .unwrap_or_else(|| format!("{}-{name}", self.name_at(stack, id, depth)))
    }

    fn default(&self, stack: usize, definition: &'a Value, depth: u8) -> Vec<String> {
        let unknown = || vec![HOLE.to_string()];
        let kind = definition["Type"].as_str().unwrap_or_default();
        let Some(default) = definition["Default"].as_str() else { return unknown() };
        if !kind.starts_with("AWS::SSM::Parameter::Value") {
            return vec![default.to_owned()];
        }
        let key = (self.stacks[stack].region.clone(), default.to_owned());
        match self.published.get(&key) {
            Some((writer, value)) => self.resolve(*writer, value, depth),
            None => unknown(),
        }
    }

    fn output(&self, stack_name: &str, region: &str, output: &str, depth: u8) -> Vec<String> {
        let named = self.by_name.get(stack_name).into_iter().flatten().copied();
        let writer = named.into_iter().find(|at| self.stacks[*at].region == region);
        let found = writer.and_then(|at| {
            let value = self.stacks[at].template.outputs().find(|(name, _)| *name == output);
            value.map(|(_, value)| self.resolve(at, value, depth))
        });
        found.unwrap_or_else(|| vec![HOLE.to_string()])
    }

    fn substitute(&self, stack: usize, argument: &Value, depth: u8) -> String {
        let nothing = Map::new();
        let (text, names) = match argument {
            Value::String(text) => (text.as_str(), &nothing),
            Value::Array(both) => (
                both.first().and_then(Value::as_str).unwrap_or_default(),
                both.get(1).and_then(Value::as_object).unwrap_or(&nothing),
            ),
            _ => ("", &nothing),
        };
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                out.push_str("${");
                rest = after;
                continue;
            };
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = names.get(name) {
                out.push_str(&self.resolve(stack, value, depth).join(","));
            } else if let Some((id, attribute)) = name.split_once('.') {
                out.push_str(&self.attribute(stack, id, attribute, depth));
            } else {
                out.push_str(&self.reference(stack, name, depth).join(","));
            }
        }
        out + rest
    }
}

/// The key and the argument of an intrinsic.
fn single(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = map.iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}
