//! The forms of a report.

use platformctl::guard::{CheckReport, Exemptions, RuleSet, check};
use serde_json::{Value, json};

use crate::{TODAY, checked};

/// A stack with a finding, one with only an exempt one and a warning, one with none.
fn report() -> CheckReport {
    let efs = json!({ "Resources": { "FileSystem": {
        "Type": "AWS::EFS::FileSystem",
        "Properties": { "Encrypted": false, "KmsKeyId": { "Ref": "Key" }, "BackupPolicy": { "Status": "ENABLED" },
            "FileSystemPolicy": { "Statement": {
                "Effect": "Deny", "Principal": "*", "Action": "*", "Condition": {
                    "Bool": { "aws:SecureTransport": "false" },
                    "Null": { "elasticfilesystem:AccessPointArn": "true" }
                }
            } }, "FileSystemTags": [
            { "Key": "project", "Value": "a" }, { "Key": "environment", "Value": "dev" },
            { "Key": "stack", "Value": "efs" }
        ] }
    } } });
    let logs = json!({ "Resources": {
        "Key": { "Type": "AWS::KMS::Key", "Properties": { "Tags": [
            { "Key": "project", "Value": "a" }, { "Key": "environment", "Value": "dev" },
            { "Key": "stack", "Value": "logs" }
        ] } },
        "Method": { "Type": "AWS::ApiGateway::Method", "Properties": {
            "HttpMethod": "POST", "AuthorizationType": "AWS_IAM"
        } }
    } });
    let exemptions = "exemptions: [{ rule: kms-key-rotation, stack: logs, resource: Key, \
        owner: me, reason: a test & <more>, expires: 2030-01-01 }]";
    let exemptions = Exemptions::default().with_text("mine.yaml", exemptions).expect("exemptions");
    let templates = [("efs", &efs), ("empty", &json!({ "Resources": {} })), ("logs", &logs)];
    let mut report = check(&templates, &RuleSet::embedded(), &exemptions, TODAY).expect("a report");
    report.elapsed_ms = 12;
    report
}

#[test]
fn text_reads_like_the_design() {
    let report = report();
    let rules = report.rules;
    let expected = format!(
        "error: 2 findings in 2 stacks ({rules} rules, 3 stacks, 12 ms)

  efs-encrypted-at-rest          efs / FileSystem / Encrypted
    found false, wanted true
    Pages of every tenant lie on this file system; anyone who gets at the disks reads them.
    Fix: Set Encrypted to true, best with a KmsKeyId. It cannot be changed later: the file system is replaced.

  api-requests-validated         logs / Method / RequestValidatorId
    found nothing, wanted the id of a request validator
    Malformed requests get as far as the function, cost an invocation, and test its parser.
    Fix: Set RequestValidatorId, with RequestModels for the body.

1 finding exempt

  kms-key-rotation               logs / Key / EnableKeyRotation
    a test & <more>
    me, until 2030-01-01
"
    );
    assert_eq!(report.to_string(), expected);
    assert!(checked(&[]).text().starts_with("no findings ("));
}

#[test]
fn a_warning_alone_passes() {
    let mut report = report();
    report.findings.retain(|finding| finding.rule == "api-requests-validated");
    assert!(report.passed());
    assert!(report.text().starts_with("warning: 1 finding in 1 stack"), "{report}");
    assert!(report.junit().contains("failures=\"0\""));
}

#[test]
fn json_has_a_version() {
    let document: Value = serde_json::from_str(&report().json()).expect("JSON");
    assert_eq!(document["version"], 1);
    assert_eq!(document["passed"], false);
    assert_eq!(document["stacks"], 3);
    assert_eq!(document["elapsed_ms"], 12);
    let finding = &document["findings"][0];
    for (key, value) in [
        ("rule", "efs-encrypted-at-rest"),
        ("severity", "error"),
        ("stack", "efs"),
        ("resource", "FileSystem"),
        ("resource_type", "AWS::EFS::FileSystem"),
        ("property", "Encrypted"),
        ("found", "false"),
        ("wanted", "true"),
        ("file", "guard/efs.guard"),
    ] {
        assert_eq!(finding[key], value, "{key}");
    }
    assert_eq!(document["exempted"][0]["exemption"]["expires"], "2030-01-01");
    assert_eq!(document["exempted"][0]["finding"]["rule"], "kms-key-rotation");
}

/// What the SARIF 2.1.0 schema requires, and what code hosts want besides.
#[test]
fn sarif_has_what_its_schema_requires() {
    let sarif: Value = serde_json::from_str(&report().sarif()).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    assert!(sarif["$schema"].as_str().is_some_and(|it| it.ends_with("sarif-2.1.0.json")));
    let runs = sarif["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "platformctl");
    let rules = driver["rules"].as_array().expect("rules");
    for rule in rules {
        assert!(rule["id"].is_string());
        for text in ["shortDescription", "fullDescription", "help"] {
            let text = rule[text]["text"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{rule}");
        }
    }
    let results = runs[0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 3);
    for result in results {
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        let level = result["level"].as_str().unwrap_or_default();
        assert!(["none", "note", "warning", "error"].contains(&level), "{level}");
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("index")).expect("small");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let physical = &result["locations"][0]["physicalLocation"];
        assert!(physical["region"]["startLine"].as_u64().is_some_and(|line| line >= 1));
        assert!(result["partialFingerprints"].is_object());
    }
    let location = &results[0]["locations"][0];
    assert_eq!(location["physicalLocation"]["artifactLocation"]["uri"], "efs.json");
    let logical = &location["logicalLocations"][0]["fullyQualifiedName"];
    assert_eq!(logical, "efs/FileSystem/Encrypted");
    let suppressed: Vec<&Value> =
        results.iter().filter(|result| result["suppressions"].is_array()).collect();
    assert_eq!(suppressed.len(), 1);
    assert_eq!(suppressed[0]["ruleId"], "kms-key-rotation");
    assert_eq!(suppressed[0]["suppressions"][0]["kind"], "external");
}

#[test]
fn junit_has_a_suite_for_each_stack_and_a_case_for_each_rule() {
    let report = report();
    let xml = report.junit();
    assert!(xml.starts_with("<?xml"), "{xml}");
    for stack in ["efs", "empty", "logs"] {
        assert!(xml.contains(&format!("<testsuite name=\"{stack}\" tests=\"{}\"", report.rules)));
    }
    assert_eq!(xml.matches("<testcase ").count(), 3 * report.rules);
    assert_eq!(xml.matches("<failure ").count(), 1);
    assert!(xml.contains("found false, wanted true"), "{xml}");
    assert!(xml.contains("1 exempt") && xml.contains("warning: logs / Method"), "{xml}");
}
