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
    insta::assert_snapshot!(TestEnv::empty().run(&["explain", "efs-encrypted-at-rest"]).text, @r"
    $ platformctl explain efs-encrypted-at-rest
    efs-encrypted-at-rest: EFS file systems are encrypted at rest

    Pages of every tenant lie on this file system; anyone who gets at the disks reads them.

    Fix: Set Encrypted to true, best with a KmsKeyId. It cannot be changed later: the file system is replaced.

    Defined in guard/guard/efs.guard
    --- exit 0
    ");
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
