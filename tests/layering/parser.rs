//! The checks see what they are for: each of them fails on a snippet.

use super::{File, against_the_arrows, dependencies, prints, source};

fn file(name: &str, text: &str) -> File {
    File { name: name.to_owned(), text: text.to_owned() }
}

fn named(text: &str, module: &[&str]) -> Vec<String> {
    let paths = source::paths(text, module).into_iter();
    paths.map(|path| format!("{} {}", path.line, path.segments.join("::"))).collect()
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = r##"
// crate::a /* and */ crate::b
/* crate::c /* crate::d */ crate::e */
//! [`crate::f`]
let x = "crate::g \" crate::h"; let y = r#"crate::i " crate::j"#; let z = b"crate::k";
let c = ':'; let d = '\''; let e: &'static str = crate::real::NAME; let f = '"'; crate::other();
"##;
    assert_eq!(named(text, &[]), ["6 crate::real::NAME", "6 crate::other"]);
}

#[test]
fn every_branch_of_an_import_is_seen() {
    let text =
        "use crate::{\n    aws::{self, Regional as R},\n    error::Error, ui,\n};\nuse a::*;\n";
    assert_eq!(
        named(text, &[]),
        [
            "2 crate::aws::self",
            "2 crate::aws::Regional",
            "3 crate::error::Error",
            "3 crate::ui",
            "5 a::*"
        ]
    );
}

#[test]
fn relative_paths_are_resolved() {
    let text = "use super::ui::Ui;\nuse self::x::Y;\nmod tests {\n    use super::super::ui;\n}\nfn f() { super::cli::g() }\n";
    assert_eq!(
        named(text, &["deploy", "dag"]),
        [
            "1 crate::deploy::ui::Ui",
            "2 crate::deploy::dag::x::Y",
            "4 crate::deploy::ui",
            "6 crate::deploy::cli::g"
        ]
    );
    assert_eq!(named("use super::cli::Ctx;", &["plan"]), ["1 crate::cli::Ctx"]);
}

#[test]
fn an_import_against_the_arrows_is_found_at_its_line() {
    let found = |name, text| against_the_arrows(&file(name, text));
    let up = "use crate::error::Error;\n\nuse crate::{config, cli::Ctx};\n";
    assert_eq!(
        found("src/plan/mod.rs", up),
        ["src/plan/mod.rs:3: plan may not use crate::cli::Ctx"]
    );
    assert!(found("src/cli/deploy.rs", up).is_empty());
    assert_eq!(found("src/guard/mod.rs", "fn f() { crate::plan::digest(1) }").len(), 1);
    assert_eq!(found("src/config/mod.rs", "use super::guard;").len(), 1);
    assert_eq!(found("src/local/mod.rs", "use crate::journal::Mask;").len(), 1);
    assert_eq!(found("src/aws/mod.rs", "use crate::journal::{Mask, Journal};").len(), 1);
    assert_eq!(found("src/deploy/mod.rs", "use crate::ui::Table;").len(), 1);
    assert_eq!(found("src/deploy/mod.rs", "use crate::build::Builder;").len(), 1);
    assert_eq!(found("src/journal/mod.rs", "use stacks::cfn;").len(), 1);
    assert_eq!(found("src/new/mod.rs", "")[0], "src/new/mod.rs:1: new has no place in LAYERS");
}

#[test]
fn printing_is_found() {
    let found = |text| prints(&file("src/plan/mod.rs", text)).len();
    assert_eq!(found("fn f() {\n    println!(\"x\");\n    eprint!(\"y\");\n}"), 2);
    assert_eq!(found("use std::io::{self, stderr};\nfn f() { io::stdout().lock(); }"), 2);
    assert_eq!(
        found("// println!\nfn f() { command.stdout(Stdio::piped()); writeln!(f, \"\") }"),
        0
    );
}

#[test]
fn dependencies_are_read_from_every_section() {
    let manifest = "[package]\nname = \"tokio\"\n[dependencies]\nserde.workspace = true\n# clap = 1\nx = { package = \"clap\", version = \"4\" }\n\n[build-dependencies.tokio]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\nrustix = \"1\"\n[lints]\nworkspace = true\n";
    let found: Vec<_> = dependencies(manifest);
    let expected = [(4, "serde"), (6, "clap"), (8, "tokio"), (11, "rustix")];
    assert_eq!(found, expected.map(|(line, name)| (line, name.to_owned())));
}
