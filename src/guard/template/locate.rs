//! Finds a property in a template as it was written.
//!
//! Findings name properties of the folded template: an `Fn::If` is one of its branches
//! there, and a single statement is a list. The walk allows for both.

use super::super::document::{Kind, Mark, Node};

/// The place of a property (`Policies.0.PolicyName`), or of what is nearest to it.
pub(super) fn mark(root: &Node, resource: &str, property: &str) -> Mark {
    let top = root.entry("Resources").filter(|_| !resource.is_empty());
    let Some(entry) = top.and_then(|resources| resources.value.entry(resource)) else {
        return root.entry(property).map_or(root.mark, |entry| entry.key_mark);
    };
    let keys: Vec<&str> = property.split('.').filter(|key| !key.is_empty()).collect();
    let near = entry.key_mark;
    let properties = entry.value.entry("Properties");
    let within = properties.map_or((0, near), |it| walk(&it.value, &keys, near));
    // `DeletionPolicy` and the like stand beside the properties.
    let beside = walk(&entry.value, &keys, near);
    if beside.0 > within.0 { beside.1 } else { within.1 }
}

/// How many keys the file has, and where the last of them is.
fn walk(node: &Node, keys: &[&str], near: Mark) -> (usize, Mark) {
    let Some((key, rest)) = keys.split_first() else { return (0, near) };
    match &node.kind {
        Kind::Map(entries) => {
            if let Some(entry) = entries.iter().find(|entry| entry.key == *key) {
                let (further, mark) = walk(&entry.value, rest, entry.key_mark);
                return (further + 1, mark);
            }
            if let [entry] = entries.as_slice()
                && entry.key == "Fn::If"
            {
                let branches = entry.value.items().iter().skip(1);
                let found = branches.map(|branch| walk(branch, keys, near));
                return found.rev().max_by_key(|(depth, _)| *depth).unwrap_or((0, near));
            }
            // The only item of a list may stand without it.
            if *key != "0" {
                return (0, near);
            }
            let (further, mark) = walk(node, rest, near);
            (further + 1, mark)
        }
        Kind::List(items) => {
            let Some(item) = key.parse::<usize>().ok().and_then(|at| items.get(at)) else {
                return (0, near);
            };
            let (further, mark) = walk(item, rest, item.mark);
            (further + 1, mark)
        }
        Kind::Scalar(_) => (0, near),
    }
}
