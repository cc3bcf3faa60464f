//! The toolkit itself.

use serde_json::{Value as Json, json};
use stacks::cfn::aws::{ec2, efs, iam, s3, sqs, ssm};
use stacks::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use stacks::cfn::{
    Naming, Options, Parameter, Stack, Template, Test, base64, cidr, join, pseudo, schema, select,
    split, sub,
};

fn stack() -> Stack {
    Stack::new("test", &Naming::new("acme", "dev", "eu-west-2"))
}

fn finished(stack: Stack) -> Template {
    stack.finish().template
}

fn properties(template: &Template, id: &str) -> Json {
    template.resource(id).unwrap().properties().clone()
}

#[test]
fn sections_and_attributes_are_in_order() {
    let mut stack = stack();
    stack.describe("Everything");
    stack.metadata("Owner", "platform");
    let prod = stack.parameter("Stage", Parameter::string().default("dev".to_owned()));
    let names = stack.mapping("Names", [("eu-west-2", [("short", "ldn")])]);
    let is_prod = stack.condition("IsProd", Test::equals(prod, "prod"));
    let queue = stack.add("First", sqs::Queue::new());
    stack.add_with(
        "Second",
        sqs::Queue::new()
            .queue_name(names.find(pseudo::region(), "short"))
            .delay_seconds(is_prod.pick(0, 10)),
        Options::new().metadata("Why", "order").retain().depends_on(&queue).when(&is_prod),
    );
    stack.output("Second", queue.arn());
    insta::assert_snapshot!(finished(stack).to_yaml());
}

#[test]
fn conditions_combine() {
    let mut stack = stack();
    let london = stack.condition("London", Test::equals(pseudo::region(), "eu-west-2"));
    let abroad = Test::any([london.test().not(), Test::all([london.test(), london.test()])]);
    stack.condition("Abroad", abroad);
    let body = finished(stack);
    assert_eq!(
        body.as_value()["Conditions"]["Abroad"],
        json!({ "Fn::Or": [
            { "Fn::Not": [{ "Condition": "London" }] },
            { "Fn::And": [{ "Condition": "London" }, { "Condition": "London" }] },
        ] })
    );
}

#[test]
fn yaml_has_short_forms_except_on_one_another() {
    let mut stack = stack();
    let first = select(0, split(",", "a,b"));
    stack.output("Joined", join("-", [first, pseudo::region()]));
    stack.output("Encoded", base64(sub("${AWS::Region}")));
    stack.output("Range", select(1, cidr("10.0.0.0/16", 4, 8)));
    insta::assert_snapshot!(finished(stack).to_yaml());
}

#[test]
fn tags_that_are_set_stay() {
    let mut stack = stack();
    stack.add(
        "Vpc",
        ec2::Vpc::new().tags([ec2::vpc::Tag::new("stack", "mine"), ec2::vpc::Tag::new("a", "b")]),
    );
    let template = finished(stack);
    assert_eq!(
        properties(&template, "Vpc")["Tags"],
        json!([
            { "Key": "stack", "Value": "mine" },
            { "Key": "a", "Value": "b" },
            { "Key": "project", "Value": "acme" },
            { "Key": "environment", "Value": "dev" },
        ])
    );
}

#[test]
fn tags_go_where_the_type_wants_them() {
    let mut stack = stack();
    stack.add("Files", efs::FileSystem::new());
    stack.add("Name", ssm::Parameter::new(ssm::parameter::Type::String, "x"));
    let file_system = stack.add("Topic", efs::FileSystem::new());
    stack.add("Point", efs::AccessPoint::new(file_system.id()));
    let template = finished(stack);
    assert_eq!(properties(&template, "Files")["FileSystemTags"][0]["Key"], "project");
    assert_eq!(properties(&template, "Point")["AccessPointTags"][0]["Key"], "project");
    assert_eq!(properties(&template, "Name")["Tags"]["project"], "acme");
}

#[test]
fn policies() {
    let trust = PolicyDocument::new([Statement::allow(["sts:AssumeRole"])
        .principal(Principal::service("lambda.amazonaws.com"))
        .principal(Principal::service("edgelambda.amazonaws.com"))
        .principal(Principal::account())
        .when(Operator::StringEquals, "aws:SourceAccount", pseudo::account_id())
        .when(Operator::StringEquals, "aws:SourceAccount", "111122223333")
        .when(Operator::Bool, "aws:SecureTransport", "true")]);
    let mut stack = stack();
    stack.add("Role", iam::Role::new(trust));
    let template = finished(stack);
    assert_eq!(
        properties(&template, "Role")["AssumeRolePolicyDocument"]["Statement"][0],
        json!({
            "Effect": "Allow",
            "Principal": {
                "Service": ["lambda.amazonaws.com", "edgelambda.amazonaws.com"],
                "AWS": { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" },
            },
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": [{ "Ref": "AWS::AccountId" }, "111122223333"],
                },
                "Bool": { "aws:SecureTransport": "true" },
            },
        })
    );
}

#[test]
fn lists_are_published_as_lists() {
    let naming = Naming::new("acme", "dev", "eu-west-2");
    let mut producer = Stack::new("network", &naming);
    let published = producer.publish_list("private-subnets", ["a", "b"]);
    let template = finished(producer);
    assert_eq!(properties(&template, "PrivateSubnetsParameter")["Type"], "StringList");

    let mut consumer = Stack::new("efs", &naming);
    let subnets = consumer.import(&published);
    consumer.output("First", select(0, subnets));
    let consumer = consumer.finish();
    assert_eq!(consumer.depends_on, ["network"]);
    let (name, parameter) = consumer.template.parameters().next().unwrap();
    assert_eq!(name, "NetworkPrivateSubnets");
    assert_eq!(parameter["Type"], "AWS::SSM::Parameter::Value<List<String>>");
    assert_eq!(parameter["Default"], "/acme/dev/network/private-subnets");
}

#[test]
fn schemas_say_what_replaces_a_resource() {
    let budget = schema::lookup("AWS::Budgets::Budget").unwrap();
    assert!(budget.replaces("Budget.BudgetName"));
    assert!(budget.replaces("NotificationsWithSubscribers.0.Notification.Threshold"));
    assert!(!budget.replaces("Budget.BudgetLimit.Amount"));
    let bucket = schema::lookup("AWS::S3::Bucket").unwrap();
    assert!(bucket.permissions.create.contains(&"s3:CreateBucket"));
    assert_eq!(bucket.primary_identifier, ["BucketName"]);
}

#[test]
#[should_panic(expected = "the logical id Bucket is used twice")]
fn a_logical_id_is_used_once() {
    let mut stack = stack();
    stack.add("Bucket", s3::Bucket::new());
    stack.add("Bucket", s3::Bucket::new());
}

#[test]
#[should_panic(expected = "`my-bucket` is no logical id")]
fn a_logical_id_is_letters_and_digits() {
    stack().add("my-bucket", s3::Bucket::new());
}

#[test]
#[should_panic(expected = "Queue: Ref Elsewhere is not in the stack")]
fn a_reference_to_another_stack_is_found() {
    let mut other = stack();
    let elsewhere = other.add("Elsewhere", sqs::Queue::new());
    let mut stack = stack();
    stack.add("Queue", sqs::Queue::new().queue_name(elsewhere.id()));
    stack.finish();
}

#[test]
#[should_panic(expected = "Sub Nowhere is not in the stack")]
fn a_substitution_of_nothing_is_found() {
    let mut stack = stack();
    stack.output("Text", sub("${!Literal} ${AWS::Region} ${Nowhere.Arn}"));
    stack.finish();
}
