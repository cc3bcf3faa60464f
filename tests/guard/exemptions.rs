//! Exemptions: what they cover, and what becomes of them.

use platformctl::guard::{CheckReport, Exemptions, RuleSet, Severity, check};
use serde_json::{Value, json};
use time::Date;
use time::macros::date;

use crate::TODAY;

fn role(sid: &str, actions: &Value) -> Value {
    json!({ "Resources": { "GitStoreRole": { "Type": "AWS::IAM::Role", "Properties": {
        "Tags": [
            { "Key": "project", "Value": "a" }, { "Key": "environment", "Value": "dev" },
            { "Key": "stack", "Value": "efs" }
        ],
        "Policies": [{ "PolicyDocument": { "Statement": [
            { "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*" },
            { "Effect": "Deny", "Action": "ec2:CreateNetworkInterface", "Resource": "*",
              "Condition": { "ArnEquals": { "lambda:SourceFunctionArn": "arn:aws:lambda:a:1:function:b" } } }
        ] } }]
    } } } })
}

fn run(stack: &str, template: &Value, exemptions: &Exemptions, today: Date) -> CheckReport {
    check(&[(stack, template)], &RuleSet::embedded(), exemptions, today).expect("a report")
}

fn one(rule: &str, expires: &str) -> Exemptions {
    let text = format!(
        "exemptions:\n  - rule: {rule}\n    stack: efs\n    resource: GitStoreRole\n    \
         owner: me\n    reason: because\n    expires: {expires}\n"
    );
    Exemptions::default().with_text("mine.yaml", &text).expect("exemptions")
}

#[test]
fn the_network_interfaces_of_a_function_are_exempt() {
    let template = role(
        "NetworkInterfaces",
        &json!(["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"]),
    );
    let report = run("efs", &template, &Exemptions::embedded().expect("exemptions"), TODAY);
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!(report.exempted.len(), 1);
    let text = report.text();
    assert!(text.starts_with("no findings"), "{text}");
    assert!(text.contains("1 finding exempt") && text.contains("until 2028-12-31"), "{text}");
}

#[test]
fn an_exemption_covers_its_statement_and_actions_only() {
    let embedded = Exemptions::embedded().expect("exemptions");
    let create = json!(["ec2:CreateNetworkInterface"]);
    for (stack, template) in [
        ("platform", role("Other", &create)),
        ("efs", role("Other", &create)),
        (
            "efs",
            role("NetworkInterfaces", &json!(["ec2:CreateNetworkInterface", "ec2:RunInstances"])),
        ),
        ("efs", role("NetworkInterfaces", &json!("ec2:Describe*"))),
        ("efs", role("NetworkInterfaces", &json!({ "Ref": "Action" }))),
    ] {
        let report = run(stack, &template, &embedded, TODAY);
        assert_eq!(report.findings.len(), 1, "{template}");
        assert_eq!(report.findings[0].rule, "iam-no-wildcard-resource");
        assert!(report.exempted.is_empty());
    }
}

#[test]
fn the_last_day_still_counts_and_the_day_after_fails() {
    let exemptions = one("iam-no-wildcard-resource", "2026-11-21");
    let template = role("Any", &json!("s3:GetObject"));
    assert!(run("efs", &template, &exemptions, date!(2026 - 11 - 21)).passed());

    let report = run("efs", &template, &exemptions, date!(2026 - 11 - 22));
    let rules: Vec<&str> = report.findings.iter().map(|it| it.rule.as_str()).collect();
    assert_eq!(rules, ["exemption-expired", "iam-no-wildcard-resource"]);
    let expired = &report.findings[0];
    assert_eq!(expired.place(), "efs / GitStoreRole / expires");
    assert_eq!(expired.difference(), "found 2026-11-21, wanted 2026-11-22 or later");
    assert!(expired.fix.contains("mine.yaml"), "{}", expired.fix);
    assert!(!report.passed());
}

#[test]
fn an_exemption_from_no_rule_is_a_finding() {
    let report = run("efs", &json!({}), &one("iam-no-wildcards", "2030-01-01"), TODAY);
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].rule, "exemption-unknown-rule");
    assert_eq!(report.findings[0].found, "iam-no-wildcards");
}

#[test]
fn the_embedded_exemptions_name_rules_that_exist() {
    let exemptions = Exemptions::embedded().expect("exemptions");
    assert!(run("efs", &json!({}), &exemptions, TODAY).findings.is_empty());
    assert!(exemptions.all().iter().all(|it| it.expires > TODAY));
}

#[test]
fn a_later_exemption_of_the_same_place_replaces_an_earlier_one() {
    let entry = |expires: &str| {
        format!(
            "  - {{ rule: kms-key-rotation, stack: a, resource: Key, owner: me, reason: x, \
             expires: {expires} }}\n"
        )
    };
    let text = format!("exemptions:\n{}{}", entry("2020-01-01"), entry("2030-01-01"));
    let exemptions = Exemptions::default().with_text("mine.yaml", &text).expect("exemptions");
    assert_eq!(exemptions.all().len(), 1);
    assert!(run("a", &json!({}), &exemptions, TODAY).passed());
}

#[test]
fn a_wrong_exemption_file_is_refused_at_its_line() {
    let entry = "exemptions:\n  - rule: a\n    stack: b\n    resource: c\n    owner: d\n";
    for (rest, message) in [
        ("    reason: e\n    expires: soon\n", "`soon` is no date"),
        ("    reason: e\n", "missing field `expires`"),
        ("    reason: ' '\n    expires: 2030-01-01\n", "needs an owner and a reason"),
        ("    reason: e\n    expires: 2030-01-01\n    until: x\n", "unknown field `until`"),
        ("    reason: \"e\n", "unexpected end of stream"),
    ] {
        let text = format!("{entry}{rest}");
        let error = Exemptions::default().with_text("mine.yaml", &text).expect_err("an error");
        assert!(error.message().contains(message), "{error}");
        let place = error.place().expect("a place");
        assert!(place.file == "mine.yaml" && place.line > 0, "{error}");
    }
}

#[test]
fn expired_embedded_exemptions_still_hold_and_warn_but_replaced_ones_are_strict() {
    let template = role("NetworkInterfaces", &json!("ec2:CreateNetworkInterface"));
    let late = date!(2099 - 01 - 01);
    let embedded = Exemptions::embedded().expect("exemptions");
    let report = run("efs", &template, &embedded, late);
    assert!(report.passed(), "{report}");
    assert_eq!(report.exempted.len(), 1);
    assert!(!report.findings.is_empty());
    for finding in &report.findings {
        assert_eq!(finding.rule, "exemption-expired");
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.fix.contains("Install a newer platformctl"), "{}", finding.fix);
    }

    let mine = serde_yaml::to_string(&json!({ "exemptions": [embedded.all()[0]] })).expect("yaml");
    let replaced = embedded.with_text("mine.yaml", &mine).expect("exemptions");
    let report = run("efs", &template, &replaced, late);
    assert!(!report.passed(), "one's own is strict, whatever it replaces");
    assert!(report.exempted.is_empty());
}
