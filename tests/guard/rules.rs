//! Every rule against its `*-tests.yaml`, in the format of cfn-guard's own test command.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use platformctl::guard::template::Template;
use platformctl::guard::{RuleSet, Severity, Verdict, examples, rules, verdicts};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    name: String,
    input: Value,
    expectations: Expectations,
}

#[derive(Deserialize)]
struct Expectations {
    rules: BTreeMap<String, String>,
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/guard"))
}

/// Names of the files of `guard/` that end so, without the ending.
fn themes(ending: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder()).expect("the folder guard");
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect()
}

fn cases(theme: &str) -> Vec<Case> {
    let path = folder().join(format!("{theme}-tests.yaml"));
    let text = std::fs::read_to_string(&path).expect("a test file");
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rule_file(theme: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{theme}.guard"))).expect("a rule file")
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Skip => "SKIP",
    }
}

#[test]
fn every_case_has_the_verdict_it_expects() {
    let mut wrong = Vec::new();
    for theme in themes("-tests.yaml") {
        // The file alone: a case is about its own theme, and the rules of others take time.
        let set = RuleSet::empty().with_file(&theme, &rule_file(&theme)).expect("rules");
        for case in cases(&theme) {
            let verdicts = verdicts(&case.input, &set).expect("verdicts");
            for (rule, expected) in &case.expectations.rules {
                let verdict = verdicts.get(&rule.replace('_', "-")).copied().map(word);
                if verdict != Some(expected.as_str()) {
                    wrong.push(format!(
                        "{theme}, {}: {rule} is {verdict:?}, not {expected}",
                        case.name
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What `explain` shows of a rule does what is said of it.
#[test]
fn examples_pass_and_fail() {
    let mut shown = 0;
    let mut wrong = Vec::new();
    for rule in rules() {
        let examples = examples(&rule);
        let alone =
            RuleSet::embedded().choose(std::slice::from_ref(&rule.id), &[]).expect("the rule");
        let kinds = [(examples.passes, Verdict::Pass), (examples.fails, Verdict::Fail)];
        for (example, expected) in kinds {
            let example = example.unwrap_or_else(|| panic!("{} has no {expected:?}", rule.id));
            let template = Template::parse("example.yaml", &example.template).expect("a template");
            let verdicts = verdicts(&template.value, &alone).expect("verdicts");
            if verdicts.get(&rule.id) != Some(&expected) {
                wrong.push(format!("{}: {} is {verdicts:?}", rule.id, example.name));
            }
            shown += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(shown, 2 * rules().len());
}

#[test]
fn every_rule_has_a_case_that_passes_fails_and_is_skipped() {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for theme in themes("-tests.yaml") {
        for (rule, verdict) in cases(&theme).into_iter().flat_map(|case| case.expectations.rules) {
            seen.entry(rule.replace('_', "-")).or_default().insert(verdict);
        }
    }
    for rule in rules() {
        let seen = seen.remove(&rule.id).unwrap_or_default();
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        assert_eq!(seen, ["FAIL", "PASS", "SKIP"], "cases of {}", rule.id);
    }
    assert!(seen.is_empty(), "cases of rules that do not exist: {seen:?}");
}

#[test]
fn every_rule_file_is_embedded_and_has_tests() {
    let embedded: BTreeSet<String> = rules()
        .into_iter()
        .filter_map(|rule| {
            Some(rule.file.strip_prefix("guard/")?.strip_suffix(".guard")?.to_owned())
        })
        .collect();
    assert_eq!(themes(".guard"), embedded);
    assert_eq!(themes("-tests.yaml"), embedded);
}

#[test]
fn every_rule_explains_itself() {
    for rule in rules() {
        let id = &rule.id;
        assert!(rule.why.len() > 40 && rule.why.ends_with('.'), "why of {id}: {}", rule.why);
        assert!(rule.fix.len() > 20 && rule.fix.ends_with('.'), "fix of {id}: {}", rule.fix);
        assert!(
            rule.title.len() > 10 && !rule.title.contains("Why:"),
            "title of {id}: {}",
            rule.title
        );
        let path = folder().join("..").join(&rule.file);
        let text = std::fs::read_to_string(path).expect("the rule's file");
        let line = text.lines().nth(rule.line - 1).unwrap_or_default();
        let name = id.replace('-', "_");
        assert!(line.starts_with(&format!("rule {name}")), "line of {id}: {line}");
        // The id in the message is for those who run the file with plain cfn-guard.
        assert!(text.contains(&format!("id: {id}\n")), "id of {id}");
        let comment: Vec<&str> = text
            .lines()
            .take(rule.line - 1)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .take_while(|line| line.starts_with('#'))
            .collect();
        let comment = comment.join("\n");
        assert!(comment.contains("Why: ") && comment.contains("Fix: "), "comment of {id}");
    }
}

#[test]
fn ids_are_unique_and_sorted() {
    let ids: Vec<String> = rules().into_iter().map(|rule| rule.id).collect();
    let mut sorted = ids.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(ids, sorted);
}

/// What is not an error is so on purpose: it does not fail a check.
#[test]
fn only_these_rules_are_no_errors() {
    let lenient: Vec<String> = rules()
        .into_iter()
        .filter(|rule| rule.severity != Severity::Error)
        .map(|rule| rule.id)
        .collect();
    let expected = [
        "api-requests-validated",
        "cloudfront-behind-waf",
        "cloudfront-logged",
        "efs-backed-up",
        "efs-through-access-points",
        "firehose-logged",
        "s3-lifecycle",
    ];
    assert_eq!(lenient, expected);
}

/// A type that takes tags and is in no list would go untagged unseen.
#[test]
fn every_vendored_type_that_takes_tags_is_in_the_rule() {
    let rule = std::fs::read_to_string(folder().join("tags.guard")).expect("tags.guard");
    let schemas = folder().join("../stacks/schemas");
    let Ok(entries) = std::fs::read_dir(schemas) else { return };
    let mut missing = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a schema");
        let schema: Value = serde_json::from_str(&text).expect("JSON");
        let taggable = schema.pointer("/tagging/taggable").or_else(|| schema.get("taggable"));
        let property = schema.pointer("/tagging/tagProperty").and_then(Value::as_str);
        let exists = schema.pointer(property.unwrap_or("/properties/Tags")).is_some();
        let name = schema["typeName"].as_str().unwrap_or_default();
        if taggable == Some(&Value::Bool(true)) && exists && !rule.contains(&format!("'{name}'")) {
            missing.push(name.to_owned());
        }
    }
    assert!(missing.is_empty(), "not in tags.guard: {missing:?}");
}

/// Our files are shown only what they name; that must not change what they say.
#[test]
fn a_selection_of_a_template_has_the_verdicts_of_the_whole() {
    let embedded = RuleSet::embedded();
    for theme in themes("-tests.yaml") {
        let whole = RuleSet::empty().with_file(&theme, &rule_file(&theme)).expect("rules");
        for case in cases(&theme) {
            let selected = verdicts(&case.input, &embedded).expect("verdicts");
            for (rule, verdict) in verdicts(&case.input, &whole).expect("verdicts") {
                assert_eq!(selected[&rule], verdict, "{theme}, {}: {rule}", case.name);
            }
        }
    }
}
