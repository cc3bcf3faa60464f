//! A graph as a page to explore, in one file that asks nothing of the network.

use serde_json::json;

use super::picture::picture;
use super::svg::drawing;
use super::{Graph, style};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page.
pub(super) fn page(graph: &Graph) -> String {
    let picture = drawing(graph, &picture(graph), "");
    let nodes = graph.nodes.iter().map(|node| {
        json!({
            "label": node.label,
            "detail": node.detail,
            "kind": node.kind,
            "type": node.type_name,
            "region": node.region,
            "stack": node.stack,
        })
    });
    let edges = graph.edges.iter().map(|edge| {
        json!({ "from": edge.from, "to": edge.to, "kind": edge.kind, "values": edge.values })
    });
    let data = json!({ "nodes": nodes.collect::<Vec<_>>(), "edges": edges.collect::<Vec<_>>() });
    // `</script>` or `<!--` in a name would end the data.
    let data = data.to_string().replace('<', "\\u003c");
    let css = format!("{}{STYLE}", style::css_with_choice());
    // In one pass: what is put in may contain the marks of others.
    let mut page = String::new();
    for piece in PAGE.split("@@") {
        page.push_str(match piece {
            "style" => &css,
            "drawing" => &picture,
            "data" => &data,
            "script" => SCRIPT,
            other => other,
        });
    }
    page
}
