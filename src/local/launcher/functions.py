"""Lambda: properties that the handlers drop, EFS mounts, alias weights."""

import os
import random
import shutil

import ministack.services.cloudformation.provisioners as cfn
import ministack.services.efs as efs
import ministack.services.lambda_svc as lambdas

import issuer
import traces
from storage import extend

_MOUNTS = os.environ["PLATFORMCTL_MOUNTS"]


def _apply(physical_id, props, _attributes):
    """FileSystemConfigs, VpcConfig, DeadLetterConfig, KmsKeyArn, concurrency."""
    record = lambdas._functions[physical_id]
    config = record["config"]
    source = props.get("Code") or {}
    if source.get("S3Key") and record.get("code_zip") is None:
        # ministack answers "Mock response" to every invocation instead.
        raise ValueError(
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: "
            f"the key {source['S3Key']} does not exist in bucket {source.get('S3Bucket')}")
    before = (config.get("FileSystemConfigs"), config.get("VpcConfig"))
    config["FileSystemConfigs"] = props.get("FileSystemConfigs") or []
    config["VpcConfig"] = lambdas._vpc_config_with_id(props.get("VpcConfig"))
    dead_letter = props.get("DeadLetterConfig")
    if dead_letter and dead_letter.get("TargetArn"):
        config["DeadLetterConfig"] = dead_letter
    else:
        config.pop("DeadLetterConfig", None)
    config["KMSKeyArn"] = props.get("KmsKeyArn", "")
    reserved = props.get("ReservedConcurrentExecutions")
    record["concurrency"] = None if reserved is None else int(reserved)
    if before != (config["FileSystemConfigs"], config["VpcConfig"]):
        lambdas.invalidate_worker(physical_id, qualifier="$LATEST")


def _delete(delete):
    def delete_and_stop(physical_id, props):
        delete(physical_id, props)
        # Otherwise the processes of a deleted function live on.
        lambdas.invalidate_worker(physical_id)
    return delete_and_stop


def _scan(store, key):
    """A record by id in any account and region: workers start on threads of
    their own, without a request to take the scope from."""
    for scoped, record in list(store._data.items()):
        if scoped[-1] == key:
            return record
    return None


def mount_directory(mount_arn):
    """The host directory of an EFS access point: its root directory inside its
    file system, so that access points which share a root share their files."""
    access_point_id = mount_arn.rsplit("/", 1)[-1]
    record = _scan(efs._access_points, access_point_id)
    if record is None:
        directory = os.path.join(_MOUNTS, access_point_id)
    else:
        root = os.path.normpath("/" + ((record.get("RootDirectory") or {}).get("Path") or ""))
        directory = os.path.join(_MOUNTS, record["FileSystemId"], root.lstrip("/"))
    os.makedirs(directory, exist_ok=True)
    return os.path.normpath(directory)


_plain_environment = lambdas._runtime_env_vars


def _environment(config):
    """The environment as the process sees it: values under a mount path point
    to the host directory. GetFunctionConfiguration keeps the template's."""
    variables = dict(_plain_environment(config))
    for mount in config.get("FileSystemConfigs") or []:
        path = (mount.get("LocalMountPath") or "").rstrip("/")
        if not path or not mount.get("Arn"):
            continue
        for name, value in variables.items():
            if value == path or str(value).startswith(path + "/"):
                variables[name] = mount_directory(mount["Arn"]) + str(value)[len(path):]
    return traces.environment(issuer.trusted(config.get("FunctionName", ""), variables))


_plain_delete_file_system = efs._delete_file_system


def _delete_file_system(file_system_id, *args, **kwargs):
    answer = _plain_delete_file_system(file_system_id, *args, **kwargs)
    if answer[0] < 400:
        shutil.rmtree(os.path.join(_MOUNTS, os.path.basename(str(file_system_id))),
                      ignore_errors=True)
    return answer


_plain_invoke = lambdas._invoke


def _weighted(name, qualifier):
    """The version that an alias with weights sends this invocation to."""
    alias = (lambdas._functions.get(name) or {}).get("aliases", {}).get(qualifier) or {}
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    draw = random.random()
    for version, weight in weights.items():
        draw -= float(weight)
        if draw < 0:
            return version
    return qualifier


async def _invoke(name, event, headers, path_qualifier=None, query_params=None):
    wanted = path_qualifier or lambdas._qp_first(query_params or {}, "Qualifier")
    if wanted:
        path_qualifier = _weighted(name, wanted)
    return await _plain_invoke(name, event, headers, path_qualifier, query_params)


def install():
    """Applies all of the above."""
    extend("AWS::Lambda::Function", _apply)
    handler = cfn._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    handler["delete"] = _delete(handler["delete"])
    lambdas._runtime_env_vars = _environment
    lambdas._invoke = _invoke
    efs._delete_file_system = _delete_file_system
