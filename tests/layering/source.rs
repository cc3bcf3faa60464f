//! As much of Rust's syntax as finding paths takes: comments and literals are
//! blanked, and what is left is read as words and signs.

use std::ops::Range;

/// A path as the code names it. Those that begin with `crate`, `self` or `super`
/// are resolved and begin with `crate`.
#[derive(Debug, PartialEq, Eq)]
pub struct Path {
    /// From 1.
    pub line: usize,
    pub segments: Vec<String>,
}

impl Path {
    /// Whether it is, or is below, `other` (`crate::journal::Mask`).
    pub fn is_in(&self, other: &str) -> bool {
        let other: Vec<&str> = other.split("::").collect();
        self.segments.len() >= other.len()
            && self.segments.iter().zip(&other).all(|(segment, wanted)| segment == wanted)
    }
}

/// Every path of two segments or more in `text`, a file of the module `module`
/// (`src/cli/local/mod.rs` is `["cli", "local"]`).
pub fn paths(text: &str, module: &[&str]) -> Vec<Path> {
    let tokens = tokens(&code(text));
    let mut reader = Reader { tokens: &tokens, module, inline: Vec::new(), found: Vec::new() };
    reader.read();
    reader.found
}

/// Every macro call in `text`: line and name.
pub fn macros(text: &str) -> Vec<(usize, String)> {
    let tokens = tokens(&code(text));
    let calls = tokens.windows(2).filter(|pair| pair[0].is_word() && pair[1].text == "!");
    calls.map(|pair| (pair[0].line, pair[0].text.clone())).collect()
}

/// Every word in `text`: line and word.
pub fn words(text: &str) -> Vec<(usize, String)> {
    let tokens = tokens(&code(text)).into_iter();
    tokens.filter(Token::is_word).map(|token| (token.line, token.text)).collect()
}

/// `text` with comments and literals blanked; lines stay where they are.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = blank_end(&chars, at);
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// Where the comment or literal that begins at `at` ends; `at` when none does.
fn blank_end(chars: &[char], at: usize) -> usize {
    let next = |offset: usize| chars.get(at + offset).copied().unwrap_or('\0');
    let find = |from: usize, ends: &dyn Fn(usize) -> bool| {
        (from..chars.len()).find(|&index| ends(index)).unwrap_or(chars.len())
    };
    match (next(0), next(1)) {
        ('/', '/') => find(at, &|index| chars[index] == '\n'),
        ('/', '*') => comment_end(chars, at),
        ('"', _) => string_end(chars, at + 1),
        ('r', '"' | '#') if at == 0 || !is_word(chars[at - 1]) || chars[at - 1] == 'b' => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            if next(1 + hashes) != '"' {
                return at;
            }
            let closes = |index: usize| {
                chars[index] == '"'
                    && chars[index + 1..].iter().take(hashes).filter(|c| **c == '#').count()
                        == hashes
            };
            (find(at + 2 + hashes, &closes) + 1 + hashes).min(chars.len())
        }
        ('\'', '\\') => find(at + 3, &|index| chars[index] == '\'') + 1,
        ('\'', _) if next(2) == '\'' => at + 3,
        _ => at,
    }
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut at = from;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// Block comments nest.
fn comment_end(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(chars.len())
}

#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is_word(&self) -> bool {
        self.text.starts_with(is_word)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Words, `::`, and single signs.
fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            tokens.push(Token { line: index + 1, text: rest[..length].to_owned() });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

struct Reader<'a> {
    tokens: &'a [Token],
    module: &'a [&'a str],
    /// Inline modules around here, and where each ends.
    inline: Vec<(String, usize)>,
    found: Vec<Path>,
}

impl Reader<'_> {
    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    fn read(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            self.inline.retain(|(_, end)| at < *end);
            if self.text(at) == "mod" && self.text(at + 2) == "{" {
                self.inline.push((self.text(at + 1).to_owned(), self.closing(at + 2)));
                at += 3;
            } else if self.tokens[at].is_word() && self.text(at + 1) == "::" {
                at = self.tree(at, &[]);
            } else {
                at += 1;
            }
        }
    }

    /// Reads the path that begins at `at`, with all its branches; returns what
    /// comes after it.
    fn tree(&mut self, mut at: usize, prefix: &[String]) -> usize {
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        let mut segments = prefix.to_vec();
        while self.tokens.get(at).is_some_and(Token::is_word) || self.text(at) == "*" {
            segments.push(self.text(at).to_owned());
            at += 1;
            if self.text(at) != "::" {
                break;
            }
            at += 1;
            if self.text(at) == "{" {
                let branches = at + 1..self.closing(at);
                let end = branches.end + 1;
                self.branches(branches, &segments);
                return end;
            }
        }
        let segments = self.resolved(segments);
        self.found.push(Path { line, segments });
        at
    }

    fn branches(&mut self, range: Range<usize>, prefix: &[String]) {
        let mut at = range.start;
        while at < range.end {
            // `as name` and commas are skipped.
            let begins = self.text(at - 1) == "," || at == range.start;
            at = if begins && self.text(at) != "," {
                self.tree(at, prefix).max(at + 1)
            } else {
                at + 1
            };
        }
    }

    /// Where the brace that opens at `open` closes.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0;
        for at in open..self.tokens.len() {
            match self.text(at) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return at;
            }
        }
        self.tokens.len()
    }

    fn resolved(&self, segments: Vec<String>) -> Vec<String> {
        if !matches!(segments[0].as_str(), "self" | "super") {
            return segments;
        }
        let mut base: Vec<String> = self.module.iter().map(|name| (*name).to_owned()).collect();
        base.extend(self.inline.iter().map(|(name, _)| name.clone()));
        let up = segments.iter().take_while(|segment| *segment == "super").count();
        base.truncate(base.len().saturating_sub(up));
        let rest =
            segments.into_iter().skip_while(|segment| segment == "self" || segment == "super");
        ["crate".to_owned()].into_iter().chain(base).chain(rest).collect()
    }
}
