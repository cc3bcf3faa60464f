use super::env::TestEnv;

/// The help of a command and of all below it, depth first, as the help itself
/// lists them.
fn walk(env: &TestEnv, path: &[&str], pages: &mut Vec<(String, String)>) {
    let mut arguments = path.to_vec();
    arguments.push("--help");
    let outcome = env.run(&arguments);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{path:?}");
    let below = subcommands(&outcome.stdout);
    pages.push((path.join(" "), outcome.text));
    for command in &below {
        let mut path = path.to_vec();
        path.push(command);
        walk(env, &path, pages);
    }
}

fn subcommands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_verb_says_what_it_does_with_an_example() {
    let mut pages = Vec::new();
    walk(&TestEnv::empty(), &[], &mut pages);
    for verb in ["init", "check", "bootstrap", "config schema", "local reset", "resume"] {
        assert!(pages.iter().any(|(path, _)| path == verb), "{verb} is not in the help");
    }
    for (path, page) in &pages {
        assert!(page.contains("Example"), "the help of `{path}` has no example");
        let own = page.lines().nth(1).unwrap_or_default();
        assert!(own.len() > 10 && !own.ends_with('.'), "`{path}` begins with {own:?}");
    }
    // The flags of every verb are shown once, by the top: they are the same everywhere.
    let pages: Vec<String> = pages
        .into_iter()
        .enumerate()
        .map(|(index, (_, page))| match page.split_once("\nGlobal options:\n") {
            Some((own, global)) if index > 0 => {
                let after = global.split_once("\n\nExample").map_or("", |(_, after)| after);
                format!("{own}\n[global options]\n\nExample{after}")
            }
            _ => page,
        })
        .collect();
    insta::assert_snapshot!(pages.join("\n\n"));
}

#[test]
fn the_version_is_that_of_the_package() {
    let outcome = TestEnv::empty().run(&["--version"]);
    assert_eq!(outcome.stdout, concat!("platformctl ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn no_verb_is_a_usage_error_that_shows_the_verbs() {
    let outcome = TestEnv::empty().run(&[]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert!(outcome.stderr.contains("bootstrap") && outcome.stderr.contains("Examples:"));
}
