//! Encodings read in the one way in which they are written.
//!
//! What two programs read differently is how a token means one thing to whoever checks
//! it and another to whoever acts on it. So nothing here is tolerant: base64url has no
//! padding and no loose bits, and no member of a JSON object is there twice.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Decodes canonical base64url without padding.
pub(crate) fn base64url(text: &str) -> Option<Vec<u8>> {
    // This engine refuses padding, other alphabets, and bits that are left over.
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Parses a JSON object of which no member, however deep, is there twice.
pub(crate) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Unique.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    match value {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Unique)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Unique)?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_has_one_form() {
        assert_eq!(base64url("YWI").as_deref(), Some(&b"ab"[..]));
        assert_eq!(base64url("").as_deref(), Some(&b""[..]));
        // Padding, loose bits, another alphabet, white space, a length that cannot be.
        for text in ["YWI=", "YWJ", "YW+/", "YW I", "YWI\n", "Y", "YWI.", "é"] {
            assert_eq!(base64url(text), None, "{text}");
        }
    }

    #[test]
    fn a_member_is_there_once() {
        assert!(object(br#"{"a":1,"b":[{"a":null},true,-1.5,"x"]}"#).is_some());
        let wrong: [&[u8]; 8] = [
            br#"{"a":1,"a":1}"#,
            br#"{"a":1,"\u0061":2}"#,
            br#"{"a":{"b":1,"b":2}}"#,
            br#"{"a":[{"b":1,"b":2}]}"#,
            br#"{"a":1}{"#,
            br#"["a"]"#,
            br#"{"a":NaN}"#,
            b"{\"a\":\"\xff\"}",
        ];
        for text in wrong {
            assert_eq!(object(text), None, "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(object("[".repeat(100_000).as_bytes()), None);
    }
}
