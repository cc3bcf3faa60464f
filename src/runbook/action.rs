//! What a step does, out of the one field of it that says so.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{Approval, Http, Invoke, Manual, Read, Step, Undo, Wait};

/// What a step does.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Action {
    /// A verb of the command line.
    Verb {
        /// Its words, such as `ops suspend-tenant`.
        path: String,
        /// Its arguments: a text, a list, or a mapping.
        arguments: Value,
        /// Whether the file says that it changes nothing.
        reads: bool,
    },
    /// A request.
    Http(Http),
    /// A wait.
    Wait(Wait),
    /// Somebody's leave.
    Approval(Approval),
    /// Something that a person does.
    Manual(Manual),
    /// Steps that are done at once.
    Parallel(Vec<Step>),
}

/// The fields of which a step has one.
pub const KINDS: [&str; 12] = [
    "ops", "verb", "check", "deploy", "rollback", "invoke", "bench", "http", "wait", "approval",
    "manual", "parallel",
];

impl Step {
    /// What it does, with the name of the field that says so; all there are when that is
    /// not exactly one.
    pub fn action(&self) -> Result<(&'static str, Action), Vec<&'static str>> {
        one([
            named("ops", self.ops.as_ref(), "ops "),
            named("verb", self.verb.as_ref(), ""),
            verb("check", self.check.as_ref()),
            verb("deploy", self.deploy.as_ref()),
            verb("rollback", self.rollback.as_ref()),
            self.invoke.as_ref().map(invoke),
            self.bench.as_ref().map(bench),
            self.http.clone().map(|http| ("http", Action::Http(http))),
            self.wait.clone().map(|wait| ("wait", Action::Wait(wait))),
            self.approval.clone().map(|approval| ("approval", Action::Approval(approval))),
            self.manual.clone().map(|manual| ("manual", Action::Manual(manual))),
            self.parallel.clone().map(|steps| ("parallel", Action::Parallel(steps))),
        ])
    }

    /// The name of the field that says what it does.
    pub fn kind(&self) -> &'static str {
        self.action().map_or("unknown", |(kind, _)| kind)
    }
}

impl Undo {
    /// As [`Step::action`].
    pub fn action(&self) -> Result<(&'static str, Action), Vec<&'static str>> {
        one([
            named("ops", self.ops.as_ref(), "ops "),
            named("verb", self.verb.as_ref(), ""),
            verb("deploy", self.deploy.as_ref()),
            verb("rollback", self.rollback.as_ref()),
            self.invoke.as_ref().map(invoke),
            self.http.clone().map(|http| ("http", Action::Http(http))),
            self.manual.clone().map(|manual| ("manual", Action::Manual(manual))),
        ])
    }
}

impl Read {
    /// As [`Step::action`].
    pub fn action(&self) -> Result<(&'static str, Action), Vec<&'static str>> {
        one([
            named("ops", self.ops.as_ref(), "ops "),
            named("verb", self.verb.as_ref(), ""),
            self.invoke.as_ref().map(invoke),
            self.http.clone().map(|http| ("http", Action::Http(http))),
        ])
    }
}

type Found = Option<(&'static str, Action)>;

fn one<const N: usize>(found: [Found; N]) -> Result<(&'static str, Action), Vec<&'static str>> {
    let mut found: Vec<_> = found.into_iter().flatten().collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        _ => Err(found.into_iter().map(|(kind, _)| kind).collect()),
    }
}

fn verb(path: &'static str, arguments: Option<&Value>) -> Found {
    let action = |arguments: &Value| Action::Verb {
        path: path.to_owned(),
        arguments: arguments.clone(),
        reads: false,
    };
    arguments.map(|arguments| (path, action(arguments)))
}

/// A verb by its name. Of several, the lint says that one is too many.
fn named(kind: &'static str, verbs: Option<&BTreeMap<String, Value>>, before: &str) -> Found {
    let verbs = verbs?;
    let (name, arguments) = verbs.iter().next()?;
    let path = format!("{before}{name}");
    Some((kind, Action::Verb { path, arguments: arguments.clone(), reads: false }))
}

/// A suite by its name, or with its arguments. Of several, the lint says that one is too many.
fn bench(suite: &Value) -> (&'static str, Action) {
    let (name, arguments) = match suite {
        Value::String(name) => (name.as_str(), json!({})),
        Value::Object(suites) => match suites.iter().next() {
            Some((name, arguments)) => (name.as_str(), arguments.clone()),
            None => ("", json!({})),
        },
        _ => ("", json!({})),
    };
    let path = format!("bench {name}").trim_end().to_owned();
    ("bench", Action::Verb { path, arguments, reads: false })
}

fn invoke(invoke: &Invoke) -> (&'static str, Action) {
    let Invoke { function, payload, region, reads } = invoke;
    let mut arguments = json!({ "function": function, "payload": payload });
    if let Some(region) = region {
        arguments["in"] = region.as_str().into();
    }
    ("invoke", Action::Verb { path: "invoke".to_owned(), arguments, reads: *reads })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_is_a_name_or_has_arguments() {
        let shown = |suite: Value| match bench(&suite) {
            ("bench", Action::Verb { path, arguments, reads: false }) => {
                format!("{path} {arguments}")
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(shown(json!("efs")), "bench efs {}");
        assert_eq!(shown(json!({ "efs": { "reads": 20 } })), r#"bench efs {"reads":20}"#);
        // Neither is a verb: the lint says which there are.
        assert_eq!(shown(json!({})), "bench {}");
        assert_eq!(shown(json!(3)), "bench {}");
    }
}
