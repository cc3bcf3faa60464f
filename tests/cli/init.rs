use super::env::TestEnv;

#[test]
fn writes_a_file_that_passes_the_check() {
    let env = TestEnv::empty();
    let outcome = env.run(&["init"]);
    insta::assert_snapshot!(outcome.text);
    insta::assert_snapshot!("file", env.read("platform.yaml"));
    assert_eq!(env.run(&["check"]).code, 0);
}

#[test]
fn takes_what_flags_give() {
    let env = TestEnv::empty();
    let flags = "init --project shop --environment prod --region us-east-1 --cidr 10.9.0.0/16 \
                 --email a@shop.example --email b@shop.example --file deep.yaml -o json";
    let written = env.json(&flags.split_whitespace().collect::<Vec<_>>());
    assert_eq!(written["file"], "deep.yaml");
    let shown = env.json(&["config", "show", "-c", "deep.yaml", "-o", "json"]);
    assert_eq!(shown["project"], "shop");
    assert_eq!(shown["environment"], "prod");
    assert_eq!(shown["region"], "us-east-1");
    assert_eq!(shown["network"]["cidr"], "10.9.0.0/16");
    assert_eq!(shown["budget"]["emails"][1], "b@shop.example");
}

#[test]
fn an_existing_file_is_overwritten_only_with_force() {
    let env = TestEnv::with("mine\n");
    insta::assert_snapshot!(env.run(&["init"]).text, @r"
    $ platformctl init
    --- stderr
    error: platform.yaml exists
    hint: overwrite it with `--force`, or write another with `--file FILE`
    --- exit 2
    ");
    assert_eq!(env.read("platform.yaml"), "mine\n");
    assert_eq!(env.run(&["init", "--force"]).code, 0);
    assert!(env.read("platform.yaml").contains("project: acme"));
}

#[test]
fn a_name_that_cannot_be_used_is_refused_before_anything_is_written() {
    let env = TestEnv::empty();
    insta::assert_snapshot!(env.run(&["init", "--project", "Acme_Corp"]).text, @r"
    $ platformctl init --project Acme_Corp
    --- stderr
    error: platform.yaml:4:1: project: `Acme_Corp` is not usable in names
    hint: use lowercase letters, digits and single hyphens, starting with a letter
    --- exit 2
    ");
    insta::assert_snapshot!(env.run(&["init", "--cidr", "8.8.0.0/16"]).text, @r"
    $ platformctl init --cidr 8.8.0.0/16
    --- stderr
    error: platform.yaml:13:3: network.cidr: 8.8.0.0/16 is not a private range
    hint: take one out of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)
    --- exit 2
    ");
    insta::assert_snapshot!(env.run(&["init", "--project", "a: [b"]).text, @r"
    $ platformctl init --project a: [b
    --- stderr
    error: platform.yaml:4:1: project: `a: [b` is not usable in names
    hint: use lowercase letters, digits and single hyphens, starting with a letter
    --- exit 2
    ");
    assert!(!env.path("platform.yaml").exists());
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let env = TestEnv::empty();
    insta::assert_snapshot!(env.run(&["init", "--file", "missing/platform.yaml"]).text, @r"
    $ platformctl init --file missing/platform.yaml
    --- stderr
    error: cannot write missing/platform.yaml
      caused by: No such file or directory (os error 2)
    --- exit 1
    ");
}
