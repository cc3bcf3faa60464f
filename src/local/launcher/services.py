"""Budgets, IAM, WAF, CloudWatch and AgentCore types, through ministack's own APIs."""

import copy
import json

import ministack.services.bedrock_agentcore as agentcore
import ministack.services.budgets as budgets
import ministack.services.cloudformation.provisioners as cfn
import ministack.services.cloudwatch as cloudwatch
import ministack.services.iam as iam
import ministack.services.waf as waf
from ministack.core.responses import get_account_id

from calls import arn, checked, query


# --- Budgets -------------------------------------------------------------

def _budget(props, name):
    budget = copy.deepcopy(props.get("Budget") or {})
    budget["BudgetName"] = name
    limit = budget.get("BudgetLimit")
    if limit and "Amount" in limit:
        # The template has a number, the API a string.
        limit["Amount"] = str(limit["Amount"])
    return budget


def budget_create(logical_id, props, stack):
    name = (props.get("Budget") or {}).get("BudgetName") or cfn._physical_name(
        stack, logical_id, max_len=100)
    checked(budgets._create_budget({
        "AccountId": get_account_id(), "Budget": _budget(props, name),
        "NotificationsWithSubscribers": props.get("NotificationsWithSubscribers"),
        "ResourceTags": props.get("ResourceTags"),
    }), "budgets CreateBudget")
    return name, {"Id": name}


def budget_update(physical_id, old, new, stack, logical_id=None):
    wanted = (new.get("Budget") or {}).get("BudgetName")
    if wanted and wanted != physical_id:
        created = budget_create(logical_id or physical_id, new, stack)
        cfn._delete_predecessor(budget_delete, physical_id, old)
        return created
    checked(budgets._update_budget({
        "AccountId": get_account_id(), "NewBudget": _budget(new, physical_id),
    }), "budgets UpdateBudget")
    return physical_id, {"Id": physical_id}


def budget_delete(physical_id, _props):
    if physical_id in budgets._budgets:
        checked(budgets._delete_budget(
            {"AccountId": get_account_id(), "BudgetName": physical_id}), "budgets DeleteBudget")


# --- IAM OpenID Connect provider -----------------------------------------

def oidc_create(_logical_id, props, _stack):
    members = query(Url=props.get("Url"))
    for prop, name in (("ClientIdList", "ClientIDList"), ("ThumbprintList", "ThumbprintList")):
        for index, value in enumerate(props.get(prop) or [], 1):
            members[f"{name}.member.{index}"] = [value]
    checked(iam._create_oidc_provider(members), "iam CreateOpenIDConnectProvider")
    host = props["Url"].replace("https://", "").replace("http://", "").rstrip("/")
    provider = f"arn:aws:iam::{get_account_id()}:oidc-provider/{host}"
    iam._oidc_providers[provider]["Tags"] = list(props.get("Tags") or [])
    return provider, {"Arn": provider}


def oidc_update(physical_id, _old, new, _stack):
    record = iam._oidc_providers[physical_id]
    record["ClientIDList"] = list(new.get("ClientIdList") or [])
    record["ThumbprintList"] = list(new.get("ThumbprintList") or [])
    record["Tags"] = list(new.get("Tags") or [])
    return physical_id, {"Arn": physical_id}


def oidc_delete(physical_id, _props):
    iam._oidc_providers.pop(physical_id, None)


# --- WAF association -----------------------------------------------------

def association_create(_logical_id, props, _stack):
    checked(waf._associate_web_acl({"WebACLArn": props.get("WebACLArn", ""),
                                    "ResourceArn": props.get("ResourceArn", "")}),
            "wafv2 AssociateWebACL")
    return f"{props['ResourceArn']}|{props['WebACLArn']}", {}


def association_delete(physical_id, _props):
    # A resource has one web ACL: what replaced this association must stay.
    resource, _, web_acl = physical_id.rpartition("|")
    if waf._associations.get(resource) == web_acl:
        waf._disassociate_web_acl({"ResourceArn": resource})


# --- Composite alarms ----------------------------------------------------

def _put_alarm(name, props):
    # The API refuses the tags that CloudFormation itself adds.
    tags = [t for t in props.get("Tags") or [] if not t["Key"].startswith("aws:")]
    request = {**props, "AlarmName": name, "Tags": tags,
               "ActionsEnabled": str(props.get("ActionsEnabled", True)).lower() != "false"}
    checked(cloudwatch._put_composite_alarm({}, request, False, True),
            "cloudwatch PutCompositeAlarm")
    return name, {"Arn": arn("cloudwatch", f"alarm:{name}")}


def alarm_create(logical_id, props, stack):
    return _put_alarm(props.get("AlarmName") or cfn._physical_name(stack, logical_id), props)


def alarm_update(physical_id, _old, new, _stack):
    return _put_alarm(physical_id, new)


def alarm_delete(physical_id, _props):
    cloudwatch._composite_alarms.pop(physical_id, None)


# --- AgentCore -----------------------------------------------------------

# Maps whose keys belong to the user, so their case is not the API's.
_USER_MAPS = ("EnvironmentVariables", "Tags")


def _camel(props):
    body = cfn._pascal_to_camel(props)
    for name in _USER_MAPS:
        if name in props:
            body[name[:1].lower() + name[1:]] = props[name]
    return body


def _call(response, what):
    text = checked(response, f"bedrock-agentcore {what}")
    return json.loads(text) if text else {}


def _runtime_attributes(runtime_id):
    record = agentcore._runtimes[runtime_id]
    return {"AgentRuntimeArn": record["agentRuntimeArn"], "AgentRuntimeId": runtime_id,
            "AgentRuntimeVersion": record["agentRuntimeVersion"], "Status": record["status"],
            "CreatedAt": record["createdAt"], "LastUpdatedAt": record["lastUpdatedAt"],
            "WorkloadIdentityDetails": record.get("workloadIdentityDetails") or {},
            "FailureReason": ""}


def runtime_create(_logical_id, props, _stack):
    answer = _call(agentcore._create_agent_runtime(json.dumps(_camel(props))),
                   "CreateAgentRuntime")
    runtime_id = answer["agentRuntimeId"]
    return runtime_id, _runtime_attributes(runtime_id)


def runtime_update(physical_id, _old, new, _stack):
    _call(agentcore._update_agent_runtime(physical_id, json.dumps(_camel(new))),
          "UpdateAgentRuntime")
    return physical_id, _runtime_attributes(physical_id)


def runtime_delete(physical_id, _props):
    if physical_id in agentcore._runtimes:
        _call(agentcore._delete_agent_runtime(physical_id), "DeleteAgentRuntime")


def _endpoint_attributes(runtime_id, name):
    record = agentcore._endpoints[runtime_id][name]
    return {"AgentRuntimeEndpointArn": record["agentRuntimeEndpointArn"],
            "AgentRuntimeArn": record["agentRuntimeArn"], "Id": name,
            "Status": record["status"], "TargetVersion": record.get("targetVersion"),
            "LiveVersion": record.get("liveVersion"), "CreatedAt": record["createdAt"],
            "LastUpdatedAt": record["lastUpdatedAt"], "FailureReason": ""}


def endpoint_create(_logical_id, props, _stack):
    runtime_id, name = props.get("AgentRuntimeId"), props.get("Name")
    _call(agentcore._create_agent_runtime_endpoint(runtime_id, json.dumps(_camel(props))),
          "CreateAgentRuntimeEndpoint")
    attributes = _endpoint_attributes(runtime_id, name)
    return attributes["AgentRuntimeEndpointArn"], attributes


def endpoint_update(physical_id, _old, new, _stack):
    runtime_id, name = new.get("AgentRuntimeId"), new.get("Name")
    _call(agentcore._update_agent_runtime_endpoint(runtime_id, name, json.dumps(_camel(new))),
          "UpdateAgentRuntimeEndpoint")
    return physical_id, _endpoint_attributes(runtime_id, name)


def endpoint_delete(_physical_id, props):
    runtime_id, name = props.get("AgentRuntimeId"), props.get("Name")
    if name in (agentcore._endpoints.get(runtime_id) or {}):
        _call(agentcore._delete_agent_runtime_endpoint(runtime_id, name),
              "DeleteAgentRuntimeEndpoint")


def _memory_attributes(memory_id):
    record = agentcore._memories[memory_id]
    return {"MemoryArn": record["arn"], "MemoryId": memory_id, "Status": record["status"],
            "CreatedAt": str(record["createdAt"]), "UpdatedAt": str(record["updatedAt"]),
            "FailureReason": ""}


def memory_create(_logical_id, props, _stack):
    body = _camel(props)
    if "eventExpiryDuration" in body:
        body["eventExpiryDuration"] = int(body["eventExpiryDuration"])
    answer = _call(agentcore._create_memory(json.dumps(body)), "CreateMemory")["memory"]
    return answer["arn"], _memory_attributes(answer["id"])


def memory_update(physical_id, _old, new, _stack):
    memory_id = physical_id.rsplit("/", 1)[-1]
    # Strategies change through a request of another shape; they are left alone.
    body = {k: v for k, v in _camel(new).items() if k != "memoryStrategies"}
    if "eventExpiryDuration" in body:
        body["eventExpiryDuration"] = int(body["eventExpiryDuration"])
    _call(agentcore._update_memory(memory_id, json.dumps(body)), "UpdateMemory")
    return physical_id, _memory_attributes(memory_id)


def memory_delete(physical_id, _props):
    memory_id = physical_id.rsplit("/", 1)[-1]
    if memory_id in agentcore._memories:
        _call(agentcore._delete_memory(memory_id), "DeleteMemory")


HANDLERS = {
    "AWS::Budgets::Budget": {
        "create": budget_create, "update": budget_update, "delete": budget_delete,
        "update_with_logical_id": True},
    "AWS::IAM::OIDCProvider": {
        "create": oidc_create, "update": oidc_update, "delete": oidc_delete},
    "AWS::WAFv2::WebACLAssociation": {
        "create": association_create, "delete": association_delete},
    "AWS::CloudWatch::CompositeAlarm": {
        "create": alarm_create, "update": alarm_update, "delete": alarm_delete},
    "AWS::BedrockAgentCore::Runtime": {
        "create": runtime_create, "update": runtime_update, "delete": runtime_delete},
    "AWS::BedrockAgentCore::RuntimeEndpoint": {
        "create": endpoint_create, "update": endpoint_update, "delete": endpoint_delete},
    "AWS::BedrockAgentCore::Memory": {
        "create": memory_create, "update": memory_update, "delete": memory_delete},
}
