"""Drives the local emulator with a template of every type that the stacks use.

usage: python all_types.py ENDPOINT [--verify] [--delete]
It runs with the emulator's own Python, which has botocore. `--verify` looks
for what an earlier run without `--delete` left.
Prints one JSON object with what was observed; raises on the first surprise.
"""

import json
import sys
import time
import uuid

import botocore.session

import services
from everything import (
    att, changed_template, package, ref, template, unprotected_template)

REGION = "eu-central-1"
class Cloud:
    """Clients and the life of a stack through change sets."""

    def __init__(self, endpoint, region=REGION):
        session = botocore.session.Session()
        session.set_credentials("000000000000", "local")
        self._make = lambda service: session.create_client(
            service, region_name=region, endpoint_url=endpoint)
        self._clients = {}

    def __getattr__(self, service):
        if service not in self._clients:
            self._clients[service] = self._make(service.replace("_", "-"))
        return self._clients[service]

    def plan(self, stack, body, kind, **parameters):
        name = f"plan-{uuid.uuid4()}"
        self.cloudformation.create_change_set(
            StackName=stack, ChangeSetName=name, ChangeSetType=kind,
            TemplateBody=json.dumps(body), Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v}
                        for k, v in parameters.items()])
        while True:
            answer = self.cloudformation.describe_change_set(
                StackName=stack, ChangeSetName=name)
            if not answer["Status"].endswith(("PENDING", "IN_PROGRESS")):
                return answer
            time.sleep(0.05)

    def apply(self, stack, body, kind="UPDATE", **parameters):
        plan = self.plan(stack, body, kind, **parameters)
        assert plan["Status"] == "CREATE_COMPLETE", plan.get("StatusReason")
        self.cloudformation.execute_change_set(
            StackName=stack, ChangeSetName=plan["ChangeSetName"])
        return [c["ResourceChange"] for c in plan["Changes"]], self.settled(plan["StackId"])

    def settled(self, stack_id):
        while True:
            stack = self.cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                return stack
            time.sleep(0.05)

    def events_of(self, stack_id):
        return self.cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]

    def invoke(self, function, payload=None, **options):
        answer = self.lambda_.invoke(
            FunctionName=function, Payload=json.dumps(payload or {}), **options)
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body

    @property
    def lambda_(self):
        if "lambda" not in self._clients:
            self._clients["lambda"] = self._make("lambda")
        return self._clients["lambda"]


def resources(cloud, stack):
    pages = cloud.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return {r["LogicalResourceId"]: r for page in pages for r in page["StackResourceSummaries"]}


def outputs(stack):
    return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


def check_direct_apis(cloud, out, ids):
    """What was deployed is there for the services' own APIs."""
    ec2 = cloud.ec2
    address = ec2.describe_addresses(AllocationIds=[out["AddressId"]])["Addresses"][0]
    assert address["PublicIp"] == out["AddressIp"]
    assert ec2.describe_nat_gateways(NatGatewayIds=[out["NatId"]])["NatGateways"][0][
        "State"] == "available"
    acl = ec2.describe_network_acls(NetworkAclIds=[ids["Acl"]])["NetworkAcls"][0]
    assert [a["SubnetId"] for a in acl["Associations"]] == [ids["Private"]], acl
    assert [e["RuleNumber"] for e in acl["Entries"]] == [100], acl
    group = ec2.describe_security_groups(GroupIds=[ids["EfsGroup"]])["SecurityGroups"][0]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == ids["LambdaGroup"]
    assert ec2.describe_flow_logs(FlowLogIds=[ids["FlowLog"]])["FlowLogs"]
    peering = ec2.describe_vpc_peering_connections(
        VpcPeeringConnectionIds=[ids["Peering"]])["VpcPeeringConnections"][0]
    assert peering["Status"]["Code"] == "active"
    endpoint = ec2.describe_vpc_endpoints(VpcEndpointIds=[ids["ToLogs"]])["VpcEndpoints"][0]
    assert [g["GroupId"] for g in endpoint["Groups"]] == [ids["LambdaGroup"]], endpoint
    budget = cloud.budgets.describe_budget(AccountId="000000000000", BudgetName="demo")["Budget"]
    assert float(budget["BudgetLimit"]["Amount"]) == 50
    assert cloud.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert cloud.cloudwatch.describe_alarms(
        AlarmNames=["any"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    control = cloud.bedrock_agentcore_control
    runtime = control.get_agent_runtime(agentRuntimeId=ids["Agent"])
    assert runtime["environmentVariables"] == {"Model": "x"}, runtime
    assert control.get_memory(memoryId=out["MemoryId"])["memory"]["name"] == "demo_memory"
    encryption = cloud.s3.get_bucket_encryption(Bucket=out["BucketName"])
    rule = encryption["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    lifecycle = cloud.s3.get_bucket_lifecycle_configuration(Bucket=out["BucketName"])["Rules"][0]
    assert lifecycle["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30, lifecycle
    ttl = cloud.dynamodb.describe_time_to_live(TableName=out["TableName"])
    assert ttl["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    recovery = cloud.dynamodb.describe_continuous_backups(TableName=out["TableName"])
    assert recovery["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"][
        "PointInTimeRecoveryStatus"] == "ENABLED"
    config = cloud.lambda_.get_function_configuration(FunctionName=out["Function"])
    assert config["Environment"]["Variables"]["STORE_ROOT"] == "/mnt/pages"
    assert config["FileSystemConfigs"][0]["Arn"] == out["AccessPointArn"]
    assert config["VpcConfig"]["VpcId"] == ids["Vpc"]
    assert config["DeadLetterConfig"]["TargetArn"] and config["TracingConfig"]["Mode"] == "Active"
    limit = cloud.lambda_.get_function_concurrency(FunctionName=out["Function"])
    assert limit["ReservedConcurrentExecutions"] == 5


def check_consumer(cloud, ids):
    """Template parameters that are SSM parameters, single and list."""
    body = {
        "Parameters": {
            "Vpc": {"Type": "AWS::SSM::Parameter::Value<String>"},
            "Subnets": {"Type": "AWS::SSM::Parameter::Value<List<String>>"}},
        "Resources": {"Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {
            "GroupDescription": "x", "VpcId": ref("Vpc")}}},
        "Outputs": {"Second": {"Value": {"Fn::Select": [1, ref("Subnets")]}},
                    "Vpc": {"Value": ref("Vpc")}},
    }
    parameters = {"Vpc": "/demo/vpc", "Subnets": "/demo/subnets"}
    _, stack = cloud.apply("consumer", body, "CREATE", **parameters)
    assert outputs(stack) == {"Second": ids["Private"], "Vpc": ids["Vpc"]}, outputs(stack)
    again = cloud.plan("consumer", body, "UPDATE", **parameters)
    assert "didn't contain changes" in again["StatusReason"], again
    cloud.cloudformation.delete_stack(StackName="consumer")
    cloud.settled(stack["StackId"])


def check_failure(cloud):
    """A failing resource rolls a new stack back, with its reason."""
    body = {"Resources": {
        "First": {"Type": "AWS::EC2::EIP", "Properties": {}},
        "Bad": {"Type": "AWS::SQS::Queue", "DependsOn": "First",
                "Properties": {"VisibilityTimeout": 99999999}}}}
    _, stack = cloud.apply("failing", body, "CREATE")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE", stack
    events = cloud.events_of(stack["StackId"])
    failed = [e for e in events if e["ResourceStatus"] == "CREATE_FAILED"]
    assert failed[-1]["LogicalResourceId"] == "Bad" and failed[-1]["ResourceStatusReason"], failed
    assert any(e["LogicalResourceId"] == "First" and e["ResourceStatus"] == "DELETE_COMPLETE"
               for e in events)
    cloud.cloudformation.delete_stack(StackName="failing")
    cloud.settled(stack["StackId"])
    return failed[-1]["ResourceStatusReason"]


def check_plans(cloud):
    """Executing one of two change sets of a new stack deletes the other."""
    body = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {}}}}
    cloud.plan("planned", body, "CREATE")
    _, stack = cloud.apply("planned", body, "CREATE")
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    left = cloud.cloudformation.list_change_sets(StackName="planned")["Summaries"]
    assert not [it for it in left if it["ExecutionStatus"] == "AVAILABLE"], left
    cloud.cloudformation.delete_stack(StackName="planned")
    cloud.settled(stack["StackId"])


def check_two_regions(endpoint):
    """Stacks of one name in two regions, the second with an output of the first."""
    here, there = Cloud(endpoint), Cloud(endpoint, "eu-west-1")
    body = {"Parameters": {"From": {"Type": "CommaDelimitedList", "Default": "a,b"}},
            "Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {}}},
            "Outputs": {"Arn": {"Value": att("Jobs", "Arn")},
                        "Second": {"Value": {"Fn::Select": [1, ref("From")]}}}}
    _, first = here.apply("twin", body, "CREATE")
    arn = outputs(first)["Arn"]
    _, second = there.apply("twin", body, "CREATE", From=f"x,{arn}")
    assert outputs(second)["Second"] == arn and f":{REGION}:" in arn, outputs(second)
    assert ":eu-west-1:" in outputs(second)["Arn"] and ":eu-west-1:" in second["StackId"]
    there.cloudformation.delete_stack(StackName="twin")
    there.settled(second["StackId"])
    assert set(resources(here, "twin")) == {"Jobs"}
    here.cloudformation.delete_stack(StackName="twin")
    here.settled(first["StackId"])


def warm(cloud, function):
    times = []
    for _ in range(30):
        started = time.perf_counter()
        cloud.invoke(function)
        times.append((time.perf_counter() - started) * 1000)
    return round(sorted(times)[len(times) // 2], 1)


def check_updates(cloud, function):
    """Plans say what will happen, and code changes take effect."""
    first = cloud.invoke(function)
    changes, stack = cloud.apply("everything", template(key="code-2.zip"))
    own = {c["LogicalResourceId"]: c["Replacement"] for c in changes
           if any(d["Evaluation"] == "Static" for d in c["Details"])}
    assert own == {"Store": "False", "StoreVersion": "True", "StoreLive": "False"}, changes
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack
    second = cloud.invoke(function)
    assert (first["release"], second["release"]) == ("one", "two")
    assert second["page"] == "kept" and first["pid"] != second["pid"]
    # A version is published when its description changes, and the alias follows.
    alias = cloud.lambda_.get_alias(FunctionName=function, Name="live")
    assert alias["FunctionVersion"] == "2", alias
    assert cloud.invoke(function, Qualifier="live")["release"] == "two"
    services.check_weights(cloud, function)
    changes, stack = cloud.apply("everything", template(key="code-2.zip", limit=75, retention=14))
    assert sorted((c["LogicalResourceId"], c["Replacement"]) for c in changes
                  if c["LogicalResourceId"] in ("Budget", "LogGroup")) == [
                      ("Budget", "Conditional"), ("LogGroup", "False")], changes
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack
    budget = cloud.budgets.describe_budget(AccountId="000000000000", BudgetName="demo")["Budget"]
    assert float(budget["BudgetLimit"]["Amount"]) == 75
    before = resources(cloud, "everything")
    changes, stack = cloud.apply("everything", changed_template())
    assert [c["LogicalResourceId"] for c in changes if c["Replacement"] == "True"] == [
        "AclEntry"], changes
    assert stack["StackStatus"] == "UPDATE_COMPLETE", cloud.events_of(stack["StackId"])
    after = resources(cloud, "everything")
    ids = {name: r["PhysicalResourceId"] for name, r in after.items()}
    moved = [name for name in ids if ids[name] != before[name]["PhysicalResourceId"]]
    assert moved in ([], ["AclEntry"]), moved
    services.check(cloud, ids, "second")
    acl_id = resources(cloud, "everything")["Acl"]["PhysicalResourceId"]
    acl = cloud.ec2.describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"][0]
    assert [e["RuleNumber"] for e in acl["Entries"]] == [110], acl


def verify(cloud):
    """Everything is as `create` left it; for a run after a restart."""
    body = changed_template()
    listed = resources(cloud, "everything")
    assert set(listed) == set(body["Resources"])
    again = cloud.plan("everything", body, "UPDATE")
    assert "didn't contain changes" in again.get("StatusReason", ""), again
    answer = cloud.invoke(listed["Store"]["PhysicalResourceId"])
    assert (answer["page"], answer["release"]) == ("kept", "two"), answer
    code = cloud.s3.get_object(Bucket="artefacts", Key="code-1.zip")["Body"].read()
    assert code == package("one")


def delete(cloud):
    _, stack = cloud.apply("everything", unprotected_template())
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack
    cloud.cloudformation.delete_stack(StackName="everything")
    deleted = cloud.settled(stack["StackId"])
    leftovers = [(e["LogicalResourceId"], e["ResourceStatusReason"])
                 for e in cloud.events_of(stack["StackId"])
                 if e["ResourceStatus"] == "DELETE_FAILED"]
    assert deleted["StackStatus"] == "DELETE_COMPLETE", leftovers
    assert not cloud.ec2.describe_addresses()["Addresses"]


def create(cloud):
    cloud.s3.create_bucket(Bucket="artefacts", CreateBucketConfiguration={
        "LocationConstraint": REGION})
    for number, release in enumerate(("one", "two"), 1):
        cloud.s3.put_object(Bucket="artefacts", Key=f"code-{number}.zip", Body=package(release))
    body = template()
    started = time.perf_counter()
    changes, stack = cloud.apply("everything", body, "CREATE")
    deployed = round(time.perf_counter() - started, 2)
    reasons = [(e["LogicalResourceId"], e["ResourceStatusReason"])
               for e in cloud.events_of(stack["StackId"]) if "FAILED" in e["ResourceStatus"]]
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons
    assert {c["LogicalResourceId"] for c in changes} == set(body["Resources"])
    listed = resources(cloud, "everything")
    assert set(listed) == set(body["Resources"])
    ids = {name: r["PhysicalResourceId"] for name, r in listed.items()}
    out = outputs(stack)
    check_direct_apis(cloud, out, ids)
    services.check(cloud, ids, "first")
    again = cloud.plan("everything", body, "UPDATE")
    assert again["Status"] == "FAILED" and "didn't contain changes" in again["StatusReason"], again
    check_consumer(cloud, ids)
    check_plans(cloud)
    reason = check_failure(cloud)
    written = cloud.invoke(out["Function"], {"write": "kept"})
    assert written["page"] == "kept" and written["root"] != "/mnt/pages"
    milliseconds = warm(cloud, out["Function"])
    check_updates(cloud, out["Function"])
    return {"resources": len(listed), "deploy_seconds": deployed,
            "warm_invoke_ms": milliseconds, "failure": reason}


def main():
    cloud = Cloud(sys.argv[1])
    report = {}
    if "--verify" in sys.argv:
        verify(cloud)
    else:
        report = create(cloud)
        check_two_regions(sys.argv[1])
    if "--delete" in sys.argv:
        delete(cloud)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
