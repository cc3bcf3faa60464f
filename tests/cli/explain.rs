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
    insta::assert_snapshot!(TestEnv::empty().run(&["explain", "efs-encrypted-at-rest"]).text, @"");
}

#[test]
fn an_unknown_rule_suggests_the_nearest() {
    insta::assert_snapshot!(TestEnv::empty().run(&["explain", "efs-encrypted"]).text, @"");
}
