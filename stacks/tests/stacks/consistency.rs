//! What holds for the stacks of every environment.

use std::collections::BTreeSet;

use serde_json::Value;
use stacks::cfn::schema::{self, TagShape};
use stacks::{DeployValue, StackTemplate};

use crate::specs;

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>
const MOST_RESOURCES: usize = 500;
const LARGEST_BODY: usize = 1_000_000;
const LARGEST_INLINE_BODY: usize = 51_200;

fn all_stacks() -> Vec<StackTemplate> {
    specs::all().iter().flat_map(|(_, spec)| stacks::synthesize(spec).unwrap()).collect()
}

#[test]
fn same_spec_gives_same_bytes() {
    for (_, spec) in specs::all() {
        let bytes = || -> Vec<_> {
            let stacks = stacks::synthesize(&spec).unwrap().into_iter();
            stacks.map(|stack| (stack.template.to_json(), stack.template.to_yaml())).collect()
        };
        assert_eq!(bytes(), bytes());
    }
}

#[test]
fn stacks_come_after_those_they_depend_on() {
    for (_, spec) in specs::all() {
        let mut seen = BTreeSet::new();
        for stack in stacks::synthesize(&spec).unwrap() {
            for needed in &stack.depends_on {
                assert!(seen.contains(needed), "{} comes before {needed}", stack.name);
            }
            seen.insert(stack.name);
        }
    }
}

/// Larger bodies go through the artefact bucket. The policies of pipelines grow with
/// everything else, the platform and its alarms with the functions; others need no bucket.
#[test]
fn templates_fit_the_limits() {
    for stack in all_stacks() {
        assert!(stack.template.resources().count() <= MOST_RESOURCES);
        let size = stack.template.to_compact_json().len();
        let grows = ["identity", "platform", "observability"].contains(&stack.name.as_str());
        let most = if grows { LARGEST_BODY } else { LARGEST_INLINE_BODY };
        assert!(size <= most, "{} {size}", stack.name);
    }
    let mut largest = specs::full();
    largest.network.interface_endpoints = (0..43).map(|n| format!("service-{n}")).collect();
    for stack in stacks::synthesize(&largest).unwrap() {
        assert!(stack.template.resources().count() <= MOST_RESOURCES);
        let size = stack.template.to_compact_json().len();
        assert!(size <= LARGEST_BODY, "{} {size}", stack.name);
    }
}

#[test]
fn everything_taggable_is_tagged() {
    for stack in all_stacks() {
        for resource in stack.template.resources() {
            let info = schema::lookup(resource.type_name).unwrap();
            let Some(tagging) = info.tagging else { continue };
            let tags = &resource.properties()[tagging.property];
            for key in ["project", "environment", "stack"] {
                let found = match tagging.shape {
                    TagShape::List => tags.as_array().unwrap().iter().any(|tag| tag["Key"] == key),
                    TagShape::Map => tags.get(key).is_some(),
                };
                assert!(found, "{} has no tag {key}", resource.id);
            }
        }
    }
}

#[test]
fn what_holds_data_outlives_its_stack() {
    for stack in all_stacks() {
        for resource in stack.template.resources() {
            let holds_data = [
                "AWS::DynamoDB::Table",
                "AWS::EFS::FileSystem",
                "AWS::S3::Bucket",
                "AWS::KMS::Key",
            ];
            if holds_data.contains(&resource.type_name) {
                // A protected table cannot be deleted when a creation is undone.
                let table = resource.type_name == "AWS::DynamoDB::Table";
                let policy = if table { "Retain" } else { "RetainExceptOnCreate" };
                assert_eq!(resource.body["DeletionPolicy"], policy);
                assert_eq!(resource.body["UpdateReplacePolicy"], "Retain");
            }
        }
    }
}

#[test]
fn every_log_group_has_a_retention() {
    for stack in all_stacks() {
        for resource in stack.template.resources() {
            if resource.type_name == "AWS::Logs::LogGroup" {
                assert!(resource.properties()["RetentionInDays"].is_i64(), "{}", resource.id);
            }
        }
    }
}

/// Every statement under `value` that allows something.
fn allowing<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    if value["Effect"] == "Allow" {
        found.push(value);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| allowing(item, found)),
        Value::Object(map) => map.values().for_each(|item| allowing(item, found)),
        _ => {}
    }
}

#[test]
fn no_statement_allows_a_wildcard_action() {
    for stack in all_stacks() {
        for resource in stack.template.resources() {
            let mut statements = Vec::new();
            allowing(resource.body, &mut statements);
            for statement in statements {
                let action = &statement["Action"];
                let actions =
                    action.as_array().map_or_else(|| vec![action], |all| all.iter().collect());
                for action in actions {
                    let action = action.as_str().unwrap();
                    // An endpoint is for one service; its policy grants nothing.
                    let endpoint = resource.type_name == "AWS::EC2::VPCEndpoint";
                    let wild = action == "*" && !endpoint || action.ends_with(":*");
                    assert!(!wild, "{} {}: {statement}", stack.name, resource.id);
                }
            }
        }
    }
}

#[test]
fn every_endpoint_is_confined_to_the_account() {
    let account = "AWS::AccountId";
    let mut seen = 0;
    for stack in all_stacks() {
        for resource in stack.template.resources() {
            if resource.type_name != "AWS::EC2::VPCEndpoint" {
                continue;
            }
            let statements = &resource.properties()["PolicyDocument"]["Statement"];
            for statement in statements.as_array().unwrap() {
                seen += 1;
                let layers =
                    statement["Sid"] == "ImageLayers" && statement["Action"] == "s3:GetObject";
                let ours = statement["Condition"].to_string().contains(account)
                    || statement["Resource"].to_string().contains(account);
                assert!(layers || ours, "{} {}: {statement}", stack.name, resource.id);
            }
        }
    }
    assert!(seen > 20);
}

#[test]
fn a_mount_target_in_every_zone_of_the_function() {
    for (_, spec) in specs::all() {
        let stacks = stacks::synthesize(&spec).unwrap();
        let efs = &stacks.iter().find(|stack| stack.name == "efs").unwrap().template;
        let targets = efs.resources().filter(|r| r.type_name == "AWS::EFS::MountTarget");
        let targets: Vec<_> = targets.map(|target| &target.properties()["SubnetId"]).collect();
        let function = efs.resource("GitStore").unwrap().properties();
        let subnets: Vec<_> =
            function["VpcConfig"]["SubnetIds"].as_array().unwrap().iter().collect();
        assert_eq!(targets, subnets);
    }
}

#[test]
fn efs_says_what_it_needs_when_deployed() {
    let stacks = stacks::synthesize(&specs::dev()).unwrap();
    let efs = stacks.iter().find(|stack| stack.name == "efs").unwrap();
    assert_eq!(efs.depends_on, ["network", "artefacts", "identity"]);
    let parameters: Vec<_> =
        efs.deploy_parameters.iter().map(|p| (p.name.as_str(), p.value.clone())).collect();
    let code = DeployValue::CodeKey { function: "git-store".into() };
    assert_eq!(
        parameters,
        [("ArtefactBucket", DeployValue::ArtefactBucket), ("GitStoreCodeKey", code)]
    );
}

#[test]
fn stacks_can_be_written_and_read_back() {
    for stack in all_stacks() {
        let text = serde_json::to_string(&stack).unwrap();
        assert_eq!(serde_json::from_str::<StackTemplate>(&text).unwrap(), stack);
    }
}

#[test]
fn every_role_of_an_environment_that_pipelines_deploy_is_bounded() {
    for (name, spec) in specs::all() {
        for stack in stacks::synthesize(&spec).unwrap() {
            let roles = stack.template.resources().filter(|it| it.type_name == "AWS::IAM::Role");
            for role in roles {
                let boundary = &role.properties()["PermissionsBoundary"];
                let wanted = ["full", "complete"].contains(&name) && stack.name != "identity";
                assert_eq!(boundary.is_object(), wanted, "{} {}", stack.name, role.id);
                assert!(!wanted || stack.depends_on.iter().any(|needed| needed == "identity"));
            }
        }
    }
}
