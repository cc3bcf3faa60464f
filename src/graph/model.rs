//! Templates in, nodes and edges out.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value as Json;
use stacks::artefacts::RUNTIME_ARTEFACTS;
use stacks::{DeployValue, StackTemplate};

use super::references;
use super::{Detail, Edge, EdgeKind, Graph, Node, NodeKind, short_type};

/// Short name of the stack that the artefact bucket is in.
const ARTEFACTS: &str = "artefacts";

/// Where a value that is known only at deployment comes from.
struct Source<'a> {
    /// Short name of the stack.
    stack: &'a str,
    /// Its region, if that is not the one of whoever needs the value.
    region: Option<&'a str>,
    /// The output of it that has the value, if one has.
    output: Option<&'a str>,
    /// What people call the value.
    label: String,
}

impl<'a> Source<'a> {
    /// `None`: the value is the stack's own.
    fn of(value: &'a DeployValue) -> Option<Self> {
        let (stack, region, output, label) = match value {
            DeployValue::ArtefactBucket => {
                (ARTEFACTS, None, Some("BucketName"), "bucket-name".to_owned())
            }
            DeployValue::CodeKey { function } => {
                (ARTEFACTS, None, None, format!("zip of {function}"))
            }
            DeployValue::Output { stack, region, output, .. } => {
                (stack.as_str(), Some(region.as_str()), Some(output.as_str()), output.clone())
            }
            DeployValue::Literal { .. } => return None,
        };
        Some(Self { stack, region, output, label })
    }
}

/// The graph of `stacks`.
pub(super) fn graph(stacks: &[StackTemplate], detail: Detail) -> Graph {
    let mut builder = Builder::new(stacks, detail);
    builder.flows();
    if detail == Detail::Resources {
        builder.references();
    }
    builder.orders();
    Graph { nodes: builder.nodes, edges: builder.edges }
}

struct Builder<'a> {
    stacks: &'a [StackTemplate],
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// Edges by ends and kind.
    known: HashMap<(usize, usize, EdgeKind), usize>,
    /// Resources and parameters by stack and logical id.
    parts: HashMap<(usize, &'a str), usize>,
    /// Values from outside by region and label.
    outside: HashMap<(&'a str, String), usize>,
    /// Pairs of stacks between which a value flows.
    linked: HashSet<(usize, usize)>,
}

impl<'a> Builder<'a> {
    /// All nodes but those from outside; stacks first, so that the node of a stack has
    /// the index of the stack.
    fn new(stacks: &'a [StackTemplate], detail: Detail) -> Self {
        let mut builder = Self {
            stacks,
            nodes: stacks.iter().map(stack_node).collect(),
            edges: Vec::new(),
            known: HashMap::new(),
            parts: HashMap::new(),
            outside: HashMap::new(),
            linked: HashSet::new(),
        };
        if detail == Detail::Resources {
            for (index, stack) in stacks.iter().enumerate() {
                for (name, parameter) in stack.template.parameters() {
                    let type_name = parameter["Type"].as_str().unwrap_or_default();
                    builder.part(index, NodeKind::Parameter, name, type_name);
                }
                for resource in stack.template.resources() {
                    builder.part(index, NodeKind::Resource, resource.id, resource.type_name);
                }
            }
        }
        builder
    }

    fn part(&mut self, stack: usize, kind: NodeKind, name: &'a str, type_name: &str) {
        let detail = match kind {
            NodeKind::Parameter => "parameter".to_owned(),
            _ => short_type(type_name),
        };
        self.parts.insert((stack, name), self.nodes.len());
        self.nodes.push(Node {
            id: format!("{}/{name}", self.nodes[stack].id),
            kind,
            label: name.to_owned(),
            detail,
            region: self.stacks[stack].region.clone(),
            stack: Some(stack),
            type_name: type_name.to_owned(),
            types: BTreeMap::new(),
        });
    }

    /// Values that flow from stack to stack.
    fn flows(&mut self) {
        let published = published(self.stacks);
        for (index, stack) in self.stacks.iter().enumerate() {
            for (name, parameter) in stack.template.parameters() {
                let Some(path) = imported(parameter) else { continue };
                let to = self.end(index, Some(name));
                match published.get(&(stack.region.as_str(), path)) {
                    Some(&(producer, resource)) => {
                        let from = self.end(producer, Some(resource));
                        self.linked.insert((producer, index));
                        self.edge(from, to, EdgeKind::Import, last_part(path));
                    }
                    None => {
                        let from = self.outside(&stack.region, path.to_owned());
                        self.edge(from, to, EdgeKind::Import, path);
                    }
                }
            }
            for parameter in &stack.deploy_parameters {
                let to = self.end(index, Some(&parameter.name));
                let Some(source) = Source::of(&parameter.value) else { continue };
                let Source { stack: producer, region, output, label } = source;
                let from = match self.find(producer, region.unwrap_or(&stack.region)) {
                    Some(producer) => {
                        let template = &self.stacks[producer].template;
                        let resource = output.and_then(|name| resource_of(template, name));
                        self.linked.insert((producer, index));
                        self.end(producer, resource)
                    }
                    None => self.outside(&stack.region, format!("{producer}: {label}")),
                };
                self.edge(from, to, EdgeKind::DeployValue, &label);
            }
        }
    }

    /// References inside of each stack.
    fn references(&mut self) {
        for (index, stack) in self.stacks.iter().enumerate() {
            for resource in stack.template.resources() {
                let Some(&to) = self.parts.get(&(index, resource.id)) else { continue };
                for found in references::of(resource.properties()) {
                    if let Some(&from) = self.parts.get(&(index, found.target)) {
                        self.edge(from, to, found.kind, found.attribute);
                    }
                }
                for target in references::depends_on(resource.body) {
                    if let Some(&from) = self.parts.get(&(index, target)) {
                        self.edge(from, to, EdgeKind::DependsOn, "");
                    }
                }
            }
        }
    }

    /// Orders of deployment that no value explains.
    fn orders(&mut self) {
        for (index, stack) in self.stacks.iter().enumerate() {
            for needed in &stack.depends_on {
                if let Some(producer) = self.find(needed, &stack.region)
                    && !self.linked.contains(&(producer, index))
                {
                    self.edge(producer, index, EdgeKind::Order, "");
                }
            }
        }
    }

    /// The stack of that short name: in this region, or else in another.
    fn find(&self, name: &str, region: &str) -> Option<usize> {
        let named = |stack: &&StackTemplate| stack.name == name;
        // Artefacts of another region than the home region are in a stack of their own.
        let here = |stack: &StackTemplate| {
            let artefacts = name == ARTEFACTS && stack.name == RUNTIME_ARTEFACTS;
            (stack.name == name || artefacts) && stack.region == region
        };
        self.stacks
            .iter()
            .position(here)
            .or_else(|| self.stacks.iter().position(|stack| named(&stack)))
    }

    /// The node of a part of a stack, or of the stack when the part has none.
    fn end(&self, stack: usize, part: Option<&str>) -> usize {
        part.and_then(|name| self.parts.get(&(stack, name))).copied().unwrap_or(stack)
    }

    fn outside(&mut self, region: &'a str, label: String) -> usize {
        let next = self.nodes.len();
        let index = *self.outside.entry((region, label.clone())).or_insert(next);
        if index == next {
            self.nodes.push(Node {
                id: format!("{region}//{label}"),
                kind: NodeKind::Outside,
                label,
                detail: "not one of these stacks".to_owned(),
                region: region.to_owned(),
                stack: None,
                type_name: String::new(),
                types: BTreeMap::new(),
            });
        }
        index
    }

    fn edge(&mut self, from: usize, to: usize, kind: EdgeKind, value: &str) {
        if from == to {
            return;
        }
        let next = self.edges.len();
        let index = *self.known.entry((from, to, kind)).or_insert(next);
        if index == next {
            self.edges.push(Edge { from, to, kind, values: Vec::new() });
        }
        let values = &mut self.edges[index].values;
        if !value.is_empty() && !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }
}

fn stack_node(stack: &StackTemplate) -> Node {
    let mut types = BTreeMap::new();
    for resource in stack.template.resources() {
        *types.entry(resource.type_name.to_owned()).or_insert(0) += 1;
    }
    Node {
        id: format!("{}/{}", stack.region, stack.name),
        kind: NodeKind::Stack,
        label: stack.name.clone(),
        detail: stack.stack_name.clone(),
        region: stack.region.clone(),
        stack: None,
        type_name: String::new(),
        types,
    }
}

/// The SSM parameters that stacks write: by region and path, stack and logical id.
fn published(stacks: &[StackTemplate]) -> HashMap<(&str, &str), (usize, &str)> {
    let mut published = HashMap::new();
    for (index, stack) in stacks.iter().enumerate() {
        for resource in stack.template.resources() {
            if resource.type_name == "AWS::SSM::Parameter"
                && let Some(path) = resource.properties()["Name"].as_str()
            {
                published.insert((stack.region.as_str(), path), (index, resource.id));
            }
        }
    }
    published
}

/// The path that a template parameter reads from SSM.
fn imported(parameter: &Json) -> Option<&str> {
    let type_name = parameter["Type"].as_str()?;
    type_name.starts_with("AWS::SSM::Parameter::Value<").then(|| parameter["Default"].as_str())?
}

/// The resource whose value an output has.
fn resource_of<'a>(template: &'a stacks::Template, output: &str) -> Option<&'a str> {
    let (_, value) = template.outputs().find(|(name, _)| *name == output)?;
    let targets = references::of(value).into_iter().map(|reference| reference.target);
    targets.into_iter().find(|target| template.resource(target).is_some())
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
