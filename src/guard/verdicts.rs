//! What each rule says about each stack.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What a rule says about a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing in the template is of the rule's kind.
    Skip,
    /// All that is of its kind is as wanted.
    Pass,
    /// Something is not.
    Fail,
}

/// Verdicts by stack and rule. Stacks of the same template share theirs: hundreds of
/// tenants cost their names and no more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdicts(BTreeMap<String, Arc<BTreeMap<String, Verdict>>>);

impl Verdicts {
    /// Adds what rules say about one template of these stacks. A rule can be named more than
    /// once, in one call and in several: its worst verdict counts.
    pub(super) fn add(&mut self, stacks: &[&str], judged: impl Iterator<Item = (String, Verdict)>) {
        let mut new = BTreeMap::new();
        merge(&mut new, judged);
        let new = Arc::new(new);
        // One merged map for all stacks that had the same one before.
        let mut last: Option<[Arc<BTreeMap<String, Verdict>>; 2]> = None;
        for stack in stacks {
            let Some(known) = self.0.get_mut(*stack) else {
                self.0.insert((*stack).to_owned(), Arc::clone(&new));
                continue;
            };
            let merged = match &last {
                Some([before, merged]) if Arc::ptr_eq(before, known) => Arc::clone(merged),
                _ => {
                    let mut both = (**known).clone();
                    merge(&mut both, new.iter().map(|(id, verdict)| (id.clone(), *verdict)));
                    let both = Arc::new(both);
                    last = Some([Arc::clone(known), Arc::clone(&both)]);
                    both
                }
            };
            *known = merged;
        }
    }

    /// The rules of one stack with their verdicts, by id.
    pub(super) fn of(&self, stack: &str) -> impl Iterator<Item = (&str, Verdict)> {
        let rules = self.0.get(stack).into_iter().flat_map(|rules| rules.iter());
        rules.map(|(id, verdict)| (id.as_str(), *verdict))
    }

    /// Every stack that was judged, by name.
    pub(super) fn stacks(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn merge(into: &mut BTreeMap<String, Verdict>, judged: impl Iterator<Item = (String, Verdict)>) {
    for (id, verdict) in judged {
        let known = into.entry(id).or_insert(verdict);
        *known = verdict.max(*known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(verdicts: &mut Verdicts, stacks: &[&str], judged: &[(&str, Verdict)]) {
        verdicts.add(stacks, judged.iter().map(|(id, verdict)| ((*id).to_owned(), *verdict)));
    }

    #[test]
    fn stacks_of_a_template_share_verdicts_and_the_worst_counts() {
        let mut verdicts = Verdicts::default();
        let judged = [("a", Verdict::Pass), ("b", Verdict::Skip), ("a", Verdict::Skip)];
        added(&mut verdicts, &["one", "two"], &judged);
        added(&mut verdicts, &["three"], &[("a", Verdict::Pass)]);
        // The template has two outcomes.
        let judged = [("a", Verdict::Fail), ("b", Verdict::Skip)];
        added(&mut verdicts, &["one", "two"], &judged);
        for stack in ["one", "two"] {
            let found: Vec<_> = verdicts.of(stack).collect();
            assert_eq!(found, [("a", Verdict::Fail), ("b", Verdict::Skip)], "{stack}");
        }
        assert!(Arc::ptr_eq(&verdicts.0["one"], &verdicts.0["two"]));
        assert_eq!(verdicts.of("three").collect::<Vec<_>>(), [("a", Verdict::Pass)]);
        assert_eq!(verdicts.of("four").count(), 0);
    }
}
