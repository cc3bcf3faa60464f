//! What is generated for one resource type.

/// A resource type.
pub(super) struct Resource {
    /// Such as `AWS::EC2::VPC`.
    pub(super) type_name: String,
    /// The module of its service, such as `ec2`.
    pub(super) service: String,
    /// The module of its nested types, such as `vpc`.
    pub(super) module: String,
    /// Its settable properties.
    pub(super) properties: Struct,
    /// Nested objects.
    pub(super) structs: Vec<Struct>,
    /// String enumerations.
    pub(super) enums: Vec<Enum>,
    /// What `Fn::GetAtt` can read.
    pub(super) attributes: Vec<Attribute>,
}

/// An object with named properties.
pub(super) struct Struct {
    /// Rust name.
    pub(super) name: String,
    /// Doc comment.
    pub(super) doc: String,
    /// Its properties in the schema's order.
    pub(super) fields: Vec<Field>,
}

/// A property of an object.
pub(super) struct Field {
    /// The name in the template.
    pub(super) key: String,
    /// The setter's name.
    pub(super) name: String,
    /// The type of its value.
    pub(super) ty: Type,
    /// Whether `new` takes it.
    pub(super) required: bool,
    /// Doc comment.
    pub(super) doc: String,
}

/// A string that takes one of a few values.
pub(super) struct Enum {
    /// Rust name.
    pub(super) name: String,
    /// Variant names and the strings they stand for.
    pub(super) variants: Vec<(String, String)>,
}

/// An attribute of a created resource.
pub(super) struct Attribute {
    /// The path in `Fn::GetAtt`, such as `Endpoint.Address`.
    pub(super) path: String,
    /// The getter's name.
    pub(super) name: String,
    /// The type of its value.
    pub(super) ty: Type,
    /// Doc comment.
    pub(super) doc: String,
}

/// The type of a value.
#[derive(Clone, PartialEq)]
pub(super) enum Type {
    /// A string.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// Whatever JSON the service takes.
    Json,
    /// An IAM policy document.
    Policy,
    /// A list.
    List(Box<Type>),
    /// A map from strings.
    Map(Box<Type>),
    /// A struct or enum of the resource's module.
    Named(String),
}
