//! Names that a new stack needs and that something already has.

use serde_json::Value;

use super::bucket::bucket_exists;
use super::engine::Engine;
use super::observe::LiveStack;
use super::planner::PlannedStack;
use crate::error::{Error, Result};

impl Engine {
    /// Refuses new stacks whose buckets exist, which is so after a `destroy`: what holds
    /// data outlives its stack. CloudFormation would refuse them too, but after it has
    /// made the stacks before them, and in words that name nothing.
    pub async fn refuse_taken_names(&self, planned: &[PlannedStack]) -> Result<()> {
        if self.import_existing {
            return Ok(());
        }
        let mut taken = Vec::new();
        for stack in planned {
            if !stack.live.as_ref().is_none_or(LiveStack::is_empty_shell) {
                continue;
            }
            let aws = self.aws.of(&stack.template.region)?;
            for name in buckets(stack, &self.account) {
                // Who may not look at it hears of it from CloudFormation.
                if bucket_exists(aws, &name).await.unwrap_or(false) {
                    taken.push(format!("{}: bucket {name} in {}", stack.plan.name, aws.region));
                }
            }
        }
        if taken.is_empty() {
            return Ok(());
        }
        Err(Error::failed("what an earlier destroy kept still has the names that new stacks need")
            .caused_by(taken.join("\n"))
            .hint("what `destroy` listed as kept has the data: `platformctl deploy --import-existing` takes it over as it is, with tables and buckets of the same names")
            .hint("or save what you need and delete it, or choose another `environment` in platform.yaml")
            .hint("on the local platform, `platformctl local reset --yes` deletes everything"))
    }
}

/// The names of the buckets that a template makes.
fn buckets(stack: &PlannedStack, account: &str) -> Vec<String> {
    let region = &stack.template.region;
    stack
        .template
        .template
        .resources()
        .filter(|resource| resource.body["Type"] == "AWS::S3::Bucket")
        .filter_map(|resource| plain(&resource.body["Properties"]["BucketName"], account, region))
        .collect()
}

/// A name that needs nothing but the account and the region.
fn plain(name: &Value, account: &str, region: &str) -> Option<String> {
    let text = name.as_str().or_else(|| name["Fn::Sub"].as_str())?;
    let text = text.replace("${AWS::AccountId}", account).replace("${AWS::Region}", region);
    (!text.contains("${")).then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_the_account_and_the_region_are_known_before_a_deploy() {
        let name = |value| plain(&value, "111122223333", "eu-west-2");
        let sub = json!({ "Fn::Sub": "acme-${AWS::AccountId}-${AWS::Region}" });
        assert_eq!(name(sub).as_deref(), Some("acme-111122223333-eu-west-2"));
        assert_eq!(name(json!("acme")).as_deref(), Some("acme"));
        assert_eq!(name(json!({ "Fn::Sub": "acme-${Other}" })), None);
        assert_eq!(name(json!({ "Ref": "Other" })), None);
        assert_eq!(name(Value::Null), None);
    }
}
