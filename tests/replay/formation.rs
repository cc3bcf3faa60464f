//! A CloudFormation that keeps stacks in memory. An operation is a list of moments;
//! each look at the stack brings it one further.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use crate::formation_sets::{FakeChangeSet, SetScript};
use crate::request::Call;
use crate::script::Answer;
use crate::xml;

pub const ACCOUNT: &str = "123456789012";

/// Size of a page of events, as on AWS.
const EVENTS_PAGE: usize = 100;

/// Something that happened to a resource, or to the stack when it has no type.
#[derive(Debug, Clone)]
pub struct Happened {
    pub resource: String,
    pub kind: String,
    pub status: String,
    pub reason: String,
}

/// What one look at a stack under way shows.
#[derive(Debug, Clone)]
pub struct Moment {
    pub status: String,
    pub events: Vec<Happened>,
}

pub fn moment(status: &str, events: impl Into<Vec<Happened>>) -> Moment {
    Moment { status: status.to_owned(), events: events.into() }
}

pub fn happened(resource: &str, status: &str, reason: &str) -> Happened {
    let owned = str::to_owned;
    Happened {
        resource: owned(resource),
        kind: owned("AWS::SQS::Queue"),
        status: owned(status),
        reason: owned(reason),
    }
}

#[derive(Debug, Clone, Default)]
pub struct FakeStack {
    pub name: String,
    pub id: String,
    pub region: String,
    pub status: String,
    pub template: String,
    pub parameters: BTreeMap<String, String>,
    pub protected: bool,
    /// Oldest first.
    pub events: Vec<(String, Happened)>,
    pub sets: Vec<FakeChangeSet>,
    /// Logical ids that `ListStackResources` leaves out.
    pub hidden: BTreeSet<String>,
    /// A line of the log before which the operation does not go on.
    pub held_until: Option<String>,
    /// How often it was made or updated.
    pub deploys: u32,
    underway: VecDeque<Moment>,
    becomes: Option<(String, BTreeMap<String, String>)>,
}

/// All stacks of an account and region.
#[derive(Default)]
pub struct Formation {
    pub stacks: Vec<FakeStack>,
    /// How coming operations go, by stack; without one they succeed.
    pub operations: BTreeMap<String, VecDeque<Vec<Moment>>>,
    /// How coming change sets come out, by stack; without one, what templates say.
    pub set_scripts: BTreeMap<String, VecDeque<SetScript>>,
    /// Lines of the log before which operations of a stack do not end, by stack.
    pub holds: BTreeMap<String, String>,
    /// Items on a page of resources and changes; all when 0.
    pub page: usize,
    pub made: usize,
}

impl Formation {
    /// A stack that is there from the start.
    pub fn live(&mut self, name: &str, status: &str, template: &str) -> &mut FakeStack {
        self.live_in("eu-west-2", name, status, template)
    }

    /// A stack in a region that is there from the start.
    pub fn live_in(
        &mut self,
        region: &str,
        name: &str,
        status: &str,
        template: &str,
    ) -> &mut FakeStack {
        let stack = FakeStack {
            status: status.to_owned(),
            template: template.to_owned(),
            ..self.shell(region, name)
        };
        self.stacks.push(stack);
        self.stacks.last_mut().expect("pushed")
    }

    /// How the next operation on a stack goes.
    pub fn operation(&mut self, name: &str, moments: impl Into<Vec<Moment>>) {
        self.operations.entry(name.to_owned()).or_default().push_back(moments.into());
    }

    pub fn change_set(&mut self, name: &str, script: SetScript) {
        self.set_scripts.entry(name.to_owned()).or_default().push_back(script);
    }

    /// The newest stack of that name or id; by id also a deleted one.
    pub fn find(&mut self, name: &str) -> Option<&mut FakeStack> {
        self.find_in(None, name)
    }

    fn find_in(&mut self, region: Option<&str>, name: &str) -> Option<&mut FakeStack> {
        self.stacks.iter_mut().rev().find(|stack| {
            region.is_none_or(|region| stack.region == region)
                && (stack.id == name || (stack.name == name && stack.status != "DELETE_COMPLETE"))
        })
    }

    pub fn shell(&mut self, region: &str, name: &str) -> FakeStack {
        self.made += 1;
        FakeStack {
            name: name.to_owned(),
            id: format!("arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{name}/{}", self.made),
            region: region.to_owned(),
            status: "REVIEW_IN_PROGRESS".into(),
            ..FakeStack::default()
        }
    }

    pub fn answer(
        &mut self,
        call: &Call,
        log: &[Call],
        objects: &BTreeMap<String, Vec<u8>>,
    ) -> Option<Answer> {
        let operation = call.operation.as_str();
        let page = if self.page == 0 { usize::MAX } else { self.page };
        if operation == "CreateChangeSet" {
            return Some(self.create_change_set(call, objects));
        }
        let scripted = self.operations.get_mut(&call.target);
        let moments = || scripted.and_then(VecDeque::pop_front);
        let moments = match operation {
            "ContinueUpdateRollback" | "ExecuteChangeSet" | "DeleteStack" => moments(),
            _ => None,
        };
        let hold = self.holds.get(&call.target).cloned();
        let Some(stack) = self.find_in(Some(&call.region), &call.target) else {
            let message = format!("Stack with id {} does not exist", call.target);
            return Some(Answer::error("ValidationError", &message));
        };
        let inside = match operation {
            "DescribeStacks" => {
                stack.advance(log);
                xml::list("Stacks", [stack.describe()])
            }
            "DescribeStackEvents" => {
                let events = stack.events.iter().rev().map(|(id, event)| describe_event(id, event));
                paged("StackEvents", events.collect(), EVENTS_PAGE, call)
            }
            "GetTemplate" => xml::text("TemplateBody", &stack.template),
            "ListStackResources" => paged("StackResourceSummaries", stack.resources(), page, call),
            "DeleteStack" => {
                stack.begin(moments.unwrap_or_else(|| {
                    vec![moment("DELETE_IN_PROGRESS", []), moment("DELETE_COMPLETE", [])]
                }));
                String::new()
            }
            "ContinueUpdateRollback" => {
                stack.begin(moments.unwrap_or_else(|| {
                    let (under_way, done) =
                        ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE");
                    vec![moment(under_way, []), moment(done, [])]
                }));
                String::new()
            }
            "UpdateTerminationProtection" => {
                stack.protected = call.field("EnableTerminationProtection") == "true";
                String::new()
            }
            "DescribeChangeSet" => match stack.describe_set(call, page) {
                Ok(inside) => inside,
                Err(answer) => return Some(answer),
            },
            "ListChangeSets" => {
                xml::list("Summaries", stack.sets.iter().map(FakeChangeSet::summary))
            }
            "DeleteChangeSet" => {
                stack.sets.retain(|set| set.id != call.field("ChangeSetName"));
                String::new()
            }
            "ExecuteChangeSet" => {
                let Some(set) = stack.take_set(call.field("ChangeSetName")) else {
                    return Some(Answer::error("ChangeSetNotFound", "no such change set"));
                };
                let moments = moments.unwrap_or_else(|| stack.success(&set.template));
                stack.becomes = Some((set.template, set.parameters));
                stack.held_until = hold;
                stack.begin(moments);
                String::new()
            }
            _ => return None,
        };
        Some(Answer::ok(xml::result(operation, &inside)))
    }
}

impl FakeStack {
    /// Moments that the next looks will show.
    pub fn begin(&mut self, moments: impl IntoIterator<Item = Moment>) {
        self.underway = moments.into_iter().collect();
    }

    pub fn note(&mut self, event: Happened) {
        let id = format!("{}-event-{}", self.id, self.events.len());
        self.events.push((id, event));
    }

    fn advance(&mut self, log: &[Call]) {
        let held = |line: &String| !log.iter().any(|call| call.line() == *line);
        let last = self.underway.len() == 1;
        if last && self.held_until.as_ref().is_some_and(held) {
            return;
        }
        let Some(Moment { status, events }) = self.underway.pop_front() else { return };
        for event in events {
            self.note(event);
        }
        self.status = status;
        if matches!(self.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE")
            && let Some((template, parameters)) = self.becomes.take()
        {
            self.deploys += 1;
            self.template = template;
            self.parameters = parameters;
        }
    }

    fn success(&self, template: &str) -> Vec<Moment> {
        let verb = if self.status == "REVIEW_IN_PROGRESS" { "CREATE" } else { "UPDATE" };
        let events = |word: &str| -> Vec<Happened> {
            let status = format!("{verb}_{word}");
            resources(template).map(|(id, _)| happened(&id, &status, "")).collect()
        };
        vec![
            moment(&format!("{verb}_IN_PROGRESS"), events("IN_PROGRESS")),
            moment(&format!("{verb}_COMPLETE"), events("COMPLETE")),
        ]
    }

    fn describe(&self) -> String {
        let parameters = self.parameters.iter().map(|(key, value)| {
            xml::text("ParameterKey", key) + &xml::text("ParameterValue", value)
        });
        [
            xml::text("StackId", &self.id),
            xml::text("StackName", &self.name),
            xml::text("StackStatus", &self.status),
            xml::text("CreationTime", "2026-01-01T00:00:00Z"),
            xml::text("LastUpdatedTime", &format!("2026-01-01T00:{:02}:00Z", self.deploys)),
            xml::text("EnableTerminationProtection", &self.protected.to_string()),
            xml::list("Parameters", parameters),
            xml::list("Outputs", self.outputs()),
        ]
        .concat()
    }

    /// Every output of the template; its value says how often the stack was deployed.
    fn outputs(&self) -> Vec<String> {
        let template: Value = serde_json::from_str(&self.template).unwrap_or_default();
        let outputs = template["Outputs"].as_object().cloned().unwrap_or_default();
        let names = outputs.keys();
        names
            .map(|name| {
                xml::text("OutputKey", name)
                    + &xml::text("OutputValue", &format!("{name}-{}", self.deploys))
            })
            .collect()
    }

    fn resources(&self) -> Vec<String> {
        resources(&self.template)
            .filter(|(id, _)| !self.hidden.contains(id))
            .map(|(id, kind)| {
                xml::text("LogicalResourceId", &id)
                    + &xml::text("ResourceType", &kind)
                    + &xml::text("ResourceStatus", "CREATE_COMPLETE")
            })
            .collect()
    }
}

/// Logical ids and types in a template.
pub fn resources(template: &str) -> impl Iterator<Item = (String, String)> {
    let template: Value = serde_json::from_str(template).unwrap_or_default();
    let resources = template["Resources"].as_object().cloned().unwrap_or_default();
    resources.into_iter().map(|(id, body)| {
        let kind = body["Type"].as_str().unwrap_or_default().to_owned();
        (id, kind)
    })
}

fn describe_event(id: &str, event: &Happened) -> String {
    [
        xml::text("EventId", id),
        xml::text("LogicalResourceId", &event.resource),
        xml::text("ResourceType", &event.kind),
        xml::text("ResourceStatus", &event.status),
        xml::text("ResourceStatusReason", &event.reason),
        xml::text("Timestamp", "2026-01-01T00:00:00Z"),
    ]
    .concat()
}

/// One page of `items`, from where the request's token says.
pub fn paged(name: &str, items: Vec<String>, page: usize, call: &Call) -> String {
    let from: usize = call.field("NextToken").parse().unwrap_or(0);
    let rest = items.len().saturating_sub(from);
    let list = xml::list(name, items.into_iter().skip(from).take(page));
    if rest > page { list + &xml::text("NextToken", &(from + page).to_string()) } else { list }
}
