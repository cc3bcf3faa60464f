//! What each verb of the command line does to the platform, for runbooks that name it: the
//! one table of that.

use crate::runbook::Effect;

/// Verbs that a runbook may name, and what doing them twice comes to. Whether a verb can
/// show what it would do (`--dry-run`), clap says.
pub(super) const VERBS: [(&str, Effect); 56] = [
    ("config show", Effect::Reads),
    ("check", Effect::Reads),
    ("explain", Effect::Reads),
    ("graph", Effect::Reads),
    ("diff", Effect::Reads),
    ("status", Effect::Reads),
    ("outputs", Effect::Reads),
    ("runs", Effect::Reads),
    ("events", Effect::Reads),
    ("tenant list", Effect::Reads),
    ("tenant show", Effect::Reads),
    ("local status", Effect::Reads),
    ("ops failover-lock-show", Effect::Reads),
    ("ops failover-status", Effect::Reads),
    ("ops dlq-list", Effect::Reads),
    ("ops dlq-inspect", Effect::Reads),
    ("ops top-tenants", Effect::Reads),
    ("lock show", Effect::Reads),
    ("trace", Effect::Reads),
    ("ops quota-report", Effect::Reads),
    ("ops invocation-report", Effect::Reads),
    ("ops security-events", Effect::Reads),
    ("bench history", Effect::Reads),
    ("bench show", Effect::Reads),
    ("ops tenant-sessions", Effect::Reads),
    ("ops error-rate", Effect::Reads),
    ("ops policy", Effect::Reads),
    ("bench compare", Effect::Reads),
    // What they make is named by its digest: the same twice is as good as once.
    ("build", Effect::Resumes),
    ("synth", Effect::Resumes),
    // Runs of their own, which `resume` goes on with; done again, they find it done.
    ("bootstrap", Effect::Resumes),
    ("deploy", Effect::Resumes),
    ("destroy", Effect::Resumes),
    ("rollback", Effect::Resumes),
    ("tenant create", Effect::Resumes),
    ("tenant update", Effect::Resumes),
    ("tenant suspend", Effect::Resumes),
    ("tenant reinstate", Effect::Resumes),
    ("tenant delete", Effect::Resumes),
    ("tenant audit-export", Effect::Resumes),
    ("ops suspend-tenant", Effect::Resumes),
    ("ops reinstate-tenant", Effect::Resumes),
    ("ops set-runtime-region", Effect::Resumes),
    ("ops failover-lock-acquire", Effect::Resumes),
    ("ops failover-lock-release", Effect::Resumes),
    ("ops dlq-redrive", Effect::Resumes),
    ("ops dlq-purge", Effect::Resumes),
    ("ops audit-export", Effect::Resumes),
    ("bench efs", Effect::Resumes),
    ("ops notify-tenant", Effect::Resumes),
    ("bench invoke", Effect::Resumes),
    ("bench redrive", Effect::Resumes),
    // Measured again, they leave nothing behind but one more result.
    ("bench synth", Effect::Resumes),
    ("bench lock", Effect::Resumes),
    ("bench report", Effect::Resumes),
    // Nobody can tell what a function does; an `invoke` step says whether it only reads.
    ("invoke", Effect::Unknown),
];

/// Verbs that no runbook may name, and why.
pub(super) const REFUSED: [(&str, &str); 12] = [
    ("init", "it asks for what a platform.yaml says"),
    ("login", "people log in before they run a runbook"),
    ("logout", "whoever runs it stays who they are"),
    ("resume", "a runbook goes on with its own steps"),
    ("runbook", "a runbook names steps, and no other runbook"),
    ("config schema", "it prints what no step needs"),
    ("local up", "where a runbook acts was decided when it was run"),
    ("local down", "where a runbook acts was decided when it was run"),
    ("local", "what it prints or changes is this machine's alone"),
    ("lock break", "whoever breaks a lock has looked who holds it"),
    ("ops overview", "it is for people at a terminal"),
    ("help", "it is for people"),
];

/// What doing a verb twice comes to; an error says why no runbook may name it.
pub(super) fn effect(path: &str) -> Result<Effect, Option<&'static str>> {
    if let Some((_, effect)) = VERBS.iter().find(|(name, _)| *name == path) {
        return Ok(*effect);
    }
    let below = |name: &str| path == name || path.starts_with(&format!("{name} "));
    Err(REFUSED.iter().find(|(name, _)| below(name)).map(|(_, why)| *why))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn walk(command: &clap::Command, path: &str, all: &mut Vec<String>) {
        for below in command.get_subcommands().filter(|it| it.get_name() != "help") {
            let path = format!("{path} {}", below.get_name()).trim().to_owned();
            if below.has_subcommands() {
                walk(below, &path, all);
            } else {
                all.push(path);
            }
        }
    }

    /// Whoever adds a verb says here what it does.
    #[test]
    fn every_verb_is_in_the_table_or_refused() {
        let mut all = Vec::new();
        walk(&Cli::command(), "", &mut all);
        let unknown: Vec<_> = all.iter().filter(|path| matches!(effect(path), Err(None))).collect();
        assert!(unknown.is_empty(), "say in src/cli/runbook/verbs.rs what they do: {unknown:?}");
    }

    /// What changes something and cannot show it first is known: it is printed in a dry run.
    #[test]
    fn verbs_that_change_something_can_rehearse_but_for_these() {
        let root = Cli::command();
        let cannot: Vec<_> = VERBS
            .iter()
            .filter(|(_, effect)| *effect != Effect::Reads)
            .filter_map(|(path, _)| {
                let mut words = path.split(' ');
                let found = words.try_fold(&root, |at, word| at.find_subcommand(word))?;
                let rehearses = found.get_arguments().any(|it| it.get_long() == Some("dry-run"));
                (!rehearses).then_some(*path)
            })
            .collect();
        assert_eq!(cannot, ["build", "synth", "bench synth", "bench report", "invoke"]);
    }
}
