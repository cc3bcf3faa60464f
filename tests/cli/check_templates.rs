//! `check --template`: templates that we did not synthesize.

use super::env::TestEnv;

const WEB: &str = "Parameters:
  Env: { Type: String }
Conditions:
  Prod: !Equals [!Ref Env, prod]
Resources:
  Files:
    Type: AWS::EFS::FileSystem
    Properties:
      Encrypted: !If [Prod, yes, no]
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: all
          PolicyDocument:
            Statement:
              - Effect: Allow
                Action: !Sub '*'
                Resource: !Sub 'arn:${AWS::Partition}:s3:::a'
";

/// The rules that [`WEB`] breaks, but for those about tags and TLS.
const ONLY: [&str; 4] = ["--only", "efs-encrypted-at-rest", "iam-no-wildcard-action", "-q"];

fn only<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["check"], arguments, &ONLY].concat()
}

#[test]
fn a_template_is_checked_without_a_platform_yaml() {
    let env = TestEnv::empty();
    env.write("web.yaml", WEB);
    // It is not even read.
    env.write("platform.yaml", "no: [platform");
    insta::assert_snapshot!(env.run(&only(&["--template", "web.yaml"])).text);
}

#[test]
fn json_is_a_template_too_and_several_are_one_check() {
    let env = TestEnv::empty();
    env.write("web.yaml", WEB);
    env.write("a/good.json", r#"{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}"#);
    env.write(
        "b/good.json",
        "{\n  \"Resources\": {\n   \"F\": {\"Type\": \"AWS::EFS::FileSystem\"}}}",
    );
    let files = ["--template", "web.yaml", "a/good.json", "--template", "b/good.json"];
    let outcome = env.run(&[&only(&files)[..], &["-o", "json"]].concat());
    assert_eq!(outcome.code, 4, "{}", outcome.text);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(report["stacks"], 3);
    let found = report["findings"].as_array().expect("findings");
    let seen: Vec<_> = found
        .iter()
        .map(|it| {
            (it["stack"].as_str().expect("a stack"), &it["source"]["line"], &it["source"]["column"])
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("b/good.json", &3.into(), &4.into()),
            ("web", &9.into(), &7.into()),
            ("web", &18.into(), &17.into())
        ]
    );
}

#[test]
fn stdin_is_a_template() {
    let env = TestEnv::empty();
    env.write("web.yaml", WEB);
    let outcome = env.run_with(&only(&["--template", "-", "-o", "gitlab"]), "web.yaml");
    assert_eq!(outcome.code, 4, "{}", outcome.text);
    let issues: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(issues[0]["location"]["path"], "stdin");
    assert_eq!(issues[0]["location"]["lines"]["begin"], 9);
}

#[test]
fn unusable_input_is_refused_with_its_place() {
    let env = TestEnv::empty();
    for (name, text) in [
        ("empty.yaml", ""),
        ("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {}\n"),
        ("twice.yaml", "Resources:\n  A: {Type: T}\n  A: {Type: T}\n"),
        ("cut.json", "{\"Resources\": {\"A\": {\"Type\": "),
        ("circle.yaml", "Resources:\n  A: {Type: T, DependsOn: B}\n  B: {Type: T, X: !Ref A}\n"),
        (
            "laughs.yaml",
            "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e]\ng: &g [*f, *f, *f, *f, *f, *f, *f, *f]\n",
        ),
    ] {
        env.write(name, text);
        let outcome = env.run(&["check", "--template", name]);
        assert_eq!(outcome.code, 2, "{}", outcome.text);
        insta::assert_snapshot!(name.replace('.', "-"), outcome.text);
    }
    let large = format!("Resources:\n  A: {{Type: T}}\n# {}\n", "x".repeat(1 << 20));
    env.write("large.yaml", &large);
    insta::assert_snapshot!("large-yaml", env.run(&["check", "--template", "large.yaml"]).text);
}

/// The embedded exemptions answer for our stacks; a stranger's stack may have the same names.
#[test]
fn embedded_exemptions_cover_no_stranger() {
    let env = TestEnv::new();
    assert_eq!(env.run(&["synth", "efs", "--out", "out"]).code, 0);
    let file = if env.path("out/efs.yaml").exists() { "out/efs.yaml" } else { "out/efs.json" };
    let outcome = env.run(&["check", "--template", file, "--only", "iam-no-wildcard-resource"]);
    assert_eq!(outcome.code, 4, "{}", outcome.text);
    assert_eq!(env.run(&["check", "--only", "iam-no-wildcard-resource"]).code, 0);
}

#[test]
fn what_a_macro_makes_is_said_to_be_unseen() {
    let env = TestEnv::empty();
    let sam = "Transform: AWS::Serverless-2016-10-31\nResources:\n  F: {Type: AWS::Serverless::Function}\n";
    env.write("sam.yaml", sam);
    let outcome = env.run(&["check", "--template", "sam.yaml"]);
    assert_eq!(outcome.code, 0, "a warning: {}", outcome.text);
    insta::assert_snapshot!(outcome.text);
    assert!(
        !env.run(&["check", "--template", "sam.yaml", "--skip", "template-not-expanded"])
            .stdout
            .contains("transform")
    );
}

#[test]
fn rules_are_chosen_by_id() {
    let env = TestEnv::empty();
    env.write("web.yaml", WEB);
    let skip = "efs-encrypted-at-rest,efs-tls-required,efs-customer-key,efs-backed-up,\
                efs-through-access-points,iam-no-wildcard-action,tags-required";
    assert_eq!(env.run(&["check", "--template", "web.yaml", "--skip", skip]).code, 0);
    insta::assert_snapshot!(env.run(&["check", "--template", "web.yaml", "--only", "efs-encrypted"]).text, @r"
    $ platformctl check --template web.yaml --only efs-encrypted
    --- stderr
    error: there is no rule efs-encrypted
    hint: did you mean `efs-encrypted-at-rest`? `platformctl explain` lists all
    --- exit 2
    ");
    insta::assert_snapshot!(env.run(&["check", "--template", "web.yaml", "--skip", "tag-required"]).text, @r"
    $ platformctl check --template web.yaml --skip tag-required
    --- stderr
    error: there is no rule tag-required
    hint: did you mean `tags-required`? `platformctl explain` lists all
    --- exit 2
    ");
}

#[test]
fn reports_name_the_line() {
    let env = TestEnv::empty();
    env.write("my web.yaml", WEB);
    let sarif = env.run(&only(&["--template", "my web.yaml", "-o", "sarif"]));
    let sarif: serde_json::Value = serde_json::from_str(&sarif.stdout).expect("JSON");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "my%20web.yaml");
    assert_eq!(place["region"], serde_json::json!({ "startLine": 9, "startColumn": 7 }));
    let junit = env.run(&only(&["--template", "my web.yaml", "-o", "junit"])).stdout;
    assert!(junit.contains("my web.yaml:9:7"), "{junit}");
    insta::assert_snapshot!(env.run(&only(&["--template", "my web.yaml", "-o", "markdown"])).text);
    let lines = env.run(&only(&["--template", "my web.yaml", "-o", "jsonl"])).stdout;
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let status: Vec<_> = lines.iter().map(|line| line["status"].as_str().expect("one")).collect();
    assert_eq!(status, ["new", "new", "summary"]);
    assert_eq!(lines[0]["source"]["line"], 9);
    let table = env.run(&only(&["--template", "my web.yaml", "-o", "table"]));
    assert!(table.stdout.starts_with("error: 2 findings"), "{}", table.text);
}
