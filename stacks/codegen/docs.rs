//! Schema descriptions to doc comments that rustdoc takes without warnings.

const LONGEST: usize = 400;

/// The first sentences of a description, or `otherwise` when there is none.
pub(super) fn comment(description: Option<&str>, otherwise: &str) -> String {
    let text = plain(description.unwrap_or_default());
    let text = shortened(&text);
    if text.is_empty() { otherwise.to_owned() } else { text }
}

/// Drops links, HTML and markup that spans lines; what is left is one paragraph.
fn plain(text: &str) -> String {
    let text = text.replace("``", "`");
    let text = without(&text, '<', '>');
    let text = link_texts(&text);
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if word.contains("://") { words.push("(link)".into()) } else { words.push(word.into()) }
    }
    let text = words.join(" ");
    // An odd backtick opens code that never ends.
    let text =
        if text.matches('`').count().is_multiple_of(2) { text } else { text.replace('`', "") };
    let mut out = String::new();
    let mut code = false;
    for c in text.chars() {
        code ^= c == '`';
        if !code && matches!(c, '[' | ']' | '*' | '_' | '\\' | '|') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn without(text: &str, open: char, close: char) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(open) {
        out.push_str(&rest[..start]);
        match rest[start..].find(close) {
            Some(end) => rest = &rest[start + end + close.len_utf8()..],
            None => rest = &rest[start + open.len_utf8()..],
        }
    }
    out.push_str(rest);
    out.replace(close, "")
}

/// `[text](target)` to `text`.
fn link_texts(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(middle) = rest.find("](") {
        let (before, after) = rest.split_at(middle);
        if let (Some(open), Some(end)) = (before.rfind('['), after.find(')')) {
            out.push_str(&before[..open]);
            out.push_str(&before[open + 1..]);
            rest = &after[end + 1..];
        } else {
            out.push_str(before);
            rest = &after[1..];
        }
    }
    out.push_str(rest);
    out
}

/// Whole sentences up to the limit, at least one.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = text
        .match_indices(". ")
        .map(|(index, _)| index + 1)
        .take_while(|&end| end <= LONGEST)
        .filter(|&end| text[..end].matches('`').count().is_multiple_of(2))
        .last();
    match end {
        Some(end) => text[..end].to_owned(),
        None => String::new(),
    }
}
