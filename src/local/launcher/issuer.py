"""The local token issuer: serves its public files, and lets the authoriser know it.

platformctl makes the files (`src/local/issuer`). They are read for each request, so
that a rotation of the keys shows at once.
"""

import json
import os

_FOLDER = os.environ["PLATFORMCTL_ISSUER"]
_PREFIX = "/_platformctl/issuer/"
# By path: nothing else is served, whatever is asked for.
_FILES = {
    _PREFIX + "jwks.json": "public/jwks.json",
    _PREFIX + ".well-known/openid-configuration": "public/.well-known/openid-configuration",
}


def is_asked(path):
    """Whether a request is for the issuer."""
    return path.startswith(_PREFIX)


def _read(name):
    try:
        with open(os.path.join(_FOLDER, name), "rb") as file:
            return file.read()
    except OSError:
        return None


async def answer(scope, send):
    """The file, 404, or 405 for what does not read."""
    name = _FILES.get(scope["path"])
    body = _read(name) if name else None
    status = 200
    if scope["method"] not in ("GET", "HEAD"):
        status, body = 405, b'{"error": "read it with GET"}'
    elif body is None:
        status, body = 404, b'{"error": "the issuer has no such file"}'
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"application/json"),
                            (b"content-length", str(len(body)).encode()),
                            (b"cache-control", b"no-store")]})
    await send({"type": "http.response.body",
                "body": b"" if scope["method"] == "HEAD" else body})


def trusted(name, variables):
    """The variables of a function: the authoriser trusts the local issuer beside those
    that the stacks tell it of."""
    if not name.endswith("-authoriser"):
        return variables
    own = _read("trust.json")
    try:
        issuers = json.loads(variables.get("ISSUERS") or "[]")
    except ValueError:
        # What the stacks say is wrong: that is for the authoriser to complain of.
        return variables
    if own is None or not isinstance(issuers, list):
        return variables
    return {**variables, "ISSUERS": json.dumps(issuers + [json.loads(own)])}
