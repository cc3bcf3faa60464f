//! A plan in a file. A plan is a promise: it is carried out only while what it
//! was made from still holds.

use serde::{Deserialize, Serialize};

use super::{Plan, digest};

/// Version of the file's schema.
const VERSION: u32 = 2;

/// A plan as it lies in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// Version of the file's schema.
    pub version: u32,
    /// The plan.
    pub plan: Plan,
    /// SHA-256 of the plan, so that a file that was edited is noticed.
    pub sha256: String,
}

impl SavedPlan {
    /// A plan, ready to be saved.
    pub fn new(plan: Plan) -> Self {
        let sha256 = digest_of(&plan);
        Self { version: VERSION, plan, sha256 }
    }

    /// Whether the file is as it was saved.
    pub fn is_intact(&self) -> bool {
        self.version == VERSION && digest_of(&self.plan) == self.sha256
    }
}

fn digest_of(plan: &Plan) -> String {
    // Maps are ordered, so the same plan has the same text.
    digest(&serde_json::to_string(plan).unwrap_or_default())
}

/// Why `saved` no longer holds, given the plan that would be made `now`; empty when
/// it does.
pub fn differences(saved: &Plan, now: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, saved: &str, now: &str| {
        if saved != now {
            found.push(format!("{what} was {saved} and is {now}"));
        }
    };
    compare("the account", &saved.account, &now.account);
    compare("the region", &saved.region, &now.region);
    compare("the environment", &saved.environment, &now.environment);
    let names = |plan: &Plan| {
        plan.stacks.iter().map(|stack| stack.name.clone()).collect::<Vec<_>>().join(", ")
    };
    compare("the choice of stacks", &names(saved), &names(now));
    for (was, is) in saved.stacks.iter().zip(&now.stacks) {
        let name = &was.name;
        if was.region != is.region {
            let (was, is) = (&was.region, &is.region);
            found.push(format!("the region of stack {name} was {was} and is {is}"));
        } else if was.live != is.live {
            found.push(format!("stack {name} has changed since"));
        } else if was.template_digest != is.template_digest {
            found.push(format!("the template of {name} is another one"));
        } else if was.parameters != is.parameters {
            found.push(format!("the code or the parameters of {name} are others"));
        } else if was.changes != is.changes || was.other != is.other {
            found.push(format!("the changes of {name} are others"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{StackAction, StackPlan};
    use super::*;

    type Change = (&'static str, fn(&mut Plan));

    fn plan() -> Plan {
        Plan {
            account: "111122223333".into(),
            region: "eu-west-2".into(),
            environment: "dev".into(),
            stacks: vec![StackPlan {
                name: "efs".into(),
                stack_name: "acme-dev-efs".into(),
                region: "eu-west-2".into(),
                action: StackAction::Update,
                changes: vec![],
                other: vec!["~ Outputs.X".into()],
                template_digest: "a".into(),
                parameters: BTreeMap::new(),
                live: Some("arn UPDATE_COMPLETE 1".into()),
                verified: true,
            }],
        }
    }

    #[test]
    fn a_plan_survives_its_file_and_an_edited_one_is_noticed() {
        let saved = SavedPlan::new(plan());
        let text = serde_json::to_string(&saved).unwrap();
        let read: SavedPlan = serde_json::from_str(&text).unwrap();
        assert!(read.is_intact());
        let edited: SavedPlan =
            serde_json::from_str(&text.replace("eu-west-2", "us-east-1")).unwrap();
        assert!(!edited.is_intact());
    }

    #[test]
    fn whatever_it_was_made_from_must_still_hold() {
        assert!(differences(&plan(), &plan()).is_empty());
        let changes: [Change; 6] = [
            ("account", |plan| plan.account = "999999999999".into()),
            ("region", |plan| plan.region = "us-east-1".into()),
            ("the region of stack efs was eu-west-2 and is eu-west-1", |plan| {
                plan.stacks[0].region = "eu-west-1".into();
            }),
            ("has changed since", |plan| {
                plan.stacks[0].live = Some("arn UPDATE_COMPLETE 2".into());
            }),
            ("template", |plan| plan.stacks[0].template_digest = "b".into()),
            ("parameters", |plan| {
                plan.stacks[0].parameters.insert("GitStoreCodeKey".into(), "k".into());
            }),
        ];
        for (word, change) in changes {
            let mut now = plan();
            change(&mut now);
            let found = differences(&plan(), &now);
            assert!(found.len() == 1 && found[0].contains(word), "{word}: {found:?}");
        }
    }
}
