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

#[test]
fn json_lines_have_a_line_for_each_finding_and_a_summary() {
    let lines = report().jsonl();
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let status: Vec<&str> = lines.iter().filter_map(|line| line["status"].as_str()).collect();
    assert_eq!(status, ["new", "new", "exempted", "summary"]);
    assert_eq!(lines[0]["rule"], "efs-encrypted-at-rest");
    assert_eq!((&lines[3]["findings"], &lines[3]["passed"]), (&2.into(), &false.into()));
}

/// What GitLab requires of each issue, and that no two are taken for one.
#[test]
fn gitlab_has_what_its_format_requires() {
    let issues: Value = serde_json::from_str(&report().gitlab()).expect("JSON");
    let issues = issues.as_array().expect("a list");
    let mut prints: Vec<&str> = Vec::new();
    for issue in issues {
        for key in ["description", "check_name", "fingerprint"] {
            assert!(issue[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {issue}");
        }
        let severities = ["info", "minor", "major", "critical", "blocker"];
        assert!(severities.contains(&issue["severity"].as_str().expect("a severity")));
        assert!(issue["location"]["path"].is_string());
        assert!(issue["location"]["lines"]["begin"].as_u64().is_some_and(|line| line > 0));
        prints.extend(issue["fingerprint"].as_str());
    }
    prints.sort_unstable();
    prints.dedup();
    assert_eq!((issues.len(), prints.len()), (2, 2));
}

#[test]
fn fingerprints_do_not_depend_on_the_order_of_statements() {
    let role = |statements: Value| {
        json!({ "Resources": { "R": { "Type": "AWS::IAM::Role", "Properties": {
            "Policies": [{ "PolicyDocument": { "Statement": statements } }]
        } } } })
    };
    let wide = json!({ "Sid": "Wide", "Effect": "Allow", "Action": "*", "Resource": "a" });
    let other = json!({ "Sid": "Other", "Effect": "Allow", "Action": "a:B", "Resource": "a" });
    let print = |template: &Value| {
        let report = checked(&[("s", template)]);
        let found = report.findings.iter().find(|it| it.rule == "iam-no-wildcard-action");
        found.expect("a finding").fingerprint()
    };
    assert_eq!(print(&role(json!([wide, other]))), print(&role(json!([other, wide]))));
    let narrower = json!({ "Sid": "Wide", "Effect": "Allow", "Action": "s3:*", "Resource": "a" });
    assert_ne!(print(&role(json!([wide]))), print(&role(json!([narrower]))));
}

/// What a template says stays text in a comment, and a comment has a largest size.
#[test]
fn markdown_is_no_markup_of_the_template_s_and_fits_into_a_comment() {
    let resources: serde_json::Map<String, Value> = (0..600)
        .map(|number| {
            let properties = json!({ "Encrypted": "|</code><img>@all `x` *b*" });
            let id = format!("FileSystem{number}");
            (id, json!({ "Type": "AWS::EFS::FileSystem", "Properties": properties }))
        })
        .collect();
    let text = checked(&[("efs", &json!({ "Resources": resources }))]).markdown();
    assert!(text.len() < 65_536, "{}", text.len());
    assert!(!text.contains("<img") && !text.contains("@all"), "{text}");
    assert!(text.contains("more findings"), "it says that there are more");
    for row in text.lines().filter(|line| line.starts_with("| error")) {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
    }
}
