use super::env::TestEnv;

#[test]
fn lists_every_rule() {
    let env = TestEnv::empty();
    insta::assert_snapshot!(env.run(&["explain"]).text);
    let rules = env.json(&["explain", "-o", "json"]);
    for rule in rules.as_array().expect("rules") {
        for key in ["id", "title", "why", "fix", "file"] {
            assert!(rule[key].as_str().is_some_and(|text| !text.is_empty()), "{key} of {rule}");
        }
    }
}

#[test]
fn says_of_one_rule_what_it_wants_and_why() {
    insta::assert_snapshot!(TestEnv::empty().run(&["explain", "efs-encrypted-at-rest"]).text);
}

#[test]
fn data_of_one_rule_has_its_examples() {
    let rules = TestEnv::empty().json(&["explain", "s3-versioned", "-o", "json"]);
    let rule = &rules[0];
    assert_eq!((rules.as_array().map(Vec::len), &rule["id"]), (Some(1), &"s3-versioned".into()));
    for kind in ["passes", "fails"] {
        let text = rule["examples"][kind]["template"].as_str().expect("a template");
        assert!(text.contains("AWS::S3::Bucket"), "{kind}: {text}");
    }
}

/// An example that is shown does what is said of it.
#[test]
fn examples_pass_and_fail() {
    let env = TestEnv::empty();
    let mut shown = 0;
    for rule in env.json(&["explain", "-o", "json"]).as_array().expect("rules") {
        let id = rule["id"].as_str().expect("an id");
        let examples = &env.json(&["explain", id, "-o", "json"])[0]["examples"];
        for (kind, code) in [("passes", 0), ("fails", 4)] {
            let Some(text) = examples[kind]["template"].as_str() else {
                let is_code = !rule["file"].as_str().is_some_and(|file| file.contains(".guard"));
                assert!(is_code, "{id} has no example that {kind}");
                continue;
            };
            env.write("example.yaml", text);
            let outcome = env.run(&["check", "--template", "example.yaml", "--only", id]);
            let warns = rule["severity"] != "error" && !outcome.stdout.starts_with("no findings");
            assert!(outcome.code == code || warns, "{id} {kind}: {}", outcome.text);
            shown += 1;
        }
    }
    assert!(shown > 20, "{shown} examples");
}

#[test]
fn rules_that_are_code_are_explained_too() {
    insta::assert_snapshot!(TestEnv::empty().run(&["explain", "exemption-expired"]).text);
}

#[test]
fn an_unknown_rule_suggests_the_nearest() {
    insta::assert_snapshot!(TestEnv::empty().run(&["explain", "efs-encrypted"]).text, @r"
    $ platformctl explain efs-encrypted
    --- stderr
    error: there is no rule efs-encrypted
    hint: did you mean `efs-encrypted-at-rest`? `platformctl explain` lists all
    --- exit 2
    ");
}
