//! Checks that everything a template refers to is in it.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::template::Template;

/// A message for each reference that leads nowhere.
pub(super) fn dangling(template: &Template) -> Vec<String> {
    let body = template.as_value();
    let names = |section: &str| -> BTreeSet<&str> {
        body[section]
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys())
            .map(String::as_str)
            .collect()
    };
    let resources = names("Resources");
    let known = Known {
        refs: &resources | &names("Parameters"),
        conditions: names("Conditions"),
        mappings: names("Mappings"),
        resources,
    };
    let mut problems = Vec::new();
    for section in ["Conditions", "Outputs"] {
        known.check(&body[section], section, &mut problems);
    }
    for (id, resource) in body["Resources"].as_object().into_iter().flatten() {
        let mut at = |name: &str, set: &BTreeSet<&str>, what: &str| {
            if !set.contains(name) {
                problems.push(format!("{id}: {what} {name} is not in the stack"));
            }
        };
        if let Some(condition) = resource["Condition"].as_str() {
            at(condition, &known.conditions, "condition");
        }
        match &resource["DependsOn"] {
            Json::String(one) => at(one, &known.resources, "dependency"),
            Json::Array(all) => all
                .iter()
                .filter_map(Json::as_str)
                .for_each(|one| at(one, &known.resources, "dependency")),
            _ => {}
        }
        known.check(&resource["Properties"], id, &mut problems);
    }
    problems
}

struct Known<'a> {
    refs: BTreeSet<&'a str>,
    resources: BTreeSet<&'a str>,
    conditions: BTreeSet<&'a str>,
    mappings: BTreeSet<&'a str>,
}

impl Known<'_> {
    fn check(&self, value: &Json, place: &str, problems: &mut Vec<String>) {
        match value {
            Json::Array(items) => {
                for item in items {
                    self.check(item, place, problems);
                }
            }
            Json::Object(map) => {
                for (key, argument) in map {
                    if let Some(problem) = self.problem(key, argument) {
                        problems.push(format!("{place}: {problem}"));
                    }
                    self.check(argument, place, problems);
                }
            }
            _ => {}
        }
    }

    fn problem(&self, function: &str, argument: &Json) -> Option<String> {
        let first = argument[0].as_str();
        match function {
            "Ref" => missing("Ref", argument.as_str()?, &self.refs),
            "Fn::GetAtt" => missing("GetAtt", first?, &self.resources),
            "Fn::If" => missing("condition", first?, &self.conditions),
            "Fn::FindInMap" => missing("mapping", first?, &self.mappings),
            "Fn::Sub" => {
                let text = argument.as_str().or(first)?;
                let own = |name: &str| argument[1].get(name).is_some();
                variables(text).filter(|name| !own(name)).find_map(|name| {
                    let id = name.split('.').next().unwrap_or(name);
                    missing("Sub", id, &self.refs)
                })
            }
            _ => None,
        }
    }
}

fn missing(what: &str, name: &str, known: &BTreeSet<&str>) -> Option<String> {
    let found = name.starts_with("AWS::") || known.contains(name);
    (!found).then(|| format!("{what} {name} is not in the stack"))
}

/// The names in `${…}`; `${!…}` stands for itself.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.trim())
        .filter(|name| !name.starts_with('!'))
}
