//! Change sets of the fake CloudFormation.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::formation::{ACCOUNT, FakeStack, Formation, paged};
use crate::request::Call;
use crate::script::Answer;
use crate::xml;

/// What CloudFormation says of an empty change set made by `CreateChangeSet`.
pub const EMPTY: &str = "The submitted information didn't contain changes. Submit different \
                         information to create a change set.";

/// One change of a resource.
#[derive(Debug, Clone)]
pub struct FakeChange {
    pub action: &'static str,
    pub resource: String,
    pub replacement: &'static str,
    /// Property and whether it requires recreation.
    pub property: Option<(&'static str, &'static str)>,
}

/// How a change set comes out.
#[derive(Debug, Clone)]
pub struct SetScript {
    /// Status and reason of each look; the last one stays.
    pub looks: Vec<(&'static str, &'static str)>,
    pub changes: Vec<FakeChange>,
}

impl SetScript {
    pub fn ready(changes: impl Into<Vec<FakeChange>>) -> Self {
        let looks = vec![("CREATE_PENDING", ""), ("CREATE_COMPLETE", "")];
        Self { looks, changes: changes.into() }
    }

    pub fn failed(reason: &'static str) -> Self {
        let looks = vec![("CREATE_IN_PROGRESS", ""), ("FAILED", reason)];
        Self { looks, changes: Vec::new() }
    }
}

pub fn modify(resource: &str, property: &'static str) -> FakeChange {
    FakeChange {
        action: "Modify",
        resource: resource.to_owned(),
        replacement: "False",
        property: Some((property, "Never")),
    }
}

pub fn replace(resource: &str, property: &'static str) -> FakeChange {
    FakeChange {
        replacement: "True",
        property: Some((property, "Always")),
        ..modify(resource, property)
    }
}

pub fn remove(resource: &str) -> FakeChange {
    FakeChange { action: "Remove", property: None, ..modify(resource, "") }
}

#[derive(Debug, Clone)]
pub struct FakeChangeSet {
    pub name: String,
    pub id: String,
    pub template: String,
    pub parameters: BTreeMap<String, String>,
    looks: VecDeque<(&'static str, &'static str)>,
    changes: Vec<FakeChange>,
}

impl FakeChangeSet {
    /// A change set that somebody made earlier.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: format!("arn:aws:cloudformation:eu-west-2:{ACCOUNT}:changeSet/{name}/0"),
            template: String::new(),
            parameters: BTreeMap::new(),
            looks: VecDeque::new(),
            changes: Vec::new(),
        }
    }

    pub fn summary(&self) -> String {
        xml::text("ChangeSetName", &self.name) + &xml::text("ChangeSetId", &self.id)
    }
}

impl Formation {
    pub fn create_change_set(
        &mut self,
        call: &Call,
        objects: &BTreeMap<String, Vec<u8>>,
    ) -> Answer {
        let refuse = |message: &str| Answer::error("ValidationError", message);
        let template = match call.field("TemplateURL") {
            "" => call.field("TemplateBody").to_owned(),
            url => match stored(url, objects) {
                Some(body) => body,
                None => return refuse("S3 error: The specified key does not exist."),
            },
        };
        let create = call.field("ChangeSetType") == "CREATE";
        let status = self.find(&call.target).map(|stack| stack.status.clone());
        match status.as_deref() {
            None if create => {
                let shell = self.shell(&call.region, &call.target);
                self.stacks.push(shell);
            }
            None => return refuse(&format!("Stack [{}] does not exist", call.target)),
            Some("REVIEW_IN_PROGRESS") if create => {}
            Some(_) if create => {
                return refuse(&format!("Stack [{}] already exists", call.target));
            }
            Some(status) if status.ends_with("_COMPLETE") && status != "ROLLBACK_COMPLETE" => {}
            Some(status) => {
                let message =
                    format!("Stack:{} is in {status} state and can not be updated.", call.target);
                return refuse(&message);
            }
        }
        self.made += 1;
        let made = self.made;
        let script = self.set_scripts.get_mut(&call.target).and_then(VecDeque::pop_front);
        let stack = self.find(&call.target).expect("made above");
        let name = call.field("ChangeSetName");
        if stack.sets.iter().any(|set| set.name == name) {
            return Answer::error("AlreadyExistsException", name);
        }
        let parameters = call.parameters();
        let script = script.unwrap_or_else(|| {
            let changes = compare(&stack.template, &template);
            if changes.is_empty() && stack.parameters == parameters {
                SetScript::failed(EMPTY)
            } else {
                SetScript::ready(changes)
            }
        });
        let id = format!("arn:aws:cloudformation:eu-west-2:{ACCOUNT}:changeSet/{name}/{made}");
        stack.sets.push(FakeChangeSet {
            name: name.to_owned(),
            id: id.clone(),
            template,
            parameters,
            looks: script.looks.into(),
            changes: script.changes,
        });
        Answer::ok(xml::result("CreateChangeSet", &xml::text("Id", &id)))
    }
}

impl FakeStack {
    pub fn describe_set(&mut self, call: &Call, page: usize) -> Result<String, Answer> {
        let id = call.field("ChangeSetName");
        let Some(set) = self.sets.iter_mut().find(|set| set.id == id) else {
            return Err(Answer::error("ChangeSetNotFound", "no such change set"));
        };
        let (status, reason) = match set.looks.len() {
            0 => ("CREATE_COMPLETE", ""),
            1 => set.looks[0],
            _ => set.looks.pop_front().expect("several"),
        };
        let changes = set.changes.iter().map(describe_change).collect();
        Ok(xml::text("Status", status)
            + &xml::text("StatusReason", reason)
            + &paged("Changes", changes, page, call))
    }

    pub fn take_set(&mut self, id: &str) -> Option<FakeChangeSet> {
        let index = self.sets.iter().position(|set| set.id == id)?;
        let set = self.sets.remove(index);
        // The others are obsolete: CloudFormation deletes them.
        self.sets.clear();
        Some(set)
    }
}

fn describe_change(change: &FakeChange) -> String {
    let details = change.property.iter().map(|(name, recreation)| {
        let target = xml::text("Attribute", "Properties")
            + &xml::text("Name", name)
            + &xml::text("RequiresRecreation", recreation);
        xml::element("Target", &target)
    });
    let inside = [
        xml::text("Action", change.action),
        xml::text("LogicalResourceId", &change.resource),
        xml::text("ResourceType", "AWS::SQS::Queue"),
        xml::text("Replacement", change.replacement),
        xml::list("Details", details),
    ];
    xml::element("ResourceChange", &inside.concat())
}

/// What the templates say; nothing is ever replaced.
fn compare(old: &str, new: &str) -> Vec<FakeChange> {
    let parse = |text: &str| -> Value { serde_json::from_str(text).unwrap_or_default() };
    let (old, new) = (parse(old), parse(new));
    let empty = serde_json::Map::new();
    let section = |template: &Value| template["Resources"].as_object().unwrap_or(&empty).clone();
    let (old, new) = (section(&old), section(&new));
    let kept = new.iter().filter_map(|(id, body)| match old.get(id) {
        None => Some(FakeChange { action: "Add", ..remove(id) }),
        Some(was) if was != body => Some(modify(id, "Property")),
        Some(_) => None,
    });
    let gone = old.keys().filter(|id| !new.contains_key(*id)).map(|id| remove(id));
    kept.chain(gone).collect()
}

/// The object behind a template's address, which names the bucket in its path.
fn stored(url: &str, objects: &BTreeMap<String, Vec<u8>>) -> Option<String> {
    let object = url.strip_prefix("https://s3.")?.split_once(".amazonaws.com/")?.1;
    String::from_utf8(objects.get(object)?.clone()).ok()
}
