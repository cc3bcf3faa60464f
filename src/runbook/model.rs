//! What a runbook's file may say. Doc comments here are the descriptions in the
//! published JSON Schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Span;

/// The version of the format.
pub const VERSION: u32 = 1;

/// The whole file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Runbook {
    /// Version of this format. Always 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// What it is called on a command line: letters, digits and hyphens, such as "006".
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]*$"))]
    pub id: String,
    /// What it is for, in one line.
    pub title: String,
    /// When to use it and what to expect, for whoever reads it at night.
    #[serde(default)]
    pub about: String,
    /// What has to be said when it is run; by name, in `snake_case`.
    #[serde(default)]
    pub inputs: BTreeMap<String, Input>,
    /// Names of locks that it holds while it runs, in this order.
    #[serde(default)]
    pub locks: Vec<String>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// What kind of value an input takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    /// Any text.
    String,
    /// A whole number.
    Integer,
    /// true or false.
    Boolean,
    /// The id of a tenant.
    Tenant,
    /// A region, such as eu-west-1.
    Region,
    /// The short name of one of the platform's stacks.
    Stack,
    /// The short name of one of the platform's queues, or of a queue of dead letters.
    Queue,
    /// A duration, such as 15m.
    Duration,
    /// One of `choices`.
    Choice,
}

/// Something that is said when the runbook is run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What kind of value it takes.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// What it is, for whoever runs it.
    #[serde(default)]
    pub about: String,
    /// Its value when nothing is said. Without one, something has to be said.
    #[serde(default)]
    pub default: Option<Value>,
    /// Whether it may be left out; then it is none.
    #[serde(default)]
    pub optional: bool,
    /// The values of a choice.
    #[serde(default)]
    pub choices: Vec<String>,
    /// An expression that gives the list of allowed values, such as config.tenants.
    #[serde(default)]
    pub allowed: Option<String>,
    /// The least whole number.
    #[serde(default)]
    pub min: Option<i64>,
    /// The greatest whole number.
    #[serde(default)]
    pub max: Option<i64>,
}

/// One step: an id, one thing to do, and how. Texts may hold expressions: {{ inputs.x }}.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, unique in the runbook, in `snake_case`; later steps find its output by it.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_]*$"))]
    pub id: String,
    /// What it is for, in one line.
    #[serde(default)]
    pub title: String,
    /// A verb of `platformctl ops` and its arguments, such as { suspend-tenant: { tenant: acme } }.
    #[serde(default)]
    pub ops: Option<BTreeMap<String, Value>>,
    /// Any other verb and its arguments, such as { tenant show: acme }.
    #[serde(default)]
    pub verb: Option<BTreeMap<String, Value>>,
    /// Proves the templates: arguments of `platformctl check`, {} for none.
    #[serde(default)]
    pub check: Option<Value>,
    /// Deploys stacks: a name, a list of names, or arguments of `platformctl deploy`.
    #[serde(default)]
    pub deploy: Option<Value>,
    /// Puts a stack back as it was: its name, or arguments of `platformctl rollback`.
    #[serde(default)]
    pub rollback: Option<Value>,
    /// Calls a function.
    #[serde(default)]
    pub invoke: Option<Invoke>,
    /// Measures: a verb of `platformctl bench`, such as efs, or with its arguments:
    /// { efs: { reads: 100 } }. A missed criterion is a failure.
    #[serde(default)]
    pub bench: Option<Value>,
    /// Sends a request.
    #[serde(default)]
    pub http: Option<Http>,
    /// Waits for a while, or until something is so.
    #[serde(default)]
    pub wait: Option<Wait>,
    /// Waits for somebody's leave.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// Something that a person does, and says that it is done.
    #[serde(default)]
    pub manual: Option<Manual>,
    /// Steps that are done at once.
    #[serde(default)]
    pub parallel: Option<Vec<Step>>,
    /// An expression; when it is not true, the step is left out.
    #[serde(default)]
    pub when: Option<String>,
    /// How often it is tried again when it fails.
    #[serde(default)]
    pub retry: Option<Retry>,
    /// The most time that one try may take.
    #[serde(default)]
    pub timeout: Option<Span>,
    /// What happens when it fails. Left out: stop.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// What puts it back: done, in reverse order, when a later step says `on_failure: undo`
    /// or the run is aborted with --undo.
    #[serde(default)]
    pub undo: Option<Undo>,
}

/// What puts a step back: one thing to do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// A verb of `platformctl ops` and its arguments.
    #[serde(default)]
    pub ops: Option<BTreeMap<String, Value>>,
    /// Any other verb and its arguments.
    #[serde(default)]
    pub verb: Option<BTreeMap<String, Value>>,
    /// Deploys stacks.
    #[serde(default)]
    pub deploy: Option<Value>,
    /// Puts a stack back as it was.
    #[serde(default)]
    pub rollback: Option<Value>,
    /// Calls a function.
    #[serde(default)]
    pub invoke: Option<Invoke>,
    /// Sends a request.
    #[serde(default)]
    pub http: Option<Http>,
    /// Something that a person does, and says that it is done.
    #[serde(default)]
    pub manual: Option<Manual>,
}

/// Calls a deployed function.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invoke {
    /// Its short name.
    pub function: String,
    /// What it is sent.
    #[serde(default = "nothing")]
    pub payload: Value,
    /// The region of it. Left out: that of its stack.
    #[serde(default)]
    pub region: Option<String>,
    /// Whether the call changes nothing: then it is made in a dry run too, and made again
    /// after an interruption.
    #[serde(default)]
    pub reads: bool,
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

/// The method of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Reads the headers.
    Head,
    /// Makes.
    Post,
    /// Puts in place: the same twice is as good as once.
    Put,
    /// Changes.
    Patch,
    /// Deletes: the same twice is as good as once.
    Delete,
}

/// Sends a request: to https, or to this machine; without redirects; at most 35 seconds and
/// 256 KiB of answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where to: https, or http on this machine alone.
    pub url: String,
    /// The method. Left out: GET.
    #[serde(default)]
    pub method: Method,
    /// Headers. Never a secret: they are in the file.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What is sent, as JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// The statuses that are no failure. Left out: 200 to 299.
    #[serde(default)]
    pub expect: Vec<u16>,
}

/// Waits for a while, or reads until something is so.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Just this long.
    #[serde(default)]
    pub pause: Option<Span>,
    /// What is read each time.
    #[serde(default)]
    pub read: Option<Read>,
    /// An expression over `result`, what was read; the wait ends when it is true.
    #[serde(default)]
    pub until: Option<String>,
    /// The pause between two reads. Left out: 5s.
    #[serde(default)]
    pub every: Option<Span>,
    /// The most time that all of it may take.
    #[serde(default)]
    pub within: Option<Span>,
}

/// Something that is read: one thing, which changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// A verb of `platformctl ops` that reads.
    #[serde(default)]
    pub ops: Option<BTreeMap<String, Value>>,
    /// Any other verb that reads.
    #[serde(default)]
    pub verb: Option<BTreeMap<String, Value>>,
    /// A call of a function that reads.
    #[serde(default)]
    pub invoke: Option<Invoke>,
    /// A request that reads.
    #[serde(default)]
    pub http: Option<Http>,
}

/// Waits for somebody's leave.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The roles of whom one may give it, such as Platform.Admin.
    pub from: Vec<String>,
    /// How long it may take. After that the step fails.
    pub within: Span,
    /// Whether whoever runs the runbook may not give it themself.
    #[serde(default)]
    pub four_eyes: bool,
    /// What is to be looked at before it is given.
    #[serde(default)]
    pub text: String,
}

/// Something that a person does.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manual {
    /// What to do, for somebody who has not done it before.
    pub text: String,
    /// What has to be said or attached when it is done, such as the number of a ticket.
    pub evidence: String,
    /// How long it may take. Left out: for ever.
    #[serde(default)]
    pub within: Option<Span>,
}

/// How often a step is tried again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How many more times than once.
    #[schemars(range(min = 1, max = 100))]
    pub times: u32,
    /// The pause before each.
    pub every: Span,
}

/// What happens when a step fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The run stops, and can be resumed.
    #[default]
    Stop,
    /// The run goes on.
    Continue,
    /// What was done is undone in reverse order, and the run ends.
    Undo,
}

/// The JSON Schema of a runbook, for editors and for `runbook schema`.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Runbook).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".into(), "A runbook of platformctl".into());
    }
    schema
}
