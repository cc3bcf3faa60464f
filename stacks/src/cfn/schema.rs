//! What the provider schemas say about each generated type.

/// A resource type.
#[derive(Debug)]
pub struct TypeInfo {
    /// Such as `AWS::EC2::Subnet`.
    pub name: &'static str,
    /// Properties whose change replaces the resource, as dotted paths; `*` stands
    /// for every item of a list.
    pub create_only: &'static [&'static str],
    /// Properties whose change replaces the resource in some cases.
    pub conditional_create_only: &'static [&'static str],
    /// Attributes that only AWS sets.
    pub read_only: &'static [&'static str],
    /// Properties that AWS never shows again.
    pub write_only: &'static [&'static str],
    /// The properties that identify a resource.
    pub primary_identifier: &'static [&'static str],
    /// Where its tags go; `None` when it takes none.
    pub tagging: Option<Tagging>,
    /// What whoever deploys it must be allowed to do.
    pub permissions: Permissions,
}

impl TypeInfo {
    /// Whether changing the property at a dotted path, or anything below it,
    /// replaces the resource.
    ///
    /// ```
    /// let subnet = stacks::cfn::schema::lookup("AWS::EC2::Subnet").unwrap();
    /// assert!(subnet.replaces("CidrBlock"));
    /// assert!(!subnet.replaces("MapPublicIpOnLaunch"));
    /// ```
    pub fn replaces(&self, path: &str) -> bool {
        self.create_only.iter().any(|create_only| covers(create_only, path))
    }
}

/// Whether `path` is at or below `pattern`; list items in `path` are numbers.
fn covers(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('.');
    pattern.split('.').all(|wanted| {
        segments.next().is_some_and(|found| {
            wanted == found || wanted == "*" && found.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}

/// Where the tags of a type go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tagging {
    /// The property, usually `Tags`.
    pub property: &'static str,
    /// How it is written.
    pub shape: TagShape,
}

/// How a type writes its tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagShape {
    /// `[{Key, Value}]`
    List,
    /// `{key: value}`
    Map,
}

/// IAM actions, by what is done with a resource.
#[derive(Debug)]
pub struct Permissions {
    /// To create it.
    pub create: &'static [&'static str],
    /// To read it.
    pub read: &'static [&'static str],
    /// To update it in place.
    pub update: &'static [&'static str],
    /// To delete it.
    pub delete: &'static [&'static str],
    /// To tag and untag it.
    pub tag: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/type_info.rs"));

/// What is known about a type, when it is one of those generated.
///
/// ```
/// use stacks::cfn::schema;
///
/// assert!(schema::lookup("AWS::EC2::Subnet").unwrap().tagging.is_some());
/// assert!(schema::lookup("AWS::Nowhere::Thing").is_none());
/// ```
pub fn lookup(type_name: &str) -> Option<&'static TypeInfo> {
    let found = TYPES.binary_search_by(|info| info.name.cmp(type_name));
    found.ok().and_then(|index| TYPES.get(index))
}

/// Every generated type, by name.
pub fn all() -> &'static [TypeInfo] {
    TYPES
}
