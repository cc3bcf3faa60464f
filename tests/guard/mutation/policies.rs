//! Mutants of policies: every statement of every document, weakened in every way.

use serde_json::{Value, json};

use super::mutant::Changed;

/// Whose policy it is; what weakens it differs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Document {
    /// What a role may do.
    Identity,
    /// Who may take a role.
    Trust,
    /// Who may use a resource.
    Resource,
    /// What may pass an endpoint of the network: everyone may be its principal, and every
    /// action pass, as long as the resources are ours.
    Endpoint,
    /// What may reach an API: everyone, and the authoriser decides. API Gateway answers
    /// over TLS only, whatever the policy denies.
    Api,
}

/// Every change for the worse of every statement in a resource.
pub(crate) fn changes(kind: &str, resource: &Value) -> Vec<Changed> {
    let mut places = Vec::new();
    statements(&resource["Properties"], "/Properties", &mut places);
    let mut all = Vec::new();
    for place in places {
        let statement = resource.pointer(&place).unwrap_or(&Value::Null);
        let document = document(kind, &place);
        let path = pattern(&place);
        for (class, what, weakened) in weakenings(document, statement) {
            let mut changed = resource.clone();
            match weakened {
                Some(weakened) => {
                    if let Some(target) = changed.pointer_mut(&place) {
                        *target = weakened;
                    }
                }
                None => remove(&mut changed, &place),
            }
            let sid = statement["Sid"].as_str().unwrap_or_default();
            all.push((class, path.clone(), format!("{sid}: {what}"), Some(changed)));
        }
    }
    all
}

/// The actions of a statement, when all of them are known.
pub(crate) fn actions(statement: &Value) -> Option<Vec<&str>> {
    match &statement["Action"] {
        Value::String(action) => Some(vec![action]),
        Value::Array(actions) => actions.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// JSON pointers of all statements of policies, not of those of web ACLs.
fn statements(value: &Value, at: &str, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(statement) = map.get("Statement") {
                match statement {
                    Value::Array(list) => {
                        let indices = 0..list.len();
                        places.extend(indices.map(|index| format!("{at}/Statement/{index}")));
                    }
                    Value::Object(one) if one.contains_key("Effect") => {
                        places.push(format!("{at}/Statement"));
                    }
                    _ => {}
                }
            }
            for (key, value) in map.iter().filter(|(key, _)| *key != "Statement") {
                let key = key.replace('~', "~0").replace('/', "~1");
                statements(value, &format!("{at}/{key}"), places);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                statements(value, &format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
}

fn document(kind: &str, place: &str) -> Document {
    match kind {
        "AWS::EC2::VPCEndpoint" => Document::Endpoint,
        "AWS::ApiGateway::RestApi" => Document::Api,
        "AWS::IAM::Role" if place.contains("/AssumeRolePolicyDocument/") => Document::Trust,
        _ if kind.starts_with("AWS::IAM::") => Document::Identity,
        _ => Document::Resource,
    }
}

/// `Policies.*.PolicyDocument.Statement.*`
fn pattern(place: &str) -> String {
    let parts = place.trim_start_matches("/Properties/").split('/');
    let parts: Vec<&str> =
        parts.map(|part| if part.parse::<usize>().is_ok() { "*" } else { part }).collect();
    parts.join(".")
}

fn remove(resource: &mut Value, place: &str) {
    let Some((list, index)) = place.rsplit_once('/') else { return };
    match resource.pointer_mut(list) {
        Some(Value::Array(items)) => {
            items.remove(index.parse().expect("an index"));
        }
        Some(Value::Object(map)) => map["Statement"] = json!([]),
        _ => {}
    }
}

/// Class, words, and the weaker statement, or nothing when it goes.
fn weakenings(
    document: Document,
    statement: &Value,
) -> Vec<(&'static str, &'static str, Option<Value>)> {
    let with = |key: &str, value: Value| {
        let mut changed = statement.clone();
        changed[key] = value;
        Some(changed)
    };
    let without = |keys: &[&str]| {
        let mut changed = statement.clone();
        if let Some(map) = changed.as_object_mut() {
            map.retain(|key, _| !keys.contains(&key.as_str()));
        }
        Some(changed)
    };
    if statement["Effect"] == "Deny" && document == Document::Api {
        return Vec::new();
    }
    if statement["Effect"] == "Deny" {
        let nobody = json!({ "Bool": { "aws:SecureTransport": "nobody" } });
        return vec![
            ("deny", "the Deny goes", None),
            ("deny", "Deny becomes never", with("Condition", nobody)),
        ];
    }
    let mut weaker = Vec::new();
    let has_condition = statement.get("Condition").is_some();
    if let Some(action) = actions(statement).and_then(|actions| actions.first().copied()) {
        let service = action.split(':').next().unwrap_or_default();
        if !matches!(document, Document::Trust | Document::Endpoint) {
            weaker.push(("action", "every action", with("Action", json!("*"))));
            let all = json!(format!("{service}:*"));
            weaker.push(("action", "every action of the service", with("Action", all.clone())));
            weaker.push(("action", "in a list", with("Action", json!([action, all]))));
        }
        if !matches!(document, Document::Endpoint | Document::Api) {
            let mut inverted = without(&["Action"]);
            if let Some(changed) = &mut inverted {
                changed["NotAction"] = json!(["iam:CreateUser"]);
            }
            weaker.push(("action", "all but one action", inverted));
        }
    }
    match document {
        Document::Identity => {
            let narrow = statement["Resource"] != "*";
            if narrow && statement.get("Resource").is_some() {
                weaker.push(("resource", "every resource", with("Resource", json!("*"))));
                weaker.push(("resource", "in a list", with("Resource", json!(["*"]))));
                let mut inverted = without(&["Resource"]);
                if let Some(changed) = &mut inverted {
                    changed["NotResource"] = json!("arn:aws:s3:::other");
                }
                weaker.push(("resource", "all but one resource", inverted));
            }
            if has_condition {
                weaker.push(("identity condition", "no condition", without(&["Condition"])));
            }
        }
        Document::Trust | Document::Resource => {
            weaker.push(("principal", "everyone", with("Principal", json!("*"))));
            weaker.push(("principal", "every account", with("Principal", json!({ "AWS": "*" }))));
            let several = json!({ "AWS": ["arn:aws:iam::111122223333:role/a", "*"] });
            weaker.push(("principal", "everyone, in a list", with("Principal", several)));
            let mut inverted = without(&["Principal"]);
            if let Some(changed) = &mut inverted {
                changed["NotPrincipal"] = json!({ "AWS": "111122223333" });
            }
            weaker.push(("principal", "everyone but one", inverted));
            if has_condition {
                weaker.push(("condition", "no condition", without(&["Condition"])));
            }
        }
        Document::Endpoint => {
            if has_condition {
                weaker.push(("boundary", "no condition", without(&["Condition"])));
            } else if statement["Resource"] != "*" {
                weaker.push(("boundary", "every resource", with("Resource", json!("*"))));
            }
        }
        Document::Api => {}
    }
    weaker.extend(weaker_conditions(statement, document));
    weaker
}

/// Each key of a condition that has several goes, or takes anything.
fn weaker_conditions(
    statement: &Value,
    document: Document,
) -> Vec<(&'static str, &'static str, Option<Value>)> {
    let mut weaker = Vec::new();
    if document != Document::Trust {
        return weaker;
    }
    for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
        for key in keys.as_object().into_iter().flatten().map(|(key, _)| key) {
            if !key.ends_with(":sub") && !key.ends_with(":aud") {
                continue;
            }
            let mut dropped = statement.clone();
            if let Some(map) = dropped["Condition"][operator].as_object_mut() {
                map.remove(key);
            }
            weaker.push(("federation", "a claim is not looked at", Some(dropped)));
            let mut any = statement.clone();
            any["Condition"][operator][key] = json!("repo:acme/*");
            weaker.push(("federation", "a claim may be anything", Some(any)));
        }
    }
    weaker
}
