//! Dependencies that go round in circles, which CloudFormation refuses too late.

use std::collections::HashMap;

use super::super::document::{Kind, Mark, Node};
use crate::error::{Error, Result};

/// A dependency of a resource: on whom, and where it is written.
type Edge = (usize, Mark);

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// Refuses a template whose resources depend on each other in a circle.
pub(super) fn refuse(file: &str, root: &Node) -> Result<()> {
    let resources = root.get("Resources").map(Node::entries).unwrap_or_default();
    let ids: HashMap<&str, usize> =
        resources.iter().enumerate().map(|(at, entry)| (entry.key.as_str(), at)).collect();
    let edges: Vec<Vec<Edge>> = resources
        .iter()
        .map(|entry| {
            let mut found = Vec::new();
            collect(&entry.value, &ids, true, &mut found);
            found
        })
        .collect();
    let Some((circle, mark)) = circle(&edges) else { return Ok(()) };
    let names: Vec<&str> = circle.iter().map(|&at| resources[at].key.as_str()).collect();
    let shown = match names.as_slice() {
        // A circle may be as long as the template.
        [first, .., last] if names.len() > 12 => {
            format!(
                "{} → … ({} resources) … → {last} → {first}",
                names[..5].join(" → "),
                names.len()
            )
        }
        _ => format!("{} → {}", names.join(" → "), names[0]),
    };
    Err(Error::usage(format!("resources depend on each other in a circle: {shown}"))
        .at(mark.place(file, &format!("Resources.{}", names[0])))
        .hint("take one reference out, or move it into a resource of its own, as AWS::EC2::SecurityGroupIngress does"))
}

/// Everything in `node` that depends on a resource.
fn collect(node: &Node, ids: &HashMap<&str, usize>, is_resource: bool, found: &mut Vec<Edge>) {
    let mut add = |name: &str, mark: Mark| found.extend(ids.get(name).map(|&id| (id, mark)));
    match &node.kind {
        Kind::Map(entries) => {
            let is_function = entries.len() == 1;
            for entry in entries {
                let mark = entry.key_mark;
                let text = entry.value.as_str();
                let first = || entry.value.items().first().and_then(Node::as_str);
                match entry.key.as_str() {
                    "Ref" if is_function => text.into_iter().for_each(|name| add(name, mark)),
                    "Fn::GetAtt" if is_function => {
                        let name = text.map_or_else(first, |text| text.split('.').next());
                        if let Some(name) = name {
                            add(name, mark);
                        }
                    }
                    "Fn::Sub" if is_function => {
                        let own = entry.value.items().get(1).map(Node::entries).unwrap_or_default();
                        for name in text.or_else(first).map(variables).into_iter().flatten() {
                            if !own.iter().any(|entry| entry.key == name) {
                                add(name.split('.').next().unwrap_or(name), mark);
                            }
                        }
                    }
                    "DependsOn" if is_resource => {
                        let names = std::iter::once(&entry.value).chain(entry.value.items());
                        names.filter_map(Node::as_str).for_each(|name| add(name, mark));
                    }
                    _ => {}
                }
            }
            // Metadata refers to nothing that is deployed.
            let inner = entries.iter().filter(|it| !(is_resource && it.key == "Metadata"));
            inner.for_each(|entry| collect(&entry.value, ids, false, found));
        }
        Kind::List(items) => items.iter().for_each(|item| collect(item, ids, false, found)),
        Kind::Scalar(_) => {}
    }
}

/// The names in `${…}`; `${!Literal}` is none.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|rest| {
        let name = rest.split_once('}')?.0.trim();
        (!name.starts_with('!')).then_some(name)
    })
}

/// The first circle, and where its first step is written. No recursion: a chain may be
/// as long as the template.
fn circle(edges: &[Vec<Edge>]) -> Option<(Vec<usize>, Mark)> {
    let mut states = vec![State::New; edges.len()];
    for start in 0..edges.len() {
        if states[start] != State::New {
            continue;
        }
        states[start] = State::Open;
        // Each resource on the path, and which of its dependencies comes next.
        let mut path = vec![(start, 0)];
        while let Some((at, next)) = path.last_mut() {
            let at = *at;
            let Some(&(to, _)) = edges[at].get(*next) else {
                states[at] = State::Done;
                path.pop();
                continue;
            };
            *next += 1;
            match states[to] {
                State::New => {
                    states[to] = State::Open;
                    path.push((to, 0));
                }
                State::Open => {
                    let from = path.iter().position(|(id, _)| *id == to)?;
                    let circle = &path[from..];
                    let step = circle.first().and_then(|(id, next)| edges[*id].get(next - 1));
                    let mark = step.map(|(_, mark)| *mark).unwrap_or_default();
                    return Some((circle.iter().map(|(id, _)| *id).collect(), mark));
                }
                State::Done => {}
            }
        }
    }
    None
}
