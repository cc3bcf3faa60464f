use std::time::Instant;

use serde_json::json;

use super::*;
use crate::error::exit;

fn value(text: &str) -> Value {
    Node::parse("t.yaml", text).expect("a document").to_value()
}

fn refused(text: &str) -> String {
    let started = Instant::now();
    let error = Node::parse("t.yaml", text).expect_err("bad input");
    assert!(started.elapsed().as_secs() < 20, "{error}");
    assert_eq!(error.exit_code(), exit::USAGE);
    let hints: String = error.hints().iter().map(|hint| format!(" | {hint}")).collect();
    format!("{error}{hints}")
}

#[test]
fn short_forms_are_long_forms() {
    let text = "a: !Ref B\nb: !GetAtt C.D.E\nc: !Sub ['${X}', {X: !Ref Y}]\n\
        d: !If [Prod, !Ref 'AWS::NoValue', !Join ['', [a, !Select [0, !GetAZs '']]]]\n\
        e: !GetAtt [C, D]\nf: !Condition G\n";
    assert_eq!(
        value(text),
        json!({
            "a": { "Ref": "B" },
            "b": { "Fn::GetAtt": ["C", "D.E"] },
            "c": { "Fn::Sub": ["${X}", { "X": { "Ref": "Y" } }] },
            "d": { "Fn::If": ["Prod", { "Ref": "AWS::NoValue" },
                { "Fn::Join": ["", ["a", { "Fn::Select": [0, { "Fn::GetAZs": "" }] }]] }] },
            "e": { "Fn::GetAtt": ["C", "D"] },
            "f": { "Condition": "G" }
        })
    );
}

#[test]
fn quotes_make_text_and_tags_of_yaml_make_types() {
    let text = "a: '22'\nb: \"yes\"\nc: no\nd: !!str 22\ne: |\n  yes\nf: 2012-10-17\n1: x\n";
    assert_eq!(
        value(text),
        json!({ "a": "22", "b": "yes", "c": false, "d": "22", "e": "yes\n", "f": "2012-10-17", "1": "x" })
    );
}

#[test]
fn json_is_read_as_json() {
    let text = "\u{feff}{ \"a\": [1, -2.5e3, true, null],\n  \"b\\n\": \"\\ud83d\\ude00 \\/\", \"no\": \"no\" }";
    let node = Node::parse("t.json", text).expect("JSON");
    assert_eq!(
        node.to_value(),
        json!({ "a": [1, -2500.0, true, null], "b\n": "😀 /", "no": "no" })
    );
    let entry = node.entry("b\n").expect("an entry");
    assert_eq!((entry.key_mark.line, entry.key_mark.column), (2, 3));
    assert_eq!(entry.value.mark.column, 10);
    // Braces of YAML: no quotes, a comment.
    assert_eq!(value("{ a: !Ref B } # c"), json!({ "a": { "Ref": "B" } }));
}

#[test]
fn every_value_knows_its_place() {
    let node = Node::parse("t.yaml", "a:\n  - b: 1\n    ü: {c: x}\n").expect("YAML");
    let item = &node.get("a").expect("a").items()[0];
    let inner = item.entry("ü").expect("ü");
    assert_eq!((inner.key_mark.line, inner.key_mark.column), (3, 5));
    assert_eq!(inner.value.entry("c").expect("c").key_mark.column, 9);
}

#[test]
fn aliases_and_merge_keys_are_expanded() {
    let text = "base: &base {a: 1, b: 2}\nlist: &list [x]\none: {<<: *base, b: 3}\n\
        two:\n  <<: [*base, {c: 4}]\n  l: *list\n";
    let value = value(text);
    assert_eq!(value["one"], json!({ "b": 3, "a": 1 }));
    assert_eq!(value["two"], json!({ "l": ["x"], "a": 1, "b": 2, "c": 4 }));
}

#[test]
fn a_billion_laughs_are_refused() {
    let mut text = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..30 {
        let below = level - 1;
        let aliases = vec![format!("*a{below}"); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    insta::assert_snapshot!(refused(&text), @"t.yaml:6:10: aliases expand to more than 1048576 bytes | write the values out; CloudFormation itself takes no more than 1 MB");
    // One large value many times.
    let large = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a,".repeat(20));
    assert!(refused(&large).contains("aliases expand to more than 1048576 bytes"));
    // By way of merge keys.
    let mut text = String::from("m0: &m0 {k: v}\n");
    for level in 1..40 {
        let below = level - 1;
        text.push_str(&format!(
            "m{level}: &m{level}\n  x{level}: *m{below}\n  y{level}: *m{below}\n  <<: *m{below}\n"
        ));
    }
    assert!(refused(&text).contains("aliases expand"), "{}", refused(&text));
    insta::assert_snapshot!(refused("a: &a [*a]\n"), @"t.yaml:1:8: this alias stands within what it refers to | write the value out; CloudFormation has no values that contain themselves");
    insta::assert_snapshot!(refused("a: *nobody\n"), @"t.yaml:1:4: malformed YAML: while parsing node, found unknown anchor | indent with spaces, and close every quote and bracket");
}

#[test]
fn keys_stand_once() {
    insta::assert_snapshot!(refused("a:\n  b: 1\n  c: 2\n  b: 3\n"), @"t.yaml:4:3: key `b` stands here again; first in line 2 | remove one: which of the two counts depends on who reads the file");
    insta::assert_snapshot!(refused("{\"a\": 1,\n \"\\u0061\": 2}"), @"t.yaml:2:2: key `a` stands here again; first in line 1 | remove one: which of the two counts depends on who reads the file");
    insta::assert_snapshot!(refused("? [a]\n: b\n"), @"t.yaml:1:3: this key is no plain text | the keys of a template are names; quote text that begins with `!`, `{`, `[` or `*`");
    insta::assert_snapshot!(refused("!Sub a: b\n"), @"t.yaml:1:6: this key is no plain text | the keys of a template are names; quote text that begins with `!`, `{`, `[` or `*`");
}

#[test]
fn malformed_text_is_refused_at_its_line() {
    insta::assert_snapshot!(refused("a: [1\nb: 2\n"), @"t.yaml:2:2: malformed YAML: illegal placement of ':' indicator | indent with spaces, and close every quote and bracket");
    insta::assert_snapshot!(refused("a:\n\t- b\n"), @"t.yaml:2:2: malformed YAML: tabs disallowed within this context (block indentation) | indent with spaces, and close every quote and bracket");
    insta::assert_snapshot!(refused("{\"a\": 1,\n \"b\" 2}"), @"t.yaml:2:6: malformed YAML: invalid trailing content after double-quoted scalar | indent with spaces, and close every quote and bracket");
    insta::assert_snapshot!(refused("a: 1\n---\nb: 2\n"), @"t.yaml:2:1: a second document begins here; expected one | a template is one document: split the file at its `---`");
    insta::assert_snapshot!(refused("a: !Reff b\n"), @"t.yaml:1:10: tag !Reff is no intrinsic function of CloudFormation | did you mean `!Ref`?");
    insta::assert_snapshot!(refused("a: !!binary b\n"), @"t.yaml:1:13: tag tag:yaml.org,2002:binary is not known | expected an intrinsic function of CloudFormation, such as !Ref or !Sub");
    insta::assert_snapshot!(refused("a: 1 # b\u{2028}c: 2\n"), @r#"t.yaml:1:9: a Unicode line separator, which readers of YAML take differently | write a plain line end, or an escape such as "\u2028" within quotes"#);
    insta::assert_snapshot!(refused("a: 1\n\0b: 2\n"), @"t.yaml:2:1: this is no text: it has a zero byte | is this the right file? In UTF-16, save it as UTF-8");
    let error = Node::parse("t.json", "{\"a\": 1,\n \"b\" 2}").expect_err("no JSON");
    insta::assert_snapshot!(error, @"t.json:2:6: malformed JSON: expected `:`");
    insta::assert_snapshot!(refused("a: {<<: 1}\n"), @"t.yaml:1:9: `<<` takes a mapping, not a number");
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    let deep = 500_000;
    for text in [
        "[".repeat(deep),
        "{\"a\":".repeat(deep),
        "{a: ".repeat(deep),
        "- ".repeat(deep),
        format!("{{\"a\": {}{}}}", "[".repeat(126), "]".repeat(126)),
        (0..150).map(|level| format!("{}a:\n", " ".repeat(level))).collect(),
        format!("a: {}x{}\n", "!Sub [".repeat(99), "]".repeat(99)),
    ] {
        let error = refused(&text);
        assert!(error.contains("levels deep"), "{error}");
    }
}

/// Whatever it is, it takes no more than seconds, and is no panic.
#[test]
fn large_and_odd_inputs_take_bounded_time() {
    let megabyte = 1 << 20;
    for text in [
        "a".repeat(megabyte),
        "a: b\n".repeat(megabyte / 5),
        "- a\n".repeat(megabyte / 4),
        "'".repeat(megabyte),
        "\"\\".repeat(megabyte / 2),
        "&a ".repeat(megabyte / 3),
        "!a ".repeat(megabyte / 3),
        "? ".repeat(megabyte / 2),
        "\n".repeat(megabyte),
        " ".repeat(megabyte),
        "# c\n".repeat(megabyte / 4),
        "--- \n".repeat(megabyte / 5),
        "a: |\n".repeat(megabyte / 5),
        "%TAG ! a\n".repeat(megabyte / 9),
        "\0".repeat(megabyte),
        (0..megabyte / 12).map(|it| format!("k{it}: {it}\n")).collect(),
    ] {
        let started = Instant::now();
        let _ = Node::parse("t.yaml", &text);
        assert!(started.elapsed().as_secs() < 20, "{}", &text[..8]);
    }
}

#[test]
fn a_cut_or_damaged_document_is_no_panic() {
    let text = "A: &x\n  - !Sub ['${B}', {B: \"c\\n\"}]\n  - {d: 'e', <<: *x}\nF: |-\n  g\n? h\n: >\n  i\n";
    for at in 0..text.len() {
        let _ = Node::parse("t.yaml", &text[..at]);
        for odd in ["[", "}", "\t", "*", "&", "!", ":", "'", "\"", "\u{0}", "---\n", "<<", "%"] {
            let _ = Node::parse("t.yaml", &format!("{}{odd}{}", &text[..at], &text[at..]));
        }
    }
}
