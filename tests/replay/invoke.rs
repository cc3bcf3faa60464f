//! Calls of deployed functions.

use platformctl::error::Result;
use serde_json::{Value, json};

use crate::harness::clients;
use crate::script::{Answer, Cloud};

async fn invoked(answer: Answer) -> Result<Value> {
    let cloud = Cloud::new();
    cloud.expect("lambda:Invoke", "git-store", answer);
    let answer = clients(&cloud).invoke("git-store", &json!({ "operation": "list" })).await;
    let sent: Value = serde_json::from_slice(&cloud.calls("Invoke")[0].body).expect("JSON");
    assert_eq!(sent, json!({ "operation": "list" }));
    answer.map(|answer| answer.payload)
}

#[tokio::test]
async fn an_answer_is_read() {
    let payload = invoked(Answer::ok(r#"{"pages": []}"#)).await.expect("answer");
    assert_eq!(payload, json!({ "pages": [] }));
}

#[tokio::test]
async fn a_function_error_is_told_without_its_secrets() {
    let body = r#"{"errorType": "E", "errorMessage": "cannot open: password=planted-password"}"#;
    let raised = Answer::ok(body).header("x-amz-function-error", "Unhandled");
    let error = invoked(raised).await.expect_err("raised");
    let said = "function git-store failed (Unhandled): cannot open: password=***";
    assert_eq!(error.message(), said);
}

#[tokio::test]
async fn a_function_error_that_is_not_json_is_a_function_error() {
    let raised = Answer::ok("killed").header("x-amz-function-error", "Unhandled");
    let error = invoked(raised).await.expect_err("raised");
    assert_eq!(error.message(), "function git-store failed (Unhandled): killed");
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_an_error() {
    let error = invoked(Answer::ok("<html>")).await.expect_err("no JSON");
    assert_eq!(error.message(), "function git-store did not answer in JSON");
}

#[tokio::test]
async fn a_function_that_does_not_exist_is_an_error_of_the_service() {
    let body = r#"{"Message": "Function not found: git-store"}"#;
    let missing = Answer::status(404, body).header("x-amzn-errortype", "ResourceNotFoundException");
    let error = invoked(missing).await.expect_err("missing");
    assert_eq!(
        error.message(),
        "cannot call function git-store: Function not found: git-store (ResourceNotFoundException)"
    );
}
