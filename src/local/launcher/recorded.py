"""Registration of resource types: which handler, which replacement rules.

`types.json` holds facts taken from the CloudFormation provider schemas: the
create-only properties (a change replaces the resource), the identifiers, the
read-only properties (what `GetAtt` may ask for) and the property for tags.
"""

import json
import os

import ministack.services.cloudformation.provisioners as cfn
from ministack.core.responses import get_account_id, now_iso

from calls import arn, new_id

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "types.json")) as _file:
    TYPES = json.load(_file)


def register(handlers):
    """Installs our handlers and records every other known type without one.

    Returns the types that are recorded only.
    """
    cfn._RESOURCE_HANDLERS.update(handlers)
    recorded = sorted(name for name, facts in TYPES.items()
                      if facts.get("missing") and name not in cfn._RESOURCE_HANDLERS)
    for name in recorded:
        cfn._RESOURCE_HANDLERS[name] = _recorder(name)
    for name, facts in TYPES.items():
        # Without these ministack answers "Conditional" for every change and
        # updates in place what AWS replaces.
        if "create_only" in facts and name not in cfn._REPLACING_PROPERTIES:
            cfn._REPLACING_PROPERTIES[name] = tuple(facts["create_only"])
            if "conditional" in facts:
                cfn._CONDITIONALLY_REPLACING_PROPERTIES.setdefault(
                    name, tuple(facts["conditional"]))
        if "tags" in facts:
            cfn._STACK_TAG_PROPERTY.setdefault(name, tuple(facts["tags"]))
        _complete(name, facts)
    return recorded


def _recorder(name):
    """A type that exists in the stack and nowhere else."""

    def create(logical_id, props, stack):
        physical_id = _identifier(name, logical_id, props, stack)
        return physical_id, _attributes(name, physical_id, props)

    def update(physical_id, _old, new, _stack):
        return physical_id, _attributes(name, physical_id, new)

    return {"create": create, "update": update, "delete": lambda _physical_id, _props: None}


def _identifier(name, logical_id, props, stack):
    facts = TYPES[name]
    service, kind = (part.lower() for part in name.split("::")[1:])
    generated = cfn._physical_name(stack, logical_id, max_len=64)
    parts = []
    for prop in facts["primary"]:
        if prop == "AccountId":
            parts.append(get_account_id())
        elif prop.lower().endswith("arn") and prop in facts.get("read_only", ()):
            named = next((v for k, v in props.items()
                          if k.endswith("Name") and isinstance(v, str)), generated)
            parts.append(arn(_SERVICES.get(service, service), f"{kind}/{named}"))
        elif isinstance(props.get(prop), str):
            parts.append(props[prop])
        elif prop in facts.get("read_only", ()) and prop.endswith("Id"):
            parts.append(new_id(kind[:12]))
        else:
            parts.append(generated)
    return "|".join(parts) or generated


_SERVICES = {"bedrockagentcore": "bedrock-agentcore"}


def _attributes(name, physical_id, props):
    """A plausible value for everything a template may ask for."""
    facts = TYPES[name]
    service, kind = (part.lower() for part in name.split("::")[1:])
    values = {}
    for attribute in facts.get("read_only", ()):
        lower = attribute.lower()
        if [attribute] == facts["primary"]:
            value = physical_id
        elif lower.endswith("arn"):
            value = arn(_SERVICES.get(service, service), f"{kind}/{physical_id}")
        elif lower.endswith("at") or "time" in lower:
            value = now_iso()
        elif lower.endswith("status"):
            value = "READY"
        elif lower.endswith("url"):
            value = f"https://{physical_id}.invalid"
        elif lower.endswith("version"):
            value = "1"
        elif lower.endswith("id"):
            value = physical_id.rsplit("/", 1)[-1]
        else:
            value = props.get(attribute, "")
        values[attribute] = value
    return values


def _complete(name, facts):
    """Makes every handler of a known type answer the attributes that can be
    derived safely: the identifier itself, and what the template itself says.
    ministack leaves out, for instance, the `Id` of an association."""
    handler = cfn._RESOURCE_HANDLERS.get(name)
    if handler is None:
        return

    def completed(result, props):
        physical_id, attributes = result
        attributes = dict(attributes or {})
        for attribute in facts.get("read_only", ()):
            if attribute in attributes:
                continue
            if facts["primary"] == [attribute]:
                attributes[attribute] = physical_id
            elif attribute in props:
                attributes[attribute] = props[attribute]
        return physical_id, attributes

    def wrap(function, position):
        def wrapped(*args, **kwargs):
            return completed(function(*args, **kwargs), args[position])
        return wrapped

    changed = dict(handler)
    changed["create"] = wrap(handler["create"], 1)
    if "update" in handler:
        changed["update"] = wrap(handler["update"], 2)
    cfn._RESOURCE_HANDLERS[name] = changed
