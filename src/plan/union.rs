//! Joins the static diff with what CloudFormation's change set says.

use super::change::{Action, Change, PropertyChange, Replacement};

/// Every change that either side knows. Of a resource that both know, the
/// graver action stands, and the properties of both.
pub fn union(static_changes: Vec<Change>, change_set: Vec<Change>) -> Vec<Change> {
    let mut all = static_changes;
    for change in change_set {
        match all.iter_mut().find(|known| known.resource == change.resource) {
            Some(known) => {
                known.action = graver(known.action, change.action);
                for property in change.properties {
                    merge_property(&mut known.properties, property);
                }
            }
            None => all.push(change),
        }
    }
    all.sort_by_key(|change| change.action);
    all
}

/// The static diff knows more of values, the change set more of replacement.
fn merge_property(known: &mut Vec<PropertyChange>, other: PropertyChange) {
    let related = known.iter_mut().find(|property| {
        property.path == other.path || property.path.starts_with(&format!("{}.", other.path))
    });
    match related {
        Some(property) => {
            if other.replacement == Replacement::Always {
                property.replacement = Replacement::Always;
            }
        }
        None => known.push(other),
    }
}

/// An addition or a removal is what it is; a replacement is graver than a change. Only
/// the change set knows what is there already.
fn graver(left: Action, right: Action) -> Action {
    match (left, right) {
        (Action::Modify, Action::Replace) | (Action::Replace, Action::Modify) => Action::Replace,
        (Action::Add, Action::Import) | (Action::Import, Action::Add) => Action::Import,
        (left, _) => left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: Action, resource: &str, paths: &[(&str, Replacement)]) -> Change {
        let properties = paths
            .iter()
            .map(|(path, replacement)| PropertyChange {
                path: (*path).to_owned(),
                before: None,
                after: None,
                replacement: *replacement,
            })
            .collect();
        Change { action, resource: resource.to_owned(), resource_type: "T".into(), properties }
    }

    #[test]
    fn a_change_set_never_hides_a_static_change_and_adds_its_own() {
        let known = vec![change(Action::Modify, "A", &[("X", Replacement::Never)])];
        let set = vec![change(Action::Modify, "B", &[("Code", Replacement::Never)])];
        let ids: Vec<_> = union(known, set).into_iter().map(|change| change.resource).collect();
        assert_eq!(ids, ["A", "B"]);
    }

    #[test]
    fn a_replacement_on_either_side_is_a_replacement() {
        let known = || vec![change(Action::Modify, "A", &[("Root.Path", Replacement::Never)])];
        let set = || vec![change(Action::Replace, "A", &[("Root", Replacement::Always)])];
        let joined = &union(known(), set())[0];
        assert_eq!(joined.action, Action::Replace);
        assert_eq!(joined.properties.len(), 1);
        assert_eq!(joined.properties[0].replacement, Replacement::Always);
        assert_eq!(union(set(), known())[0].action, Action::Replace);
    }

    #[test]
    fn additions_come_first_and_removals_last() {
        let known = vec![change(Action::Remove, "A", &[]), change(Action::Add, "B", &[])];
        let ids: Vec<_> = union(known, vec![]).into_iter().map(|change| change.resource).collect();
        assert_eq!(ids, ["B", "A"]);
    }
}
