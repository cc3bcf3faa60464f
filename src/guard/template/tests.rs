use std::io::Cursor;

use super::*;
use crate::error::exit;

const GOOD: &str = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n";

fn refused(text: &str) -> String {
    let error = Template::parse("t.yaml", text).expect_err("bad input");
    assert_eq!(error.exit_code(), exit::USAGE);
    error.to_string()
}

fn no_stdin() -> Box<dyn Read> {
    Box::new(std::io::empty())
}

#[test]
fn what_is_no_template_is_refused_with_its_line() {
    insta::assert_snapshot!(refused(""), @"t.yaml:1:1: the file is empty");
    insta::assert_snapshot!(refused("# nothing\n"), @"t.yaml:1:1: the file is empty");
    insta::assert_snapshot!(refused("- a\n- b\n"), @"t.yaml:1:1: a list is no template");
    insta::assert_snapshot!(refused("just words\n"), @"t.yaml:1:1: a text is no template");
    insta::assert_snapshot!(refused("name: ci\non: push\njobs: {}\n"), @"t.yaml:1:1: no `Resources` here, only name, on, jobs");
    insta::assert_snapshot!(refused("# a\napiVersion: v1\nkind: Pod\nmetadata: {}\n"), @"t.yaml:2:1: this is a Kubernetes manifest (Pod)");
    insta::assert_snapshot!(refused("Description: x\nResources:\n"), @"t.yaml:2:1: Resources: holds nothing, no resource");
    insta::assert_snapshot!(refused("Resources: {}\n"), @"t.yaml:1:1: Resources: holds an empty mapping, no resource");
    insta::assert_snapshot!(refused("Resources: [a]\n"), @"t.yaml:1:1: Resources: holds a list, no resource");
    insta::assert_snapshot!(refused("Resources:\n  A: b\n"), @"t.yaml:2:3: Resources.A: a text is no resource");
    insta::assert_snapshot!(refused("Resources:\n  A:\n    Properties: {}\n"), @"t.yaml:2:3: Resources.A: this resource has no `Type`");
    insta::assert_snapshot!(refused("Resources:\n  A:\n    Type: T\n    Properties: [1]\n"), @"t.yaml:4:5: Resources.A.Properties: a list is not properties by name");
}

#[test]
fn circles_are_named() {
    let resources = |lines: &str| refused(&format!("Resources:\n{lines}"));
    insta::assert_snapshot!(resources("  A: {Type: T, Properties: {X: !Ref B}}\n  B: {Type: T, Properties: {X: !GetAtt C.Arn}}\n  C: {Type: T, DependsOn: [D]}\n  D: {Type: T, Properties: {X: !Sub '${!E}${A.Arn}'}}\n  E: {Type: T}\n"), @"t.yaml:2:37: Resources.A: resources depend on each other in a circle: A → B → C → D → A");
    insta::assert_snapshot!(resources("  E: {Type: T, DependsOn: A}\n  A: {Type: T, Properties: {X: [!Ref A]}}\n"), @"t.yaml:3:38: Resources.A: resources depend on each other in a circle: A → A");
    let chain = |number: usize, last: usize| -> String {
        let link = |at: usize| {
            let next = if at + 1 == number { last } else { at + 1 };
            format!("  R{at}: {{Type: T, DependsOn: R{next}}}\n")
        };
        (0..number).map(link).collect()
    };
    insta::assert_snapshot!(resources(&chain(20_000, 3)), @"t.yaml:5:17: Resources.R3: resources depend on each other in a circle: R3 → R4 → R5 → R6 → R7 → … (19997 resources) … → R19999 → R3");
    // Long, but no circle: the last depends on what does not exist.
    Template::parse("t.yaml", &format!("Resources:\n{}", chain(20_000, 99_999))).expect("good");
}

#[test]
fn what_looks_like_a_circle_and_is_none() {
    for lines in [
        "  A: {Type: T, Properties: {X: !Ref B, Y: !Ref B}}\n  B: {Type: T}\n",
        "  A: {Type: T, Metadata: {X: !Ref A}}\n",
        "  A: {Type: T, Properties: {X: '${A}', Y: {Fn::Sub: '${!A}'}}}\n",
        "  A: {Type: T, Properties: {X: !Sub ['${A}', {A: 1}]}}\n",
        "  A: {Type: T, Condition: A, Properties: {Ref: A, Other: 1}}\n",
    ] {
        Template::parse("t.yaml", &format!("Resources:\n{lines}")).expect(lines);
    }
}

#[test]
fn a_finding_is_found_in_the_file() {
    let text = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Role:\n    Type: AWS::IAM::Role\n    DeletionPolicy: Delete\n    Properties:\n\
        \x20     Policies:\n        - Fn::If:\n          - Prod\n          - PolicyDocument:\n              Statement:\n\
        \x20               Action: a\n          - PolicyDocument:\n              Statement:\n                - Action: a\n\
        \x20                 Resource: '*'\n  Fn::ForEach::Loop: []\n";
    let template = Template::parse("a/t.yaml", text).expect("a template");
    assert_eq!((template.name.as_str(), template.file.as_str()), ("t", "a/t.yaml"));
    let line = |property: &str| {
        let finding = Finding::new("r", Severity::Error, "t", "Role", "", property, "", "", "", "");
        let source = template.source_of(&finding);
        assert_eq!(source.file, "a/t.yaml");
        (source.line, source.column)
    };
    assert_eq!(line("Policies.0.PolicyDocument.Statement.0.Action"), (12, 17));
    assert_eq!(line("Policies.0.PolicyDocument.Statement.0.Resource"), (16, 19));
    assert_eq!(line("Policies.0.Nothing"), (8, 11));
    assert_eq!(line("Tags"), (3, 3));
    assert_eq!(line("DeletionPolicy"), (5, 5));
    let unseen: Vec<_> = template.unseen().into_iter().map(|it| it.place()).collect();
    assert_eq!(unseen, ["t / Transform", "t / Fn::ForEach::Loop"]);
}

#[test]
fn files_are_read_within_bounds_and_named_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    let a = write("a/network.yaml", GOOD.as_bytes());
    let b = write("b/network.yaml", GOOD.as_bytes());
    let c = write("b/other.template", GOOD.as_bytes());
    let stdin = || Box::new(Cursor::new(GOOD)) as Box<dyn Read>;
    let files = [a.clone(), b.clone(), c, PathBuf::from("-")];
    let loaded = load(&files, &stdin).expect("templates");
    let names: Vec<&str> = loaded.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, [a.to_str().expect("text"), b.to_str().expect("text"), "other", "stdin"]);

    let refused = |path: PathBuf| {
        let error = load(&[path], &no_stdin).expect_err("bad input");
        assert_eq!(error.exit_code(), exit::USAGE);
        assert!(!error.hints().is_empty(), "{error}");
        error.to_string().replace(&folder.path().display().to_string(), "")
    };
    let large = format!("{GOOD}# {}", "x".repeat(MAX_BYTES));
    insta::assert_snapshot!(refused(write("large.yaml", large.as_bytes())), @"/large.yaml: has more than 1048576 bytes");
    insta::assert_snapshot!(refused(write("binary", b"Resources:\n  \xff\xfe")), @"/binary:2:1: is no UTF-8 text, from byte 13 on");
    insta::assert_snapshot!(refused(write("zero", &[0; 64])), @"/zero:1:1: this is no text: it has a zero byte");
    insta::assert_snapshot!(refused(folder.path().join("a")), @"/a is a folder, not a template");
    insta::assert_snapshot!(refused(folder.path().join("missing")), @"cannot read /missing");
    insta::assert_snapshot!(refused(PathBuf::from("/dev/zero")), @"/dev/zero: has more than 1048576 bytes");
    insta::assert_snapshot!(refused(PathBuf::from("-")), @"stdin:1:1: the file is empty");
    assert!(load(&[a.clone(), a], &no_stdin).is_err(), "the same file twice");
    let twice = [PathBuf::from("-"), PathBuf::from("-")];
    assert!(load(&twice, &no_stdin).is_err(), "stdin twice");
}

#[test]
fn too_many_outcomes_are_refused() {
    let nested = |depth: usize| {
        let chain = (0..depth).fold("x".to_owned(), |inner, _| format!("!If [C, y, {inner}]"));
        format!("Resources:\n  A:\n    Type: T\n    Properties: {{P: {chain}}}\n")
    };
    Template::parse("t.yaml", &nested(30)).expect("31 outcomes");
    let wide = |depth: usize| {
        let tree = (0..depth).fold("x".to_owned(), |inner, _| format!("!If [C, {inner}, {inner}]"));
        format!("Resources:\n  A:\n    Type: T\n    Properties: {{P: {tree}}}\n")
    };
    Template::parse("t.yaml", &wide(6)).expect("64 outcomes");
    insta::assert_snapshot!(refused(&wide(7)), @"t.yaml:1:1: Resources: an `Fn::If` here has more than 64 outcomes");
}
