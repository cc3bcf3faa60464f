"""Properties that ministack's own handlers drop: VPC attributes, endpoint
security groups, S3 encryption, lifecycle and locks, DynamoDB TTL, recovery and SSE, the
options of generated secrets."""

import json
from xml.sax.saxutils import escape

import ministack.services.cloudformation.provisioners as cfn
import ministack.services.dynamodb as dynamodb
import ministack.services.ec2 as ec2
import ministack.services.s3 as s3
import ministack.services.secretsmanager as secrets
from ministack.core.responses import get_region

from calls import checked, text, truthy


def extend(name, after_create, after_update=None):
    """Runs `after(physical_id, props, attributes)` after a handler's own work.

    A failing create is undone, because the stack does not know the resource
    yet and would leave it behind.
    """
    handler = dict(cfn._RESOURCE_HANDLERS[name])
    create, update, delete = handler["create"], handler.get("update"), handler["delete"]
    after_update = after_update or after_create

    def extended_create(logical_id, props, stack):
        physical_id, attributes = create(logical_id, props, stack)
        attributes = dict(attributes)
        try:
            after_create(physical_id, props, attributes)
        except Exception:
            delete(physical_id, props)
            raise
        return physical_id, attributes

    def extended_update(physical_id, old, new, stack, logical_id=None):
        args = (logical_id,) if handler.get("update_with_logical_id") else ()
        physical_id, attributes = update(physical_id, old, new, stack, *args)
        attributes = dict(attributes)
        after_update(physical_id, new, attributes)
        return physical_id, attributes

    handler["create"] = extended_create
    if update:
        handler["update"] = extended_update
    cfn._RESOURCE_HANDLERS[name] = handler


def _vpc(physical_id, _props, attributes):
    attributes["CidrBlock"] = ec2._vpcs[physical_id]["CidrBlock"]
    attributes["CidrBlockAssociations"] = [f"vpc-cidr-assoc-{physical_id[4:]}"]
    attributes["Ipv6CidrBlocks"] = []


def _subnet(physical_id, _props, attributes):
    record = ec2._subnets[physical_id]
    for name in ("VpcId", "CidrBlock", "AvailabilityZoneId"):
        attributes[name] = record[name]


def _endpoint(physical_id, _props, attributes):
    record = ec2._vpc_endpoints[physical_id]
    if record["VpcEndpointType"] == "Interface":
        # As on AWS: the regional name, then one a zone, then the private name.
        service = record["ServiceName"].split(".", 3)[-1]
        region = get_region()
        names = [f"{physical_id}.{service}.{region}.vpce.amazonaws.com"]
        for subnet in record["SubnetIds"]:
            zone = (ec2._subnets.get(subnet) or {}).get("AvailabilityZone", f"{region}a")
            names.append(f"{physical_id}-{zone}.{service}.{region}.vpce.amazonaws.com")
        if truthy(record.get("PrivateDnsEnabled", False)):
            names.append(f"{service}.{region}.amazonaws.com")
        record["DnsEntries"] = [f"Z7K1066E3PUKB:{name}" for name in names]
    attributes["DnsEntries"] = record["DnsEntries"]


def _endpoint_xml(record, tag="item"):
    """DescribeVpcEndpoints with what the type is mostly asked for."""
    xml = _plain_endpoint_xml(record, tag)
    groups = "".join(f"<item><groupId>{g}</groupId></item>"
                     for g in record.get("SecurityGroupIds") or [])
    private = text(bool(truthy(record.get("PrivateDnsEnabled", False))))
    extra = (f"<groupSet>{groups}</groupSet>"
             f"<privateDnsEnabled>{private}</privateDnsEnabled>")
    return xml.replace(f"</{tag}>", f"{extra}</{tag}>") if tag != "item" else (
        xml[:xml.rindex("</item>")] + extra + "</item>")


_plain_endpoint_xml = ec2._vpce_fields_xml


def _encryption_xml(configuration):
    rules = ""
    for rule in configuration.get("ServerSideEncryptionConfiguration") or []:
        default = rule.get("ServerSideEncryptionByDefault") or {}
        rules += "<Rule><ApplyServerSideEncryptionByDefault>"
        rules += f"<SSEAlgorithm>{escape(default.get('SSEAlgorithm', 'AES256'))}</SSEAlgorithm>"
        if default.get("KMSMasterKeyID"):
            rules += f"<KMSMasterKeyID>{escape(default['KMSMasterKeyID'])}</KMSMasterKeyID>"
        rules += "</ApplyServerSideEncryptionByDefault>"
        if "BucketKeyEnabled" in rule:
            rules += f"<BucketKeyEnabled>{text(truthy(rule['BucketKeyEnabled']))}</BucketKeyEnabled>"
        rules += "</Rule>"
    return (f'<ServerSideEncryptionConfiguration xmlns="{s3.S3_NS}">{rules}'
            "</ServerSideEncryptionConfiguration>").encode()


def _fields(record, names):
    return "".join(f"<{out}>{escape(text(record[name]))}</{out}>"
                   for name, out in names if name in record)


def _lifecycle_xml(configuration):
    rules = ""
    for rule in configuration.get("Rules") or []:
        rules += "<Rule>" + _fields(rule, [("Id", "ID")])
        rules += f"<Filter><Prefix>{escape(rule.get('Prefix') or '')}</Prefix></Filter>"
        rules += _fields(rule, [("Status", "Status")])
        expiry = _fields(rule, [("ExpirationInDays", "Days"), ("ExpirationDate", "Date"),
                                ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker")])
        rules += f"<Expiration>{expiry}</Expiration>" if expiry else ""
        old = rule.get("NoncurrentVersionExpiration") or {}
        if "NoncurrentVersionExpirationInDays" in rule:
            old = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
        expiry = _fields(old, [("NoncurrentDays", "NoncurrentDays"),
                               ("NewerNoncurrentVersions", "NewerNoncurrentVersions")])
        rules += (f"<NoncurrentVersionExpiration>{expiry}</NoncurrentVersionExpiration>"
                  if expiry else "")
        abort = _fields(rule.get("AbortIncompleteMultipartUpload") or {},
                        [("DaysAfterInitiation", "DaysAfterInitiation")])
        rules += (f"<AbortIncompleteMultipartUpload>{abort}</AbortIncompleteMultipartUpload>"
                  if abort else "")
        for move in rule.get("Transitions") or []:
            fields = _fields(move, [("TransitionInDays", "Days"), ("TransitionDate", "Date"),
                                    ("StorageClass", "StorageClass")])
            rules += f"<Transition>{fields}</Transition>"
        rules += "</Rule>"
    return f"<LifecycleConfiguration>{rules}</LifecycleConfiguration>".encode()


def _ownership_xml(configuration):
    rules = "".join(f"<Rule>{_fields(r, [('ObjectOwnership', 'ObjectOwnership')])}</Rule>"
                    for r in configuration.get("Rules") or [])
    return f"<OwnershipControls>{rules}</OwnershipControls>".encode()


def _checked_put(put, what):
    return lambda name, body: checked(put(name, body), f"s3 {what}")


def _bucket(physical_id, props, _attributes):
    # The update handler only ever enables versioning.
    if (props.get("VersioningConfiguration") or {}).get("Status") == "Suspended":
        s3._bucket_versioning[physical_id] = "Suspended"
    lock = props.get("ObjectLockConfiguration") or {}
    if truthy(props.get("ObjectLockEnabled", False)) or lock:
        checked(s3._put_object_lock_configuration(physical_id, _lock_xml(lock)),
                "s3 PutObjectLockConfiguration")


def _lock_xml(configuration):
    retention = (configuration.get("Rule") or {}).get("DefaultRetention")
    rule = ""
    if retention:
        fields = _fields(retention, [(name, name) for name in ("Mode", "Days", "Years")])
        rule = f"<Rule><DefaultRetention>{fields}</DefaultRetention></Rule>"
    return (f'<ObjectLockConfiguration xmlns="{s3.S3_NS}">'
            f"<ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}"
            "</ObjectLockConfiguration>").encode()


def _table(physical_id, props, _attributes):
    ttl = props.get("TimeToLiveSpecification")
    if ttl and ttl.get("AttributeName"):
        checked(dynamodb._update_ttl({"TableName": physical_id, "TimeToLiveSpecification": {
            "Enabled": truthy(ttl.get("Enabled", False)),
            "AttributeName": ttl["AttributeName"]}}), "dynamodb UpdateTimeToLive")
    else:
        dynamodb._ttl_settings.pop(physical_id, None)
    recovery = props.get("PointInTimeRecoverySpecification") or {}
    dynamodb._pitr_settings[physical_id] = truthy(
        recovery.get("PointInTimeRecoveryEnabled", False))
    sse = props.get("SSESpecification") or {}
    enabled = truthy(sse.get("SSEEnabled", False))
    dynamodb._tables[physical_id]["SSEDescription"] = {
        "Status": "ENABLED", "SSEType": sse.get("SSEType", "KMS"),
        "KMSMasterKeyArn": sse.get("KMSMasterKeyId", ""),
    } if enabled else None


def _secret_string(props):
    """Of GenerateSecretString, ministack's handler heeds the length and the excluded
    characters only, and draws from a generator that can be foretold."""
    wanted = props.get("GenerateSecretString")
    if not wanted or props.get("SecretString"):
        return _plain_secret_string(props)
    request = {key: truthy(value) if text(value).lower() in ("true", "false") else value
               for key, value in wanted.items()}
    request["PasswordLength"] = int(wanted.get("PasswordLength", 32))
    answer = json.loads(checked(secrets._get_random_password(request),
                                "secretsmanager GetRandomPassword"))
    if not wanted.get("SecretStringTemplate"):
        return answer["RandomPassword"]
    body = json.loads(wanted["SecretStringTemplate"])
    body[wanted["GenerateStringKey"]] = answer["RandomPassword"]
    return json.dumps(body)


_plain_secret_string = cfn._sm_secret_string


def install():
    """Applies all of the above. Runs before types are completed and recorded."""
    extend("AWS::EC2::VPC", _vpc)
    extend("AWS::EC2::Subnet", _subnet)
    extend("AWS::EC2::VPCEndpoint", _endpoint)
    ec2._vpce_fields_xml = _endpoint_xml
    cfn._S3_BUCKET_CONFIGURATIONS += (
        ("BucketEncryption", _encryption_xml,
         _checked_put(s3._put_bucket_encryption, "PutBucketEncryption"),
         s3._delete_bucket_encryption),
        ("LifecycleConfiguration", _lifecycle_xml,
         _checked_put(s3._put_bucket_lifecycle, "PutBucketLifecycleConfiguration"),
         s3._delete_bucket_lifecycle),
        ("OwnershipControls", _ownership_xml,
         _checked_put(s3._put_bucket_ownership_controls, "PutBucketOwnershipControls"),
         s3._delete_bucket_ownership_controls),
    )
    extend("AWS::S3::Bucket", _bucket)
    extend("AWS::DynamoDB::Table", _table)
    cfn._sm_secret_string = _secret_string
