//! The rules: the embedded files, a folder of the user's own, and what each rule says about itself.
//!
//! A rule describes itself in its first `<<message>>` (`why:`, `fix:`, …) and in
//! the comment above it, whose first sentence is the title. See `guard/README.md`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::engine;
use super::finding::Severity;
use super::message::Message;
use crate::error::{Context, Error, Place, Result};

/// Lists rule files of `guard/` with their text.
macro_rules! embed {
    ($($name:literal),+ $(,)?) => {
        &[$((
            concat!("guard/", $name),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/guard/", $name)),
        )),+]
    };
}

const EMBEDDED: &[(&str, &str)] = embed![
    "agentcore.guard",
    "alarms.guard",
    "apigateway.guard",
    "cloudfront.guard",
    "dynamodb.guard",
    "efs.guard",
    "events.guard",
    "firehose.guard",
    "foreign.guard",
    "iam.guard",
    "kms.guard",
    "lambda.guard",
    "logs.guard",
    "network.guard",
    "s3.guard",
    "secrets.guard",
    "sns.guard",
    "sqs.guard",
    "tags.guard",
    "waf.guard",
];

/// A rule file and its text.
#[derive(Debug, Clone)]
pub(super) struct RuleFile {
    pub(super) name: String,
    pub(super) text: Cow<'static, str>,
    /// Every word of its rules, when these name all types and properties that they
    /// are about; `None` when they may be about anything.
    pub(super) words: Option<BTreeSet<String>>,
}

impl RuleFile {
    /// Our rules name the types and properties they are about, and look at nothing
    /// else of a template: the engine is shown no more than that.
    fn embedded(name: &str, text: &'static str) -> Self {
        let in_word = |c: char| c.is_alphanumeric() || c == ':';
        let words = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(|line| line.split(|c| !in_word(c)))
            .map(str::to_owned)
            .collect();
        Self { name: name.to_owned(), text: Cow::Borrowed(text), words: Some(words) }
    }

    fn given(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: Cow::Owned(text.to_owned()), words: None }
    }
}

/// What a rule says about itself; for `explain`, SARIF and findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleInfo {
    /// `efs-encrypted-at-rest`: its name in the file, with dashes.
    pub id: String,
    /// The file, such as `guard/efs.guard`.
    pub file: String,
    /// Line of the rule in its file, from 1.
    pub line: usize,
    /// One sentence: what holds when the rule passes.
    pub title: String,
    /// Why there is such a rule; empty when its author does not say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What goes wrong when it does not.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// Whether a finding fails the check.
    pub severity: Severity,
    /// What is wanted, in words; empty when the compared value says it.
    #[serde(skip)]
    pub(super) wanted: String,
    /// Name in the rule file.
    #[serde(skip)]
    pub(super) name: String,
}

impl RuleInfo {
    /// A rule that is code and not in a rule file; `file` is where it is defined.
    pub fn of_code(
        id: &str,
        file: &str,
        title: &str,
        why: &str,
        fix: &str,
        severity: Severity,
    ) -> Self {
        Self {
            id: id.to_owned(),
            file: file.to_owned(),
            line: 1,
            title: title.to_owned(),
            reason: String::new(),
            why: why.to_owned(),
            fix: fix.to_owned(),
            severity,
            wanted: String::new(),
            name: id.replace('-', "_"),
        }
    }
}

/// The rules of one check. Made once, used for any number of templates.
#[derive(Debug, Clone)]
pub struct RuleSet {
    files: Vec<RuleFile>,
    rules: Vec<RuleInfo>,
    /// Ids of the rules that play no part.
    off: BTreeSet<String>,
}

/// Every embedded rule, by id.
pub fn rules() -> Vec<RuleInfo> {
    RuleSet::embedded().rules
}

impl RuleSet {
    /// The rules that come with platformctl.
    pub fn embedded() -> Self {
        let files: Vec<RuleFile> =
            EMBEDDED.iter().map(|(name, text)| RuleFile::embedded(name, text)).collect();
        let mut rules: Vec<RuleInfo> = files.iter().flat_map(describe).collect();
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        Self { files, rules, off: BTreeSet::new() }
    }

    /// No rules at all; add some with [`RuleSet::with_file`].
    pub fn empty() -> Self {
        Self { files: Vec::new(), rules: Vec::new(), off: BTreeSet::new() }
    }

    /// Adds every `*.guard` file of a folder, in the order of their names.
    pub fn with_folder(self, folder: &Path) -> Result<Self> {
        let shown = folder.display();
        let cannot_read =
            |error| Error::usage(format!("cannot read rules from {shown}")).caused_by(error);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(cannot_read)? {
            let path = entry.map_err(cannot_read)?.path();
            if path.extension().is_some_and(|extension| extension == "guard") {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            return Err(Error::usage(format!("no *.guard file in {shown}")));
        }
        paths.sort();
        paths.into_iter().try_fold(self, |set, path| {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            set.with_file(&path.display().to_string(), &text)
        })
    }

    /// Adds one rule file. Refused when it is malformed or repeats the name of a rule.
    pub fn with_file(mut self, name: &str, text: &str) -> Result<Self> {
        let file = RuleFile::given(name, text);
        engine::check_syntax(&file)?;
        for rule in describe(&file) {
            if let Some(other) = self.get(&rule.id) {
                let place = Place {
                    file: name.to_owned(),
                    line: rule.line,
                    column: 1,
                    field: String::new(),
                };
                let message = format!("rule {} is in {} already", rule.name, other.file);
                return Err(Error::usage(message).at(place).hint("give it a name of its own"));
            }
            self.rules.push(rule);
        }
        self.rules.sort_by(|a, b| a.id.cmp(&b.id));
        self.files.push(file);
        Ok(self)
    }

    /// Every rule, by id.
    pub fn rules(&self) -> &[RuleInfo] {
        &self.rules
    }

    /// The rule of this id.
    pub fn get(&self, id: &str) -> Option<&RuleInfo> {
        self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok().map(|at| &self.rules[at])
    }

    /// Keeps the rules that `only` names (all, when it names none) but for those that
    /// `skip` names. Rules that are code can be named too. An id that no rule has is
    /// refused with the nearest one.
    pub fn choose(mut self, only: &[String], skip: &[String]) -> Result<Self> {
        let mut known: Vec<String> = self.rules.iter().map(|rule| rule.id.clone()).collect();
        known.extend(super::rules_of_code().into_iter().map(|rule| rule.id));
        for id in only.iter().chain(skip) {
            if !known.contains(id) {
                return Err(super::unknown_rule(id, known.iter().map(String::as_str)));
            }
        }
        let is_off = |id: &String| (!only.is_empty() && !only.contains(id)) || skip.contains(id);
        self.off.extend(known.into_iter().filter(is_off));
        if self.rules.iter().all(|rule| !self.is_on(&rule.id)) && only.is_empty() {
            return Err(Error::usage("no rule is left to check")
                .hint("`--skip` names every rule; leave one"));
        }
        Ok(self)
    }

    /// Whether the rule of this id plays a part.
    pub(super) fn is_on(&self, id: &str) -> bool {
        !self.off.contains(id)
    }

    /// How many rules play a part.
    pub(super) fn number_on(&self) -> usize {
        self.rules.iter().filter(|rule| self.is_on(&rule.id)).count()
    }

    /// The files that have a rule that plays a part.
    pub(super) fn files(&self) -> Vec<&RuleFile> {
        let is_on = |file: &&RuleFile| {
            self.rules.iter().any(|rule| rule.file == file.name && self.is_on(&rule.id))
                // A file of helpers only has errors to report, and no rules.
                || !self.rules.iter().any(|rule| rule.file == file.name)
        };
        self.files.iter().filter(is_on).collect()
    }

    /// Names of the rules of one file.
    pub(super) fn names_in<'a>(&'a self, file: &'a RuleFile) -> impl Iterator<Item = String> + 'a {
        self.rules.iter().filter(|rule| rule.file == file.name).map(|rule| rule.name.clone())
    }

    /// Rules by the name they have in their files.
    pub(super) fn by_name(&self) -> BTreeMap<&str, &RuleInfo> {
        self.rules.iter().map(|rule| (rule.name.as_str(), rule)).collect()
    }
}

/// `efs_encrypted_at_rest` is `efs-encrypted-at-rest`.
pub(super) fn id_of(name: &str) -> String {
    name.replace('_', "-")
}

/// What each rule of a file says about itself.
fn describe(file: &RuleFile) -> Vec<RuleInfo> {
    let mut rules: Vec<RuleInfo> = Vec::new();
    let mut comment = Vec::new();
    let mut offset = 0;
    for (index, line) in file.text.lines().enumerate() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some(name) = rule_name(line) {
            let body = body_of(&file.text[offset..]);
            rules.push(info(file, index + 1, name, &comment.join(" "), body));
            comment.clear();
        } else {
            comment.clear();
        }
        offset += line.len();
        // `lines` drops `\n` or `\r\n`.
        offset += file.text[offset..].find('\n').map_or(0, |at| at + 1);
    }
    rules
}

fn rule_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("rule ")?.trim_start();
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    // `rule name(parameter)` is called by other rules and has no verdict of its own.
    let called = rest[end..].trim_start().starts_with('(');
    (end > 0 && !called).then(|| &rest[..end])
}

/// The text of a rule: up to the next line that begins another one.
fn body_of(text: &str) -> &str {
    let mut end = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index > 0 && (line.starts_with("rule ") || line.starts_with("let ")) {
            break;
        }
        end += line.len();
    }
    &text[..end]
}

fn info(file: &RuleFile, line: usize, name: &str, comment: &str, body: &str) -> RuleInfo {
    let message = body
        .split_once("<<")
        .and_then(|(_, rest)| rest.split_once(">>"))
        .map(|(message, _)| Message::parse(message))
        .unwrap_or_default();
    let title = comment.split_once(". ").map_or(comment, |(first, _)| first);
    let title = title.trim_end_matches('.').to_owned();
    let reason = comment.split_once("Why: ").map_or("", |(_, rest)| rest);
    let reason = reason.split_once(" Fix: ").map_or(reason, |(reason, _)| reason);
    RuleInfo {
        id: id_of(name),
        file: file.name.clone(),
        line,
        title: if title.is_empty() { name.replace('_', " ") } else { title },
        reason: first_upper(reason),
        why: message.why.unwrap_or(message.text),
        fix: message.fix.unwrap_or_default(),
        severity: message.severity.unwrap_or(Severity::Error),
        wanted: message.wanted.unwrap_or_default(),
        name: name.to_owned(),
    }
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
