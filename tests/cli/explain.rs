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

/// An example that is shown can be checked as it is. (`tests/guard/rules.rs` does so with
/// those of every rule.)
#[test]
fn examples_can_be_tried() {
    let env = TestEnv::empty();
    let examples = &env.json(&["explain", "s3-public-access-blocked", "-o", "json"])[0]["examples"];
    for (kind, code) in [("passes", 0), ("fails", 4)] {
        env.write("example.yaml", examples[kind]["template"].as_str().expect("a template"));
        let outcome =
            env.run(&["check", "--template", "example.yaml", "--only", "s3-public-access-blocked"]);
        assert_eq!(outcome.code, code, "{kind}: {}", outcome.text);
    }
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
