//! What whoever operates the platform may do on AWS, without deploying to it.
//!
//! Tenants and reports go through the Admin API, with its own roles; this is what works
//! while that API is down: dead letters, locks, the runtime region, calls of functions,
//! traces, and a look at the stacks.

use serde_json::{Value, json};

/// Where the platform is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The project and the environment of platform.yaml: all names begin with them.
    pub project: String,
    /// See `project`.
    pub environment: String,
    /// 12 digits, or `*`.
    pub account: String,
    /// Home region.
    pub home: String,
    /// The bucket of the audit trail, in which purged messages are archived.
    pub archive: String,
}

/// Reading, moving and deleting messages.
const MESSAGES: [&str; 10] = [
    "sqs:CancelMessageMoveTask",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListDeadLetterSourceQueues",
    "sqs:ListMessageMoveTasks",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "sqs:StartMessageMoveTask",
];

/// The policy document.
pub fn operator_policy(place: &Place) -> Value {
    let Place { project, environment, account, home, archive } = place;
    let prefix = format!("{project}-{environment}");
    let arn = |service: &str, region: &str, rest: &str| {
        format!("arn:aws:{service}:{region}:{account}:{rest}")
    };
    let table = |name: &str| arn("dynamodb", home, &format!("table/{prefix}-{name}"));
    let statement = |sid: &str, actions: &[&str], resources: Vec<String>| json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources });
    let mut keys = statement(
        "Encrypted",
        &["kms:Decrypt", "kms:GenerateDataKey"],
        vec![arn("kms", "*", "key/*")],
    );
    // The keys of the platform's classes of data, and only through these services.
    keys["Condition"] = json!({
        "StringLike": { "kms:ViaService": [
            "dynamodb.*.amazonaws.com", "s3.*.amazonaws.com", "sqs.*.amazonaws.com",
            "ssm.*.amazonaws.com",
        ] },
        "StringEquals": {
            "aws:ResourceTag/project": project, "aws:ResourceTag/environment": environment,
        },
    });
    json!({ "Version": "2012-10-17", "Statement": [
        statement("DeadLetters", &MESSAGES, vec![arn("sqs", "*", &format!("{prefix}-*"))]),
        statement("Archive", &["s3:GetObject", "s3:PutObject"],
            vec![format!("arn:aws:s3:::{archive}/dead-letters/*")]),
        statement("ArchiveIsThere", &["s3:ListBucket"], vec![format!("arn:aws:s3:::{archive}")]),
        statement("Functions", &["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
            vec![arn("lambda", "*", &format!("function:{prefix}-*"))]),
        statement("FunctionsOfTheAccount", &["lambda:GetAccountSettings", "lambda:ListFunctions"],
            vec!["*".to_owned()]),
        statement("LocksAndRequests",
            &["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
            vec![table("ops-locks"), table("operations")]),
        statement("RuntimeRegion", &["ssm:GetParameter", "ssm:PutParameter"],
            vec![arn("ssm", home, &format!("parameter/{project}/{environment}/platform/*"))]),
        statement("Stacks",
            &["cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks",
              "cloudformation:ListStackResources"],
            vec![arn("cloudformation", "*", &format!("stack/{prefix}-*/*"))]),
        statement("Traces", &["xray:BatchGetTraces", "xray:GetTraceSummaries"],
            vec!["*".to_owned()]),
        keys,
    ] })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn policy() -> Value {
        operator_policy(&Place {
            project: "acme".to_owned(),
            environment: "dev".to_owned(),
            account: "111122223333".to_owned(),
            home: "eu-west-2".to_owned(),
            archive: "acme-dev-audit-111122223333-eu-west-2".to_owned(),
        })
    }

    fn actions() -> BTreeSet<String> {
        let policy = policy();
        let statements = policy["Statement"].as_array().unwrap().clone();
        let all = statements.iter().flat_map(|it| it["Action"].as_array().unwrap().clone());
        all.map(|it| it.as_str().unwrap().to_owned()).collect()
    }

    /// The operations of an SDK client that the sources of `folder` call, as IAM names them.
    fn called(folder: &str, client: &str, service: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text: String = fs::read_to_string(path).unwrap().split_whitespace().collect();
                for rest in text.split(&format!(".{client}.")).skip(1) {
                    let name: String =
                        rest.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
                    // Twelve messages in one request are allowed as one is.
                    let name = name.trim_end_matches("_batch").split('_');
                    let name: String =
                        name.map(|word| word[..1].to_uppercase() + &word[1..]).collect();
                    if !["Clone", "Config"].contains(&name.as_str()) {
                        found.insert(format!("{service}:{name}"));
                    }
                }
            }
        }
        found
    }

    #[test]
    fn what_dead_letters_and_regions_are_handled_with_is_allowed() {
        let allowed = actions();
        let needed = [
            called("src/ops", "sqs", "sqs"),
            called("src/failover", "ssm", "ssm"),
            called("src/lock", "client", "dynamodb"),
        ];
        assert!(needed[0].contains("sqs:ReceiveMessage"), "{needed:?}");
        assert!(needed[1].contains("ssm:PutParameter"), "{needed:?}");
        assert!(needed[2].contains("dynamodb:PutItem"), "{needed:?}");
        for action in needed.iter().flatten() {
            // Leases in S3 have a bucket of the user's own.
            assert!(allowed.contains(action) || action.ends_with("Object"), "{action}");
        }
    }

    #[test]
    fn nothing_is_allowed_on_everything_but_what_knows_no_resource() {
        let policy = policy();
        for statement in policy["Statement"].as_array().unwrap() {
            let sid = statement["Sid"].as_str().unwrap();
            let all = statement["Resource"].as_array().unwrap().contains(&json!("*"));
            assert_eq!(all, ["FunctionsOfTheAccount", "Traces"].contains(&sid), "{sid}");
            let actions = statement["Action"].as_array().unwrap();
            assert!(actions.iter().all(|it| !it.as_str().unwrap().contains('*')), "{sid}");
        }
        assert!(stacks::permissions::size(&policy) < stacks::permissions::MANAGED_POLICY_SIZE);
    }
}
