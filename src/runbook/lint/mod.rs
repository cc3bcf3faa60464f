//! Finds what is wrong with a runbook without running it: fields, expressions, verbs.

mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::Loaded;
use super::action::{Action, KINDS};
use super::express;
use super::inputs;
use super::model::{Input, InputType, OnFailure, Step, Wait};
use super::performer::{Effect, Performer};
use crate::error::{Error, Place, Result};

static STEP: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[a-z][a-z0-9_]*$"));
static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[a-z0-9][a-z0-9-]*$"));

/// Stands for the value of an expression that only a run knows.
const UNKNOWN: &str = "‹expression›";

/// The fields of what a person said.
const SAID: [&str; 5] = ["granted", "by", "roles", "at", "evidence"];

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant that the tests compile")
}

/// Something that is wrong with a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

/// What is wrong with a runbook, in the order of the file.
pub fn lint(loaded: &Loaded, performer: &impl Performer) -> Vec<Finding> {
    let mut linter = Linter {
        loaded,
        performer,
        schema: crate::config::json_schema(),
        seen: BTreeMap::new(),
        ids: BTreeSet::new(),
        found: Vec::new(),
    };
    linter.head();
    linter.steps(&loaded.runbook.steps, "steps", false);
    if loaded.runbook.steps.is_empty() {
        linter.say("steps", "there are no steps".to_owned(), "");
    }
    let mut found = linter.found;
    found.sort_by_key(|finding| (finding.place.line, finding.place.column));
    found
}

/// Refuses a runbook with something wrong in it: the first at its place, the others after it.
pub fn refuse(loaded: &Loaded, performer: &impl Performer) -> Result<()> {
    let mut found = lint(loaded, performer).into_iter();
    let Some(first) = found.next() else { return Ok(()) };
    let mut error = Error::usage(first.message).at(first.place);
    if !first.hint.is_empty() {
        error = error.hint(first.hint);
    }
    Err(found.fold(error, |error, other| {
        error.hint(format!("also at {}: {}", other.place, other.message))
    }))
}

/// Whether a run of this needs a reason: an expression reads it.
pub fn needs_reason(loaded: &Loaded) -> bool {
    let steps = serde_json::to_value(&loaded.runbook.steps).unwrap_or_default();
    reads(&steps, "run.reason")
}

fn reads(value: &Value, variable: &str) -> bool {
    match value {
        Value::String(text) => express::read_by_text(text).is_ok_and(|it| it.contains(variable)),
        Value::Array(items) => items.iter().any(|item| reads(item, variable)),
        Value::Object(fields) => fields.values().any(|field| reads(field, variable)),
        _ => false,
    }
}

struct Linter<'a, P> {
    loaded: &'a Loaded,
    performer: &'a P,
    schema: Value,
    /// Steps whose output can be read, and the fields that it has where that is known.
    seen: BTreeMap<String, Option<&'static [&'static str]>>,
    ids: BTreeSet<String>,
    found: Vec<Finding>,
}

impl<P: Performer> Linter<'_, P> {
    fn say(&mut self, field: &str, message: impl Into<String>, hint: impl Into<String>) {
        let place = self.loaded.place(field);
        self.found.push(Finding { place, message: message.into(), hint: hint.into() });
    }

    fn head(&mut self) {
        let runbook = &self.loaded.runbook;
        if !NAME.is_match(&runbook.id) {
            let message = format!("`{}` is no id of a runbook", runbook.id);
            self.say("id", message, "lowercase letters, digits and hyphens, such as \"006\"");
        }
        if runbook.title.trim().is_empty() {
            self.say("title", "the title says nothing", "say in one line what it is for");
        }
        for (index, name) in runbook.locks.iter().enumerate() {
            if !NAME.is_match(name) {
                let message = format!("`{name}` is no name of a lock");
                self.say(&format!("locks[{index}]"), message, "such as runtime-region");
            }
        }
        for (name, input) in &runbook.inputs {
            self.input(name, input);
        }
    }

    fn input(&mut self, name: &str, input: &Input) {
        let field = format!("inputs.{name}");
        if !STEP.is_match(name) {
            let hint = "inputs are in snake_case, so that expressions can name them";
            self.say(&field, format!("`{name}` is no name of an input"), hint);
        }
        let is_choice = input.kind == InputType::Choice;
        if is_choice == input.choices.is_empty() {
            let message =
                if is_choice { "a choice without choices" } else { "choices of no choice" };
            self.say(&field, message, "`type: choice` and `choices: […]` belong together");
        }
        if input.optional && input.default.is_some() {
            let hint = "a default is enough: it need not be said then";
            self.say(&field, "both optional and with a default", hint);
        }
        if let Some(default) = input.default.as_ref().filter(|it| !express::has_expression(it)) {
            let given = BTreeMap::from([(name.to_owned(), default.clone())]);
            let mut alone = self.loaded.clone();
            alone.runbook.inputs.retain(|other, _| other == name);
            alone.runbook.inputs.values_mut().for_each(|input| input.allowed = None);
            let known = inputs::Known::default();
            if let Err(error) = inputs::resolve(&alone, &given, &known) {
                self.say(&format!("{field}.default"), error.message(), error.hints().join("; "));
            }
        }
        if let Some(default) = &input.default {
            self.value(&format!("{field}.default"), default, None);
        }
        if let Some(expression) = &input.allowed {
            self.expression(&format!("{field}.allowed"), expression, &[]);
        }
    }

    fn steps(&mut self, steps: &[Step], field: &str, at_once: bool) {
        let mut later = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let field = format!("{field}[{index}]");
            if !STEP.is_match(&step.id) {
                let message = format!("`{}` is no id of a step", step.id);
                self.say(&format!("{field}.id"), message, "snake_case, such as suspend_tenant");
            }
            if !self.ids.insert(step.id.clone()) {
                let message = format!("there is a step {} before", step.id);
                self.say(&format!("{field}.id"), message, "give each step an id of its own");
            }
            let fields = self.step(step, &field, at_once);
            // Steps that are done at once do not see each other.
            if at_once {
                later.push((step.id.clone(), fields));
            } else {
                self.seen.insert(step.id.clone(), fields);
            }
        }
        self.seen.extend(later);
    }

    /// Lints a step; the fields of its output, where they are known.
    fn step(&mut self, step: &Step, field: &str, at_once: bool) -> Option<&'static [&'static str]> {
        if let Some(when) = &step.when {
            self.expression(&format!("{field}.when"), when, &[]);
        }
        let action = match step.action() {
            Ok((_, action)) => action,
            Err(kinds) => {
                self.not_one(&format!("{field}.id"), &format!("step {}", step.id), &kinds, &KINDS);
                return None;
            }
        };
        if step.retry.is_some_and(|retry| retry.times == 0) {
            self.say(&format!("{field}.retry.times"), "retries 0 times", "leave `retry` out");
        }
        let people = matches!(action, Action::Approval(_) | Action::Manual(_));
        if (people || matches!(action, Action::Parallel(_)))
            && (step.retry.is_some() || step.timeout.is_some())
        {
            let hint = "people have `within`, and steps that are done at once have their own";
            self.say(&format!("{field}.id"), "retry and timeout do not apply here", hint);
        }
        self.named_once(step, field);
        let output: Option<&'static [&'static str]> = match &action {
            Action::Parallel(steps) => {
                if at_once {
                    let message = "parallel within parallel";
                    self.say(&format!("{field}.parallel"), message, "name all steps in one list");
                }
                self.steps(steps, &format!("{field}.parallel"), true);
                for (index, inner) in steps.iter().enumerate() {
                    if inner.on_failure == OnFailure::Undo {
                        let field = format!("{field}.parallel[{index}].on_failure");
                        let hint = "say `on_failure: undo` of the parallel step";
                        self.say(&field, "others are under way and cannot be undone yet", hint);
                    }
                }
                Some(&[])
            }
            Action::Approval(approval) => {
                if approval.from.is_empty() {
                    let field = format!("{field}.approval.from");
                    self.say(&field, "nobody may approve", "name roles, such as Platform.Admin");
                }
                self.text(&format!("{field}.approval.text"), &approval.text);
                Some(&SAID)
            }
            Action::Manual(manual) => {
                self.text(&format!("{field}.manual.text"), &manual.text);
                if manual.evidence.trim().is_empty() {
                    let field = format!("{field}.manual.evidence");
                    let hint = "say what shows that it was done, such as the number of a ticket";
                    self.say(&field, "no evidence is asked for", hint);
                }
                Some(&SAID)
            }
            Action::Wait(wait) => {
                self.wait(&format!("{field}.wait"), wait);
                None
            }
            Action::Verb { .. } | Action::Http(_) => {
                self.work(&action, &format!("{field}.{}", step.kind()));
                matches!(action, Action::Http(_)).then_some(&["status", "headers", "body"])
            }
        };
        if let Some(undo) = &step.undo {
            let field = format!("{field}.undo");
            let before = self.seen.insert(step.id.clone(), output);
            match undo.action() {
                Ok((kind, Action::Manual(manual))) => {
                    self.text(&format!("{field}.{kind}.text"), &manual.text);
                }
                Ok((kind, action)) => {
                    self.work(&action, &format!("{field}.{kind}"));
                }
                Err(kinds) => {
                    let all = ["ops", "verb", "deploy", "rollback", "invoke", "http", "manual"];
                    self.not_one(&field, "undo", &kinds, &all);
                }
            }
            if before.is_none() {
                self.seen.remove(&step.id);
            }
        }
        output
    }

    fn not_one(&mut self, field: &str, what: &str, kinds: &[&str], all: &[&str]) {
        let message = if kinds.is_empty() {
            format!("{what} does nothing")
        } else {
            format!("{what} does several things: {}", kinds.join(", "))
        };
        let hint = format!("one of {}; without arguments it is written as {{}}", all.join(", "));
        self.say(field, message, hint);
    }

    /// `ops`, `verb` and `bench` name one verb each.
    fn named_once(&mut self, step: &Step, field: &str) {
        for (kind, verbs) in [("ops", &step.ops), ("verb", &step.verb)] {
            if verbs.as_ref().is_some_and(|verbs| verbs.len() != 1) {
                let hint = "one verb a step: its name, and its arguments after the colon";
                self.say(&format!("{field}.{kind}"), format!("{kind} names one verb"), hint);
            }
        }
        let suites = step.bench.as_ref().and_then(Value::as_object);
        if suites.is_some_and(|suites| suites.len() != 1) {
            let hint = "such as `bench: efs`, or with arguments `bench: { efs: { reads: 100 } }`";
            self.say(&format!("{field}.bench"), "bench names one suite".to_owned(), hint);
        }
    }

    fn wait(&mut self, field: &str, wait: &Wait) {
        let Wait { pause, read, until, within, .. } = wait;
        let reads = read.is_some() && until.is_some() && within.is_some();
        if pause.is_some() == (read.is_some() || until.is_some()) || (pause.is_none() && !reads) {
            let hint = "either `pause: 30s`, or all of `read`, `until` and `within`";
            self.say(field, "it is not clear what is waited for", hint);
        }
        if let Some(until) = until {
            self.expression(&format!("{field}.until"), until, &["result"]);
        }
        let Some(read) = read else { return };
        match read.action() {
            Ok((kind, action)) => {
                let field = format!("{field}.read.{kind}");
                if self.work(&action, &field).is_some_and(|effect| effect != Effect::Reads) {
                    let hint = "a wait reads again and again; put what changes something before it";
                    self.say(&field, "this changes something", hint);
                }
            }
            Err(kinds) => {
                let all = ["ops", "verb", "invoke", "http"];
                self.not_one(&format!("{field}.read"), "read", &kinds, &all);
            }
        }
    }

    /// Lints a verb or a request; what doing it twice comes to.
    fn work(&mut self, action: &Action, field: &str) -> Option<Effect> {
        match action {
            Action::Http(http) => {
                self.text(&format!("{field}.url"), &http.url);
                if let Some(scheme) = http.url.split_once("://").map(|(scheme, _)| scheme)
                    && !["https", "http"].contains(&scheme)
                {
                    let message = format!("{scheme} is no scheme for a request");
                    self.say(&format!("{field}.url"), message, "https, or http on this machine");
                }
                for (name, value) in &http.headers {
                    self.text(&format!("{field}.headers.{name}"), value);
                }
                if let Some(body) = &http.body {
                    self.value(&format!("{field}.body"), body, None);
                }
                Some(super::steps::effect_of(http))
            }
            Action::Verb { path, arguments, reads } => {
                let inner = path.strip_prefix("ops ").unwrap_or(path);
                let kind = field.rsplit('.').next().unwrap_or_default();
                let field = match kind {
                    "ops" | "verb" => format!("{field}.{inner}"),
                    _ => field.to_owned(),
                };
                let plain = self.value(&field, arguments, None);
                // Of choices, one that works is enough: `when` may rule the others out.
                let choices = self.loaded.runbook.inputs.values().map(|it| it.choices.len());
                let most = choices.max().unwrap_or(0).max(1);
                let mut tried = (0..most)
                    .map(|pick| self.performer.prepare(path, &self.sampled(arguments, pick)))
                    .collect::<Vec<_>>();
                let works = tried.iter().position(Result::is_ok).unwrap_or(0);
                match tried.swap_remove(works) {
                    Ok(prepared) if *reads => Some(Effect::Reads).or(Some(prepared.effect)),
                    Ok(prepared) => Some(prepared.effect),
                    Err(error) => {
                        let text = format!("{error} {:?}", error.causes());
                        if plain || !text.contains(UNKNOWN) {
                            let mut message = error.message().to_owned();
                            if let Some(cause) = error.causes().first() {
                                message = format!("{message}: {cause}");
                            }
                            self.say(&field, message, error.hints().join("; "));
                        }
                        None
                    }
                }
            }
            _ => None,
        }
    }

    /// Arguments with a value of the right kind in the place of each expression.
    fn sampled(&self, value: &Value, pick: usize) -> Value {
        match value {
            Value::String(text) if express::is_dynamic(text) => {
                let input = express::read_by_text(text).ok().filter(|read| read.len() == 1);
                let input = input.and_then(|read| {
                    let name = read.iter().next()?.strip_prefix("inputs.")?.to_owned();
                    let alone = text.trim() == format!("{{{{ inputs.{name} }}}}");
                    self.loaded.runbook.inputs.get(&name).filter(|_| alone)
                });
                let known = |input: &&Input| {
                    use InputType::{Boolean, Choice, Duration, Integer, Tenant};
                    matches!(input.kind, Boolean | Choice | Duration | Integer | Tenant)
                };
                let example = |input: &Input| match input.choices.get(pick) {
                    Some(choice) => choice.clone(),
                    None => inputs::example(input),
                };
                match input.filter(known).map(example) {
                    Some(example) => example.into(),
                    None => UNKNOWN.into(),
                }
            }
            Value::Array(items) => items.iter().map(|it| self.sampled(it, pick)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(key, it)| (key.clone(), self.sampled(it, pick))).collect()
            }
            other => other.clone(),
        }
    }
}
