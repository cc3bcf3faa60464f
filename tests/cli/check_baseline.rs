//! `check --baseline`: known findings pass, new ones fail.

use super::env::TestEnv;

const OPEN: &str =
    "Resources:\n  Files:\n    Type: AWS::EFS::FileSystem\n    Properties: {Encrypted: false}\n";
const ONLY: [&str; 5] = ["check", "--template", "t.yaml", "--only", "efs-encrypted-at-rest"];

fn check(env: &TestEnv, arguments: &[&str]) -> super::env::Outcome {
    env.run(&[&ONLY, arguments].concat())
}

/// With the finding of [`OPEN`] written to `known.yaml`.
fn adopted() -> TestEnv {
    let env = TestEnv::empty();
    env.write("t.yaml", OPEN);
    let written = check(&env, &["--write-baseline", "known.yaml"]);
    assert_eq!(written.code, 0, "{}", written.text);
    env
}

#[test]
fn what_is_known_passes() {
    let env = adopted();
    insta::assert_snapshot!(env.read("known.yaml"));
    // Other lines, the same violation.
    env.write("t.yaml", &format!("# A comment.\n\n{OPEN}"));
    insta::assert_snapshot!(check(&env, &["--baseline", "known.yaml"]).text);
    let sarif = check(&env, &["--baseline", "known.yaml", "-o", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&sarif.stdout).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["baselineState"], "unchanged");
    assert_eq!(check(&env, &["--baseline", "known.yaml", "-o", "gitlab"]).stdout, "[]\n");
    let junit = check(&env, &["--baseline", "known.yaml", "-o", "junit"]).stdout;
    assert!(junit.contains("1 baselined"), "{junit}");
}

#[test]
fn what_is_new_fails() {
    let env = adopted();
    env.write("t.yaml", &format!("{OPEN}  More: {{Type: AWS::EFS::FileSystem}}\n"));
    insta::assert_snapshot!(check(&env, &["--baseline", "known.yaml"]).text);
    // Another value in the same place is not what was accepted.
    env.write("t.yaml", &OPEN.replace("false", "maybe"));
    assert_eq!(check(&env, &["--baseline", "known.yaml"]).code, 4);
}

#[test]
fn what_is_fixed_is_said_and_passes() {
    let env = adopted();
    env.write("t.yaml", &OPEN.replace("false", "true"));
    insta::assert_snapshot!(check(&env, &["--baseline", "known.yaml"]).text);
    // Rules and stacks that this check leaves out are not fixed by that.
    let other =
        ["check", "--template", "t.yaml", "--only", "efs-tls-required", "--baseline", "known.yaml"];
    assert!(!env.run(&other).stdout.contains("no longer"));
    env.write("u.yaml", OPEN);
    let other = [
        "check",
        "--template",
        "u.yaml",
        "--only",
        "efs-encrypted-at-rest",
        "--baseline",
        "known.yaml",
    ];
    let outcome = env.run(&other);
    assert!(outcome.code == 4 && !outcome.stdout.contains("no longer"), "{}", outcome.text);
}

#[test]
fn a_malformed_baseline_is_refused_with_its_place() {
    let env = adopted();
    let known = env.read("known.yaml");
    let refused = |text: &str| {
        env.write("bad.yaml", text);
        let outcome = check(&env, &["--baseline", "bad.yaml"]);
        assert_eq!(outcome.code, 2, "{}", outcome.text);
        outcome.stderr.lines().next().unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(refused("findings: []\n"), @"error: bad.yaml:1:1: version: this is no baseline: expected `version: 1` and `findings`");
    insta::assert_snapshot!(refused("version: 2\nfindings: []\n"), @"error: bad.yaml:1:1: version: version 2 is not known; expected 1");
    insta::assert_snapshot!(refused("version: 1\nfindings: {}\n"), @"error: bad.yaml:2:1: findings: expected a list, not a mapping");
    insta::assert_snapshot!(refused(&known.replace("    rule:", "    role:")), @"error: bad.yaml:4:5: findings[0]: expected a text as `rule`");
    insta::assert_snapshot!(refused(&known.replace("\"Files\"", "\"Other\"")), @"error: bad.yaml:4:5: findings[0]: the fingerprint is not that of the other fields");
    insta::assert_snapshot!(refused("version: [1\n"), @"error: bad.yaml:2:1: malformed YAML: while parsing a flow sequence, expected ',' or ']'");
    insta::assert_snapshot!(check(&env, &["--baseline", "none.yaml"]).stderr, @r"
    error: cannot read none.yaml
      caused by: No such file or directory (os error 2)
    hint: `platformctl check --write-baseline FILE` writes one; change it by writing it again
    ");
}

/// It works for the stacks of platform.yaml as well, and keeps expired exemptions failing.
#[test]
fn a_baseline_hides_no_expired_exemption() {
    let env = TestEnv::plus("efs:\n  encrypted: false\n");
    env.write("e.yaml", "exemptions:\n  - {rule: efs-encrypted-at-rest, stack: efs, resource: FileSystem, owner: me, reason: a test, expires: 2020-01-01}\n");
    let written = env.run(&["check", "--exemptions", "e.yaml", "--write-baseline", "known.yaml"]);
    assert_eq!(written.code, 4, "{}", written.text);
    assert!(
        written.stdout.contains("exemption-expired")
            && written.stdout.contains("1 finding baselined"),
        "{}",
        written.text
    );
    assert_eq!(env.run(&["check", "--baseline", "known.yaml"]).code, 0);
}
