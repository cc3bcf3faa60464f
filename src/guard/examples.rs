//! What passes and what fails a rule, out of the rule's own tests.

use serde::Serialize;

use super::document::Node;
use super::rules::RuleInfo;

/// Lists the test files of `guard/` with their text.
macro_rules! embed {
    ($($name:literal),+ $(,)?) => {
        &[$((
            concat!("guard/", $name),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/guard/", $name, "-tests.yaml")),
        )),+]
    };
}

const TESTS: &[(&str, &str)] = embed![
    "agentcore",
    "alarms",
    "apigateway",
    "cloudfront",
    "dynamodb",
    "efs",
    "events",
    "firehose",
    "foreign",
    "iam",
    "kms",
    "lambda",
    "logs",
    "network",
    "s3",
    "secrets",
    "sns",
    "sqs",
    "tags",
    "waf"
];

/// Templates from the tests of a rule, as they are written there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examples {
    /// One that passes, and what is said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<Example>,
    /// One that fails, and what is said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fails: Option<Example>,
}

/// A template from the tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The test's name.
    pub name: String,
    /// YAML.
    pub template: String,
}

/// The shortest example of each kind; nothing for a rule without embedded tests.
pub fn examples(rule: &RuleInfo) -> Examples {
    let stem = rule.file.trim_end_matches(".guard");
    let text = TESTS.iter().find(|(name, _)| *name == stem).map_or("", |(_, text)| *text);
    let parsed = Node::parse(&rule.file, text).ok();
    let cases = parsed.as_ref().map(Node::items).unwrap_or_default();
    let shortest = |verdict: &str| {
        let expected = |case: &&Node| {
            let rules = case.get("expectations").and_then(|it| it.get("rules"));
            rules.and_then(|it| it.get(&rule.name)).and_then(Node::as_str) == Some(verdict)
        };
        let found = cases.iter().filter(expected).filter_map(|case| example(case, text));
        found.min_by_key(|example| example.template.len())
    };
    Examples { passes: shortest("PASS"), fails: shortest("FAIL") }
}

/// The text between `input:` and `expectations:`, without its indentation.
fn example(case: &Node, text: &str) -> Option<Example> {
    let input = case.entry("input")?;
    let start = input.key_mark.line;
    let end = case.entry("expectations")?.key_mark.line;
    let lines: Vec<&str> = text.lines().skip(start - 1).take(end - start).collect();
    let beside =
        lines.first()?.trim_start().trim_start_matches("- ").strip_prefix("input:")?.trim();
    let template = if beside.is_empty() {
        let below = lines.get(1..)?;
        let indent = |line: &&str| line.len() - line.trim_start().len();
        let filled = below.iter().filter(|line| !line.trim().is_empty());
        let least = filled.map(indent).min()?;
        let cut: Vec<&str> = below.iter().map(|line| line.get(least..).unwrap_or("")).collect();
        cut.join("\n").trim_end().to_owned()
    } else {
        beside.to_owned()
    };
    let name = case.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
    Some(Example { name, template })
}
