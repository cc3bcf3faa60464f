"""Small helpers shared by the resource handlers."""

import json
import random
import re
import string

from ministack.core.responses import get_account_id, get_region


def checked(response, what):
    """The body of a direct API answer; an error becomes the stack event's reason."""
    status, _headers, body = response
    text = body.decode() if isinstance(body, (bytes, bytearray)) else (body or "")
    if status < 400:
        return text
    raise ValueError(f"{what}: {_message(text)} (status code {status})")


def _message(text):
    found = re.search(r"<Message>(.*?)</Message>", text, re.S)
    if found:
        return found.group(1)
    try:
        body = json.loads(text)
    except ValueError:
        return text
    return body.get("message") or body.get("Message") or text


def element(xml, name):
    """The text of the first element called `name`."""
    found = re.search(rf"<{name}>(.*?)</{name}>", xml, re.S)
    if not found:
        raise ValueError(f"the emulator's answer has no {name}")
    return found.group(1)


def query(**members):
    """Query-protocol parameters: `A="b", C=["d"]` becomes `A: [b], C.1: [d]`."""
    params = {}
    for name, value in members.items():
        if value is None:
            continue
        if isinstance(value, list):
            for index, item in enumerate(value, 1):
                params[f"{name}.{index}"] = [text(item)]
        else:
            params[name] = [text(value)]
    return params


def text(value):
    """A template scalar as the query protocol writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def truthy(value):
    """A template boolean, which may be the string "true"."""
    return str(value).lower() == "true"


def new_id(prefix):
    """An EC2-style identifier."""
    return f"{prefix}-" + "".join(random.choices(string.hexdigits[:16], k=17))


def arn(service, resource):
    """An ARN in the account and region of the request."""
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def require(store, key, what, code):
    """The record of `key`, or the error that EC2 answers with."""
    record = store.get(key)
    if record is None:
        raise ValueError(f"The {what} '{key}' does not exist ({code})")
    return record
