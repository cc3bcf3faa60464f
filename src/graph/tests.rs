use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Map;
use stacks::spec::StackSpec;

use super::picture::{Rect, picture};
use super::*;

fn example() -> Vec<StackTemplate> {
    stacks::synthesize(&StackSpec::new("acme", "dev", "eu-west-2")).expect("stacks")
}

fn edges(graph: &Graph) -> Vec<String> {
    let edges = graph.edges.iter().map(|Edge { from, to, kind, values }| {
        let (from, to) = (&graph.nodes[*from].id, &graph.nodes[*to].id);
        format!("{from} {kind:?} {to} {}", values.join(" ")).trim_end().to_owned()
    });
    edges.collect()
}

#[test]
fn values_flow_between_the_stacks_of_the_platform() {
    let edges = edges(&Graph::of(&example(), Detail::Stacks));
    assert!(
        edges.contains(
            &"eu-west-2/network Import eu-west-2/efs private-subnets lambda-group efs-group"
                .to_owned()
        ),
        "{edges:#?}"
    );
    assert!(
        edges.contains(
            &"eu-west-2/artefacts DeployValue eu-west-2/efs bucket-name zip of git-store"
                .to_owned()
        ),
        "{edges:#?}"
    );
}

#[test]
fn with_resources_a_value_goes_from_what_publishes_it_to_the_parameter_that_reads_it() {
    let edges = edges(&Graph::of(&example(), Detail::Resources));
    for edge in [
        "eu-west-2/network/EfsGroupParameter Import eu-west-2/efs/NetworkEfsGroup efs-group",
        "eu-west-2/artefacts/ArtefactBucket DeployValue eu-west-2/efs/ArtefactBucket bucket-name",
        "eu-west-2/network/Vpc Ref eu-west-2/network/PrivateSubnetA",
    ] {
        assert!(edges.iter().any(|known| known == edge), "{edge} not in {edges:#?}");
    }
}

#[test]
fn every_reference_of_a_template_is_an_edge() {
    let resources = serde_json::json!({
        "A": { "Type": "AWS::A::A" },
        "B": { "Type": "AWS::A::B", "DependsOn": "A", "Properties": {
            "One": { "Ref": "A" }, "Two": { "Fn::GetAtt": ["A", "Arn"] },
            "Three": { "Fn::Sub": "${A.Name}-${P}-${AWS::Region}" },
            "Self": { "Ref": "B" }, "Nothing": { "Ref": "Absent" },
        } },
    });
    let resources = resources.as_object().expect("an object").clone();
    let stack = samples::stack("r", "s", &[], &[("P", "/aws/service/ami")], &resources);
    assert_eq!(
        edges(&Graph::of(&[stack], Detail::Resources)),
        [
            "r///aws/service/ami Import r/s/P /aws/service/ami",
            "r/s/A Ref r/s/B",
            "r/s/A GetAtt r/s/B Arn",
            "r/s/A Sub r/s/B Name",
            "r/s/P Sub r/s/B",
            "r/s/A DependsOn r/s/B",
        ]
    );
}

#[test]
fn a_dependency_is_looked_for_in_the_same_region_first_and_drawn_only_without_a_value() {
    let graph = Graph::of(&samples::platform(), Detail::Stacks);
    let edges = edges(&graph);
    assert!(edges.contains(&"us-east-1/network Import us-east-1/efs value-0 value-1".to_owned()));
    assert!(edges.contains(&"eu-west-2/global-identity Order us-east-1/replica".to_owned()));
    let ordered = graph.edges.iter().filter(|edge| edge.kind == EdgeKind::Order).count();
    assert_eq!(ordered, 2, "{edges:#?}");
}

#[test]
fn data_names_every_node_once_and_edges_lead_somewhere() {
    for detail in [Detail::Stacks, Detail::Resources] {
        for stacks in [example(), samples::platform(), samples::hostile()] {
            let value = Graph::of(&stacks, detail).value();
            let nodes = value["nodes"].as_array().expect("nodes");
            let ids: BTreeSet<_> = nodes.iter().map(|node| node["id"].as_str()).collect();
            assert_eq!(ids.len(), nodes.len());
            for edge in value["edges"].as_array().expect("edges") {
                assert!(ids.contains(&edge["from"].as_str()), "{edge}");
                assert!(ids.contains(&edge["to"].as_str()), "{edge}");
            }
        }
    }
}

fn inside(inner: &Rect, outer: &Rect) -> bool {
    inner.x >= outer.x
        && inner.y >= outer.y
        && inner.right() <= outer.right()
        && inner.bottom() <= outer.bottom()
}

fn apart(a: &Rect, b: &Rect) -> bool {
    a.right() <= b.x || b.right() <= a.x || a.bottom() <= b.y || b.bottom() <= a.y
}

#[test]
fn nothing_overlaps_and_everything_is_in_its_place() {
    for detail in [Detail::Stacks, Detail::Resources] {
        let graph = Graph::of(&samples::platform(), detail);
        assert!(graph.nodes.iter().map(Node::resources).sum::<usize>() > 300);
        let picture = picture(&graph);
        let page = Rect { x: 0.0, y: 0.0, w: picture.w, h: picture.h };
        for (index, node) in graph.nodes.iter().enumerate() {
            let own = &picture.boxes[index];
            let around = match node.stack {
                Some(stack) => picture.boxes[stack],
                None => {
                    picture
                        .regions
                        .iter()
                        .find(|(name, _)| *name == node.region)
                        .expect("a region")
                        .1
                }
            };
            assert!(inside(own, &around), "{}: {own:?} in {around:?}", node.id);
            assert!(inside(&around, &page));
            for other in (0..index).filter(|other| graph.nodes[*other].stack == node.stack) {
                assert!(
                    apart(own, &picture.boxes[other]),
                    "{} on {}",
                    node.id,
                    graph.nodes[other].id
                );
            }
        }
        // From left to right, in pairs of points.
        for line in &picture.lines {
            assert!(line.points.len().is_multiple_of(2));
            assert!(line.points.windows(2).all(|two| two[0].0 <= two[1].0 + 0.1), "{line:?}");
        }
    }
}

#[test]
fn five_hundred_stacks_beside_each_other_are_a_picture_too() {
    let many: Vec<_> = (0..500)
        .map(|n| samples::stack("r", &format!("tenant-{n}"), &["tenant-0"], &[], &Map::new()))
        .collect();
    let picture = picture(&Graph::of(&many, Detail::Stacks));
    let ratio = picture.h / picture.w;
    assert!((0.1..10.0).contains(&ratio), "{} by {}", picture.w, picture.h);
}

#[test]
fn a_thousand_resources_of_five_hundred_stacks_are_drawn_with_all_of_them() {
    let resources = serde_json::json!({
        "A": { "Type": "AWS::A::A" },
        "B": { "Type": "AWS::A::B", "Properties": { "A": { "Ref": "A" } } },
    });
    let resources = resources.as_object().expect("an object");
    let many: Vec<_> = (0..500)
        .map(|n| samples::stack("r", &format!("tenant-{n}"), &["tenant-0"], &[], resources))
        .collect();
    let svg = Graph::of(&many, Detail::Resources).draw(Drawing::Svg);
    assert_eq!(svg.matches("class=\"node resource\"").count(), 1000);
}

#[test]
fn no_stacks_are_an_empty_drawing() {
    let graph = Graph::of(&[], Detail::Resources);
    for drawing in [Drawing::Mermaid, Drawing::Dot, Drawing::Svg, Drawing::Html] {
        assert!(!graph.draw(drawing).contains("NaN"));
    }
}

#[test]
fn the_same_stacks_are_the_same_bytes() {
    for drawing in [Drawing::Mermaid, Drawing::Dot, Drawing::Svg, Drawing::Html] {
        let draw = || Graph::of(&samples::platform(), Detail::Resources).draw(drawing);
        assert_eq!(draw(), draw());
    }
}

#[test]
fn names_cannot_break_out_of_mermaid() {
    let label = r#""[\p{Alphabetic}\p{N} \-./:,()#;<>]*""#;
    let line = Regex::new(&format!(
        r"^(flowchart LR|\s*end|\s*subgraph [rn]\d+\[{label}\]|\s*n\d+(\[{label}\]|\(\[{label}\]\))|  n\d+ (-->|==>|-\.->)(\|{label}\|)? n\d+)$"
    ))
    .expect("a pattern");
    for detail in [Detail::Stacks, Detail::Resources] {
        let text = Graph::of(&samples::hostile(), detail).draw(Drawing::Mermaid);
        for found in text.lines() {
            assert!(line.is_match(found), "{found}");
            assert!(!found.replace("<br/>", "").contains(['<', '\u{1b}']), "{found}");
        }
        assert_eq!(text.matches("subgraph").count(), text.matches("  end\n").count());
    }
}

#[test]
fn names_cannot_break_out_of_graphviz() {
    let string = r#""([^"\\\n]|\\.)*""#;
    let line = Regex::new(&format!(
        r"^(digraph platform \{{|\s*\}}|\s*subgraph cluster_[rn]\d+ \{{|\s*label={string};|  (graph|node|edge) \[.*\];|\s*n\d+( -> n\d+)?( \[(label={string}|\w+=\w+)(, (label={string}|\w+=\w+))*\])?;)$"
    ))
    .expect("a pattern");
    for detail in [Detail::Stacks, Detail::Resources] {
        for found in Graph::of(&samples::hostile(), detail).draw(Drawing::Dot).lines() {
            assert!(line.is_match(found), "{found}");
        }
    }
}

#[test]
fn names_cannot_break_out_of_a_picture_or_a_page() {
    let tag =
        Regex::new(r#"<(/?)([a-z]+)((?: [a-zA-Z0-9:-]+="[^"<>]*")*)(/?)>"#).expect("a pattern");
    for detail in [Detail::Stacks, Detail::Resources] {
        let graph = Graph::of(&samples::hostile(), detail);
        let svg = graph.draw(Drawing::Svg);
        let mut open = Vec::new();
        for found in tag.captures_iter(&svg) {
            match (&found[1], &found[4]) {
                ("", "") => open.push(found[2].to_owned()),
                ("", _) => {}
                _ => assert_eq!(open.pop().as_deref(), Some(&found[2])),
            }
        }
        assert!(open.is_empty(), "{open:?}");
        let (_, after_style) = svg.split_once("</style>").expect("a style");
        let text = tag.replace_all(after_style, "");
        assert!(!text.contains(['<', '>', '"']), "{text}");
        assert!(!svg.contains("<script") && !svg.contains('\u{1b}'));
        let page = graph.draw(Drawing::Html);
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("</script").count(), 2);
        // `@@data@@` in a name is text.
        assert_eq!(page.matches(r#""edges":["#).count(), 1);
        let without_name_space = page.replace("http://www.w3.org/2000/svg", "");
        for outside in ["http:", "https:", "src=", "href=", "@import", "url(//"] {
            assert!(!without_name_space.contains(outside), "{outside}");
        }
    }
}

#[test]
fn drawings_of_three_small_stacks() {
    for (what, detail) in [("stacks", Detail::Stacks), ("resources", Detail::Resources)] {
        let graph = Graph::of(&samples::small(), detail);
        insta::assert_snapshot!(format!("{what}-mermaid"), graph.draw(Drawing::Mermaid));
        insta::assert_snapshot!(format!("{what}-dot"), graph.draw(Drawing::Dot));
        insta::assert_snapshot!(format!("{what}-svg"), graph.draw(Drawing::Svg));
        insta::assert_json_snapshot!(format!("{what}-data"), graph.value());
    }
}
