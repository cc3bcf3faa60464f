//! How a plan reads. Colour is added by `ui`, by the sign in front of a line.

use std::collections::BTreeMap;

use super::Plan;
use super::change::{Change, Replacement, StackAction, StackPlan};

/// More unchanged stacks than these are counted, not listed.
const LISTED: usize = 20;

/// The plan, one line a stack, a resource or a property, without indentation
/// beyond its own structure.
pub fn plan_lines(plan: &Plan) -> Vec<String> {
    lines(plan, true)
}

/// As [`plan_lines`], with new stacks in one line each: what is in them is in their
/// templates, and what changes in the others is not to be missed among hundreds of lines.
pub fn plan_summary(plan: &Plan) -> Vec<String> {
    let mut lines = lines(plan, false);
    if plan.stacks.iter().any(|stack| stack.action == StackAction::Create) {
        lines.push(" `diff` and `--dry-run` list every resource of new stacks".to_owned());
    }
    lines
}

fn lines(plan: &Plan, whole: bool) -> Vec<String> {
    let width = plan.stacks.iter().map(|stack| stack.name.len()).max().unwrap_or(0);
    let several = plan.has_several_regions();
    let unchanged = plan.stacks.iter().filter(|stack| stack.action == StackAction::None).count();
    let mut lines = Vec::new();
    for stack in &plan.stacks {
        if stack.action == StackAction::None && unchanged > LISTED {
            continue;
        }
        let region = if several { format!("{}  ", stack.region) } else { String::new() };
        lines.push(format!(" {:width$}  {region}{}", stack.name, headline(stack)));
        if stack.action == StackAction::Create && !whole {
            if let Some(line) = lines.last_mut() {
                line.push_str(&format!(": {}", services(stack)));
            }
            continue;
        }
        let id_width = stack.changes.iter().map(|change| change.resource.len()).max().unwrap_or(0);
        let type_width =
            stack.changes.iter().map(|change| change.resource_type.len()).max().unwrap_or(0);
        for change in &stack.changes {
            lines.extend(change_lines(change, id_width, type_width));
        }
        lines.extend(stack.other.iter().map(|line| format!("   {line}")));
    }
    if unchanged > LISTED {
        lines.push(format!(" {unchanged} stacks unchanged"));
    }
    lines
}

/// How many resources of each service a stack has: `2 KMS, 1 SSM`.
fn services(stack: &StackPlan) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for change in &stack.changes {
        let service = change.resource_type.split("::").nth(1).unwrap_or(&change.resource_type);
        *counts.entry(service).or_default() += 1;
    }
    let parts: Vec<_> =
        counts.iter().map(|(service, count)| format!("{count} {service}")).collect();
    parts.join(", ")
}

fn headline(stack: &StackPlan) -> String {
    match stack.action {
        StackAction::None => "unchanged".to_owned(),
        StackAction::Create if stack.changes.len() == 1 => "new, 1 resource".to_owned(),
        StackAction::Create => format!("new, {} resources", stack.changes.len()),
        StackAction::Update if stack.count() == 1 => "1 change".to_owned(),
        StackAction::Update => format!("{} changes", stack.count()),
    }
}

fn change_lines(change: &Change, id_width: usize, type_width: usize) -> Vec<String> {
    let Change { action, resource, resource_type, properties } = change;
    let head = format!("   {} {resource:id_width$}  {resource_type:type_width$}", action.sign());
    let details: Vec<String> = properties
        .iter()
        .map(|property| {
            let replaced = match property.replacement {
                Replacement::Always => ": replacement",
                Replacement::Conditionally => ": perhaps a replacement",
                Replacement::Never => "",
            };
            let path = &property.path;
            match (&property.before, &property.after) {
                (Some(before), Some(after)) => format!("{path} {before} → {after}{replaced}"),
                (None, Some(after)) => format!("{path} → {after}{replaced}"),
                (Some(before), None) => format!("{path} {before} removed{replaced}"),
                (None, None) => format!("{path} changes{replaced}"),
            }
        })
        .collect();
    let mut details = details.into_iter();
    let first = match details.next() {
        Some(detail) => format!("{head}  {detail}"),
        None => head.trim_end().to_owned(),
    };
    let indent = " ".repeat(5 + id_width + 2 + type_width + 2);
    std::iter::once(first).chain(details.map(|detail| format!("{indent}{detail}"))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Action, PropertyChange, StackPlan};
    use super::*;

    #[test]
    fn reads_as_the_design_says() {
        let property =
            |path: &str, before: Option<&str>, after: Option<&str>, replacement| PropertyChange {
                path: path.into(),
                before: before.map(Into::into),
                after: after.map(Into::into),
                replacement,
            };
        let change = |action, resource: &str, resource_type: &str, properties| Change {
            action,
            resource: resource.into(),
            resource_type: resource_type.into(),
            properties,
        };
        let stack = |name: &str, action, changes, other| StackPlan {
            name: name.into(),
            stack_name: format!("acme-dev-{name}"),
            region: "eu-west-2".into(),
            action,
            changes,
            other,
            template_digest: String::new(),
            parameters: BTreeMap::new(),
            live: None,
            verified: true,
        };
        let plan = Plan {
            account: "111122223333".into(),
            region: "eu-west-2".into(),
            environment: "dev".into(),
            stacks: vec![
                stack("network", StackAction::None, vec![], vec![]),
                stack(
                    "efs",
                    StackAction::Update,
                    vec![
                        change(Action::Add, "LogGroup", "AWS::Logs::LogGroup", vec![]),
                        change(
                            Action::Modify,
                            "GitStore",
                            "AWS::Lambda::Function",
                            vec![
                                property(
                                    "MemorySize",
                                    Some("512"),
                                    Some("1024"),
                                    Replacement::Never,
                                ),
                                property("Code", None, None, Replacement::Never),
                            ],
                        ),
                        change(
                            Action::Replace,
                            "AccessPoint",
                            "AWS::EFS::AccessPoint",
                            vec![property(
                                "RootDirectory.Path",
                                Some("/a"),
                                Some("/b"),
                                Replacement::Always,
                            )],
                        ),
                    ],
                    vec!["~ Outputs.FunctionName".into()],
                ),
            ],
        };
        insta::assert_snapshot!(plan_lines(&plan).join("\n"));
        let mut two = plan.clone();
        two.stacks[1].region = "eu-west-1".into();
        let lines = plan_lines(&two);
        assert_eq!(lines[0], " network  eu-west-2  unchanged");
        assert!(lines[1].starts_with(" efs      eu-west-1  "), "{}", lines[1]);
        // A new stack is counted, what changes in others is listed.
        two.stacks[0] = two.stacks[1].clone();
        two.stacks[0].action = StackAction::Create;
        let lines = plan_summary(&two);
        let line = "new, 3 resources: 1 EFS, 1 Lambda, 1 Logs";
        assert!(lines[0].ends_with(line), "{lines:?}");
        assert!(lines[1].ends_with(" changes"), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("MemorySize 512 → 1024")), "{lines:?}");
        assert!(lines.last().unwrap().contains("--dry-run"), "{lines:?}");
        // Hundreds of stacks of tenants, of which one changes.
        let mut many = plan;
        many.stacks.extend(vec![many.stacks[0].clone(); 500]);
        let lines = plan_lines(&many);
        assert_eq!(lines.last().unwrap(), " 501 stacks unchanged");
        assert!(lines.len() < 10, "{lines:?}");
    }
}
