use super::env::TestEnv;

#[test]
fn one_stack_is_one_yaml_document() {
    let env = TestEnv::plus("budget:\n  emails: [ops@acme.example]\n");
    insta::assert_snapshot!(env.run(&["synth", "budget"]).text);
}

#[test]
fn all_stacks_are_named_yaml_documents() {
    let outcome = TestEnv::new().run(&["synth"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    for name in ["acme-dev-network", "acme-dev-efs", "acme-dev-budget"] {
        assert!(outcome.stdout.contains(&format!("---\n# {name} in eu-west-2\n")), "{name}");
    }
}

#[test]
fn the_same_file_gives_the_same_bytes() {
    let env = TestEnv::new();
    for arguments in [&["synth"][..], &["synth", "--format", "json"], &["synth", "-o", "json"]] {
        let (first, second) = (env.run(arguments), env.run(arguments));
        assert_eq!(first.code, 0, "{}", first.text);
        assert_eq!(first.stdout, second.stdout, "{arguments:?}");
    }
}

#[test]
fn files_hold_what_stdout_shows() {
    let env = TestEnv::new();
    let yaml = env.run(&["synth", "network", "efs", "--out", "build/yaml"]);
    insta::assert_snapshot!(yaml.text, @"
    $ platformctl synth network efs --out build/yaml
     STACK    REGION     RESOURCES  FILE
     network  eu-west-2         35  build/yaml/network.yaml
     efs      eu-west-2         16  build/yaml/efs.yaml
    --- exit 0
    ");
    assert_eq!(env.read("build/yaml/network.yaml"), env.run(&["synth", "network"]).stdout);
    assert!(!env.path("build/yaml/budget.yaml").exists());

    let report = env.json(&["synth", "--out", "build/json", "--format", "json", "-o", "json"]);
    let all = env.json(&["synth", "-o", "json"]);
    for stack in report["stacks"].as_array().expect("stacks") {
        let (name, file) = (stack["stack"].as_str(), stack["file"].as_str());
        let written: serde_json::Value =
            serde_json::from_str(&env.read(file.expect("a file"))).expect("JSON");
        let (name, sha256) = (name.expect("a name"), stack["sha256"].as_str());
        assert_eq!(written, all[name], "{name}");
        assert_eq!(
            Some(written["Resources"].as_object().expect("resources").len()),
            stack["resources"].as_u64().map(|n| usize::try_from(n).expect("small"))
        );
        assert_eq!(sha256.map(str::len), Some(64));
    }
}

/// Stacks of two regions stand apart by their names, and each says its region.
#[test]
fn stacks_say_their_region() {
    let env = TestEnv::plus("runtime_region: eu-west-1\nagentcore:\n  memory: {}\n");
    let text = env.run(&["synth"]).stdout;
    assert!(text.contains("---\n# acme-dev-network in eu-west-2\n"));
    assert!(text.contains("---\n# acme-dev-runtime-network in eu-west-1\n"));
    let report = env.json(&["synth", "--out", "build", "-o", "json"]);
    let regions: Vec<String> = report["stacks"]
        .as_array()
        .expect("stacks")
        .iter()
        .map(|stack| format!("{} {}", stack["stack"], stack["region"]).replace('"', ""))
        .collect();
    assert!(regions.contains(&"agentcore eu-west-1".to_owned()), "{regions:?}");
    assert!(regions.contains(&"peering eu-west-2".to_owned()), "{regions:?}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    insta::assert_snapshot!(TestEnv::new().run(&["synth", "--out", "platform.yaml"]).text, @r"
    $ platformctl synth --out platform.yaml
    --- stderr
    error: cannot make platform.yaml
      caused by: File exists (os error 17)
    --- exit 1
    ");
}
