//! Templates that we did not synthesize: read within bounds, proved to be CloudFormation,
//! and asked where in the file a finding is.

mod cycle;
mod locate;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::batch;
use super::document::{Kind, Mark, Node};
use super::finding::{Finding, Severity, Source};
use super::rules::RuleInfo;
use crate::error::{Error, Place, Result};

/// What CloudFormation takes from S3: 1 MB. (Within a request it takes 51,200 bytes.)
pub const MAX_BYTES: usize = 1 << 20;
/// The file name that means stdin.
pub const STDIN: &str = "-";
/// More outcomes of one `Fn::If` are refused: each is a template to check.
pub(super) const MAX_OUTCOMES: usize = 64;

const NOT_EXPANDED: &str = "template-not-expanded";
const EXPECTED: &str = "expected a CloudFormation template: a mapping whose `Resources` holds \
    resources by logical id, each with a `Type`";

/// A template from a file.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its stack's name in findings: the file's stem.
    pub name: String,
    /// The file as the user named it; `stdin` for `-`.
    pub file: String,
    /// The template with long-form intrinsics and without aliases.
    pub value: Value,
    root: Node,
}

/// Reads templates, on all cores; `-` is `stdin`. Each gets a name of its own.
pub fn load(
    files: &[PathBuf],
    stdin: &(dyn Fn() -> Box<dyn Read> + Sync),
) -> Result<Vec<Template>> {
    let is_stdin = |file: &&PathBuf| file.as_os_str() == STDIN;
    if files.iter().filter(is_stdin).count() > 1 {
        return Err(Error::usage("`-` is given twice, and stdin can be read only once"));
    }
    if let Some(twice) = files.iter().enumerate().find(|(at, file)| files[..*at].contains(file)) {
        return Err(Error::usage(format!("{} is given twice", twice.1.display())));
    }
    let mut templates = batch::on_all_cores(files, |file| {
        if file.as_os_str() == STDIN {
            return Template::parse("stdin", &read("stdin", stdin())?);
        }
        let name = file.display().to_string();
        let opened = open(file)?;
        Template::parse(&name, &read(&name, opened)?)
    })?;
    let mut named: HashMap<String, usize> = HashMap::new();
    for template in &templates {
        *named.entry(template.name.clone()).or_default() += 1;
    }
    // `a/network.yaml` and `b/network.yaml` are told apart by their paths.
    for template in &mut templates {
        if named.get(&template.name).is_some_and(|&number| number > 1) {
            template.name.clone_from(&template.file);
        }
    }
    Ok(templates)
}

fn open(path: &Path) -> Result<File> {
    let shown = path.display();
    let cannot_read = |error| {
        Error::usage(format!("cannot read {shown}"))
            .caused_by(error)
            .hint("name a template, or `-` for stdin")
    };
    if path.is_dir() {
        return Err(Error::usage(format!("{shown} is a folder, not a template"))
            .hint(format!("name its files: --template {shown}/*.yaml")));
    }
    File::open(path).map_err(cannot_read)
}

/// The text of a file, if it is text and not too much of it.
fn read(name: &str, from: impl Read) -> Result<String> {
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    from.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::usage(format!("cannot read {name}")).caused_by(error))?;
    if bytes.len() > MAX_BYTES {
        let place = Place { file: name.to_owned(), line: 0, column: 0, field: String::new() };
        return Err(Error::usage(format!("has more than {MAX_BYTES} bytes"))
            .at(place)
            .hint("CloudFormation takes templates of up to 1 MB: split it into several stacks"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..good];
        let line = String::from_utf8_lossy(before).matches('\n').count() + 1;
        let place = Place { file: name.to_owned(), line, column: 1, field: String::new() };
        Error::usage(format!("is no UTF-8 text, from byte {good} on")).at(place).hint(EXPECTED)
    })
}

impl Template {
    /// Parses the text of a file, and refuses what is no CloudFormation template.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(Error::usage("the file is empty")
                .at(Mark { line: 1, column: 1 }.place(file, ""))
                .hint(EXPECTED));
        }
        let root = Node::parse(file, text)?;
        prove(file, &root)?;
        cycle::refuse(file, &root)?;
        let stem = Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = stem.unwrap_or_else(|| file.to_owned());
        Ok(Self { name, file: file.to_owned(), value: root.to_value(), root })
    }

    /// Where in the file a finding is: its property, or as far as the file goes.
    pub fn source_of(&self, finding: &Finding) -> Source {
        let mark = locate::mark(&self.root, &finding.resource, &finding.property);
        Source { file: self.file.clone(), line: mark.line, column: mark.column }
    }

    /// What of the template the rules cannot see: macros and loops make it on deployment.
    pub fn unseen(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |resource: &str, property: &str, what: String| {
            let rule = not_expanded();
            found.push(Finding::new(
                rule.id,
                rule.severity,
                &self.name,
                resource,
                "",
                property,
                what,
                "the template as it is deployed",
                rule.why,
                rule.fix,
            ));
        };
        if let Some(transform) = self.root.get("Transform") {
            let names = std::iter::once(transform).chain(transform.items());
            let names: Vec<&str> = names.filter_map(Node::as_str).collect();
            add("", "Transform", format!("the transform {}", names.join(", ")));
        }
        for resource in self.root.get("Resources").map(Node::entries).unwrap_or_default() {
            if is_macro(&resource.key) {
                add(&resource.key, "", "a macro or a loop".to_owned());
            }
        }
        found
    }
}

/// Rules about foreign templates that are code.
pub(super) fn own_rules() -> Vec<RuleInfo> {
    vec![not_expanded()]
}

fn not_expanded() -> RuleInfo {
    RuleInfo::of_code(
        NOT_EXPANDED,
        file!(),
        "Templates are checked as they are deployed",
        "A macro, such as that of AWS SAM, or a loop makes resources on deployment; no rule has seen them.",
        "Check the expanded template: `aws cloudformation get-template --template-stage Processed` gives it, once there is a change set.",
        Severity::Warning,
    )
}

/// `Fn::ForEach::Name` and `Fn::Transform`, which stand in place of resources.
fn is_macro(key: &str) -> bool {
    key.starts_with("Fn::")
}

/// Refuses what is no CloudFormation template, with its line.
fn prove(file: &str, root: &Node) -> Result<()> {
    let refuse = |mark: Mark, field: &str, message: String| {
        Err(Error::usage(message).at(mark.place(file, field)).hint(EXPECTED))
    };
    if !matches!(root.kind, Kind::Map(_)) {
        return refuse(root.mark, "", format!("{} is no template", root.what()));
    }
    let Some(resources) = root.entry("Resources") else {
        if let (Some(_), Some(kind)) = (root.get("apiVersion"), root.get("kind")) {
            let kind = kind.as_str().unwrap_or_default();
            return refuse(root.mark, "", format!("this is a Kubernetes manifest ({kind})"));
        }
        let keys: Vec<&str> = root.entries().iter().take(5).map(|it| it.key.as_str()).collect();
        return refuse(root.mark, "", format!("no `Resources` here, only {}", keys.join(", ")));
    };
    let entries = resources.value.entries();
    if entries.is_empty() {
        let what = resources.value.what();
        let what = if what == "a mapping" { "an empty mapping" } else { what };
        return refuse(resources.key_mark, "Resources", format!("holds {what}, no resource"));
    }
    for entry in entries.iter().filter(|entry| !is_macro(&entry.key)) {
        let field = format!("Resources.{}", entry.key);
        if !matches!(entry.value.kind, Kind::Map(_)) {
            let what = entry.value.what();
            return refuse(entry.key_mark, &field, format!("{what} is no resource"));
        }
        if entry.value.get("Type").and_then(Node::as_str).is_none() {
            return refuse(entry.key_mark, &field, "this resource has no `Type`".to_owned());
        }
        if let Some(properties) = entry.value.entry("Properties")
            && !matches!(properties.value.kind, Kind::Map(_) | Kind::Scalar(Value::Null))
        {
            let what = properties.value.what();
            let field = format!("{field}.Properties");
            return refuse(
                properties.key_mark,
                &field,
                format!("{what} is not properties by name"),
            );
        }
    }
    if super::fold::outcomes(&resources.value.to_value()) > MAX_OUTCOMES {
        let message = format!("an `Fn::If` here has more than {MAX_OUTCOMES} outcomes");
        return Err(Error::usage(message)
            .at(resources.key_mark.place(file, "Resources"))
            .hint("use a mapping and `Fn::FindInMap` in place of so many nested conditions"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
