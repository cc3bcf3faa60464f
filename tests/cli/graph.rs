use std::path::Path;

use super::env::TestEnv;

#[test]
fn the_default_is_a_mermaid_flowchart_of_the_stacks() {
    insta::assert_snapshot!(TestEnv::new().run(&["graph", "network"]).text, @r#"
    $ platformctl graph network
    flowchart LR
      subgraph r0["eu-west-2"]
        n0["network<br/>35 resources"]
      end
    --- exit 0
    "#);
}

#[test]
fn a_stack_is_drawn_with_what_it_needs() {
    let graph = TestEnv::new().json(&["graph", "efs", "-o", "json"]);
    let ids = |key: &str, of: &str| -> Vec<String> {
        let values = graph[of].as_array().expect("a list").iter();
        values.map(|value| value[key].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(
        ids("id", "nodes"),
        ["artefacts", "identity", "network", "efs"].map(|name| format!("eu-west-2/{name}"))
    );
    assert_eq!(
        ids("from", "edges"),
        ["network", "identity", "artefacts"].map(|name| format!("eu-west-2/{name}"))
    );
    assert_eq!(ids("to", "edges"), ["eu-west-2/efs"; 3]);
}

#[test]
fn the_ending_of_the_file_says_how_it_is_drawn_and_a_flag_wins() {
    let env = TestEnv::new();
    let outcome = env.run(&["graph", "--resources", "--out", "pictures/all.html"]);
    assert_eq!(outcome.code, 0, "{}", outcome.text);
    assert!(outcome.stdout.contains("pictures/all.html"), "{}", outcome.text);
    assert!(env.read("pictures/all.html").starts_with("<!doctype html>"));
    for (file, start) in [("a.svg", "<svg "), ("a.gv", "digraph "), ("a.mmd", "flowchart ")] {
        assert_eq!(env.run(&["graph", "--out", file]).code, 0);
        assert!(env.read(file).starts_with(start), "{file}");
    }
    assert_eq!(env.run(&["graph", "--format", "dot", "--out", "b.svg"]).code, 0);
    assert_eq!(env.read("b.svg"), env.run(&["graph", "--format", "dot"]).stdout);
}

#[test]
fn markdown_has_the_flowchart_in_a_fence() {
    let stdout = TestEnv::new().run(&["graph", "-o", "markdown"]).stdout;
    assert!(stdout.starts_with("```mermaid\nflowchart LR\n") && stdout.ends_with("\n```\n"));
}

#[test]
fn an_unknown_stack_is_a_usage_error() {
    let outcome = TestEnv::new().run(&["graph", "nope"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("there is no stack nope"), "{}", outcome.text);
}

#[test]
fn the_picture_in_the_documentation_is_what_the_verb_draws() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = root.join("examples/three-zones/platform.yaml");
    let config = config.to_str().expect("UTF-8");
    let drawn = TestEnv::empty().run(&["graph", "-c", config, "--format", "svg"]);
    assert_eq!(drawn.code, 0, "{}", drawn.text);
    let kept = std::fs::read_to_string(root.join("docs/platform.svg")).unwrap_or_default();
    assert!(
        drawn.stdout == kept,
        "docs/platform.svg is out of date: cargo run -- graph -c examples/three-zones/platform.yaml --out docs/platform.svg"
    );
}
