//! The emulator's token issuer: served, rotated at once, and trusted by the authoriser.

use std::io::{Cursor, Write as _};

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Environment, FunctionCode, Runtime};
use platformctl::aws::{Aws, Place};
use platformctl::http::{Answer, Http};
use platformctl::local::{ACCOUNT, issuer};
use reqwest::Method;
use serde_json::{Value, json};

use crate::emulator::Env;
use crate::platform::REGION;

async fn get(url: &str) -> Answer {
    let http = Http::default();
    let url = url.parse().unwrap();
    http.send(http.request(Method::GET, url).unwrap()).await.unwrap()
}

async fn ids(url: &str) -> Vec<Value> {
    let set: Value = get(url).await.json("the issuer").unwrap();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
}

#[tokio::test]
async fn the_issuer_is_served_and_a_rotation_shows_at_once() {
    let env = Env::new();
    let running = env.platform.up(None).await.unwrap();
    let address = issuer::address(&running.endpoint);
    let about = get(&format!("{address}/.well-known/openid-configuration")).await;
    let about: Value = about.json("the issuer").unwrap();
    assert_eq!(about["issuer"], address);
    let keys = about["jwks_uri"].as_str().unwrap();
    let before = ids(keys).await;
    assert_eq!(before.len(), 2);

    env.platform.rotate_keys(false).await.unwrap();
    let rotated = ids(keys).await;
    assert!(rotated.len() == 4 && before.iter().all(|id| rotated.contains(id)));
    env.platform.rotate_keys(true).await.unwrap();
    let after = ids(keys).await;
    assert!(after.len() == 2 && before.iter().all(|id| !after.contains(id)));

    // Nothing else of the folder is there.
    for path in ["private/rs256.pk8", "public/jwks.json", "../emulator.json", "trust.json", ""] {
        assert_ne!(get(&format!("{address}/{path}")).await.status, 200, "{path}");
    }
    // Keys outlive the emulator, or tokens would not.
    env.platform.down().await.unwrap();
    let again = env.platform.up(None).await.unwrap();
    assert_eq!((again.port, ids(keys).await), (running.port, after));
}

/// A function, of the kind that ours are, that answers with its variable `ISSUERS`.
const BOOTSTRAP: &str = r#"#!/usr/bin/env python3
import os
import urllib.request as web
base = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with web.urlopen(f"{base}/next") as asked:
        request = asked.headers["Lambda-Runtime-Aws-Request-Id"]
    web.urlopen(f"{base}/{request}/response", os.environ["ISSUERS"].encode()).close()
"#;

#[tokio::test]
async fn the_authoriser_trusts_the_issuer_and_no_other_function_hears_of_it() {
    let env = Env::new();
    let running = env.platform.up(None).await.unwrap();
    let place = Place::Local { endpoint: running.endpoint.clone(), account: ACCOUNT.to_owned() };
    let lambda = Aws::connect(&place).await.in_region(REGION).lambda;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options).unwrap();
    zip.write_all(BOOTSTRAP.as_bytes()).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let staff = json!([{ "name": "staff" }]).to_string();
    let mut heard = Vec::new();
    for name in ["acme-dev-authoriser", "acme-dev-tenant-api"] {
        lambda
            .create_function()
            .function_name(name)
            .role(format!("arn:aws:iam::{ACCOUNT}:role/any"))
            .runtime(Runtime::Providedal2023)
            .handler("bootstrap")
            .code(FunctionCode::builder().zip_file(Blob::new(zip.clone())).build())
            .environment(Environment::builder().variables("ISSUERS", &staff).build())
            .send()
            .await
            .unwrap();
        let answer = lambda.invoke().function_name(name).send().await.unwrap();
        let issuers: Value = serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap();
        heard.push(issuers);
        // What was configured stays what it was.
        let kept = lambda.get_function_configuration().function_name(name).send().await.unwrap();
        assert_eq!(kept.environment().unwrap().variables().unwrap()["ISSUERS"], staff);
    }
    assert_eq!(heard[1], json!([{ "name": "staff" }]));
    assert_eq!(heard[0][0], json!({ "name": "staff" }));
    let own = &heard[0][1];
    assert_eq!(own["issuer"], issuer::address(&running.endpoint));
    assert_eq!(own["audience"], issuer::AUDIENCE);
    assert_eq!((&own["local"], &own["staff"]), (&json!(true), &json!(true)));
    assert_eq!(own["jwks_url"], format!("{}/jwks.json", issuer::address(&running.endpoint)));
}
