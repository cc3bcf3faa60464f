//! The text between `<<` and `>>` of a rule.

use super::finding::Severity;

/// A message: fields by name, or free text when it has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// What goes wrong.
    pub(super) why: Option<String>,
    /// What to do.
    pub(super) fix: Option<String>,
    /// What is wanted, in words.
    pub(super) wanted: Option<String>,
    /// What was found, in words; for rules that compare something else.
    pub(super) found: Option<String>,
    /// The property that is meant, when the rule compares another.
    pub(super) property: Option<String>,
    /// Whether a finding fails the check.
    pub(super) severity: Option<Severity>,
    /// What stands before the first field.
    pub(super) text: String,
}

impl Message {
    /// Reads `why: …`, `fix: …` and so on. A field goes on over the following
    /// lines; the engine sometimes gives line ends as semicolons.
    pub(super) fn parse(text: &str) -> Self {
        let mut message = Self::default();
        let mut field = "";
        let mut parts: Vec<&str> = Vec::new();
        for line in text.lines().flat_map(split_line).map(str::trim).filter(|it| !it.is_empty()) {
            match split_field(line) {
                Some((name, rest)) => {
                    message.set(field, &parts);
                    field = name;
                    parts = vec![rest];
                }
                None => parts.push(line),
            }
        }
        message.set(field, &parts);
        message
    }

    fn set(&mut self, field: &str, parts: &[&str]) {
        let text = parts.join(" ").trim().to_owned();
        match field {
            "why" => self.why = Some(text),
            "fix" => self.fix = Some(text),
            "wanted" => self.wanted = Some(text),
            "found" => self.found = Some(text),
            "property" => self.property = Some(text),
            "severity" => self.severity = Severity::parse(&text),
            // The id is the rule's name; it stands there for users of plain cfn-guard.
            "id" => {}
            _ => self.text = text,
        }
    }
}

/// Splits at the semicolons that a field follows; others are punctuation.
fn split_line(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, _) in line.match_indices(';') {
        if split_field(line[at + 1..].trim_start()).is_some() {
            pieces.push(&line[start..at]);
            start = at + 1;
        }
    }
    pieces.push(&line[start..]);
    pieces
}

fn split_field(line: &str) -> Option<(&str, &str)> {
    const FIELDS: [&str; 7] = ["id", "why", "fix", "wanted", "found", "property", "severity"];
    let (name, rest) = line.split_once(':')?;
    FIELDS.contains(&name).then(|| (name, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_on_over_lines() {
        let message = Message::parse("id: a-b\n  wanted: true\n  why: one\n    two\n  fix: three");
        assert_eq!(message.wanted.as_deref(), Some("true"));
        assert_eq!(message.why.as_deref(), Some("one two"));
        assert_eq!(message.fix.as_deref(), Some("three"));
        let flat = Message::parse("id: a;  why: one; and two;  fix: three");
        assert_eq!(flat.why.as_deref(), Some("one; and two"));
    }

    #[test]
    fn free_text_is_kept() {
        let message = Message::parse(" Buckets: must be\n private ");
        assert_eq!(
            message,
            Message { text: "Buckets: must be private".into(), ..Message::default() }
        );
    }
}
