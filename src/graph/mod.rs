//! Stacks, their resources and what flows between them, as a graph read from the
//! synthesized templates; and drawings of it. This module is pure.
//!
//! An edge points from what is needed to what needs it: the way that values flow
//! and the order of deployment.

mod arrange;
mod dot;
mod html;
mod layers;
mod lines;
mod mermaid;
mod model;
mod picture;
mod references;
mod style;
mod svg;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use stacks::StackTemplate;

/// How much of the stacks is in a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The stacks.
    Stacks,
    /// The stacks, their parameters and their resources.
    Resources,
}

/// What a drawing is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Drawing {
    /// A Mermaid flowchart, as Markdown pages show it
    Mermaid,
    /// Graphviz
    Dot,
    /// A picture
    Svg,
    /// A page to explore: search, highlighting, zoom; needs no network
    Html,
}

/// Stacks, resources and what they need of each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Stacks in the order of deployment; then, for [`Detail::Resources`], what is in
    /// them in the order of the templates.
    pub nodes: Vec<Node>,
    /// At most one of a kind between two nodes.
    pub edges: Vec<Edge>,
}

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// A stack.
    Stack,
    /// A resource of a stack.
    Resource,
    /// A parameter of a stack.
    Parameter,
    /// A value that none of the stacks provides.
    Outside,
}

/// A stack, a resource, a parameter, or a value from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Unique in the graph: `region/stack` or `region/stack/LogicalId`.
    pub id: String,
    /// What it stands for.
    pub kind: NodeKind,
    /// The short name of a stack, a logical id, or the path of a value.
    pub label: String,
    /// More for people: a stack's name in CloudFormation, a type without `AWS::`.
    pub detail: String,
    /// The region that it is in.
    pub region: String,
    /// Of what is in a stack: the index of the stack's node.
    pub stack: Option<usize>,
    /// Type of a resource or parameter, such as `AWS::EC2::VPC`; else empty.
    pub type_name: String,
    /// Of a stack: how many resources it has of each type.
    pub types: BTreeMap<String, usize>,
}

impl Node {
    /// How many resources a stack has.
    pub fn resources(&self) -> usize {
        self.types.values().sum()
    }
}

/// How one node needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// A value published as an SSM parameter and read by a template parameter.
    Import,
    /// A value that is known, and handed over, when the stack is deployed.
    DeployValue,
    /// Deployed later, without a value that would be the reason.
    Order,
    /// `Ref`.
    Ref,
    /// `Fn::GetAtt`.
    GetAtt,
    /// `Fn::Sub`.
    Sub,
    /// `DependsOn`.
    DependsOn,
}

/// One node needs another.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// Index of the node that is needed.
    pub from: usize,
    /// Index of the node that needs it.
    pub to: usize,
    /// How.
    pub kind: EdgeKind,
    /// Names of the values that flow, or of the attributes that are read.
    pub values: Vec<String>,
}

impl Graph {
    /// The graph of `stacks`.
    pub fn of(stacks: &[StackTemplate], detail: Detail) -> Self {
        model::graph(stacks, detail)
    }

    /// The graph as a drawing.
    pub fn draw(&self, drawing: Drawing) -> String {
        match drawing {
            Drawing::Mermaid => mermaid::text(self),
            Drawing::Dot => dot::text(self),
            Drawing::Svg => svg::document(self),
            Drawing::Html => html::page(self),
        }
    }

    /// Nodes and edges as data: `{"nodes": […], "edges": […]}`, with edges by node id.
    pub fn value(&self) -> Value {
        let nodes = self.nodes.iter().map(|node| {
            let mut value = json!({
                "id": node.id,
                "kind": node.kind,
                "label": node.label,
                "region": node.region,
            });
            if let Some(stack) = node.stack {
                value["stack"] = json!(self.nodes[stack].id);
            }
            if !node.type_name.is_empty() {
                value["type"] = json!(node.type_name);
            }
            if node.kind == NodeKind::Stack {
                value["stack_name"] = json!(node.detail);
                value["resources"] = json!(node.resources());
                value["types"] = json!(node.types);
            }
            value
        });
        let edges = self.edges.iter().map(|edge| {
            json!({
                "from": self.nodes[edge.from].id,
                "to": self.nodes[edge.to].id,
                "kind": edge.kind,
                "values": edge.values,
            })
        });
        json!({ "nodes": nodes.collect::<Vec<_>>(), "edges": edges.collect::<Vec<_>>() })
    }

    /// How many nodes of `kind` there are.
    pub fn count(&self, kind: NodeKind) -> usize {
        self.nodes.iter().filter(|node| node.kind == kind).count()
    }

    /// The regions in the order in which they are first met.
    fn regions(&self) -> Vec<&str> {
        let mut regions: Vec<&str> = Vec::new();
        for node in &self.nodes {
            if !regions.contains(&node.region.as_str()) {
                regions.push(&node.region);
            }
        }
        regions
    }

    /// Indexes of the stacks, and of the values from outside, of a region.
    fn outer(&self, region: &str) -> impl Iterator<Item = usize> {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(move |(_, node)| node.stack.is_none() && node.region == region)
            .map(|(index, _)| index)
    }

    /// Indexes of what is in a stack.
    fn inside(&self, stack: usize) -> impl Iterator<Item = usize> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter(move |(_, node)| node.stack == Some(stack)).map(|(index, _)| index)
    }

    /// The stack that a node is in, or the node itself.
    fn holder(&self, node: usize) -> usize {
        self.nodes[node].stack.unwrap_or(node)
    }
}

/// `1 resource`, `2 resources`.
fn resources(count: usize) -> String {
    if count == 1 { "1 resource".to_owned() } else { format!("{count} resources") }
}

/// `AWS::EC2::VPC` as people say it: `EC2 VPC`.
fn short_type(type_name: &str) -> String {
    type_name.trim_start_matches("AWS::").replace("::", " ")
}
