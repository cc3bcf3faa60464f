//! Values of properties: a literal or an intrinsic, typed by what it yields.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde_json::{Map, Value as Json};

/// A literal `T`, or an intrinsic that yields one when the stack is deployed.
///
/// ```
/// use stacks::cfn::{Value, pseudo};
///
/// let literal: Value<i64> = 512.into();
/// let region: Value<String> = pseudo::region();
/// let both: Value<Vec<String>> = [region, "eu-west-1".into()].into();
/// assert_eq!(both.to_string(), r#"[{"Ref":"AWS::Region"},"eu-west-1"]"#);
/// # assert_eq!(literal.to_string(), "512");
/// ```
pub struct Value<T> {
    json: Json,
    yields: PhantomData<fn() -> T>,
}

/// A type whose values can stand in a template.
pub trait Literal {
    /// The value as it stands in the template.
    fn into_json(self) -> Json;
}

/// Marks a value that is a map from strings to `T`. There is nothing in it: build
/// one from pairs.
///
/// ```
/// use stacks::cfn::{Dictionary, Value};
///
/// let environment: Value<Dictionary<String>> = [("RUST_LOG", "info")].into();
/// assert_eq!(environment.to_string(), r#"{"RUST_LOG":"info"}"#);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dictionary<T>(PhantomData<T>);

impl<T> Value<T> {
    /// An intrinsic. Whoever calls this vouches for what it yields.
    pub(crate) fn raw(json: Json) -> Self {
        Self { json, yields: PhantomData }
    }

    /// The value as it stands in the template.
    pub fn into_json(self) -> Json {
        self.json
    }

    /// The same value as another type, for what the schemas cannot say: a template
    /// parameter that feeds an enumerated property.
    pub fn assume<U>(self) -> Value<U> {
        Value::raw(self.json)
    }
}

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Self::raw(self.json.clone())
    }
}

impl<T> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.json)
    }
}

impl<T> fmt::Display for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.fmt(f)
    }
}

impl<T> PartialEq for Value<T> {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl<T: Literal> From<T> for Value<T> {
    fn from(literal: T) -> Self {
        Self::raw(literal.into_json())
    }
}

impl<T> From<&Value<T>> for Value<T> {
    fn from(value: &Value<T>) -> Self {
        value.clone()
    }
}

macro_rules! literals {
    ($($ty:ty),*) => { $(
        impl Literal for $ty {
            fn into_json(self) -> Json { Json::from(self) }
        }
    )* };
}
literals!(String, bool, i64, f64, Json);

macro_rules! converts {
    ($($from:ty => $to:ty),* $(,)?) => { $(
        impl From<$from> for Value<$to> {
            fn from(literal: $from) -> Self { Self::raw(Json::from(literal)) }
        }
    )* };
}
// Whole numbers stay whole as `f64` too: the template says 50, not 50.0.
converts!(
    &str => String, i32 => i64, u8 => i64, u16 => i64, u32 => i64,
    i32 => f64, i64 => f64, u8 => f64, u16 => f64, u32 => f64,
);

impl From<&String> for Value<String> {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<ipnet::Ipv4Net> for Value<String> {
    fn from(range: ipnet::Ipv4Net) -> Self {
        range.to_string().into()
    }
}

impl<T, I: Into<Value<T>>> From<Vec<I>> for Value<Vec<T>> {
    fn from(items: Vec<I>) -> Self {
        Self::raw(items.into_iter().map(|item| item.into().json).collect())
    }
}

impl<T, I: Into<Value<T>>, const N: usize> From<[I; N]> for Value<Vec<T>> {
    fn from(items: [I; N]) -> Self {
        Vec::from(items).into()
    }
}

impl<T, K: Into<String>, I: Into<Value<T>>, const N: usize> From<[(K, I); N]>
    for Value<Dictionary<T>>
{
    fn from(pairs: [(K, I); N]) -> Self {
        dictionary(pairs)
    }
}

impl<T, K: Into<String>, I: Into<Value<T>>> From<BTreeMap<K, I>> for Value<Dictionary<T>> {
    fn from(pairs: BTreeMap<K, I>) -> Self {
        dictionary(pairs)
    }
}

fn dictionary<T, K: Into<String>, I: Into<Value<T>>>(
    pairs: impl IntoIterator<Item = (K, I)>,
) -> Value<Dictionary<T>> {
    let map: Map<String, Json> =
        pairs.into_iter().map(|(key, item)| (key.into(), item.into().json)).collect();
    Value::raw(map.into())
}
