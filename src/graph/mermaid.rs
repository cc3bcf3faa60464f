//! A graph as a Mermaid flowchart.
//!
//! Nodes are numbered, and every character of a name that could mean something is
//! written as a character code: no name can break out of its label.

use super::{Edge, EdgeKind, Graph, NodeKind, resources};

/// The flowchart.
pub(super) fn text(graph: &Graph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (number, region) in graph.regions().into_iter().enumerate() {
        text.push_str(&format!("  subgraph r{number}[\"{}\"]\n", escaped(region)));
        for outer in graph.outer(region) {
            node(graph, outer, &mut text);
        }
        text.push_str("  end\n");
    }
    for edge in &graph.edges {
        text.push_str(&format!("  n{} {} n{}\n", edge.from, arrow(edge), edge.to));
    }
    text
}

fn node(graph: &Graph, index: usize, text: &mut String) {
    let node = &graph.nodes[index];
    let label = escaped(&node.label);
    let inside: Vec<_> = graph.inside(index).collect();
    match node.kind {
        NodeKind::Stack if inside.is_empty() => {
            let count = resources(node.resources());
            text.push_str(&format!("    n{index}[\"{label}<br/>{count}\"]\n"));
        }
        NodeKind::Stack => {
            text.push_str(&format!("    subgraph n{index}[\"{label}\"]\n"));
            for part in inside {
                let node = &graph.nodes[part];
                let (label, detail) = (escaped(&node.label), escaped(&node.detail));
                let (open, close) = match node.kind {
                    NodeKind::Parameter => ("([", "])"),
                    _ => ("[", "]"),
                };
                text.push_str(&format!("      n{part}{open}\"{label}<br/>{detail}\"{close}\n"));
            }
            text.push_str("    end\n");
        }
        _ => text.push_str(&format!("    n{index}([\"{label}\"])\n")),
    }
}

fn arrow(edge: &Edge) -> String {
    let line = match edge.kind {
        EdgeKind::Order | EdgeKind::DependsOn => "-.->",
        EdgeKind::DeployValue => "==>",
        _ => "-->",
    };
    if edge.values.is_empty() {
        return line.to_owned();
    }
    let values: Vec<_> = edge.values.iter().map(|value| escaped(value)).collect();
    format!("{line}|\"{}\"|", values.join("<br/>"))
}

/// `text` without a character that means something to Mermaid, HTML or Markdown.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        // "1. one" and "- one" would be lists.
        let list = matches!(character, '-' | '.') && characters.peek() == Some(&' ');
        let plain = character.is_alphanumeric() || " -./:,()".contains(character);
        if plain && !list {
            out.push(character);
        } else {
            out.push_str(&format!("#{};", u32::from(character)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_mean_something_is_a_code() {
        assert_eq!(escaped("vpc-id, 10.0.0.0/16"), "vpc-id, 10.0.0.0/16");
        assert_eq!(escaped(r#""]--x`#;"#), "#34;#93;--x#96;#35;#59;");
        assert_eq!(escaped("<b>&\n1. a - b"), "#60;b#62;#38;#10;1#46; a #45; b");
    }
}
