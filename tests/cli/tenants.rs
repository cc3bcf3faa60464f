//! Siloed tenants share templates, in files and on stdout.

use std::fmt::Write as _;

use serde_json::Value;

use super::env::TestEnv;

const TENANTS: &str = "tenants:
  - { id: acme, tier: basic, email: ops@acme.example }
  - { id: globex, tier: premium, email: ops@globex.example }
  - { id: initech, tier: premium, monthly_usd: 250, email: it@initech.example }
";

fn refused(tenants: &str) -> String {
    let outcome = TestEnv::plus(tenants).run(&["check"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{}", outcome.text);
    outcome.stderr
}

#[test]
fn a_template_is_written_once_and_parameters_for_each_tenant() {
    let env = TestEnv::plus(TENANTS);
    let outcome = env.run(&["synth", "tenant-globex", "tenant-initech", "--out", "build"]);
    insta::assert_snapshot!(outcome.text, @"
    $ platformctl synth tenant-globex tenant-initech --out build
     STACK                      REGION     RESOURCES  FILE
     tenant-premium (2 stacks)  eu-west-2         12  build/tenant-premium.yaml

    Parameters of 2 stacks: build/parameters
    --- exit 0
    ");
    insta::assert_snapshot!(env.read("build/parameters/tenant-initech.json"), @r#"
    [
      {
        "ParameterKey": "TenantId",
        "ParameterValue": "initech"
      },
      {
        "ParameterKey": "Email",
        "ParameterValue": "it@initech.example"
      },
      {
        "ParameterKey": "MonthlyUsd",
        "ParameterValue": "250"
      }
    ]
    "#);
    let mut files: Vec<_> = std::fs::read_dir(env.path("build"))
        .expect("a folder")
        .map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"))
        .collect();
    files.sort();
    assert_eq!(files, ["parameters", "tenant-premium.yaml"]);
}

#[test]
fn rows_name_the_shared_file_and_each_stacks_own() {
    let env = TestEnv::plus(TENANTS);
    let report = env.json(&["synth", "--out", "build", "--format", "json", "-o", "json"]);
    let rows = report["stacks"].as_array().expect("rows");
    let of_tenants: Vec<_> = rows.iter().filter(|row| row["parameters"].is_string()).collect();
    let [globex, initech] = of_tenants[..] else { panic!("{report}") };
    assert_eq!(globex["stack_name"], "acme-dev-tenant-globex");
    assert_eq!(globex["parameters"], "build/parameters/tenant-globex.json");
    assert_eq!((&globex["file"], &globex["sha256"]), (&initech["file"], &initech["sha256"]));
    assert_eq!(globex["file"], "build/tenant-premium.json");
    assert!(rows.iter().all(|row| row["stack"] != "tenant-acme"));
}

#[test]
fn stdout_shows_a_shared_template_once() {
    let env = TestEnv::plus(TENANTS);
    let all = env.run(&["synth"]).stdout;
    let heading = "---\n# tenant-premium in eu-west-2, which 2 stacks share: acme-dev-tenant-globex … acme-dev-tenant-initech\n";
    assert_eq!(all.matches(heading).count(), 1, "{all}");
    assert_eq!(all.matches("  TenantId:\n").count(), 1);
    let bodies = env.json(&["synth", "-o", "json"]);
    assert!(bodies["tenant-premium"]["Parameters"]["TenantId"].is_object());
    assert!(bodies.get("tenant-globex").is_none());
}

#[test]
fn one_tenants_stack_shows_the_template_and_its_values() {
    let env = TestEnv::plus(TENANTS);
    let one = env.run(&["synth", "tenant-initech"]).stdout;
    let values = "# acme-dev-tenant-initech in eu-west-2\n# TenantId: initech\n# Email: it@initech.example\n# MonthlyUsd: 250\n";
    assert!(one.starts_with(values), "{one}");
    assert!(one.contains("\nResources:\n"));
    let json = env.run(&["synth", "tenant-initech", "--format", "json"]).stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert!(json["Resources"]["Role"].is_object());
}

#[test]
fn the_same_tenants_give_the_same_files() {
    let env = TestEnv::plus(TENANTS);
    for folder in ["first", "second"] {
        assert_eq!(env.run(&["synth", "--out", folder]).code, 0);
    }
    for file in ["tenant-premium.yaml", "parameters/tenant-globex.json", "platform.yaml"] {
        assert_eq!(env.read(&format!("first/{file}")), env.read(&format!("second/{file}")));
    }
}

#[test]
fn five_hundred_tenants_are_one_template_and_a_file_each() {
    let env = TestEnv::empty();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/many-tenants/platform.yaml");
    let outcome = env.run(&["synth", "-c", example, "--out", "build"]);
    assert_eq!(outcome.code, 0, "{}", outcome.text);
    let files = |folder: &str| std::fs::read_dir(env.path(folder)).expect("a folder").count();
    assert_eq!(files("build/parameters"), 500);
    assert!(files("build") < 20, "{}", outcome.text);
    // All of it on stdout is a few hundred kilobytes, not ten megabytes.
    let all = env.run(&["synth", "-c", example, "-o", "json"]).stdout;
    assert!(all.len() < 1_000_000, "{}", all.len());
}

#[test]
fn the_rules_accept_tenants() {
    for extra in ["", "runtime_region: eu-west-1\n"] {
        let env = TestEnv::plus(&format!("{extra}{TENANTS}"));
        let report: Value =
            serde_json::from_str(&env.run(&["check", "-o", "json"]).stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("findings").iter();
        let stack = |finding: &Value| finding["stack"].as_str().expect("a stack").to_owned();
        let of_tenants: Vec<_> = findings.filter(|it| stack(it).starts_with("tenant-")).collect();
        assert!(of_tenants.is_empty(), "{of_tenants:?}");
    }
}

#[test]
fn a_bad_tenant_names_its_line() {
    insta::assert_snapshot!(refused(&format!("{TENANTS}  - {{ id: globex, tier: basic, email: a@b.example }}\n")), @r"
    error: platform.yaml:9:7: tenants[3].id: the tenant globex is listed already, as tenants[1]
    hint: remove one, or give it another id
    ");
    insta::assert_snapshot!(refused("tenants:\n  - id: globex\n    tier: gold\n    email: a@b.example\n"), @r"
    error: platform.yaml:7:5: tenants[0].tier: unknown value `gold`, expected one of `basic`, `standard`, `premium`
    hint: tenants[0].tier: Its tier: basic, standard or premium
    ");
    insta::assert_snapshot!(refused("tenants:\n  - { id: Globex, tier: basic, email: a@b.example }\n"), @r"
    error: platform.yaml:6:7: tenants[0].id: a tenant id has 3 to 22 of a-z, 0-9 and single hyphens, begins with a letter and ends with none of the hyphens
    hint: tenants[0].id: Its id: 3 to 22 of a-z, 0-9 and single hyphens, beginning with a letter
    ");
    insta::assert_snapshot!(refused("tenants:\n  - { id: globex, tier: basic, email: ops }\n"), @r"
    error: platform.yaml:6:32: tenants[0].email: `ops` is not a mail address
    hint: write one such as ops@acme.example
    ");
    insta::assert_snapshot!(refused("tenants:\n  - { id: globex, tier: basic }\n"), @r"
    error: platform.yaml:6:5: tenants[0]: missing field `email`
    hint: tenants[0]: Tenants that are deployed with the platform; others come through the API
    ");
    insta::assert_snapshot!(refused("tiers:\n  premium:\n    burst: 6000\n"), @r"
    error: platform.yaml:7:5: tiers.premium.burst: 6000 is out of range
    hint: choose 1 to 5000
    ");
}

#[test]
fn more_tenants_than_an_account_holds_are_refused_unless_its_quotas_were_raised() {
    let mut tenants = String::from("tenants:\n");
    for n in 0..1_000 {
        writeln!(tenants, "  - {{ id: tenant-{n:04}, tier: premium, email: a@b.example }}")
            .expect("text");
    }
    insta::assert_snapshot!(refused(&tenants), @"
    error: platform.yaml:5:1: tenants: 1000 siloed tenants and the platform need 1003 IAM roles, and an account may have 1000
    hint: have AWS raise the quota and write it as quotas.iam_roles, make tiers pooled, or spread tenants over accounts
    ");
    let raised = format!("{tenants}quotas:\n  iam_roles: 5000\n");
    let outcome = TestEnv::plus(&raised).run(&["synth", "--out", "build"]);
    assert_eq!(outcome.code, 0, "{}", outcome.text);
    let unknown = TestEnv::plus(&raised).run(&["synth", "tenant-none"]);
    insta::assert_snapshot!(unknown.stderr, @"
    error: there is no stack tenant-none
    hint: stacks: artefacts, identity, network, efs, platform, observability, budget, tenant-tenant-0000 … tenant-tenant-0999 (1000 stacks)
    ");
}
