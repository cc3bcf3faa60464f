//! Our verdicts are those of plain cfn-guard: neither showing the engine only a part of a
//! template, nor judging equal parts once, nor working in chunks changes one.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use cfn_guard::commands::Executable as _;
use cfn_guard::commands::validate::{OutputFormatType, ShowSummaryType};
use cfn_guard::utils::reader::{ReadBuffer, Reader};
use cfn_guard::utils::writer::{WriteBuffer, Writer};
use cfn_guard::{CommandBuilder as _, ValidateBuilder};
use platformctl::guard::{RuleSet, Verdict, folded, verdicts};
use serde_json::{Map, Value, json};
use stacks::spec::{Nat, StackSpec};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/guard"))
}

fn texts(ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("the folder guard");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let wanted = paths.filter(|path| path.to_string_lossy().ends_with(ending));
    let mut texts: Vec<String> =
        wanted.map(|path| std::fs::read_to_string(path).expect("a text")).collect();
    texts.sort();
    texts
}

/// What cfn-guard says of whole templates, one by one and with all rules.
fn plain(templates: &[Value]) -> Vec<BTreeMap<String, Verdict>> {
    let data: Vec<String> = templates.iter().map(Value::to_string).collect();
    let payload = json!({ "rules": texts(".guard"), "data": data }).to_string();
    let mut reader = Reader::new(ReadBuffer::Cursor(Cursor::new(payload.into_bytes())));
    let mut writer =
        Writer::new_with_err(WriteBuffer::Vec(Vec::new()), WriteBuffer::Vec(Vec::new()))
            .expect("a writer");
    let command = ValidateBuilder::default()
        .payload(true)
        .structured(true)
        .output_format(OutputFormatType::JSON)
        .show_summary(vec![ShowSummaryType::None])
        .try_build()
        .expect("a command");
    command.execute(&mut writer, &mut reader).expect("verdicts");
    let reports: Vec<Value> =
        serde_json::from_str(&writer.into_string().expect("text")).expect("JSON");
    reports
        .iter()
        .map(|report| {
            let names = |key: &str| report[key].as_array().expect("a list").clone();
            let id = |name: &Value| name.as_str().expect("a name").replace('_', "-");
            let mut found = BTreeMap::new();
            found.extend(names("not_applicable").iter().map(|name| (id(name), Verdict::Skip)));
            found.extend(names("compliant").iter().map(|name| (id(name), Verdict::Pass)));
            let failed = names("not_compliant");
            found.extend(failed.iter().map(|rule| (id(&rule["Rule"]["name"]), Verdict::Fail)));
            found
        })
        .collect()
}

/// The worst verdict of every outcome of a template's conditions.
fn expected(template: &Value) -> BTreeMap<String, Verdict> {
    let mut worst = BTreeMap::new();
    for (rule, verdict) in plain(&folded(template)).into_iter().flatten() {
        let known = worst.entry(rule).or_insert(verdict);
        *known = verdict.max(*known);
    }
    worst
}

fn same(name: &str, template: &Value, rules: &RuleSet) {
    let ours = verdicts(template, rules).expect("verdicts");
    let expected = expected(template);
    assert!(expected.len() > 20, "{name}: {expected:?}");
    assert_eq!(ours, expected, "{name}");
}

/// `template` with a change to every second resource, so that good ones stand beside bad ones.
fn mutant(template: &Value, change: impl Fn(&mut Map<String, Value>)) -> Value {
    let mut template = template.clone();
    let resources = template["Resources"].as_object_mut().expect("resources");
    for resource in resources.values_mut().step_by(2) {
        if let Some(properties) = resource["Properties"].as_object_mut() {
            change(properties);
        }
    }
    template
}

#[test]
fn our_stacks_and_their_mutants() {
    let mut spec = StackSpec::new("acme", "dev", "eu-west-2");
    spec.network.nat = Nat::Single;
    let rules = RuleSet::embedded();
    for stack in stacks::synthesize(&spec).expect("stacks") {
        let template = stack.template.as_value();
        same(&stack.name, template, &rules);
        let untagged = mutant(template, |properties| {
            properties.retain(|name, _| !name.ends_with("Tags"));
        });
        same(&format!("{} without tags", stack.name), &untagged, &rules);
        let open = mutant(template, |properties| {
            for name in ["Encrypted", "EnableKeyRotation", "PublicAccessBlockConfiguration"] {
                properties.insert(name.to_owned(), json!(false));
            }
            let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
            let policy = json!({ "PolicyDocument": { "Statement": [statement] } });
            properties.insert("Policies".to_owned(), json!([policy]));
        });
        same(&format!("{} wide open", stack.name), &open, &rules);
        same(&format!("{} bare", stack.name), &mutant(template, Map::clear), &rules);
    }
}

/// Every case of every rule's tests, those of a file all in one template.
#[test]
fn all_cases_of_a_rule_file_at_once() {
    let rules = RuleSet::embedded();
    for text in texts("-tests.yaml") {
        let cases: Vec<Value> = serde_yaml::from_str(&text).expect("cases");
        let mut all = Map::new();
        for (number, case) in cases.iter().enumerate() {
            let resources = case["input"]["Resources"].as_object();
            for (id, resource) in resources.into_iter().flatten() {
                all.insert(format!("{id}{number}"), resource.clone());
            }
        }
        let name = cases[0]["name"].to_string();
        same(&name, &json!({ "Resources": all }), &rules);
    }
}
