//! From the model to Rust source.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::model::{Attribute, Enum, Field, Resource, Struct, Type};

/// One module a service, all resources in it.
pub(super) fn services(resources: &[Resource]) -> String {
    let mut services: BTreeMap<&str, Vec<&Resource>> = BTreeMap::new();
    for resource in resources {
        services.entry(&resource.service).or_default().push(resource);
    }
    let mut out = String::new();
    for (service, resources) in services {
        let names: Vec<_> = resources.iter().map(|r| format!("`{}`", r.type_name)).collect();
        line(&mut out, &format!("/// {}.", names.join(", ")));
        line(&mut out, &format!("pub mod {service} {{"));
        for resource in resources {
            resource_type(&mut out, resource);
        }
        line(&mut out, "}");
    }
    out
}

fn resource_type(out: &mut String, resource: &Resource) {
    let Resource { module, type_name, .. } = resource;
    let name = &resource.properties.name;
    structure(out, &resource.properties, &format!("{module}::"));
    line(out, &format!("impl crate::cfn::Resource for {name} {{"));
    line(out, &format!("    const TYPE: &'static str = {type_name:?};"));
    line(out, "    fn into_properties(self) -> crate::cfn::Object { self.0 }");
    line(out, "}");
    if !resource.attributes.is_empty() {
        line(out, &format!("impl crate::cfn::Handle<{name}> {{"));
        resource.attributes.iter().for_each(|attribute| getter(out, attribute));
        line(out, "}");
    }
    if resource.structs.is_empty() && resource.enums.is_empty() {
        return;
    }
    line(out, &format!("/// The nested types of [`{name}`]."));
    line(out, &format!("pub mod {module} {{"));
    resource.structs.iter().for_each(|nested| structure(out, nested, ""));
    resource.enums.iter().for_each(|values| enumeration(out, values));
    line(out, "}");
}

fn structure(out: &mut String, structure: &Struct, prefix: &str) {
    let Struct { name, doc, fields } = structure;
    let required: Vec<&Field> = fields.iter().filter(|field| field.required).collect();
    let default = if required.is_empty() { ", Default" } else { "" };
    line(out, &format!("/// {doc}"));
    line(out, &format!("#[derive(Clone, Debug{default})]"));
    line(out, &format!("pub struct {name}(crate::cfn::Object);"));
    line(out, &format!("impl {name} {{"));
    constructor(out, &required, prefix);
    for field in fields.iter().filter(|field| !field.required) {
        setter(out, field, prefix);
    }
    line(out, "}");
    literal(out, name, "self.0.into_json()");
}

fn constructor(out: &mut String, required: &[&Field], prefix: &str) {
    match required {
        [] => line(out, "    /// Nothing set."),
        _ => line(out, "    /// With its required properties:"),
    }
    if !required.is_empty() {
        line(out, "    ///");
    }
    for field in required {
        line(out, &format!("    /// - `{}`: {}", field.key, field.doc));
    }
    let arguments: Vec<String> = required
        .iter()
        .map(|field| format!("{}: impl Into<{}>", field.name, value(&field.ty, prefix)))
        .collect();
    line(out, &format!("    pub fn new({}) -> Self {{", arguments.join(", ")));
    line(out, "        let object = crate::cfn::Object::default();");
    for field in required {
        let Field { key, name, ty, .. } = field;
        let ty = value(ty, prefix);
        line(out, &format!("        let object = object.with::<{ty}>({key:?}, {name}.into());"));
    }
    line(out, "        Self(object)");
    line(out, "    }");
}

fn setter(out: &mut String, field: &Field, prefix: &str) {
    let Field { key, name, doc, ty, .. } = field;
    let ty = value(ty, prefix);
    line(out, &format!("    /// {doc}"));
    line(out, &format!("    pub fn {name}(self, value: impl Into<{ty}>) -> Self {{"));
    line(out, &format!("        Self(self.0.with::<{ty}>({key:?}, value.into()))"));
    line(out, "    }");
}

fn getter(out: &mut String, attribute: &Attribute) {
    let Attribute { path, name, ty, doc } = attribute;
    line(out, &format!("    /// {doc}"));
    let ty = value(ty, "");
    line(out, &format!("    pub fn {name}(&self) -> {ty} {{ self.attribute({path:?}) }}"));
}

fn enumeration(out: &mut String, values: &Enum) {
    let Enum { name, variants } = values;
    line(out, &format!("/// The values that `{name}` takes."));
    line(out, "#[derive(Clone, Copy, Debug, PartialEq, Eq)]");
    line(out, &format!("pub enum {name} {{"));
    for (variant, text) in variants {
        line(out, &format!("    /// `{text}`"));
        line(out, &format!("    {variant},"));
    }
    line(out, "}");
    line(out, &format!("impl {name} {{"));
    line(out, "    /// The string that stands in the template.");
    line(out, "    pub fn as_str(self) -> &'static str {");
    line(out, "        match self {");
    for (variant, text) in variants {
        line(out, &format!("            Self::{variant} => {text:?},"));
    }
    line(out, "        }");
    line(out, "    }");
    line(out, "}");
    literal(out, name, "self.as_str().into()");
}

fn literal(out: &mut String, name: &str, body: &str) {
    line(out, &format!("impl crate::cfn::Literal for {name} {{"));
    line(out, &format!("    fn into_json(self) -> serde_json::Value {{ {body} }}"));
    line(out, "}");
}

fn value(ty: &Type, prefix: &str) -> String {
    format!("crate::cfn::Value<{}>", rust(ty, prefix))
}

fn rust(ty: &Type, prefix: &str) -> String {
    match ty {
        Type::String => "::std::string::String".into(),
        Type::Integer => "i64".into(),
        Type::Number => "f64".into(),
        Type::Boolean => "bool".into(),
        Type::Json => "serde_json::Value".into(),
        Type::Policy => "crate::cfn::iam::PolicyDocument".into(),
        Type::List(item) => format!("::std::vec::Vec<{}>", rust(item, prefix)),
        Type::Map(item) => format!("crate::cfn::Dictionary<{}>", rust(item, prefix)),
        Type::Named(name) => format!("{prefix}{name}"),
    }
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}
