//! The way to AWS: nobody there, nobody logged in, somebody else.

use super::env::{MINIMAL, TestEnv};
use super::fake::Endpoint;

/// An environment whose AWS is `endpoint`, with credentials.
fn at(endpoint: &Endpoint) -> TestEnv {
    TestEnv::new().logged_in().var("AWS_ENDPOINT_URL", &endpoint.url())
}

#[test]
fn an_endpoint_that_nobody_listens_on() {
    let outcome = TestEnv::new().logged_in().run(&["status"]);
    insta::assert_snapshot!(outcome.text, @r"
    $ platformctl status
    --- stderr
    error: cannot find out who the credentials belong to
      caused by: dispatch failure: io error: client error (Connect): tcp connect error: Connection refused (os error 111)
    hint: check the network, the region, and AWS_ENDPOINT_URL if it is set
    hint: on the local platform: `platformctl local status`
    --- exit 1
    ");
}

#[test]
fn no_credentials() {
    insta::assert_snapshot!(TestEnv::new().run(&["status"]).text, @r"
    $ platformctl status
    --- stderr
    error: cannot find out who the credentials belong to
      caused by: dispatch failure: other: the credential provider was not enabled: no credentials found in chain. Attempted:
                   Environment: the credential provider was not enabled: environment variable not set
                   Profile: the credential provider was not enabled
                   WebIdentityToken: the credential provider was not enabled: $AWS_WEB_IDENTITY_TOKEN_FILE was not set
                   EcsContainer: the credential provider was not enabled: ECS provider not configured
                   Ec2InstanceMetadata: the credential provider was not enabled: IMDS disabled by AWS_EC2_METADATA_DISABLED env var set to `true`
    hint: log in (`aws sso login`), set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use `--profile`
    hint: to try things without an account, add `--local`
    --- exit 1
    ");
}

#[test]
fn a_profile_that_does_not_exist() {
    insta::assert_snapshot!(TestEnv::new().run(&["status", "--profile", "acme"]).text, @r"
    $ platformctl status --profile acme
    --- stderr
    error: cannot find out who the credentials belong to
      caused by: dispatch failure: other: the credential provider was not enabled
    hint: log in (`aws sso login`), set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use `--profile`
    hint: to try things without an account, add `--local`
    hint: the profile acme was asked for; `aws configure list-profiles` lists all
    --- exit 1
    ");
}

#[test]
fn a_session_that_has_expired() {
    let endpoint = Endpoint::refusing(403, "ExpiredToken", "The security token has expired");
    insta::assert_snapshot!(at(&endpoint).run(&["status"]).text, @r"
    $ platformctl status
    --- stderr
    error: cannot find out who the credentials belong to: The security token has expired (ExpiredToken)
    hint: the session has expired: log in again (`aws sso login`)
    --- exit 1
    ");
}

#[test]
fn permissions_that_are_missing() {
    let endpoint = Endpoint::refusing(403, "AccessDenied", "User is not authorized");
    insta::assert_snapshot!(at(&endpoint).run(&["outputs"]).text, @r"
    $ platformctl outputs
    --- stderr
    error: cannot find out who the credentials belong to: User is not authorized (AccessDenied)
    hint: `platformctl bootstrap --print-policy` prints the permissions that deploying needs, `platformctl ops policy` those of operating
    --- exit 1
    ");
}

#[test]
fn the_wrong_account() {
    let endpoint = Endpoint::without_stacks();
    let env = at(&endpoint);
    env.write("platform.yaml", &format!("{MINIMAL}account: \"999999999999\"\n"));
    insta::assert_snapshot!(env.run(&["status"]).text, @r"
    $ platformctl status
    --- stderr
    error: platform.yaml:5:1: account: the credentials belong to account 111122223333, and platform.yaml allows only 999999999999
    hint: choose the right profile with `--profile`, or change `account`
    --- exit 2
    ");
}

#[test]
fn nothing_is_deployed_yet() {
    let endpoint = Endpoint::without_stacks();
    let env = at(&endpoint);
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
    --- exit 0
    ");
    insta::assert_snapshot!(env.run(&["outputs"]).text, @r"
    $ platformctl outputs
    no stack is deployed
    --- exit 0
    ");
    let dry = env.run(&["destroy", "--dry-run", "--quiet"]);
    insta::assert_snapshot!(dry.text, @r"
    $ platformctl destroy --dry-run --quiet
    no stack is deployed; nothing to delete
    --- exit 0
    ");
}

#[test]
fn deleting_without_a_terminal_needs_yes() {
    let endpoint = Endpoint::with_stacks();
    let env = at(&endpoint);
    let outcome = env.run(&["destroy", "--reason", "tidy up"]);
    let shown = outcome.text.replace(&endpoint.url(), "[ENDPOINT]");
    insta::assert_snapshot!(shown, @"
    $ platformctl destroy --reason tidy up
    --- stderr
    account 111122223333 (acme-dev) · eu-west-2 · environment dev · endpoint [ENDPOINT]
     - budget  acme-dev-budget
     - observability  acme-dev-observability
     - platform  acme-dev-platform
     - efs  acme-dev-efs
     - network  acme-dev-network
     - identity  acme-dev-identity
    error: a confirmation is needed and there is no terminal to ask on
    hint: confirm with `--yes`
    --- exit 2
    ");
    assert!(!env.runs().exists(), "nothing was begun, so nothing is journaled");
}
