//! From a provider schema to the model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::docs::comment;
use super::load::Schema;
use super::model::{Attribute, Enum, Field, Resource, Struct, Type};
use super::names::{method, pascal, snake};

/// More values than this are left a plain string (regions, time zones).
const MOST_VARIANTS: usize = 60;

/// Builds the model of a resource type.
pub(super) fn resource(schema: &Schema) -> Result<Resource, String> {
    let mut parts = schema.type_name.split("::").skip(1);
    let (Some(service), Some(kind)) = (parts.next(), parts.next()) else {
        return Err("the type name has no service and kind".into());
    };
    let mut resolver = Resolver::new(&schema.root);
    let read_only = pointers(&schema.root, "readOnlyProperties");
    let name = pascal(kind);
    let doc = comment(schema.root["description"].as_str(), &schema.type_name);
    let properties = resolver.object(&schema.root, &name, &doc, &read_only)?;
    let attributes = resolver.attributes(&read_only);
    Ok(Resource {
        type_name: schema.type_name.clone(),
        service: service.to_lowercase(),
        module: snake(kind),
        properties,
        structs: resolver.structs,
        enums: resolver.enums,
        attributes,
    })
}

/// The property paths of a list of JSON pointers, without `/properties/`.
pub(super) fn pointers(root: &Value, key: &str) -> Vec<Vec<String>> {
    let list = root[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let segments = |pointer: &Value| -> Vec<String> {
        pointer
            .as_str()
            .unwrap_or_default()
            .split('/')
            .filter(|segment| !segment.is_empty() && *segment != "properties")
            .map(str::to_owned)
            .collect()
    };
    list.iter().map(segments).filter(|path| !path.is_empty()).collect()
}

struct Resolver<'a> {
    root: &'a Value,
    /// Which schema each nested name stands for.
    names: BTreeMap<String, String>,
    structs: Vec<Struct>,
    enums: Vec<Enum>,
}

impl<'a> Resolver<'a> {
    fn new(root: &'a Value) -> Self {
        let definitions = root["definitions"].as_object();
        // Definitions keep their names; inline objects make way for them.
        let names = definitions
            .into_iter()
            .flat_map(Map::keys)
            .map(|key| (pascal(key), format!("#/definitions/{key}")))
            .collect();
        Self { root, names, structs: Vec::new(), enums: Vec::new() }
    }

    /// The type of a property called `hint` of the struct `parent`.
    fn resolve(&mut self, schema: &Value, hint: &str, parent: &str) -> Result<Type, String> {
        if let Some(pointer) = schema["$ref"].as_str() {
            return self.reference(pointer, parent);
        }
        let schema = &merged(schema);
        if schema.get("$ref").is_some() {
            return self.resolve(schema, hint, parent);
        }
        let identity = schema.to_string();
        self.inline(schema, hint, parent, &identity)
    }

    fn reference(&mut self, pointer: &str, parent: &str) -> Result<Type, String> {
        let path = pointer.trim_start_matches('#');
        let target =
            self.root.pointer(path).ok_or_else(|| format!("{pointer} points to nothing"))?;
        let name = path.rsplit('/').next().unwrap_or_default();
        if let Some(next) = target["$ref"].as_str() {
            return self.reference(next, parent);
        }
        let target = merged(target);
        if target.get("$ref").is_some() {
            return self.resolve(&target, name, parent);
        }
        self.inline(&target, name, parent, pointer)
    }

    fn inline(
        &mut self,
        schema: &Value,
        hint: &str,
        parent: &str,
        identity: &str,
    ) -> Result<Type, String> {
        let kinds = kinds(schema);
        let one = if kinds.len() == 1 { kinds[0] } else { "" };
        let text = one == "string" || kinds.is_empty();
        if let Some(values) = schema["enum"].as_array().filter(|_| text) {
            return Ok(self.enumeration(values, hint, parent, identity));
        }
        Ok(match one {
            "string" => Type::String,
            "integer" => Type::Integer,
            "number" => Type::Number,
            "boolean" => Type::Boolean,
            "array" => match schema.get("items") {
                Some(items) => {
                    Type::List(Box::new(self.resolve(items, &singular(hint), parent)?))
                }
                None => Type::List(Box::new(Type::Json)),
            },
            "object" => self.inline_object(schema, hint, parent, identity)?,
            // Anything scalar goes: a Lambda's environment variables.
            _ if kinds.len() > 2 => Type::String,
            _ if schema["properties"].is_object() => {
                self.inline_object(schema, hint, parent, identity)?
            }
            _ if kinds.is_empty() && schema.get("maxLength").is_some() && !is_policy(hint) => {
                Type::String
            }
            _ if is_policy(hint) => Type::Policy,
            _ => Type::Json,
        })
    }

    fn inline_object(
        &mut self,
        schema: &Value,
        hint: &str,
        parent: &str,
        identity: &str,
    ) -> Result<Type, String> {
        if schema["properties"].as_object().is_some_and(|properties| !properties.is_empty()) {
            return self.nested(schema, hint, parent, identity);
        }
        let patterns = schema["patternProperties"].as_object();
        let entry = patterns
            .and_then(|patterns| patterns.values().next())
            .or_else(|| schema.get("additionalProperties").filter(|more| more.is_object()));
        if let Some(entry) = entry {
            return Ok(Type::Map(Box::new(self.resolve(entry, &singular(hint), parent)?)));
        }
        Ok(if is_policy(hint) { Type::Policy } else { Type::Json })
    }

    fn nested(
        &mut self,
        schema: &Value,
        hint: &str,
        parent: &str,
        identity: &str,
    ) -> Result<Type, String> {
        let (name, known) = self.name(hint, parent, identity);
        if !known {
            // Reserves the place first, so that recursion ends here.
            let place = self.structs.len();
            let doc =
                comment(schema["description"].as_str(), &format!("The `{hint}` of `{parent}`."));
            self.structs.push(Struct { name: name.clone(), doc: String::new(), fields: vec![] });
            self.structs[place] = self.object(schema, &name, &doc, &[])?;
        }
        Ok(Type::Named(name))
    }

    fn enumeration(&mut self, values: &[Value], hint: &str, parent: &str, identity: &str) -> Type {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        if values.is_empty() || values.len() > MOST_VARIANTS {
            return Type::String;
        }
        // The same values under the same name are one type, whatever else differs.
        let sorted: BTreeSet<&str> = values.iter().copied().collect();
        let identity =
            if identity.starts_with('#') { identity.to_owned() } else { format!("{sorted:?}") };
        let (name, known) = self.name(hint, parent, &identity);
        if !known {
            let mut taken = BTreeSet::new();
            let variants = values
                .into_iter()
                .map(|value| (unique(&mut taken, &pascal(value)), value.to_owned()))
                .collect();
            self.enums.push(Enum { name: name.clone(), variants });
        }
        Type::Named(name)
    }

    /// The Rust name of a nested schema and whether it was generated before.
    fn name(&mut self, hint: &str, parent: &str, identity: &str) -> (String, bool) {
        let short = pascal(hint);
        let long = format!("{parent}{short}");
        let numbered = (2..).map(|number| format!("{long}{number}"));
        for name in [short, long.clone()].into_iter().chain(numbered) {
            let owner = self.names.entry(name.clone()).or_insert_with(|| identity.to_owned());
            if owner == identity {
                let known = self.structs.iter().any(|known| known.name == name)
                    || self.enums.iter().any(|known| known.name == name);
                return (name, known);
            }
        }
        unreachable!("the numbers never end")
    }

    fn object(
        &mut self,
        schema: &Value,
        name: &str,
        doc: &str,
        read_only: &[Vec<String>],
    ) -> Result<Struct, String> {
        let required: Vec<&str> = strings(&schema["required"]);
        let mut fields = Vec::new();
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            if read_only.iter().any(|path| path.len() == 1 && path[0] == *key) {
                continue;
            }
            fields.push(Field {
                key: key.clone(),
                name: method(key),
                ty: self.resolve(property, key, name)?,
                required: required.contains(&key.as_str()),
                doc: comment(property["description"].as_str(), &format!("Sets `{key}`.")),
            });
        }
        Ok(Struct { name: name.to_owned(), doc: doc.to_owned(), fields })
    }

    /// The attributes that are scalars or lists of scalars.
    fn attributes(&self, read_only: &[Vec<String>]) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        for path in read_only {
            let Some(schema) = self.find(path) else { continue };
            let ty = match kinds(&schema)[..] {
                ["string"] => Type::String,
                ["integer"] => Type::Integer,
                ["number"] => Type::Number,
                ["boolean"] => Type::Boolean,
                ["array"] if kinds(&schema["items"]) == ["string"] => {
                    Type::List(Box::new(Type::String))
                }
                _ => continue,
            };
            let path = path.join(".");
            // `Handle::id` is the `Ref`; where an attribute has that name it is the same.
            if path != "Id" {
                let doc = comment(schema["description"].as_str(), &format!("Reads `{path}`."));
                attributes.push(Attribute { name: method(&path), path, ty, doc });
            }
        }
        attributes
    }

    fn find(&self, path: &[String]) -> Option<Value> {
        let mut here = self.root.clone();
        for segment in path {
            here = self.followed(here.get("properties")?.get(segment)?)?;
        }
        Some(here)
    }

    fn followed(&self, schema: &Value) -> Option<Value> {
        match schema["$ref"].as_str() {
            Some(pointer) => self.followed(self.root.pointer(pointer.trim_start_matches('#'))?),
            None => Some(merged(schema)),
        }
    }
}

/// A schema whose alternatives are joined into one object: a property of any of
/// them is settable, none is required, and cfn-lint checks the combination.
fn merged(schema: &Value) -> Value {
    let branches = |key| schema[key].as_array().into_iter().flatten();
    let mut out = schema.clone();
    if schema.get("type").is_none() || schema["type"] == "object" {
        for branch in branches("allOf").chain(branches("oneOf")).chain(branches("anyOf")) {
            if schema.get("properties").is_none() && branch.get("$ref").is_some() {
                return branch.clone();
            }
            for (key, property) in branch["properties"].as_object().into_iter().flatten() {
                // A branch that only narrows a property says nothing of its type.
                if property.get("type").is_none() && property.get("$ref").is_none() {
                    continue;
                }
                if out["properties"].get(key).is_none() {
                    out["properties"][key] = property.clone();
                }
            }
        }
    }
    if out["properties"].is_object() && out.get("type").is_none() {
        out["type"] = json!("object");
    }
    out
}

fn kinds(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(kind) => vec![kind],
        kinds => strings(kinds),
    }
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Free-form properties that hold an IAM policy.
fn is_policy(name: &str) -> bool {
    name.ends_with("PolicyDocument")
        || matches!(name, "KeyPolicy" | "FileSystemPolicy" | "Policy" | "ResourcePolicy")
}

fn singular(name: &str) -> String {
    match (name.strip_suffix("ies"), name.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) if !stem.ends_with('s') => stem.to_owned(),
        _ => name.to_owned(),
    }
}

fn unique(taken: &mut BTreeSet<String>, name: &str) -> String {
    let base = if name.is_empty() { "Other" } else { name };
    let mut candidate = base.to_owned();
    let mut number = 2;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{base}{number}");
        number += 1;
    }
    candidate
}
