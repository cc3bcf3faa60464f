//! Requests as the gateway hands them to its authoriser.

#![allow(missing_docs, clippy::unwrap_used)]

use serde_json::{Value, json};

/// A request of the gateway.
pub fn request(method: &str, resource: &str, path: &str, headers: &[(&str, &str)]) -> Value {
    let (mut single, mut multiple) = (serde_json::Map::new(), serde_json::Map::new());
    for (name, value) in headers {
        single.insert((*name).to_owned(), (*value).into());
        let values = multiple.entry(*name).or_insert_with(|| json!([]));
        values.as_array_mut().unwrap().push((*value).into());
    }
    let parameters: serde_json::Map<_, _> = resource
        .split('/')
        .zip(path.split('/'))
        .filter(|(template, _)| template.starts_with('{'))
        .map(|(template, value)| (template.trim_matches(['{', '}']).to_owned(), value.into()))
        .collect();
    json!({
        "type": "REQUEST",
        "methodArn": format!("arn:aws:execute-api:eu-west-2:123456789012:abc123/live/{method}{path}"),
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": single,
        "multiValueHeaders": multiple,
        "queryStringParameters": {},
        "pathParameters": parameters,
        "stageVariables": {},
        "requestContext": {
            "path": format!("/live{path}"), "accountId": "123456789012", "stage": "live",
            "requestId": "r-1", "resourcePath": resource, "httpMethod": method, "apiId": "abc123",
        },
    })
}

/// A request for the agents, with a token.
pub fn bearer(token: &str) -> Value {
    let value = format!("Bearer {token}");
    request("GET", "/v1/agents", "/v1/agents", &[("Authorization", &value)])
}
