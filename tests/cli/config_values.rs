//! Values that are well-formed and impossible: refused before anything is
//! synthesized, at their line.

use super::env::TestEnv;

fn refused(extra: &str) -> String {
    let outcome = TestEnv::plus(extra).run(&["synth"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{}", outcome.text);
    outcome.stderr
}

#[test]
fn a_range_that_is_too_small() {
    insta::assert_snapshot!(refused("network:\n  cidr: 10.0.0.0/28\n  zones: 2\n"), @r"
    error: platform.yaml:6:3: network.cidr: 10.0.0.0/28 is too small: 2 zones need 4 subnets, and 1 of /28 fits
    hint: use a /26 or larger, or fewer zones
    ");
}

#[test]
fn a_range_that_is_not_private() {
    insta::assert_snapshot!(refused("network:\n  cidr: 8.8.0.0/16\n"), @r"
    error: platform.yaml:6:3: network.cidr: 8.8.0.0/16 is not a private range
    hint: take one out of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)
    ");
}

#[test]
fn a_range_that_overlaps_a_reserved_one() {
    let extra = "network:\n  cidr: 10.1.0.0/16\n  reserved_cidrs: [192.168.0.0/16, 10.0.0.0/8]\n";
    insta::assert_snapshot!(refused(extra), @r"
    error: platform.yaml:6:3: network.cidr: 10.1.0.0/16 overlaps 10.0.0.0/8, which is reserved
    hint: choose a range outside network.reserved_cidrs
    ");
}

#[test]
fn an_address_that_is_no_range() {
    insta::assert_snapshot!(refused("network:\n  cidr: 10.40.1.7/16\n"), @r"
    error: platform.yaml:6:3: network.cidr: 10.40.1.7/16 is an address in a range, not a range
    hint: write 10.40.0.0/16
    ");
}

#[test]
fn four_zones() {
    insta::assert_snapshot!(refused("network:\n  zones: 4\n"), @r"
    error: platform.yaml:6:3: network.zones: 4 is out of range
    hint: choose 1 to 3 zones
    ");
}

#[test]
fn a_bad_mail_address() {
    insta::assert_snapshot!(refused("budget:\n  emails:\n    - ops@acme.example\n    - nobody\n"), @r"
    error: platform.yaml:8:7: budget.emails[1]: `nobody` is not a mail address
    hint: write one such as ops@acme.example
    ");
}

#[test]
fn a_bad_threshold() {
    insta::assert_snapshot!(refused("budget:\n  thresholds:\n    actual: [50, 0]\n"), @r"
    error: platform.yaml:7:18: budget.thresholds.actual[1]: 0 is out of range
    hint: choose 1 to 1000 percent
    ");
    insta::assert_snapshot!(refused("budget:\n  thresholds:\n    forecast: [100, 100]\n"), @r"
    error: platform.yaml:7:21: budget.thresholds.forecast[1]: 100 is listed twice
    hint: remove one
    ");
}

#[test]
fn too_many_alerts() {
    insta::assert_snapshot!(refused("budget:\n  thresholds: {actual: [1, 2, 3, 4, 5, 6]}\n"), @r"
    error: platform.yaml:6:16: budget.thresholds.actual: 7 thresholds, actual and forecast, are too many
    hint: keep to 5
    ");
}

#[test]
fn a_tag_that_is_ours() {
    insta::assert_snapshot!(refused("tags:\n  stack: mine\n"), @r"
    error: platform.yaml:6:3: tags.stack: the tag `stack` is set on every resource already
    hint: choose another key
    ");
}

#[test]
fn a_day_that_is_not_offered() {
    insta::assert_snapshot!(refused("efs:\n  log_retention_days: 31\n"), @r"
    error: platform.yaml:6:3: efs.log_retention_days: 31 days is not offered
    hint: choose one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
    ");
}

#[test]
fn several_at_once_are_all_told() {
    insta::assert_snapshot!(refused("network:\n  zones: 4\nefs:\n  memory_mb: 64\n"), @r"
    error: platform.yaml:6:3: network.zones: 4 is out of range
    hint: choose 1 to 3 zones
    hint: also at platform.yaml:8:3: efs.memory_mb: 64 is out of range (choose 128 to 10240 MB)
    ");
}

#[test]
fn a_name_that_is_no_region() {
    let outcome = TestEnv::new().run(&["synth", "--region", "london"]);
    insta::assert_snapshot!(outcome.text, @r"
    $ platformctl synth --region london
    --- stderr
    error: platform.yaml:4:1: region: `london` is not the name of a region
    hint: write one such as eu-west-2
    hint: the value comes from a flag or the environment, not from the file
    --- exit 2
    ");
}

#[test]
fn names_that_are_too_long_together() {
    let outcome = TestEnv::new().run(&["synth", "--env", "a-very-long-environment"]);
    insta::assert_snapshot!(outcome.text, @r"
    $ platformctl synth --env a-very-long-environment
    --- stderr
    error: platform.yaml:2:1: project: `acme-a-very-long-environment` has 28 characters, and names of resources begin with it
    hint: shorten the project or the environment, to 25 in all
    --- exit 2
    ");
}

#[test]
fn a_function_without_code() {
    insta::assert_snapshot!(refused("platform:\n  functions:\n    jobs:\n      memory_mb: 256\n"), @"
    error: platform.yaml:7:5: platform.functions.jobs: jobs has no code yet
    hint: leave it out; functions with code: git-store, authoriser, tenant-api, provisioner
    ");
}

#[test]
fn a_certificate_that_cloudfront_does_not_take() {
    let extra = "platform:\n  domain:\n    name: app.acme.example\n    certificate_arn: arn:aws:acm:eu-west-2:111122223333:certificate/1\n";
    insta::assert_snapshot!(refused(extra), @r"
    error: platform.yaml:8:5: platform.domain.certificate_arn: `arn:aws:acm:eu-west-2:111122223333:certificate/1` is not a certificate that CloudFront takes
    hint: write the ARN of a certificate of ACM in us-east-1: CloudFront takes no other
    ");
}

#[test]
fn networks_that_are_peered_share_no_addresses() {
    let extra = "runtime_region: eu-west-1\nnetwork:\n  cidr: 10.41.0.0/16\n";
    insta::assert_snapshot!(refused(extra), @r"
    error: platform.yaml: runtime_network.cidr: 10.41.0.0/16 overlaps network.cidr, which is 10.41.0.0/16: networks that are peered share no addresses
    hint: choose ranges for network.cidr and runtime_network.cidr that do not overlap
    ");
}

#[test]
fn agents_need_an_image_or_code() {
    insta::assert_snapshot!(refused("agentcore:\n  runtime: {}\n"), @"
    error: platform.yaml:6:3: agentcore.runtime: there is neither an image nor code
    hint: add image, or code
    hint: also at platform.yaml: network.interface_endpoints: agents cannot reach bedrock-agentcore, logs: there is neither a NAT gateway nor an endpoint (set network.endpoints to platform and list here what is still missing, or set network.nat to single)
    ");
}
