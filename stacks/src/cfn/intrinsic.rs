//! CloudFormation's functions and pseudo parameters.

use serde_json::{Map, Value as Json, json};

use super::value::Value;

/// `Fn::Sub`: text with `${AWS::Region}` and the like filled in.
///
/// References to resources go through [`sub_with`], where they are typed.
///
/// ```
/// let bucket = stacks::cfn::sub("reports-${AWS::AccountId}");
/// assert_eq!(bucket.to_string(), r#"{"Fn::Sub":"reports-${AWS::AccountId}"}"#);
/// ```
pub fn sub(text: impl Into<String>) -> Value<String> {
    function("Sub", text.into())
}

/// `Fn::Sub` with names of its own.
///
/// ```
/// use stacks::cfn::{pseudo, sub_with};
///
/// let url = sub_with("https://${Host}/${Region}", [("Host", "acme.example".into()), ("Region", pseudo::region())]);
/// assert!(url.to_string().contains(r#"{"Host":"acme.example""#));
/// ```
pub fn sub_with<const N: usize>(
    text: impl Into<String>,
    names: [(&str, Value<String>); N],
) -> Value<String> {
    let names: Map<String, Json> =
        names.into_iter().map(|(name, value)| (name.to_owned(), value.into_json())).collect();
    function("Sub", json!([text.into(), names]))
}

/// The ARN of something in this account and region: `arn("sqs", "jobs")`.
///
/// ```
/// let jobs = stacks::cfn::arn("sqs", "jobs");
/// assert_eq!(
///     jobs.to_string(),
///     r#"{"Fn::Sub":"arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:jobs"}"#
/// );
/// ```
pub fn arn(service: &str, resource: &str) -> Value<String> {
    sub(format!(
        "arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"
    ))
}

/// `Fn::Join`.
///
/// ```
/// use stacks::cfn::{join, pseudo};
///
/// let name = join("-", ["acme".into(), pseudo::region()]);
/// assert_eq!(name.to_string(), r#"{"Fn::Join":["-",["acme",{"Ref":"AWS::Region"}]]}"#);
/// ```
pub fn join(separator: &str, parts: impl Into<Value<Vec<String>>>) -> Value<String> {
    function("Join", json!([separator, parts.into().into_json()]))
}

/// `Fn::Split`.
pub fn split(separator: &str, text: impl Into<Value<String>>) -> Value<Vec<String>> {
    function("Split", json!([separator, text.into().into_json()]))
}

/// `Fn::Select`: the item at a zero-based index.
///
/// ```
/// let first = stacks::cfn::select(0, stacks::cfn::availability_zones());
/// assert_eq!(first.to_string(), r#"{"Fn::Select":[0,{"Fn::GetAZs":""}]}"#);
/// ```
pub fn select<T>(index: u8, list: impl Into<Value<Vec<T>>>) -> Value<T> {
    function("Select", json!([index, list.into().into_json()]))
}

/// `Fn::GetAZs`: the zones of the stack's region.
pub fn availability_zones() -> Value<Vec<String>> {
    function("GetAZs", "")
}

/// `Fn::Cidr`: `count` ranges of `host_bits` bits each out of a block.
pub fn cidr(block: impl Into<Value<String>>, count: u8, host_bits: u8) -> Value<Vec<String>> {
    function("Cidr", json!([block.into().into_json(), count, host_bits]))
}

/// `Fn::Base64`.
pub fn base64(text: impl Into<Value<String>>) -> Value<String> {
    function("Base64", text.into().into_json())
}

pub(super) fn function<T>(name: &str, argument: impl Into<Json>) -> Value<T> {
    Value::raw(json!({ format!("Fn::{name}"): argument.into() }))
}

/// What CloudFormation knows about the deployment itself.
pub mod pseudo {
    use serde_json::json;

    use super::Value;

    fn pseudo(name: &str) -> Value<String> {
        Value::raw(json!({ "Ref": format!("AWS::{name}") }))
    }

    /// The account that is deployed to.
    pub fn account_id() -> Value<String> {
        pseudo("AccountId")
    }

    /// The region that is deployed to.
    pub fn region() -> Value<String> {
        pseudo("Region")
    }

    /// `aws`, or another partition such as `aws-cn`.
    pub fn partition() -> Value<String> {
        pseudo("Partition")
    }

    /// The name of the stack.
    pub fn stack_name() -> Value<String> {
        pseudo("StackName")
    }

    /// The ARN of the stack.
    pub fn stack_id() -> Value<String> {
        pseudo("StackId")
    }

    /// The domain of the partition's services, usually `amazonaws.com`.
    pub fn url_suffix() -> Value<String> {
        pseudo("URLSuffix")
    }

    /// As a branch of [`Condition::pick`](crate::cfn::Condition::pick): the property
    /// is left out.
    pub fn no_value<T>() -> Value<T> {
        pseudo("NoValue").assume()
    }
}
