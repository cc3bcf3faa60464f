use super::env::TestEnv;
use super::fake::Endpoint;
use super::journals::Journal;

/// Four runs: succeeded, failed, cut off, and cut off in the middle of a line.
fn recorded() -> TestEnv {
    let env = TestEnv::new().logged_in();
    Journal::of("deploy", 17, "aaaa").done("deploy network").ended(0, None).save(&env);
    Journal::of("deploy", 18, "bbbb")
        .done("deploy network")
        .open("deploy efs")
        .ended(1, Some("stack efs failed: FileSystem: no more of them"))
        .save(&env);
    Journal::of("bootstrap", 19, "cccc").done("synth").open("deploy efs").save(&env);
    Journal::of("destroy", 20, "dddd").done("efs").torn().save(&env);
    env
}

#[test]
fn nothing_was_recorded_yet() {
    let env = TestEnv::new();
    insta::assert_snapshot!(env.run(&["runs"]).text, @r"
    $ platformctl runs
    no run was recorded yet
    --- exit 0
    ");
    insta::assert_snapshot!(env.run(&["events", "k3f9"]).text, @r"
    $ platformctl events k3f9
    --- stderr
    error: no run is called k3f9
    hint: no run was recorded yet
    --- exit 2
    ");
    insta::assert_snapshot!(env.run(&["resume", "k3f9"]).text, @r"
    $ platformctl resume k3f9
    --- stderr
    error: no run is called k3f9
    hint: no run was recorded yet
    --- exit 2
    ");
    assert_eq!(env.json(&["runs", "-o", "json"]), serde_json::json!([]));
    assert_eq!(env.run(&["runs", "-o", "jsonl"]).stdout, "");
}

#[test]
fn runs_are_listed_newest_first() {
    let env = recorded();
    insta::assert_snapshot!(env.run(&["runs"]).text, @r"
    $ platformctl runs
     RUN              VERB       ENVIRONMENT  STATE      STARTED              BY
     2026-11-20-dddd  destroy    acme-dev     cut off    2026-11-20 09:00:10  ops@ci
     2026-11-19-cccc  bootstrap  acme-dev     cut off    2026-11-19 09:00:10  ops@ci
     2026-11-18-bbbb  deploy     acme-dev     failed     2026-11-18 09:00:10  ops@ci
     2026-11-17-aaaa  deploy     acme-dev     succeeded  2026-11-17 09:00:10  ops@ci
    --- exit 0
    ");
    insta::assert_snapshot!(env.run(&["runs", "--unfinished", "--limit", "2"]).text, @r"
    $ platformctl runs --unfinished --limit 2
     RUN              VERB       ENVIRONMENT  STATE    STARTED              BY
     2026-11-20-dddd  destroy    acme-dev     cut off  2026-11-20 09:00:10  ops@ci
     2026-11-19-cccc  bootstrap  acme-dev     cut off  2026-11-19 09:00:10  ops@ci
    --- exit 0
    ");
    insta::assert_snapshot!(env.run(&["runs", "-o", "markdown", "--limit", "1"]).text, @r"
    $ platformctl runs -o markdown --limit 1
    | RUN             | VERB    | ENVIRONMENT | STATE   | STARTED             | BY     |
    |-----------------|---------|-------------|---------|---------------------|--------|
    | 2026-11-20-dddd | destroy | acme-dev    | cut off | 2026-11-20 09:00:10 | ops@ci |
    --- exit 0
    ");
    let states = env.run(&["runs", "--query", "[].state", "-o", "jsonl"]).stdout;
    assert_eq!(states, "\"crashed\"\n\"crashed\"\n\"failed\"\n\"succeeded\"\n");
}

#[test]
fn events_replay_a_run() {
    let env = recorded();
    insta::assert_snapshot!(env.run(&["events", "bbbb"]).text, @r"
    $ platformctl events bbbb
    09:00:10  deploy began, by ops@ci, account 111122223333, eu-west-2
    09:00:20  ▸ deploy network
    09:00:30  ■ deploy network done
    09:00:40  ▸ deploy efs
    09:00:50    #1 cloudformation:ExecuteChangeSet acme-dev-efs
    09:01:00  ended with exit code 1: stack efs failed: FileSystem: no more of them
    --- exit 0
    ");
    insta::assert_snapshot!(env.run(&["events", "2026-11-20-dddd"]).text, @r"
    $ platformctl events 2026-11-20-dddd
    09:00:10  destroy began, by ops@ci, account 111122223333, eu-west-2
    09:00:20  ▸ efs
    09:00:30  ■ efs done
    --- exit 0
    ");
    // A run that ended is not waited for.
    assert_eq!(
        env.run(&["events", "cccc", "--follow"]).stdout,
        env.run(&["events", "cccc"]).stdout
    );
    let lines = env.run(&["events", "aaaa", "-o", "jsonl"]).stdout;
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|record| record["entry"]["kind"].as_str().expect("a kind").to_owned())
        .collect();
    assert_eq!(kinds, ["run_started", "step_started", "step_finished", "run_finished"]);
}

#[test]
fn an_unknown_run_names_the_newest() {
    insta::assert_snapshot!(recorded().run(&["events", "zzzz"]).text, @r"
    $ platformctl events zzzz
    --- stderr
    error: no run is called zzzz
    hint: the newest is 2026-11-20-dddd; `platformctl runs` lists all
    --- exit 2
    ");
}

#[test]
fn an_ambiguous_run() {
    let env = recorded();
    Journal::of("deploy", 21, "aaaa").save(&env);
    insta::assert_snapshot!(env.run(&["events", "aaaa"]).text, @r"
    $ platformctl events aaaa
    --- stderr
    error: 2 runs are called aaaa
    hint: give the whole name; `platformctl runs` lists all
    --- exit 2
    ");
    assert_eq!(env.run(&["events", "2026-11-21-aaaa"]).code, 0);
}

#[test]
fn a_damaged_journal_is_named() {
    let env = TestEnv::new();
    Journal::of("deploy", 20, "eeee").raw("nonsense\n").ended(0, None).save(&env);
    insta::assert_snapshot!(env.run(&["runs"]).text, @r"
    $ platformctl runs
    no run was recorded yet
    --- stderr
    warning: [TMP]/state/runs/2026-11-20-eeee.jsonl:2: not a journal record; move the file out of that folder to be rid of this warning
    --- exit 0
    ");
}

#[test]
fn what_ended_well_is_not_resumed() {
    insta::assert_snapshot!(recorded().run(&["resume", "aaaa"]).text, @r"
    $ platformctl resume aaaa
    --- stderr
    error: run 2026-11-17-aaaa ended with success; there is nothing to go on with
    --- exit 2
    ");
}

#[test]
fn a_run_of_another_version_is_not_resumed() {
    let env = TestEnv::new();
    Journal::of("deploy", 20, "ffff").replace("\"scope\"", "\"elsewhere\"").save(&env);
    insta::assert_snapshot!(env.run(&["resume", "ffff"]).text, @r"
    $ platformctl resume ffff
    --- stderr
    error: run 2026-11-20-ffff was recorded by another version of platformctl
      caused by: missing field `scope`
    hint: run `platformctl deploy` again instead
    --- exit 1
    ");
}

#[test]
fn a_verb_that_cannot_be_resumed() {
    let env = TestEnv::new();
    Journal::of("explain", 20, "gggg").save(&env);
    insta::assert_snapshot!(env.run(&["resume", "gggg"]).text, @r"
    $ platformctl resume gggg
    --- stderr
    error: a run of explain cannot be resumed
    --- exit 1
    ");
}

#[test]
fn what_failed_or_was_cut_off_goes_on_where_it_was() {
    let env = recorded();
    for run in ["bbbb", "cccc", "dddd"] {
        let outcome = env.run(&["resume", run]);
        assert_eq!(outcome.code, 1, "{}", outcome.text);
        assert!(outcome.stderr.contains("cannot find out who"), "{}", outcome.text);
    }
}

#[test]
fn the_next_command_notices_what_was_cut_off() {
    let endpoint = Endpoint::without_stacks();
    let env = recorded().var("AWS_ENDPOINT_URL", &endpoint.url());
    insta::assert_snapshot!(env.run(&["status"]).text, @"
    $ platformctl status
     STACK          STATUS        RESOURCES  PROTECTED
     artefacts      not deployed          0  no
     identity       not deployed          0  no
     network        not deployed          0  no
     efs            not deployed          0  no
     platform       not deployed          0  no
     observability  not deployed          0  no
     budget         not deployed          0  no
    --- stderr
    warning: run 2026-11-20-dddd (destroy) was cut off: `platformctl resume dddd` goes on with it
    warning: run 2026-11-19-cccc (bootstrap) was cut off during deploy efs: `platformctl resume cccc` goes on with it
    --- exit 0
    ");
    let unfinished = env.run(&["status", "--query", "unfinished_runs", "-o", "jsonl", "-q"]).stdout;
    assert_eq!(unfinished, "\"2026-11-20-dddd\"\n\"2026-11-19-cccc\"\n");
}

#[test]
fn a_cut_off_run_that_a_later_one_replaced_is_not_mentioned() {
    let endpoint = Endpoint::without_stacks();
    let env = TestEnv::new().logged_in().var("AWS_ENDPOINT_URL", &endpoint.url());
    Journal::of("deploy", 19, "aaaa").open("deploy efs").save(&env);
    Journal::of("deploy", 20, "bbbb").done("deploy efs").ended(0, None).save(&env);
    let outcome = env.run(&["status", "--query", "unfinished_runs", "-o", "jsonl"]);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}
