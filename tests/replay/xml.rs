//! The little XML that the query protocol needs.

/// Text as it stands between tags.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An element with text in it.
pub fn text(name: &str, value: &str) -> String {
    element(name, &escape(value))
}

/// An element with elements in it.
pub fn element(name: &str, inside: &str) -> String {
    format!("<{name}>{inside}</{name}>")
}

/// A list.
pub fn list(name: &str, items: impl IntoIterator<Item = String>) -> String {
    let members: String = items.into_iter().map(|item| element("member", &item)).collect();
    element(name, &members)
}

/// The answer to an operation.
pub fn result(operation: &str, inside: &str) -> String {
    let result = element(&format!("{operation}Result"), inside);
    element(&format!("{operation}Response"), &result)
}
