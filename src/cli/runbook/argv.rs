//! The arguments of a step as the command line takes them: what a runbook names are the very
//! verbs and flags that there are, and clap says so.

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use serde_json::Value;

use super::verbs;
use crate::cli::Cli;
use crate::config::suggest;
use crate::error::{Error, Result};
use crate::runbook::{Prepared, Work};

/// Flags that a run decides, and no step of it.
const OF_THE_RUN: [&str; 12] = [
    "config",
    "env",
    "region",
    "profile",
    "local",
    "output",
    "query",
    "quiet",
    "no-progress",
    "color",
    "verbose",
    "help",
];

/// The verb of a path with these arguments, proved by clap.
pub(super) fn prepare(path: &str, arguments: &Value) -> Result<Prepared> {
    let root = Cli::command();
    let effect = verbs::effect(path);
    if let Err(Some(why)) = effect {
        return Err(Error::usage(format!("no runbook may name `{path}`: {why}")));
    }
    let command = find(&root, path)?;
    let Ok(effect) = effect else {
        return Err(Error::usage(format!("`platformctl {path}` is no verb for a runbook")));
    };
    let words = words(command, path, arguments)?;
    let full = ["platformctl"].into_iter().chain(path.split(' ')).map(str::to_owned);
    // Who asks is asked before the run: a step has nobody to ask.
    let yes = has(command, "yes").then(|| "--yes".to_owned());
    let line: Vec<String> = full.chain(yes).chain(words.iter().cloned()).collect();
    root.clone().try_get_matches_from(line).map_err(|error| refused(path, &error))?;
    let work =
        Work::Verb { path: path.to_owned(), arguments: words, rehearses: has(command, "dry-run") };
    Ok(Prepared { work, effect })
}

/// The whole command line of a verb.
pub(super) fn line(path: &str, arguments: &[String], rehearse: bool) -> Vec<String> {
    let root = Cli::command();
    let yes = find(&root, path).is_ok_and(|command| has(command, "yes"));
    let mut line: Vec<String> =
        ["platformctl"].into_iter().chain(path.split(' ')).map(str::to_owned).collect();
    line.extend(yes.then(|| "--yes".to_owned()));
    line.extend(rehearse.then(|| "--dry-run".to_owned()));
    line.extend(arguments.iter().cloned());
    line
}

fn has(command: &Command, flag: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(flag))
}

/// The words that may come after these; verbs that no runbook may name are not among them.
fn below(command: &Command, path: &str) -> Vec<String> {
    let names = command.get_subcommands().map(Command::get_name);
    let refused = |name: &&str| {
        let path = format!("{path} {name}");
        matches!(verbs::effect(path.trim_start()), Err(Some(_)))
    };
    names.filter(|name| !refused(name)).map(str::to_owned).collect()
}

fn find<'c>(root: &'c Command, path: &str) -> Result<&'c Command> {
    let mut command = root;
    let mut before = String::new();
    for word in path.split(' ') {
        let known = below(command, &before);
        command = command.find_subcommand(word).ok_or_else(|| {
            Error::usage(format!("there is no verb `platformctl {path}`"))
                .hint(suggest(word, &known))
        })?;
        before.push(' ');
        before.push_str(word);
    }
    if command.has_subcommands() {
        return Err(Error::usage(format!("`platformctl {path}` needs one more word"))
            .hint(below(command, path).join(", ")));
    }
    Ok(command)
}

/// Flags first, then `--` and what has no name: nothing that an input says is a flag.
fn words(command: &Command, path: &str, arguments: &Value) -> Result<Vec<String>> {
    let mut flags = Vec::new();
    let mut positional: Vec<(usize, String)> = Vec::new();
    match arguments {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                let argument = named(command, path, key)?;
                // Clap numbers them only when it parses.
                let mut unnamed = command.get_positionals();
                if let Some(place) = unnamed.position(|it| it.get_id() == argument.get_id()) {
                    positional.extend(texts(key, value)?.into_iter().map(|text| (place, text)));
                } else {
                    flags.extend(flag(argument, key, value)?);
                }
            }
        }
        other => positional.extend(texts(path, other)?.into_iter().map(|text| (0, text))),
    }
    if !positional.is_empty() {
        positional.sort_by_key(|(place, _)| *place);
        flags.push("--".to_owned());
        flags.extend(positional.into_iter().map(|(_, text)| text));
    }
    Ok(flags)
}

/// The argument that a key names: a flag without its hyphens, or the name of a value.
fn named<'c>(command: &'c Command, path: &str, key: &str) -> Result<&'c Arg> {
    if OF_THE_RUN.contains(&key) {
        return Err(Error::usage(format!("`{key}` is decided by whoever runs the runbook"))
            .hint("leave it out"));
    }
    if ["yes", "dry-run"].contains(&key) {
        return Err(Error::usage(format!("`{key}` is said by the run itself")).hint("leave it out"));
    }
    let id = |argument: &Arg| argument.get_id().as_str().replace('_', "-");
    let name = |argument: &Arg| match (argument.get_long(), argument.get_value_names()) {
        (Some(long), _) => long.to_owned(),
        (None, Some([value, ..])) => value.to_lowercase(),
        (None, _) => id(argument),
    };
    let own = || command.get_arguments().filter(|it| !it.is_global_set());
    let unnamed = |argument: &Arg| argument.is_positional() && id(argument) == key;
    own().find(|it| name(it) == key || unnamed(it)).ok_or_else(|| {
        let known: Vec<String> = own()
            .map(name)
            .filter(|it| !OF_THE_RUN.contains(&it.as_str()) && it != "yes" && it != "dry-run")
            .collect();
        let error = Error::usage(format!("`platformctl {path}` takes no `{key}`"));
        if known.is_empty() {
            error.hint("it takes nothing")
        } else {
            error.hint(suggest(key, &known))
        }
    })
}

fn flag(argument: &Arg, key: &str, value: &Value) -> Result<Vec<String>> {
    let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let name = argument.get_long().unwrap_or(key);
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Bool(true) if !takes_value => Ok(vec![format!("--{name}")]),
        Value::Bool(false) if !takes_value => Ok(Vec::new()),
        _ if !takes_value => Err(Error::usage(format!("`{key}` is true or false"))),
        value => {
            let texts = texts(key, value)?;
            Ok(texts.into_iter().map(|text| format!("--{name}={text}")).collect())
        }
    }
}

/// A value as words: a list is several; a mapping is one, as JSON.
fn texts(key: &str, value: &Value) -> Result<Vec<String>> {
    Ok(match value {
        Value::Null => Vec::new(),
        Value::Array(items) => {
            let words = items.iter().map(|item| texts(key, item));
            words.collect::<Result<Vec<_>>>()?.concat()
        }
        Value::String(text) if text.contains('\0') => {
            return Err(Error::usage(format!("`{key}` has a character that no argument may have")));
        }
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    })
}

/// What clap says, without the command line that nobody typed.
fn refused(path: &str, error: &clap::Error) -> Error {
    let text = error.to_string();
    let said = text.split("\n\n").next().unwrap_or(&text);
    let said = said.trim_start_matches("error: ").trim();
    let words: Vec<&str> = said.split_whitespace().collect();
    Error::usage(format!("`platformctl {path}` refuses that"))
        .caused_by(words.join(" "))
        .hint(format!("`platformctl {path} --help` says what it takes"))
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "literals read better")]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(path: &str, arguments: Value) -> String {
        match prepare(path, &arguments) {
            Ok(prepared) => prepared.work.shown(),
            Err(error) => {
                format!("{error} | {} | {}", error.causes().join(" "), error.hints().join(" "))
            }
        }
    }

    #[test]
    fn arguments_are_those_of_the_command_line() {
        let suspend = json!({ "tenant": "acme", "reason": "it's late", "no-wait": true });
        assert_eq!(
            shown("ops suspend-tenant", suspend),
            r"platformctl ops suspend-tenant '--reason=it'\''s late' --no-wait acme"
        );
        assert_eq!(shown("deploy", json!(["efs", "network"])), "platformctl deploy efs network");
        assert_eq!(shown("deploy", json!("efs")), "platformctl deploy efs");
        assert_eq!(
            shown("check", json!({ "only": ["a", "b"] })),
            "platformctl check --only=a --only=b"
        );
        assert_eq!(
            shown("bench efs", json!({ "reads": 20, "pages": [1, 100] })),
            "platformctl bench efs --reads=20 --pages=1 --pages=100"
        );
        let invoke = json!({ "function": "git-store", "payload": { "operation": "ping" } });
        assert_eq!(
            shown("invoke", invoke),
            r#"platformctl invoke '--payload={"operation":"ping"}' git-store"#
        );
    }

    #[test]
    fn what_an_input_says_is_never_a_flag() {
        let prepared = prepare("tenant show", &json!("--help"));
        assert!(prepared.is_err(), "a tenant may not be called so");
        let prepared = prepare("deploy", &json!(["efs", "--recreate"])).expect("names of stacks");
        let Work::Verb { arguments, .. } = prepared.work else { panic!("a verb") };
        assert_eq!(arguments, ["--", "efs", "--recreate"]);
        assert_eq!(shown("deploy", json!("--recreate")), "platformctl deploy -- --recreate");
    }

    #[test]
    fn what_there_is_not_is_refused_with_what_there_is() {
        let create = json!({ "tenant": "acme", "tier": "gold", "email": "a@b" });
        let refused = [
            shown("ops suspend-tenannt", json!({})),
            shown("ops suspend-tenant", json!({ "tenant": "acme", "reson": "x" })),
            shown("ops suspend-tenant", json!({ "tenant": "acme" })),
            shown("tenant create", create),
            shown("status", json!({ "local": true })),
            shown("deploy", json!({ "yes": true })),
            shown("local down", json!({})),
            shown("bench", json!({})),
            shown("bench efs", json!({ "reads": "many" })),
            shown("tenant", json!({})),
        ];
        insta::assert_snapshot!(refused.join("\n"));
    }
}
