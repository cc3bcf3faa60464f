//! Made-up stacks: more of them, and stranger ones, than the examples have.

use serde_json::{Map, Value as Json, json};
use stacks::StackTemplate;

/// A stack from its resources, and the paths that it imports from its region.
pub(super) fn stack(
    region: &str,
    name: &str,
    depends_on: &[&str],
    parameters: &[(&str, &str)],
    resources: &Map<String, Json>,
) -> StackTemplate {
    let parameters: Map<String, Json> = parameters
        .iter()
        .map(|(name, path)| {
            let kind = "AWS::SSM::Parameter::Value<String>";
            ((*name).to_owned(), json!({ "Type": kind, "Default": path }))
        })
        .collect();
    let value = json!({
        "name": name,
        "stack_name": format!("acme-dev-{name}"),
        "template_name": name,
        "region": region,
        "depends_on": depends_on,
        "deploy_parameters": [],
        "template": { "Parameters": parameters, "Resources": resources },
    });
    serde_json::from_value(value).expect("a stack")
}

/// A published value of a resource.
fn published(name: &str, path: &str, of: &str) -> (String, Json) {
    let properties = json!({ "Type": "String", "Name": path, "Value": { "Ref": of } });
    (format!("{name}Parameter"), json!({ "Type": "AWS::SSM::Parameter", "Properties": properties }))
}

/// Five stacks in each of two regions, more than 300 resources.
pub(super) fn platform() -> Vec<StackTemplate> {
    let shapes: [(&str, &[&str], usize, &[&str]); 5] = [
        (
            "network",
            &[],
            46,
            &["AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::VPCEndpoint"],
        ),
        (
            "efs",
            &["network"],
            24,
            &["AWS::EFS::MountTarget", "AWS::KMS::Key", "AWS::Lambda::Function"],
        ),
        (
            "identity",
            &[],
            18,
            &["AWS::Cognito::UserPool", "AWS::IAM::Role", "AWS::SecretsManager::Secret"],
        ),
        (
            "platform",
            &["network", "efs", "identity"],
            52,
            &["AWS::Lambda::Function", "AWS::ApiGateway::Method", "AWS::SQS::Queue"],
        ),
        (
            "agentcore",
            &["identity", "platform"],
            26,
            &["AWS::BedrockAgentCore::Runtime", "AWS::IAM::Role", "AWS::Logs::LogGroup"],
        ),
    ];
    let mut stacks = Vec::new();
    for region in ["eu-west-2", "us-east-1"] {
        for (name, needs, count, types) in shapes {
            let mut resources = Map::new();
            let paths: Vec<(String, String)> = needs
                .iter()
                .flat_map(|needed| {
                    (0..2).map(move |n| {
                        (format!("{needed}Value{n}"), format!("/acme/{needed}/value-{n}"))
                    })
                })
                .collect();
            for index in 0..count {
                let mut properties = json!({});
                if index > 0 {
                    properties["Parent"] = json!({ "Ref": format!("Part{}", index / 4) });
                }
                if index % 5 == 3 {
                    properties["Role"] =
                        json!({ "Fn::GetAtt": [format!("Part{}", index / 2), "Arn"] });
                }
                if let Some((import, _)) = paths.get(index) {
                    properties["Import"] = json!({ "Ref": import });
                }
                let resource =
                    json!({ "Type": types[index % types.len()], "Properties": properties });
                resources.insert(format!("Part{index}"), resource);
            }
            for n in 0..2 {
                let (id, value) = published(
                    &format!("Value{n}"),
                    &format!("/acme/{name}/value-{n}"),
                    &format!("Part{}", n * 3),
                );
                resources.insert(id, value);
            }
            let imports: Vec<_> = paths.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            stacks.push(stack(region, name, needs, &imports, &resources));
        }
    }
    // The second region waits for the first one's identity.
    let global = stack("us-east-1", "replica", &["global-identity"], &[], &Map::new());
    let source = stack("eu-west-2", "global-identity", &["identity"], &[], &Map::new());
    stacks.extend([source, global]);
    stacks
}

/// Three small stacks in two regions, with every kind of edge.
pub(super) fn small() -> Vec<StackTemplate> {
    let object = |value: Json| value.as_object().cloned().unwrap_or_default();
    let network = object(json!({
        "Vpc": { "Type": "AWS::EC2::VPC" },
        "Subnet": { "Type": "AWS::EC2::Subnet", "Properties": { "VpcId": { "Ref": "Vpc" } } },
        "SubnetIdParameter": { "Type": "AWS::SSM::Parameter", "Properties": {
            "Name": "/acme/network/subnet-id", "Value": { "Ref": "Subnet" },
        } },
    }));
    let jobs = object(json!({
        "Role": { "Type": "AWS::IAM::Role" },
        "Queue": { "Type": "AWS::SQS::Queue" },
        "Worker": { "Type": "AWS::Lambda::Function", "DependsOn": ["Queue"], "Properties": {
            "Role": { "Fn::GetAtt": ["Role", "Arn"] },
            "Subnets": [{ "Ref": "Subnet" }],
            "Code": { "S3Key": { "Ref": "CodeKey" } },
            "Environment": { "Fn::Sub": "${Queue.QueueName}" },
        } },
    }));
    let replica = object(json!({ "Table": { "Type": "AWS::DynamoDB::GlobalTable" } }));
    let mut jobs =
        stack("eu-west-2", "jobs", &["network"], &[("Subnet", "/acme/network/subnet-id")], &jobs);
    let mut value = serde_json::to_value(&jobs).unwrap_or_default();
    value["template"]["Parameters"]["CodeKey"] = json!({ "Type": "String" });
    value["deploy_parameters"] =
        json!([{ "name": "CodeKey", "value": { "code-key": { "function": "worker" } } }]);
    if let Ok(with_code) = serde_json::from_value(value) {
        jobs = with_code;
    }
    vec![
        stack("eu-west-2", "network", &[], &[], &network),
        jobs,
        stack("us-east-1", "replica", &["jobs"], &[], &replica),
    ]
}

/// Names that try to break out of whatever they are written into.
pub(super) fn hostile() -> Vec<StackTemplate> {
    let names = [
        r#"a"]; end; x["b"#,
        "</script><script>alert(1)</script><!--",
        "line\nfeed\\ \u{1b}[31m {}|<>`;%%#quot;",
        "@@data@@ 1. list 多言語",
    ];
    let mut stacks = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let mut resources = Map::new();
        resources.insert(format!("{name}Resource"), json!({ "Type": format!("AWS::{name}") }));
        let (id, value) =
            published(name, &format!("/p/{index}/{name}"), &format!("{name}Resource"));
        resources.insert(id, value);
        let import = index.checked_sub(1).map(|last| (*name, format!("/p/{last}/{}", names[last])));
        let imports: Vec<_> = import.iter().map(|(name, path)| (*name, path.as_str())).collect();
        stacks.push(stack(name, name, &[], &imports, &resources));
        // Values are read in the region of their stack.
        if let Some(last) = stacks.last_mut() {
            last.region = "r\"<&".to_owned();
        }
    }
    stacks
}
