//! Expressions of `DynamoDB`. Names and values are never part of the text: whatever they
//! hold, they mean themselves.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue as Sent;

use super::operation::{Condition, Query, Update};
use crate::model::{AttributeValue, REVISION};
use crate::tables::{EXPIRES_AT, Table};

/// The names and values that a request's expressions stand for.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    names: BTreeMap<String, String>,
    values: Vec<AttributeValue>,
}

impl Expressions {
    /// A placeholder for a name: the same one for the same name.
    fn name(&mut self, name: &str) -> String {
        let next = self.names.len();
        let number = self.names.entry(name.to_owned()).or_insert_with(|| format!("#n{next}"));
        number.clone()
    }

    fn value(&mut self, value: AttributeValue) -> String {
        self.values.push(value);
        format!(":v{}", self.values.len() - 1)
    }

    /// What has to be true; nothing, if anything goes.
    pub(super) fn condition(&mut self, table: &Table, condition: &Condition) -> Option<String> {
        let mut all = Vec::new();
        if let Some(exists) = condition.exists {
            let key = self.name(table.partition_key);
            match (exists, condition.expired_by) {
                (true, _) => all.push(format!("attribute_exists({key})")),
                (false, None) => all.push(format!("attribute_not_exists({key})")),
                (false, Some(now)) => {
                    let at = self.name(EXPIRES_AT);
                    let now = self.value(AttributeValue::N(now.to_string()));
                    all.push(format!("(attribute_not_exists({key}) OR {at} <= {now})"));
                }
            }
        }
        for (name, value) in &condition.equal {
            let name = self.name(name);
            match value {
                None => all.push(format!("attribute_not_exists({name})")),
                Some(value) => {
                    let value = self.value(value.clone());
                    all.push(format!("{name} = {value}"));
                }
            }
        }
        if all.is_empty() { None } else { Some(all.join(" AND ")) }
    }

    /// What becomes of attributes; the revision is raised.
    pub(super) fn update(&mut self, update: &Update) -> String {
        let set: Vec<_> = update
            .set
            .iter()
            .map(|(name, value)| {
                let (name, value) = (self.name(name), self.value(value.clone()));
                format!("{name} = {value}")
            })
            .collect();
        let raise = std::iter::once((REVISION, 1));
        let add: Vec<_> = raise
            .chain(update.add.iter().map(|(name, number)| (name.as_str(), *number)))
            .map(|(name, number)| {
                let name = self.name(name);
                let number = self.value(AttributeValue::N(number.to_string()));
                format!("{name} {number}")
            })
            .collect();
        let remove: Vec<_> = update.remove.iter().map(|name| self.name(name)).collect();
        let clause = |verb: &str, parts: Vec<String>| {
            (!parts.is_empty()).then(|| format!("{verb} {}", parts.join(", ")))
        };
        let clauses = [clause("SET", set), clause("ADD", add), clause("REMOVE", remove)];
        clauses.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        let names = self.names.iter().map(|(name, number)| (number.clone(), name.clone()));
        if self.names.is_empty() { None } else { Some(names.collect()) }
    }

    pub(super) fn values(&self) -> Option<HashMap<String, Sent>> {
        let values = self.values.iter().enumerate();
        let values = values.map(|(number, it)| (format!(":v{number}"), it.clone().into()));
        if self.values.is_empty() { None } else { Some(values.collect()) }
    }
}

/// The condition on keys of a list.
pub(super) fn query(query: &Query) -> (String, Expressions) {
    let mut expressions = Expressions::default();
    let key = expressions.name(query.partition_key);
    let partition = expressions.value(AttributeValue::S(query.partition.clone()));
    let mut text = format!("{key} = {partition}");
    let sort_key = query.index.map(|index| index.sort_key).or(query.table.sort_key);
    if let Some(sort_key) = sort_key.filter(|_| !query.prefix.is_empty()) {
        let key = expressions.name(sort_key);
        let prefix = expressions.value(AttributeValue::S(query.prefix.clone()));
        text += &format!(" AND begins_with({key}, {prefix})");
    }
    (text, expressions)
}
