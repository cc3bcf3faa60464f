//! The same result in every format, and picked from.

use super::env::TestEnv;

#[test]
fn formats_of_a_list() {
    let env = TestEnv::empty();
    let rules = env.json(&["explain", "-o", "json"]);
    let count = rules.as_array().expect("rules").len();
    let jsonl = env.run(&["explain", "-o", "jsonl"]).stdout;
    assert_eq!(jsonl.lines().count(), count);
    for line in jsonl.lines() {
        let rule: serde_json::Value = serde_json::from_str(line).expect("JSON in each line");
        assert!(rule["id"].is_string());
    }
    let yaml = env.run(&["explain", "-o", "yaml"]).stdout;
    assert_eq!(yaml.lines().filter(|line| line.starts_with("- id: ")).count(), count);
    let markdown = env.run(&["explain", "-o", "markdown"]).stdout;
    assert_eq!(markdown.lines().count(), count + 2);
    assert!(markdown.lines().all(|line| line.starts_with('|') && line.ends_with('|')));
}

#[test]
fn formats_of_one_result() {
    let env = TestEnv::new();
    for (number, format) in ["text", "json", "jsonl", "yaml", "markdown"].into_iter().enumerate() {
        let file = format!("{number}.yaml");
        let outcome = env.run(&["init", "--file", &file, "-o", format]);
        assert_eq!(outcome.code, 0, "{}", outcome.text);
        insta::assert_snapshot!(format!("init-{format}"), outcome.text);
    }
}

#[test]
fn the_environment_names_a_format_too_and_a_flag_wins() {
    let env = TestEnv::empty().var("PLATFORMCTL_OUTPUT", "json");
    assert!(env.run(&["explain"]).stdout.starts_with('['));
    assert!(env.run(&["explain", "-o", "yaml"]).stdout.starts_with("- "));
}

#[test]
fn a_query_picks_text_as_it_is_and_the_rest_as_data() {
    let env = TestEnv::new();
    let picked =
        |arguments: &[&str]| env.run(&[&["config", "show"][..], arguments].concat()).stdout;
    assert_eq!(picked(&["--query", "project"]), "acme\n");
    assert_eq!(picked(&["--query", "project", "-o", "json"]), "\"acme\"\n");
    assert_eq!(picked(&["--query", "network.zones"]), "1\n");
    assert_eq!(
        picked(&["--query", "budget.thresholds", "-o", "jsonl"]),
        "{\"actual\":[50,80,100],\"forecast\":[100]}\n"
    );
    assert_eq!(picked(&["--query", "nothing.here"]), "null\n");
}

#[test]
fn a_bad_query_is_refused_before_anything_is_done() {
    let env = TestEnv::empty();
    insta::assert_snapshot!(env.run(&["init", "--query", "file["]).text, @r"
    $ platformctl init --query file[
    --- stderr
    error: --query `file[` cannot be used
      caused by: Parse error: Expected number, ':', or '*' -- found Eof (line 0, column 5)
                 file[
                      ^
    hint: the syntax is JMESPath: https://jmespath.org; `-o json` shows what can be picked
    --- exit 2
    ");
    assert!(!env.path("platform.yaml").exists());
}

#[test]
fn a_query_that_calls_what_does_not_exist() {
    insta::assert_snapshot!(TestEnv::new().run(&["config", "show", "--query", "nope(@)"]).text, @r"
    $ platformctl config show --query nope(@)
    --- stderr
    error: --query `nope(@)` cannot be used
      caused by: Runtime error: Call to undefined function nope (line 0, column 4)
                 nope(@)
                     ^
    hint: the syntax is JMESPath: https://jmespath.org; `-o json` shows what can be picked
    --- exit 2
    ");
}

#[test]
fn a_format_of_another_verb_is_refused_before_anything_is_done() {
    let env = TestEnv::empty();
    insta::assert_snapshot!(env.run(&["init", "-o", "sarif"]).text, @r"
    $ platformctl init -o sarif
    --- stderr
    error: this verb has no such output
    hint: sarif, junit and gitlab are written by `platformctl check`, without --query
    --- exit 2
    ");
    assert_eq!(env.run(&["init", "-o", "junit"]).code, 2);
    assert_eq!(env.run(&["init", "-o", "gitlab"]).code, 2);
    assert!(!env.path("platform.yaml").exists());
    let env = TestEnv::new();
    assert_eq!(env.run(&["check", "-o", "sarif", "--query", "version"]).code, 2);
}

#[test]
fn an_unknown_format() {
    insta::assert_snapshot!(TestEnv::empty().run(&["explain", "-o", "xml"]).text, @r"
    $ platformctl explain -o xml
    --- stderr
    error: invalid value 'xml' for '--output <FORMAT>'
      [possible values: text, json, yaml, jsonl, markdown, sarif, junit, gitlab]

      tip: a similar value exists: 'yaml'

    For more information, try '--help'.
    --- exit 2
    ");
}

#[test]
fn colour_only_when_it_is_asked_for() {
    let env = TestEnv::with("version: 2\n");
    assert!(!env.run(&["check"]).stderr.contains('\u{1b}'));
    assert!(env.run(&["check", "--color", "always"]).stderr.contains("\u{1b}[31m"));
    let env = env.var("CLICOLOR_FORCE", "1");
    assert!(env.run(&["check"]).stderr.contains("\u{1b}[31m"));
    assert!(!env.run(&["check", "--color", "never"]).stderr.contains('\u{1b}'));
    let env = TestEnv::with("version: 2\n").var("NO_COLOR", "1");
    assert!(!env.run(&["check"]).stderr.contains('\u{1b}'));
}

#[test]
fn the_policy_is_a_document_on_stdout() {
    let env = TestEnv::plus("account: \"111122223333\"\n");
    let outcome = env.run(&["bootstrap", "--print-policy"]);
    assert_eq!(outcome.code, 0, "{}", outcome.text);
    let policy: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    // One that would be too long for AWS is several.
    let policies = policy.as_array().cloned().unwrap_or_else(|| vec![policy]);
    for policy in policies {
        assert_eq!(policy["Version"], "2012-10-17");
        let statements = policy["Statement"].as_array().expect("statements");
        assert!(!statements.is_empty());
        for statement in statements {
            assert_eq!(statement["Effect"], "Allow");
            assert!(statement["Action"] != "*", "{statement}");
        }
    }
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.text);
    let quiet = env.run(&["bootstrap", "--print-policy", "--quiet"]);
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (outcome.stdout, ""));
}

#[test]
fn a_policy_for_any_account_says_so() {
    let outcome = TestEnv::new().run(&["bootstrap", "--print-policy"]);
    assert!(outcome.stderr.contains("warning: no `account` in platform.yaml"), "{}", outcome.text);
}
