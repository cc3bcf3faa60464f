//! Files: what is wrong with them is said with line, column, and what was expected.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::stand_in::StandIn;
use crate::error::{Error, exit};
use crate::runbook::{Known, Library, json_schema, lint, parse, resolve};

const HEAD: &str = "version: 1\nid: drill\ntitle: A drill\n";

fn said(error: &Error) -> String {
    let mut text = error.to_string();
    for hint in error.hints() {
        text.push_str(&format!("\n  {hint}"));
    }
    text
}

fn refused(rest: &str) -> String {
    let error = parse("drill.yaml", &format!("{HEAD}{rest}")).expect_err("malformed");
    assert_eq!(error.exit_code(), exit::USAGE);
    said(&error)
}

#[test]
fn a_malformed_file_names_line_column_and_what_was_expected() {
    let malformed = [
        "steps:\n  - id: one\n    opps: { read: {} }\n",
        "steps:\n  - id: one\n    ops: { read: {}\n",
        "steps:\n  - id: one\n    check: {}\n    retry: { times: often, every: 5s }\n",
        "steps:\n  - id: one\n    check: {}\n    retry: { times: 3, every: 5 }\n",
        "steps:\n  - id: one\n    check: {}\n    timeout: soon\n",
        "steps:\n  - id: one\n    check: {}\n    on_failure: undoo\n",
        "steps:\n  - id: one\n    approval: { from: [Platform.Admin] }\n",
        "steps:\n  - id: one\n    http: { url: 'https://x', method: get }\n",
        "inputs:\n  who: { type: tennant }\nsteps: []\n",
        "inputs:\n  who: { type: tenant, defualt: acme }\nsteps: []\n",
        "steps: one\n",
        "stepps: []\n",
    ];
    let texts: Vec<String> = malformed.iter().map(|rest| refused(rest)).collect();
    insta::assert_snapshot!(texts.join("\n\n"));
    let error = parse("drill.yaml", "version: 2\nid: a\ntitle: b\nsteps: []\n").expect_err("2");
    assert_eq!(said(&error), "drill.yaml:1:1: version: version 2 is not known; expected 1");
}

fn findings(rest: &str) -> String {
    let loaded = parse("drill.yaml", &format!("{HEAD}{rest}")).expect("a file");
    let found = lint(&loaded, &StandIn::default()).into_iter();
    let lines = found.map(|it| format!("{}: {}\n  {}", it.place, it.message, it.hint));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_lint_finds_what_a_run_would_stumble_over() {
    let wrong = "\
inputs:
  who: { type: tenant, default: Not A Tenant }
  how: { type: choice }
  many: { type: integer, choices: [a] }
  bad-name: { type: string }
locks: [Runtime Region]
steps:
  - id: One
    ops: { read: '{{ inputs.whoo }}' }
  - id: two
    ops: { read: '{{ steps.three.x }} {{ steps.two.x }} {{ config.regoin }} {{ run.reson }} {{ nobody }}' }
  - id: three
    ops: { write: {} }
  - id: four
  - id: five
    ops: { read: {} }
    check: {}
  - id: five
    verb: { read a: {}, read b: {} }
  - id: six
    when: inputs.who =
    wait: { pause: 1s, until: result.x }
  - id: seven
    wait: { read: { ops: { change: {} } }, until: resutl.x, within: 1m }
  - id: eight
    approval: { from: [], within: 1h }
    timeout: 5m
  - id: nine
    manual: { text: do it, evidence: ' ' }
  - id: ten
    parallel:
      - { id: a, ops: { read: {} } }
      - { id: b, ops: { read: '{{ steps.a.n }}' }, on_failure: undo }
      - { id: c, parallel: [{ id: d, ops: { read: {} } }] }
  - id: eleven
    http: { url: 'ftp://example.com' }
  - id: twelve
    ops: { read: '{{ steps.nine.evidnce }} {{ steps.eleven.status }} {{ steps.a.n }}' }
    undo: {}
";
    insta::assert_snapshot!(findings(wrong));
    let right = "\
inputs:
  who: { type: tenant }
  region: { type: region, default: '{{ config.region }}' }
steps:
  - { id: one, ops: { read: '{{ inputs.who }}' }, undo: { ops: { change: '{{ steps.one.x }}' } } }
  - { id: two, when: steps.one.n > 3 and run.local, ops: { change: '{{ config.budget.monthly_usd }}' } }
";
    assert_eq!(findings(right), "");
    assert_eq!(findings("steps: []\n"), "drill.yaml:4:1: steps: there are no steps\n  ");
}

fn resolved(given: &[(&str, &str)]) -> String {
    let text = "\
inputs:
  tenant: { type: tenant, about: who it is }
  times: { type: integer, default: 3, min: 1, max: 9 }
  sure: { type: boolean, default: false }
  region: { type: region, default: '{{ config.region }}' }
  stack: { type: stack, optional: true }
  how: { type: choice, choices: [slow, fast], default: slow }
  pause: { type: duration, default: 5m }
  to: { type: string, optional: true, allowed: config.others }
steps: []
";
    let loaded = parse("drill.yaml", &format!("{HEAD}{text}")).expect("a file");
    let given: BTreeMap<String, Value> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let known = Known {
        config: json!({ "region": "eu-west-2", "others": ["eu-west-1"] }),
        stacks: vec!["efs".into(), "network".into()],
        queues: Vec::new(),
    };
    match resolve(&loaded, &given, &known) {
        Ok(values) => Value::Object(values).to_string(),
        Err(error) => format!("{} {}", said(&error), error.causes().join("\n")),
    }
}

#[test]
fn inputs_are_of_their_kind() {
    insta::assert_snapshot!(resolved(&[
        ("tenant", "acme"),
        ("times", "5"),
        ("sure", "true"),
        ("stack", "efs"),
        ("to", "eu-west-1")
    ]));
    let wrong = [
        &[][..],
        &[("tenant", "Not A Tenant")],
        &[("tenant", "acme"), ("times", "many")],
        &[("tenant", "acme"), ("times", "10")],
        &[("tenant", "acme"), ("sure", "yes")],
        &[("tenant", "acme"), ("region", "london")],
        &[("tenant", "acme"), ("stack", "esf")],
        &[("tenant", "acme"), ("how", "quickly")],
        &[("tenant", "acme"), ("pause", "a while")],
        &[("tenant", "acme"), ("to", "eu-west-9")],
        &[("tenant", "acme"), ("tenent", "x")],
    ];
    let texts: Vec<String> = wrong.iter().map(|given| resolved(given)).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn an_own_runbook_takes_the_place_of_an_embedded_one_and_a_broken_one_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write("a.yaml", "version: 1\nid: '006'\ntitle: Ours\nsteps: [{ id: a, check: {} }]\n");
    write("b.yaml", "version: 1\nid: drill\ntitle: A drill\nsteps: [{ id: a, check: {} }]\n");
    write("c.yaml", "version: 1\nid: drill\ntitle: Again\nsteps: []\n");
    write("d.yaml", "version: 1\nid: broken\n");
    write("notes.txt", "no runbook");
    let library = Library::find(Some(folder.path())).expect("a library");
    let ids: Vec<&str> = library.runbooks.iter().map(|it| it.runbook.id.as_str()).collect();
    assert_eq!(
        ids,
        ["000", "001", "002", "003", "004", "005", "006", "007", "008", "009", "drill"]
    );
    assert_eq!(library.get("006").expect("ours").runbook.title, "Ours");
    assert!(!library.get("006").expect("ours").embedded);
    assert_eq!(library.broken.len(), 2);
    let error = library.get("00").expect_err("none");
    assert!(said(&error).contains("did you mean"), "{}", said(&error));
}

#[test]
fn the_published_schema_is_current() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks/runbook.schema.json");
    let current = serde_json::to_string_pretty(&json_schema()).expect("a schema") + "\n";
    let published = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        published == current,
        "make it anew: platformctl runbook schema > runbooks/runbook.schema.json"
    );
}

#[test]
fn every_file_of_the_folder_is_embedded_and_begins_with_its_id() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
    let library = Library::find(None).expect("a library");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    files.sort();
    let named: Vec<String> =
        library.runbooks.iter().map(|it| it.file.replace("runbooks/", "")).collect();
    assert_eq!(files, named);
    for loaded in &library.runbooks {
        assert!(loaded.file.starts_with(&format!("runbooks/{}-", loaded.runbook.id)));
        assert!(loaded.runbook.about.len() > 80, "{}: what it is for", loaded.file);
        for step in &loaded.runbook.steps {
            assert!(!step.title.is_empty(), "{}: {}: what it is for", loaded.file, step.id);
        }
    }
}
