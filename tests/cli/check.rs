use super::env::TestEnv;

const OPEN: &str = "efs:\n  encrypted: false\n";

/// A rule of the user's own, which no template satisfies.
const OWN_RULE: &str = "let functions = Resources.*[ Type == 'AWS::Lambda::Function' ]

# Functions have a gigabyte.
rule own_memory when %functions !empty {
    %functions.Properties.MemorySize >= 1024
    <<
        id: own-memory
        why: Ours are hungry.
        fix: Set efs.memory_mb to 1024.
    >>
}
";

#[test]
fn sound_templates_pass() {
    insta::assert_snapshot!(TestEnv::new().run(&["check"]).text);
}

#[test]
fn a_violation_is_shown_with_place_reason_and_fix() {
    insta::assert_snapshot!(TestEnv::plus(OPEN).run(&["check"]).text);
}

#[test]
fn json_has_the_findings_and_whether_it_passed() {
    let env = TestEnv::plus(OPEN);
    let outcome = env.run(&["check", "-o", "json"]);
    assert_eq!(outcome.code, 4);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!((&report["version"], &report["passed"]), (&1.into(), &false.into()));
    assert_eq!(report["findings"][0]["rule"], "efs-encrypted-at-rest");
    assert_eq!(report["findings"][0]["stack"], "efs");
    let rules = env.run(&["check", "--query", "findings[].rule | [0]"]);
    assert_eq!((rules.code, rules.stdout.as_str()), (4, "efs-encrypted-at-rest\n"));
}

#[test]
fn sarif_names_each_result_s_rule() {
    let outcome = TestEnv::plus(OPEN).run(&["check", "-o", "sarif"]);
    assert_eq!(outcome.code, 4);
    let sarif: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "efs-encrypted-at-rest");
    let rule = result["ruleIndex"].as_u64().and_then(|index| usize::try_from(index).ok());
    assert_eq!(run["tool"]["driver"]["rules"][rule.expect("an index")]["id"], result["ruleId"]);
}

#[test]
fn junit_counts_failures() {
    let outcome = TestEnv::plus(OPEN).run(&["check", "-o", "junit"]);
    assert_eq!(outcome.code, 4);
    assert!(outcome.stdout.starts_with("<?xml version=\"1.0\""), "{}", outcome.stdout);
    let (opened, closed) = (
        outcome.stdout.matches("<testsuite ").count(),
        outcome.stdout.matches("</testsuite>").count(),
    );
    assert!(opened > 1 && opened == closed, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("<failure message=\"efs"), "{}", outcome.stdout);
    let sound = TestEnv::new().run(&["check", "-o", "junit"]);
    assert!(sound.code == 0 && sound.stdout.contains("failures=\"0\""), "{}", sound.stdout);
}

#[test]
fn rules_of_the_user_are_evaluated_too() {
    let env = TestEnv::new();
    env.write("rules/own.guard", OWN_RULE);
    env.write("rules/notes.txt", "no rule");
    let outcome = env.run(&["check", "--rules", "rules"]);
    insta::assert_snapshot!(outcome.text);
    env.write("platform.yaml", &format!("{}efs:\n  memory_mb: 1024\n", super::env::MINIMAL));
    assert_eq!(env.run(&["check", "--rules", "rules"]).code, 0);
}

#[test]
fn a_malformed_rule_names_its_line() {
    let env = TestEnv::new();
    env.write("rules/bad.guard", "# A rule.\nrule broken when {\n    Resources exists ??\n}\n");
    insta::assert_snapshot!(env.run(&["check", "--rules", "rules"]).text, @r"
    $ platformctl check --rules rules
    --- stderr
    error: rules/bad.guard:2:18: not a cfn-guard rule, near `{`
    hint: `guard/README.md` shows a rule; the language is cfn-guard 3's
    --- exit 2
    ");
}

#[test]
fn a_rule_may_not_take_the_name_of_another() {
    let env = TestEnv::new();
    env.write("rules/twin.guard", &OWN_RULE.replace("own_memory", "efs_encrypted_at_rest"));
    insta::assert_snapshot!(env.run(&["check", "--rules", "rules"]).text, @r"
    $ platformctl check --rules rules
    --- stderr
    error: rules/twin.guard:4:1: rule efs_encrypted_at_rest is in guard/efs.guard already
    hint: give it a name of its own
    --- exit 2
    ");
}

#[test]
fn a_folder_without_rules_is_refused() {
    let env = TestEnv::new();
    env.write("rules/notes.txt", "no rule");
    insta::assert_snapshot!(env.run(&["check", "--rules", "rules"]).text, @r"
    $ platformctl check --rules rules
    --- stderr
    error: no *.guard file in rules
    --- exit 2
    ");
    insta::assert_snapshot!(env.run(&["check", "--rules", "missing"]).text, @r"
    $ platformctl check --rules missing
    --- stderr
    error: cannot read rules from missing
      caused by: No such file or directory (os error 2)
    --- exit 2
    ");
}

#[test]
fn an_exemption_needs_an_owner_a_reason_and_a_date() {
    let env = TestEnv::plus(OPEN);
    let exemption = "exemptions:\n  - rule: efs-encrypted-at-rest\n    stack: efs\n    resource: FileSystem\n    owner: ops\n    reason: a trial without data\n    expires: 2999-12-31\n";
    env.write("exemptions.yaml", exemption);
    let outcome = env.run(&["check", "--exemptions", "exemptions.yaml"]);
    assert_eq!(outcome.code, 0, "{}", outcome.text);
    assert!(outcome.stdout.contains("a trial without data"), "{}", outcome.text);
    env.write("exemptions.yaml", &exemption.replace("    owner: ops\n", ""));
    insta::assert_snapshot!(env.run(&["check", "--exemptions", "exemptions.yaml"]).text, @r"
    $ platformctl check --exemptions exemptions.yaml
    --- stderr
    error: exemptions.yaml:2:5: exemptions[0]: missing field `owner`
    hint: an exemption has rule, stack, resource, owner, reason and expires (2027-06-30)
    --- exit 2
    ");
}
