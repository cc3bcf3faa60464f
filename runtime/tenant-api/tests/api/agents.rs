//! Agents, as callers see them.

use serde_json::{Value, json};

use crate::support::{Api, Call, call, machine, new_agent, user};

fn replace(name: &str, etag: &str, instructions: &str) -> Call {
    let call = call("PUT", &format!("/v1/agents/{name}")).by(&user("globex"));
    call.if_match(etag).json(&json!({ "instructions": instructions, "tools": ["search"] }))
}

#[tokio::test]
async fn every_change_of_an_agent_makes_its_next_version() {
    let api = Api::default();
    let made = api.agent("globex", "helper").await;
    assert_eq!((made.body["version"].clone(), made.etag()), (json!(1), "\"1\"".to_owned()));
    let again = api.send(new_agent("globex", "helper")).await.is(201);
    assert_eq!(again.body, made.body);
    let second = api.send(replace("helper", "\"1\"", "Help more.")).await.is(200);
    assert_eq!((second.body["version"].clone(), second.etag()), (json!(2), "\"2\"".to_owned()));
    // The same request again is answered as before; another from the same version is late.
    let again = api.send(replace("helper", "\"1\"", "Help more.")).await.is(200);
    assert_eq!(again.body, second.body);
    api.send(replace("helper", "\"1\"", "Help less.")).await.is(412);
    api.send(replace("nobody", "\"1\"", "Help.")).await.is(404);
    let get = call("GET", "/v1/agents/helper").by(&machine("globex"));
    let read = api.send(get.clone()).await.is(200);
    assert_eq!(read.body, second.body);
    api.send(get.header("If-None-Match", "\"2\"")).await.is(304);
    // A name that is taken is taken.
    let other = json!({ "name": "helper", "definition": { "instructions": "Another." } });
    let other = call("POST", "/v1/agents").by(&user("globex")).once("other").json(&other);
    api.send(other).await.is(409);
}

#[tokio::test]
async fn an_agent_is_deleted_with_every_version() {
    let api = Api::default();
    api.agent("globex", "helper").await;
    api.agent("globex", "helper-2").await;
    for i in 1..30 {
        let call = replace("helper", &format!("\"{i}\""), &format!("Version {i}."));
        api.send(call).await.is(200);
    }
    let delete =
        |etag: &str| call("DELETE", "/v1/agents/helper").by(&user("globex")).if_match(etag);
    api.send(delete("\"29\"")).await.is(412);
    api.send(delete("\"30\"")).await.is(204);
    api.send(delete("\"30\"")).await.is(404);
    assert_eq!(api.rows(runtime_core::tables::AGENTS).await.len(), 1);
    assert_eq!(api.agent("globex", "helper").await.body["version"], 1);
}

#[tokio::test]
async fn the_newest_version_of_each_agent_is_listed_once() {
    let api = Api::default();
    for name in ["a", "ab", "a-b", "b", "c"] {
        api.agent("globex", name).await;
        for i in 1..4 {
            api.send(replace(name, &format!("\"{i}\""), &format!("Version {i}."))).await.is(200);
        }
    }
    api.agent("initech", "other").await;
    for limit in [1, 2, 3, 4, 5, 50] {
        let mut found: Vec<(String, Value)> = Vec::new();
        let mut cursor = String::new();
        loop {
            let list = call("GET", &format!("/v1/agents?limit={limit}{cursor}"));
            let page = api.send(list.by(&user("globex"))).await.is(200).body;
            let items = page["items"].as_array().unwrap();
            let item =
                |it: &Value| (it["name"].as_str().unwrap().to_owned(), it["version"].clone());
            found.extend(items.iter().map(item));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let names: Vec<_> = found.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(names, ["c", "b", "ab", "a-b", "a"], "{limit}");
        assert!(found.iter().all(|it| it.1 == 4), "{limit}: {found:?}");
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_agents_and_no_others() {
    let api = Api::default();
    api.agent("globex", "helper").await;
    let get = call("GET", "/v1/agents/helper");
    api.send(get.by(&user("initech"))).await.is(404);
    api.memory.tables.take_touched();
    let list = api.send(call("GET", "/v1/agents").by(&user("initech"))).await.is(200);
    assert_eq!(list.body["items"], json!([]));
    assert!(!api.memory.tables.take_touched().iter().any(|(_, tenant)| tenant == "globex"));
    // A cursor of one tenant is none of another.
    api.agent("globex", "second").await;
    let page = api.send(call("GET", "/v1/agents?limit=1").by(&user("globex"))).await.body;
    let next = page["next"].as_str().unwrap();
    let list = call("GET", &format!("/v1/agents?cursor={next}"));
    assert_eq!(api.send(list.by(&user("initech"))).await.is(400).fields(), ["cursor"]);
}

#[tokio::test]
async fn each_field_of_a_definition_is_checked() {
    let api = Api::default();
    let post = |body: &Value| call("POST", "/v1/agents").by(&user("globex")).once("a").json(body);
    let wrong =
        json!({ "name": "A", "definition": { "instructions": "", "tools": ["ok", "no!"] } });
    let answer = api.send(post(&wrong)).await.is(400);
    assert_eq!(answer.fields(), ["name", "definition.instructions", "definition.tools[1]"]);
    let twice = json!({ "name": "a", "definition": { "instructions": "x", "tools": ["t", "t"] } });
    assert_eq!(api.send(post(&twice)).await.is(400).fields(), ["definition.tools"]);
    let unknown = json!({ "name": "a", "definition": { "instructions": "x", "temperature": 1 } });
    assert_eq!(api.send(post(&unknown)).await.is(400).fields(), ["definition.temperature"]);
    let missing = json!({ "name": "a", "definition": {} });
    assert_eq!(api.send(post(&missing)).await.is(400).fields(), ["definition"]);
    assert!(api.rows(runtime_core::tables::AGENTS).await.is_empty());
}
