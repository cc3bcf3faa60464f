//! platform.yaml as a file: found, read, parsed, published as a schema, shown.

use serde_json::Value;

use super::env::{MINIMAL, TestEnv};

/// What `check` says of this platform.yaml, which has to be a usage error.
fn refused(platform: &str) -> String {
    let outcome = TestEnv::with(platform).run(&["check"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{}", outcome.text);
    outcome.stderr
}

fn refused_plus(extra: &str) -> String {
    refused(&format!("{MINIMAL}{extra}"))
}

#[test]
fn malformed_yaml() {
    insta::assert_snapshot!(refused_plus("network:\n  zones: [1\nefs: {}\n"), @r"
    error: platform.yaml:7:4: malformed YAML: did not find expected ',' or ']', while parsing a flow sequence at line 6 column 10
    hint: indent with spaces, and close every quote and bracket
    ");
    insta::assert_snapshot!(refused_plus("network:\n\tzones: 1\n"), @r"
    error: platform.yaml:6:1: malformed YAML: found character that cannot start any token, while scanning for the next token
    hint: indent with spaces, and close every quote and bracket
    ");
    insta::assert_snapshot!(refused_plus("tags: {a: 'b}\n"), @r"
    error: platform.yaml:6:1: malformed YAML: found unexpected end of stream, while scanning a quoted scalar at line 5 column 11
    hint: indent with spaces, and close every quote and bracket
    ");
    insta::assert_snapshot!(refused_plus("---\nversion: 1\n"), @r"
    error: platform.yaml: malformed YAML: deserializing from YAML containing more than one document is not supported
    hint: indent with spaces, and close every quote and bracket
    ");
}

#[test]
fn an_unknown_key_suggests_the_nearest() {
    insta::assert_snapshot!(refused_plus("nettwork: {}\n"), @r"
    error: platform.yaml:5:1: nettwork: unknown field `nettwork`
    hint: did you mean `network`? valid here: version, project, environment, region, runtime_region, account, protect, tags, identity, network, runtime_network, efs, platform, agentcore, tiers, tenants, quotas, observability, budget, lock, bench, runbooks
    ");
    insta::assert_snapshot!(refused_plus("network:\n  zones: 1\n  cdir: 10.0.0.0/16\n"), @r"
    error: platform.yaml:7:3: network.cdir: unknown field `cdir`
    hint: did you mean `cidr`? valid here: cidr, zones, availability_zones, subnet_prefix, nat, endpoints, interface_endpoints, flow_logs, reserved_cidrs
    ");
    insta::assert_snapshot!(refused_plus("budget:\n  thresholds:\n    xyz: []\n"), @r"
    error: platform.yaml:7:5: budget.thresholds.xyz: unknown field `xyz`
    hint: valid here: actual, forecast
    ");
}

#[test]
fn a_key_written_twice() {
    insta::assert_snapshot!(refused_plus("efs: {}\nefs: {}\n"), @r"
    error: platform.yaml:5:1: efs: written twice
    hint: keep one of them
    ");
}

#[test]
fn a_wrong_type() {
    insta::assert_snapshot!(refused_plus("network:\n  zones: two\n"), @r#"
    error: platform.yaml:6:3: network.zones: invalid type: string "two", expected a whole number
    hint: network.zones: Number of availability zones, each with a public and a private subnet (1 to 3)
    "#);
    insta::assert_snapshot!(refused_plus("network: 10.0.0.0/16\n"), @r#"
    error: platform.yaml:5:1: network: invalid type: string "10.0.0.0/16", expected a mapping of fields
    hint: network: The network everything runs in
    "#);
    insta::assert_snapshot!(refused_plus("efs:\n  encrypted: \"yes\"\n"), @r#"
    error: platform.yaml:6:3: efs.encrypted: invalid type: string "yes", expected a boolean
    hint: efs.encrypted: Encryption at rest. The guard rules refuse false
    "#);
    insta::assert_snapshot!(refused_plus("efs:\n  memory_mb: -1\n"), @r"
    error: platform.yaml:6:3: efs.memory_mb: invalid type: integer `-1`, expected a whole number
    hint: efs.memory_mb: Memory of the git-store function in MB (128 to 10240)
    ");
    insta::assert_snapshot!(refused_plus("tags:\n  team: [a]\n"), @r"
    error: platform.yaml:6:3: tags.team: invalid type: sequence, expected a string
    hint: tags.team: Tags on every resource, beside project, environment and stack
    ");
    insta::assert_snapshot!(refused_plus("budget:\n  emails: ops@acme.example\n"), @r#"
    error: platform.yaml:6:3: budget.emails: invalid type: string "ops@acme.example", expected a list
    hint: budget.emails: Who is mailed: up to 10 addresses
    "#);
}

#[test]
fn an_account_that_is_none() {
    insta::assert_snapshot!(refused_plus("account: \"1111-2222-3333\"\n"), @r"
    error: platform.yaml:5:1: account: `1111-2222-3333` is not an AWS account
    hint: write its 12 digits, in quotes
    ");
}

#[test]
fn an_unknown_choice() {
    insta::assert_snapshot!(refused_plus("network:\n  nat: both\n"), @r"
    error: platform.yaml:6:3: network.nat: unknown value `both`, expected one of `none`, `single`, `per-zone`
    hint: network.nat: How private subnets reach the internet
    ");
}

#[test]
fn not_a_range_of_addresses() {
    insta::assert_snapshot!(refused_plus("network:\n  cidr: 10.0.0/16\n"), @r"
    error: platform.yaml:6:3: network.cidr: not an address range such as 10.40.0.0/16
    hint: network.cidr: The VPC's private address range (RFC 1918), /16 to /28
    ");
    insta::assert_snapshot!(refused_plus("network:\n  reserved_cidrs: [10.0.0.0/8, here]\n"), @r"
    error: platform.yaml:6:32: network.reserved_cidrs[1]: not an address range such as 10.40.0.0/16
    hint: network.reserved_cidrs[1]: Address ranges that the VPC must not overlap, such as offices and peers
    ");
}

#[test]
fn a_missing_field() {
    insta::assert_snapshot!(refused("version: 1\nproject: acme\nenvironment: dev\n"), @r"
    error: platform.yaml:1:1: missing field `region`
    hint: `platformctl config schema` prints every field with its meaning
    ");
}

#[test]
fn nothing_at_all() {
    insta::assert_snapshot!(refused(""), @r"
    error: platform.yaml:1:1: missing field `version`
    hint: `platformctl config schema` prints every field with its meaning
    ");
    insta::assert_snapshot!(refused("# only a comment\n"), @r"
    error: platform.yaml:2:1: missing field `version`
    hint: `platformctl config schema` prints every field with its meaning
    ");
    insta::assert_snapshot!(refused("- a list\n"), @r"
    error: platform.yaml:1:1: invalid type: sequence, expected a mapping of fields
    hint: `platformctl config schema` prints every field with its meaning
    ");
}

#[test]
fn another_version() {
    insta::assert_snapshot!(refused(&MINIMAL.replace("version: 1", "version: 2")), @"error: platform.yaml:1:1: version: version 2 is not known; expected 1");
}

#[test]
fn a_file_that_is_no_text() {
    let env = TestEnv::empty();
    std::fs::write(env.path("platform.yaml"), b"version: \xff\xfe\n").expect("a file");
    insta::assert_snapshot!(env.run(&["check"]).text, @r"
    $ platformctl check
    --- stderr
    error: cannot read platform.yaml
      caused by: stream did not contain valid UTF-8
    --- exit 2
    ");
}

#[test]
fn a_huge_file() {
    let huge = format!("{MINIMAL}{}", "# padding\n".repeat(110_000));
    insta::assert_snapshot!(TestEnv::with(&huge).run(&["check"]).text, @r"
    $ platformctl check
    --- stderr
    error: platform.yaml has 1100060 bytes, more than 1048576
    --- exit 2
    ");
}

#[test]
fn no_file() {
    let env = TestEnv::empty();
    insta::assert_snapshot!(env.run(&["check"]).text, @r"
    $ platformctl check
    --- stderr
    error: no platform.yaml in [TMP]/work or above
    hint: make one with `platformctl init`, or name one with `--config FILE`
    --- exit 2
    ");
    insta::assert_snapshot!(env.run(&["check", "-c", "missing.yaml"]).text, @r"
    $ platformctl check -c missing.yaml
    --- stderr
    error: cannot read missing.yaml
      caused by: No such file or directory (os error 2)
    hint: make one with `platformctl init`, or name one with `--config FILE`
    --- exit 2
    ");
    insta::assert_snapshot!(env.run(&["check", "-c", "."]).text, @r"
    $ platformctl check -c .
    --- stderr
    error: cannot read .
      caused by: Is a directory (os error 21)
    --- exit 2
    ");
}

#[test]
fn the_nearest_file_upwards_is_used_unless_one_is_named() {
    let env = TestEnv::new();
    env.write("deep/er/other.yaml", &MINIMAL.replace("acme", "other"));
    let project = |arguments: &[&str]| {
        let mut all = vec!["config", "show", "--query", "project"];
        all.extend(arguments);
        env.run(&all).stdout
    };
    assert_eq!(project(&[]), "acme\n");
    assert_eq!(project(&["-c", "deep/er/other.yaml"]), "other\n");
    let named = TestEnv::new().var("PLATFORMCTL_CONFIG", "missing.yaml");
    assert_eq!(named.run(&["check"]).code, 2);
}

#[test]
fn the_schema_describes_every_property() {
    fn undescribed(node: &Value, path: &str, found: &mut Vec<String>) {
        if let Some(properties) = node["properties"].as_object() {
            for (name, property) in properties {
                if property["description"].as_str().is_none_or(str::is_empty) {
                    found.push(format!("{path}.{name}"));
                }
                undescribed(property, &format!("{path}.{name}"), found);
            }
        }
        for (name, definition) in node["$defs"].as_object().into_iter().flatten() {
            undescribed(definition, name, found);
        }
    }
    let schema = TestEnv::empty().json(&["config", "schema"]);
    assert_eq!(schema["title"], "platform.yaml");
    assert!(schema["$defs"]["NetworkConfig"]["properties"]["cidr"].is_object(), "{schema}");
    let mut found = Vec::new();
    undescribed(&schema, "", &mut found);
    assert_eq!(found, [""; 0]);
}

#[test]
fn show_has_every_default() {
    insta::assert_snapshot!(TestEnv::new().run(&["config", "show"]).text);
}

#[test]
fn a_flag_wins_over_the_environment_which_wins_over_the_file() {
    let region = |env: &TestEnv, arguments: &[&str]| {
        let mut all = vec!["config", "show", "--query", "region"];
        all.extend(arguments);
        env.run(&all).stdout
    };
    let env = TestEnv::new();
    assert_eq!(region(&env, &[]), "eu-west-2\n");
    let env = env.var("AWS_REGION", "eu-west-1");
    assert_eq!(region(&env, &[]), "eu-west-1\n");
    assert_eq!(region(&env, &["--local"]), "eu-west-2\n");
    let env = env.var("PLATFORMCTL_REGION", "eu-north-1");
    assert_eq!(region(&env, &[]), "eu-north-1\n");
    assert_eq!(region(&env, &["--region", "us-east-1"]), "us-east-1\n");
    assert_eq!(env.json(&["config", "show", "--env", "prod", "-o", "json"])["environment"], "prod");
}
