//! What AWS says when it says no.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use platformctl::aws::Identity;
use platformctl::deploy::observe;
use platformctl::error::{Error, exit};

use crate::harness::{clients, clients_with};
use crate::script::{Answer, Cloud};

const STACK: &str = "acme-dev-jobs";

async fn refused(code: &str, message: &str) -> Error {
    let cloud = Cloud::new();
    cloud.expect("cloudformation:DescribeStacks", STACK, Answer::error(code, message));
    observe(&clients(&cloud), STACK).await.expect_err("refused")
}

#[tokio::test]
async fn every_refusal_says_what_was_tried_what_was_said_and_what_to_do() {
    let cases = [
        ("AccessDenied", "--print-policy"),
        ("ExpiredToken", "aws sso login"),
        ("RequestExpired", "aws sso login"),
        ("InvalidClientTokenId", "--profile"),
        ("SignatureDoesNotMatch", "--profile"),
        ("Throttling", "platformctl resume"),
    ];
    for (code, wanted) in cases {
        let error = refused(code, "no, for a reason").await;
        let said = format!("cannot describe stack {STACK}: no, for a reason ({code})");
        assert_eq!(error.message(), said);
        assert_eq!(error.exit_code(), exit::FAILED);
        assert!(error.hints().iter().any(|hint| hint.contains(wanted)), "{:?}", error.hints());
    }
}

#[tokio::test]
async fn secrets_in_what_a_service_says_are_masked() {
    let message = "User with key AKIAIOSFODNN7EXAMPLE and password=planted-password is not \
                   authorized, Bearer planted-bearer-token";
    let error = refused("AccessDenied", message).await;
    let shown = format!("{error} {:?} {:?}", error.causes(), error.hints());
    for planted in ["AKIAIOSFODNN7EXAMPLE", "planted-password", "planted-bearer-token"] {
        assert!(!shown.contains(planted), "{shown}");
    }
    assert!(shown.contains("is not authorized"), "{shown}");
}

#[tokio::test]
async fn another_validation_error_is_not_taken_for_absence() {
    let error = refused("ValidationError", "1 validation error detected").await;
    assert!(error.message().ends_with("(ValidationError)"), "{error}");
}

#[tokio::test]
async fn no_connection_names_what_to_check() {
    let cloud = Cloud::new();
    cloud.expect("cloudformation:DescribeStacks", STACK, Answer::Unreachable);
    let error = observe(&clients(&cloud), STACK).await.expect_err("unreachable");
    assert_eq!(error.message(), format!("cannot describe stack {STACK}"));
    assert!(error.causes().join(" ").contains("connection refused"), "{:?}", error.causes());
    let hints = error.hints().join(" ");
    assert!(hints.contains("AWS_ENDPOINT_URL") && hints.contains("local status"), "{hints}");
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let cloud = Cloud::new();
    let aws = clients_with(&cloud, None, RetryConfig::disabled());
    let error = aws.identity().await.expect_err("no credentials");
    assert_eq!(error.message(), "cannot find out who the credentials belong to");
    let hints = error.hints().join(" ");
    assert!(hints.contains("aws sso login") && hints.contains("--local"), "{hints}");
    assert!(cloud.log().is_empty());
}

#[tokio::test]
async fn throttling_is_tried_again_before_it_is_an_error() {
    let cloud = Cloud::new();
    for _ in 0..2 {
        let throttled = Answer::error("Throttling", "Rate exceeded");
        cloud.expect("cloudformation:DescribeStacks", STACK, throttled);
    }
    let keys = Credentials::from_keys("AKIDEXAMPLE", "planted", None);
    let retry = RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(1));
    let found = observe(&clients_with(&cloud, Some(keys), retry), STACK).await.expect("answer");
    assert!(found.is_none());
    assert_eq!(cloud.count("DescribeStacks"), 3);
}

#[tokio::test]
async fn who_we_are() {
    let cloud = Cloud::new();
    let inside = "<Arn>arn:aws:iam::123456789012:user/me</Arn><Account>123456789012</Account>";
    let answer = Answer::ok(crate::xml::result("GetCallerIdentity", inside));
    cloud.expect("sts:GetCallerIdentity", "", answer);
    let identity = clients(&cloud).identity().await.expect("identity");
    let arn = "arn:aws:iam::123456789012:user/me".to_owned();
    assert_eq!(identity, Identity { account: "123456789012".into(), arn });
}
