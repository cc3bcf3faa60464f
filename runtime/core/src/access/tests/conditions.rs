//! Conditions on their way to the table: one that is lost on it would let somebody write
//! over what they have not seen.

use serde_json::{Value, json};

use super::super::wire::Wire;
use super::*;
use crate::model::samples;
use crate::model::*;

fn acme(wire: &Wire) -> TenantScopedDynamoDb {
    let tables = DynamoDb::new(wire.connections().dynamodb(), "p-dev");
    let scope = Scope::tenant(&caller("acme"));
    TenantScopedDynamoDb::new(scope, Arc::new(tables), World::default().watchers())
}

fn sent(attributes: Attributes) -> Value {
    serde_json::to_value(serde_dynamo::Item::from(attributes)).unwrap()
}

#[test]
fn a_deletion_by_revision_is_one() {
    let wire = Wire::default();
    wire.answer(200, "{}");
    let webhook = samples::webhook(&samples::acme());
    run(acme(&wire).delete(&webhook.key(), Condition::revision(Revision(3)))).unwrap();
    let expected = json!({
        "TableName": "p-dev-webhooks",
        "Key": sent(webhook.key().attributes()),
        "ConditionExpression": "attribute_exists(#n0) AND #n1 = :v0",
        "ExpressionAttributeNames": { "#n0": "tenant_id", "#n1": "revision" },
        "ExpressionAttributeValues": { ":v0": { "N": "3" } },
    });
    assert_eq!(wire.last().json(), expected);
}

#[test]
fn each_part_of_a_transaction_keeps_its_own() {
    let wire = Wire::default();
    wire.answer(200, "{}");
    let webhooks: Vec<_> = (0..4).map(|_| samples::webhook(&samples::acme())).collect();
    let key = |number: usize| sent(webhooks[number].key().attributes());
    let by = |number| Condition::revision(Revision(number));
    let all = Transaction::new()
        .put(&webhooks[0], by(1))
        .unwrap()
        .update(&webhooks[1].key(), Update::new().set_text("url", "x"), by(2))
        .delete(&webhooks[2].key(), by(3))
        .check(&webhooks[3].key(), by(4));
    run(acme(&wire).transact(all)).unwrap();
    let condition = "attribute_exists(#n0) AND #n1 = :v0";
    let names = json!({ "#n0": "tenant_id", "#n1": "revision" });
    let part = |number: &str, more: Value| {
        let mut part = json!({
            "TableName": "p-dev-webhooks",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": { ":v0": { "N": number } },
        });
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        part
    };
    let item = sent(webhooks[0].to_attributes().unwrap());
    let update = json!({
        "Key": key(1),
        "UpdateExpression": "SET #n2 = :v1 ADD #n1 :v2",
        "ExpressionAttributeNames": { "#n0": "tenant_id", "#n1": "revision", "#n2": "url" },
        "ExpressionAttributeValues": { ":v0": { "N": "2" }, ":v1": { "S": "x" }, ":v2": { "N": "1" } },
    });
    let body = wire.last().json();
    let parts = &body["TransactItems"];
    assert_eq!(parts[0]["Put"], part("1", json!({ "Item": item })));
    assert_eq!(parts[1]["Update"], part("2", update));
    assert_eq!(parts[2]["Delete"], part("3", json!({ "Key": key(2) })));
    assert_eq!(parts[3]["ConditionCheck"], part("4", json!({ "Key": key(3) })));
    assert_eq!(parts.as_array().unwrap().len(), 4);
}

#[test]
fn many_items_are_read_as_they_were_last_written() {
    let wire = Wire::default();
    wire.answer(200, "{}");
    let webhook = samples::webhook(&samples::acme());
    assert_eq!(run(acme(&wire).batch_get(&[webhook.key()])).unwrap(), []);
    let keys = [sent(webhook.key().attributes())];
    let expected = json!({ "p-dev-webhooks": { "Keys": keys, "ConsistentRead": true } });
    assert_eq!(wire.last().json()["RequestItems"], expected);
}
