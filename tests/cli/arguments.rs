//! Arguments that make no sense: a usage error before anything is done.

use super::env::TestEnv;
use super::fake::Endpoint;

fn refused(env: &TestEnv, arguments: &[&str]) -> String {
    let outcome = env.run(arguments);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{}", outcome.text);
    outcome.text
}

#[test]
fn an_unknown_stack() {
    let env = TestEnv::new().logged_in();
    insta::assert_snapshot!(refused(&env, &["synth", "nettwork"]), @"
    $ platformctl synth nettwork
    --- stderr
    error: there is no stack nettwork
    hint: stacks: artefacts, identity, network, efs, platform, observability, budget
    --- exit 2
    ");
    for verb in [&["diff", "x"][..], &["outputs", "x"], &["destroy", "x", "--dry-run"]] {
        let text = refused(&env, verb);
        assert!(text.contains("there is no stack x\nhint: stacks: "), "{text}");
    }
    let text = refused(&env, &["deploy", "x", "--artefacts", "."]);
    assert!(text.contains("there is no stack x\nhint: stacks: "), "{text}");
}

#[test]
fn the_overview_without_a_terminal() {
    let env = TestEnv::new();
    let text = refused(&env, &["ops"]);
    assert!(text.contains("dlq-list") && text.contains("Examples:"), "{text}");
    insta::assert_snapshot!(refused(&env, &["ops", "overview", "--local"]), @"
    $ platformctl ops overview --local
    --- stderr
    error: the overview needs a terminal
    hint: `platformctl status`, `ops dlq-list`, `ops error-rate`, `lock show` and `runs` tell the same
    --- exit 2
    ");
}

#[test]
fn an_unknown_function() {
    insta::assert_snapshot!(refused(&TestEnv::new(), &["build", "wiki", "--local"]), @r"
    $ platformctl build wiki --local
    --- stderr
    error: there is no function wiki
    hint: functions: git-store
    --- exit 2
    ");
}

#[test]
fn no_source_to_build_from() {
    let env = TestEnv::new();
    insta::assert_snapshot!(refused(&env, &["build", "--local"]), @r"
    $ platformctl build --local
    --- stderr
    error: platformctl's source, with the Lambda crates, is not here
    hint: name it with `--source DIR` or PLATFORMCTL_SOURCE
    hint: or name a folder with built zips with `--artefacts DIR`
    --- exit 2
    ");
    insta::assert_snapshot!(refused(&env, &["build", "--local", "--source", "."]), @r"
    $ platformctl build --local --source .
    --- stderr
    error: . is not platformctl's source: it has no runtime/git-store
    --- exit 2
    ");
    assert!(refused(&env, &["diff"]).contains("--artefacts DIR"));
}

#[test]
fn a_payload_that_is_no_json() {
    let arguments = ["invoke", "git-store", "--payload", "{operation: ping}"];
    insta::assert_snapshot!(refused(&TestEnv::new(), &arguments), @r#"
    $ platformctl invoke git-store --payload {operation: ping}
    --- stderr
    error: --payload is not JSON
      caused by: key must be a string at line 1 column 2
    hint: quote it: --payload '{"operation": "ping"}'
    --- exit 2
    "#);
}

#[test]
fn destroying_needs_a_reason() {
    insta::assert_snapshot!(refused(&TestEnv::new(), &["destroy"]), @r"
    $ platformctl destroy
    --- stderr
    error: the following required arguments were not provided:
      --reason <TEXT>

    Usage: platformctl destroy --reason <TEXT> [STACK]...

    For more information, try '--help'.
    --- exit 2
    ");
}

#[test]
fn clearing_needs_a_confirmation() {
    insta::assert_snapshot!(refused(&TestEnv::empty(), &["local", "reset"]), @r"
    $ platformctl local reset
    --- stderr
    error: a confirmation is needed and there is no terminal to ask on
    hint: confirm with `--yes`
    --- exit 2
    ");
}

#[test]
fn an_unknown_verb_or_flag() {
    let env = TestEnv::empty();
    insta::assert_snapshot!(refused(&env, &["deplyo"]), @r"
    $ platformctl deplyo
    --- stderr
    error: unrecognized subcommand 'deplyo'

      tip: a similar subcommand exists: 'deploy'

    Usage: platformctl [OPTIONS] <COMMAND>

    For more information, try '--help'.
    --- exit 2
    ");
    insta::assert_snapshot!(refused(&env, &["check", "--rule", "x"]), @r"
    $ platformctl check --rule x
    --- stderr
    error: unexpected argument '--rule' found

      tip: a similar argument exists: '--rules'

    Usage: platformctl check --rules <DIR>

    For more information, try '--help'.
    --- exit 2
    ");
    insta::assert_snapshot!(refused(&env, &["runs", "--limit", "many"]), @r"
    $ platformctl runs --limit many
    --- stderr
    error: invalid value 'many' for '--limit <N>': invalid digit found in string

    For more information, try '--help'.
    --- exit 2
    ");
}

#[test]
fn a_platform_that_was_never_started() {
    let env = TestEnv::empty();
    insta::assert_snapshot!(env.run(&["local", "status"]).text, @r"
    $ platformctl local status
    the local platform is down
    --- exit 0
    ");
    insta::assert_snapshot!(env.run(&["local", "down"]).text, @r"
    $ platformctl local down
    the local platform was not up
    --- exit 0
    ");
    assert_eq!(env.run(&["local", "reset", "--yes"]).code, 0);
}

#[test]
fn a_folder_without_the_built_function() {
    let endpoint = Endpoint::without_stacks();
    let env = TestEnv::new().logged_in().var("AWS_ENDPOINT_URL", &endpoint.url());
    insta::assert_snapshot!(env.run(&["diff", "--artefacts", "."]).text, @r"
    $ platformctl diff --artefacts .
    --- stderr
    error: there is no [TMP]/work/git-store.zip
    hint: make it with `platformctl build git-store --out [TMP]/work`
    --- exit 2
    ");
}

#[test]
fn a_deploy_refuses_what_the_check_refuses() {
    let env = TestEnv::plus("efs:\n  encrypted: false\n").logged_in();
    env.write("dist/git-store.zip", "a zip");
    let outcome = env.run(&["deploy", "--artefacts", "dist", "--yes"]);
    insta::assert_snapshot!(outcome.text, @"
    $ platformctl deploy --artefacts dist --yes
    --- stderr
    error: the rules refuse these templates; nothing was deployed
      caused by: 1 finding in 1 stack (115 rules, 7 stacks, [TIME] ms)

                   efs-encrypted-at-rest          efs / FileSystem / Encrypted
                     found false, wanted true
                     Pages of every tenant lie on this file system; anyone who gets at the disks reads them.
                     Fix: Set Encrypted to true, best with a KmsKeyId. It cannot be changed later: the file system is replaced.
    hint: `platformctl check` shows this without deploying
    --- exit 4
    ");
    assert!(!env.runs().exists(), "nothing was begun, so nothing is journaled");
}

#[test]
fn a_saved_plan_that_is_none() {
    let env = TestEnv::new().logged_in();
    env.write("plan.json", "{}");
    env.write("dist/git-store.zip", "a zip");
    insta::assert_snapshot!(env.run(&["deploy", "--artefacts", "dist", "--plan", "no.json"]).text, @r"
    $ platformctl deploy --artefacts dist --plan no.json
    --- stderr
    error: cannot read [TMP]/work/no.json
      caused by: No such file or directory (os error 2)
    hint: make a plan with `platformctl diff --save FILE`
    --- exit 2
    ");
    insta::assert_snapshot!(env.run(&["deploy", "--artefacts", "dist", "--plan", "plan.json"]).text, @r"
    $ platformctl deploy --artefacts dist --plan plan.json
    --- stderr
    error: [TMP]/work/plan.json is not a plan as `diff --save` made it
      caused by: missing field `version` at line 1 column 2
    --- exit 2
    ");
}

#[test]
fn progress_is_switched_off_by_the_environment_as_everybody_writes_it() {
    for value in ["1", "true", "0", ""] {
        let done = TestEnv::new().var("PLATFORMCTL_NO_PROGRESS", value).run(&["runs"]);
        assert!(done.text.trim_end().ends_with("--- exit 0"), "{value}: {}", done.text);
    }
}
