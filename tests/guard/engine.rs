//! The engine: big outputs, places, masking, order, evasions, malformed rules.

use platformctl::error::Kind;
use platformctl::guard::{Exemptions, Finding, RuleSet, Verdict, check, check_with, verdicts};
use serde_json::{Value, json};

use crate::{TODAY, checked};

fn of_rule<'a>(findings: &'a [Finding], rule: &str) -> Vec<&'a Finding> {
    findings.iter().filter(|finding| finding.rule == rule).collect()
}

fn template(resource: &Value) -> Value {
    json!({ "Resources": { "It": resource } })
}

fn role(statement: &Value) -> Value {
    template(&json!({ "Type": "AWS::IAM::Role", "Properties": {
        "Policies": [{ "PolicyDocument": { "Statement": statement } }]
    } }))
}

/// `run_checks` of cfn-guard keeps only the last part of more than 8 KB.
#[test]
fn fifty_failing_resources_are_fifty_findings() {
    let mut resources = serde_json::Map::new();
    for number in 0..50 {
        let properties = json!({ "Encrypted": false, "Padding": "x".repeat(500) });
        let file_system = json!({ "Type": "AWS::EFS::FileSystem", "Properties": properties });
        resources.insert(format!("FileSystem{number:02}"), file_system);
    }
    let report = checked(&[("efs", &json!({ "Resources": resources }))]);
    let found = of_rule(&report.findings, "efs-encrypted-at-rest");
    assert_eq!(found.len(), 50);
    assert_eq!(found[49].resource, "FileSystem49");
}

#[test]
fn a_finding_says_what_and_where() {
    let template = template(&json!({
        "Type": "AWS::EFS::FileSystem", "Properties": { "Encrypted": false }
    }));
    let report = checked(&[("efs", &template)]);
    let finding = of_rule(&report.findings, "efs-encrypted-at-rest")[0];
    assert_eq!(finding.place(), "efs / It / Encrypted");
    assert_eq!(finding.difference(), "found false, wanted true");
    assert_eq!(finding.resource_type, "AWS::EFS::FileSystem");
    assert_eq!(finding.file, "guard/efs.guard");
    let missing = of_rule(&report.findings, "efs-tls-required")[0];
    assert_eq!(
        (missing.property.as_str(), missing.found.as_str()),
        ("FileSystemPolicy", "nothing")
    );
    assert!(!report.passed());
}

#[test]
fn a_statement_is_named_by_its_sid() {
    let report = checked(&[(
        "efs",
        &role(&json!([
            { "Sid": "First", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a" },
            { "Sid": "Second", "Effect": "Allow", "Action": ["s3:GetObject", "s3:*"], "Resource": "*" }
        ])),
    )]);
    let action = of_rule(&report.findings, "iam-no-wildcard-action")[0];
    assert_eq!(action.property, "Policies.0.PolicyDocument.Statement.1.Action.1");
    assert_eq!(action.statement.as_deref(), Some("Second"));
    assert_eq!(action.found, r#""s3:*""#);
    assert_eq!(of_rule(&report.findings, "iam-no-wildcard-resource").len(), 1);
}

#[test]
fn a_wildcard_in_other_words_is_a_wildcard() {
    let evasions = [
        json!({ "Fn::Sub": "*" }),
        json!({ "Fn::Sub": ["${What}", { "What": "*" }] }),
        json!({ "Fn::Join": ["", ["s3", ":*"]] }),
        json!({ "Fn::Join": [":", [{ "Ref": "Service" }, "*"]] }),
        json!({ "Fn::Sub": "${Service}:*" }),
        json!({ "Fn::Select": [0, ["*"]] }),
        json!({ "Ref": "Everything" }),
        json!({ "Fn::If": ["Prod", "s3:GetObject", "*"] }),
        json!({ "Fn::If": ["Prod", "*", { "Ref": "AWS::NoValue" }] }),
    ];
    for action in evasions {
        let mut template = role(&json!({ "Effect": "Allow", "Action": [action], "Resource": "a" }));
        template["Parameters"] = json!({
            "Everything": { "Type": "String", "Default": "*" },
            "Service": { "Type": "String" }
        });
        let verdicts = verdicts(&template, &RuleSet::embedded()).expect("verdicts");
        assert_eq!(verdicts["iam-no-wildcard-action"], Verdict::Fail, "{action}");
    }
}

#[test]
fn what_is_known_only_at_deployment_passes() {
    for action in [
        json!({ "Ref": "Action" }),
        json!({ "Fn::ImportValue": "action" }),
        json!({ "Fn::Sub": "s3:${Verb}" }),
        json!({ "Fn::FindInMap": ["Actions", { "Ref": "AWS::Region" }, "Read"] }),
        json!({ "Fn::Split": [",", { "Ref": "Actions" }] }),
    ] {
        let role = role(&json!({ "Effect": "Allow", "Action": action, "Resource": action }));
        let report = checked(&[("efs", &role)]);
        let iam: Vec<_> = report.findings.iter().filter(|it| it.rule.starts_with("iam")).collect();
        assert!(iam.is_empty(), "{action}: {iam:?}");
    }
}

#[test]
fn both_branches_of_a_condition_count() {
    let template = template(&json!({ "Type": "AWS::EFS::FileSystem", "Properties": {
        "Encrypted": { "Fn::If": ["Prod", true, false] }
    } }));
    let report = checked(&[("efs", &template)]);
    let found = of_rule(&report.findings, "efs-encrypted-at-rest");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].difference(), "found false, wanted true");
    assert_eq!(of_rule(&report.findings, "tags-required").len(), 1, "once, not once a branch");
}

#[test]
fn order_and_bytes_do_not_depend_on_the_order_of_input() {
    let one = json!({ "Resources": {
        "B": { "Type": "AWS::SQS::Queue" }, "A": { "Type": "AWS::Logs::LogGroup" }
    } });
    let two = json!({ "Resources": { "C": { "Type": "AWS::KMS::Key" } } });
    let mut first = checked(&[("one", &one), ("two", &two)]);
    let mut second = checked(&[("two", &two), ("one", &one)]);
    let keys: Vec<_> =
        first.findings.iter().map(|it| (&it.stack, &it.resource, &it.rule, &it.property)).collect();
    assert!(keys.is_sorted());
    (first.elapsed_ms, second.elapsed_ms) = (0, 0);
    assert_eq!(first, second);
    assert_eq!(first.sarif(), second.sarif());
    assert_eq!(first.junit(), second.junit());
}

#[test]
fn the_same_template_under_two_names_has_findings_under_both() {
    let template = template(&json!({ "Type": "AWS::KMS::Key" }));
    let report = checked(&[("tenant-a", &template), ("tenant-b", &template)]);
    let stacks: Vec<_> =
        of_rule(&report.findings, "kms-key-rotation").iter().map(|it| it.stack.clone()).collect();
    assert_eq!(stacks, ["tenant-a", "tenant-b"]);
}

#[test]
fn a_template_without_resources_passes() {
    for empty in [json!({}), json!({ "Resources": {} }), json!({ "Resources": [] }), json!([])] {
        let report = checked(&[("empty", &empty)]);
        assert!(report.findings.is_empty() && report.passed(), "{empty}");
    }
    assert!(checked(&[]).passed());
}

#[test]
fn a_malformed_rule_file_is_refused_at_its_line() {
    let text = "let x = Resources.*\n\nrule broken when %x !empty {\n    %x.Type === 'A'\n}\n";
    let error = RuleSet::empty().with_file("mine/bad.guard", text).expect_err("a syntax error");
    let place = error.place().expect("a place");
    assert_eq!(error.kind(), Kind::Usage);
    assert_eq!((place.file.as_str(), place.line), ("mine/bad.guard", 4), "{error}");
    assert!(place.column > 0 && !error.hints().is_empty());
}

#[test]
fn a_folder_of_rules_is_added() {
    let folder = std::env::temp_dir().join(format!("platformctl-rules-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let rule = "rule topics_are_named when Resources.*[ Type == 'AWS::SNS::Topic' ] !empty {\n  \
        Resources.*[ Type == 'AWS::SNS::Topic' ].Properties.TopicName exists <<Topics have names>>\n}\n";
    std::fs::write(folder.join("mine.guard"), rule).expect("a file");
    std::fs::write(folder.join("notes.txt"), "not a rule").expect("a file");
    let set = RuleSet::embedded().with_folder(&folder).expect("rules");
    let again = set.clone().with_folder(&folder).expect_err("the same name twice");
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(again.to_string().contains("topics_are_named"), "{again}");
    assert_eq!(set.rules().len(), RuleSet::embedded().rules().len() + 1);

    let topic = template(&json!({ "Type": "AWS::SNS::Topic", "Properties": {} }));
    let none = Exemptions::default();
    let report = check(&[("mine", &topic)], &set, &none, TODAY).expect("a report");
    let found = of_rule(&report.findings, "topics-are-named")[0];
    assert_eq!((found.why.as_str(), found.fix.as_str()), ("Topics have names", ""));
    assert_eq!(found.place(), "mine / It / TopicName");
    assert!(RuleSet::empty().with_folder(&folder).is_err(), "the folder is gone");
}

/// Where the engine gives up or panics, the error names the file.
#[test]
fn a_rule_that_breaks_the_engine_is_named() {
    let text = "rule broken {\n  %never_defined !empty\n}\n";
    let set = RuleSet::embedded().with_file("mine/odd.guard", text).expect("its syntax is right");
    let topic = template(&json!({ "Type": "AWS::SNS::Topic" }));
    let error =
        check(&[("mine", &topic)], &set, &Exemptions::default(), TODAY).expect_err("an error");
    assert_eq!(error.place().map(|place| place.file.as_str()), Some("mine/odd.guard"), "{error}");
}

#[test]
fn secrets_do_not_get_into_findings() {
    let rule = "let fns = Resources.*[ Type == 'F' ]\nrule plain when %fns !empty {\n  \
        %fns.Properties.Environment.DB_PASSWORD == 'x'\n  %fns.Properties.List[*].Value == 'x'\n  \
        %fns.Properties.Whole == 'x'\n}\n";
    let set = RuleSet::empty().with_file("mine.guard", rule).expect("rules");
    let template = template(&json!({ "Type": "F", "Properties": {
        "Environment": { "DB_PASSWORD": "hunter2" },
        "List": [{ "Name": "API_TOKEN", "Value": "hunter3" }],
        "Whole": { "ClientSecret": "hunter4", "Key": "AKIAIOSFODNN7EXAMPLE", "Text": "x".repeat(9000) }
    } }));
    let report = check(&[("s", &template)], &set, &Exemptions::default(), TODAY).expect("a report");
    assert_eq!(report.findings.len(), 3);
    for text in [report.text(), report.json(), report.sarif(), report.junit()] {
        assert!(!text.contains("hunter") && !text.contains("AKIA"), "{text}");
        assert!(text.contains("(hidden)") && text.len() < 20_000);
    }
}

/// Five hundred tenants with one template cost about as much as one of them.
#[test]
fn equal_templates_are_judged_once() {
    let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let resources: serde_json::Map<String, Value> = (0..40)
        .map(|number| (format!("Role{number}"), role(&statement)["Resources"]["It"].clone()))
        .collect();
    let template = json!({ "Resources": resources });
    let started = std::time::Instant::now();
    let one = checked(&[("tenant", &template)]);
    let alone = started.elapsed();
    let copies: Vec<(String, Value)> =
        (0..500).map(|number| (format!("tenant-{number:03}"), template.clone())).collect();
    let inputs: Vec<(&str, &Value)> = copies.iter().map(|(name, it)| (name.as_str(), it)).collect();
    let started = std::time::Instant::now();
    let all = checked(&inputs);
    let together = started.elapsed();
    assert_eq!(all.findings.len(), 500 * one.findings.len());
    assert_eq!(all.stacks, 500);
    assert!(together < alone * 100, "{together:?} for 500, {alone:?} for one");
}

#[test]
fn findings_of_code_are_taken_like_others() {
    let extra = |rule: &str| {
        let text = |text: &str| text.to_owned();
        Finding::new(
            rule,
            platformctl::guard::Severity::Error,
            text("efs"),
            text("It"),
            text("AWS::EFS::FileSystem"),
            text("Owner"),
            text("nobody"),
            text("somebody"),
            text("Nobody answers for it."),
            text("Name someone."),
        )
    };
    let exemption = "exemptions: [{ rule: template-not-expanded, stack: efs, resource: It, \
        owner: me, reason: a test, expires: 2030-01-01 }]";
    let exemptions = Exemptions::default().with_text("mine.yaml", exemption).expect("exemptions");
    let extras = vec![extra("template-not-expanded"), extra("exemption-expired")];
    let rules = RuleSet::embedded();
    let report = check_with(&[], &rules, &exemptions, TODAY, extras.clone()).expect("a report");
    assert_eq!(of_rule(&report.findings, "exemption-expired").len(), 1, "{report}");
    assert_eq!(report.exempted.len(), 1, "a rule that is code can be exempt: {report}");
    let without = rules.choose(&[], &["exemption-expired".to_owned()]).expect("rules");
    let report = check_with(&[], &without, &exemptions, TODAY, extras).expect("a report");
    assert!(report.findings.is_empty(), "{report}");
}

/// The parser of the engine refuses characters that JSON may have.
#[test]
fn odd_characters_stop_no_check() {
    let odd: String = ['\u{7f}', '\u{9f}', '\u{feff}', '\u{ffff}', '\u{1}', '"', '\u{1f600}', '\n']
        .iter()
        .collect();
    let template = template(&json!({ "Type": "AWS::EFS::FileSystem", "Properties": {
        "Encrypted": odd, "FileSystemTags": [{ "Key": odd, "Value": odd }]
    } }));
    let report = checked(&[("efs", &template)]);
    assert_eq!(of_rule(&report.findings, "efs-encrypted-at-rest").len(), 1);
}
