//! What a plain scalar means in YAML 1.1, the version that CloudFormation reads.

use serde_json::{Number, Value};

/// The value of text that stands without quotes and without a tag.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        _ => number(text).map_or_else(|| Value::from(text), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if let Some((radix, digits)) = radix(digits) {
        let digits = digits.replace('_', "");
        let value = i64::from_str_radix(&digits, radix).ok()?;
        return Some(Number::from(if negative { -value } else { value }));
    }
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-' | '_');
    // A lone point, or a date such as 2012-10-17, is text.
    if !digits.contains(|c: char| c.is_ascii_digit()) || !digits.chars().all(allowed) {
        return None;
    }
    let text = text.replace('_', "");
    let text = text.strip_prefix('+').unwrap_or(&text);
    if let Ok(value) = text.parse::<i64>() {
        return Some(Number::from(value));
    }
    if let Ok(value) = text.parse::<u64>() {
        return Some(Number::from(value));
    }
    // Account ids and the like stay exact.
    let is_fraction = text.contains(['.', 'e', 'E']);
    text.parse().ok().filter(|_| is_fraction).and_then(Number::from_f64)
}

/// `0x16` and `026`; not `0`, `0.5` or `089`.
fn radix(digits: &str) -> Option<(u32, &str)> {
    let after = digits.strip_prefix('0').filter(|rest| !rest.is_empty())?;
    let (radix, rest) = match after.strip_prefix('x') {
        Some(rest) => (16, rest),
        None => (8, after),
    };
    let fits = |c: char| c == '_' || c.is_digit(radix);
    (!rest.is_empty() && rest.chars().all(fits)).then_some((radix, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::plain;

    #[test]
    fn plain_scalars_are_those_of_yaml_1_1() {
        for (text, value) in [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("~", json!(null)),
            ("22", json!(22)),
            ("-1", json!(-1)),
            ("+7", json!(7)),
            ("026", json!(22)),
            ("0x16", json!(22)),
            ("65_535", json!(65535)),
            ("0.5", json!(0.5)),
            ("1e3", json!(1000.0)),
            // These stay text.
            ("089", json!(89)),
            ("2012-10-17", json!("2012-10-17")),
            ("10.0.0.0", json!("10.0.0.0")),
            ("123456789012345678901234567890", json!("123456789012345678901234567890")),
            ("-", json!("-")),
            (".", json!(".")),
            ("arn:aws:s3:::a", json!("arn:aws:s3:::a")),
            ("y", json!("y")),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
    }
}
