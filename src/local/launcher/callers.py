"""Refuses what web pages send.

The emulator asks nobody for credentials, and whoever reaches it can run code
(a Lambda function is a process of this machine). Loopback keeps other machines
out, but not the pages in this machine's browsers. They are known by:

- `Origin` and `Sec-Fetch-*`, which browsers add and pages cannot remove;
- a `Host` that is not ours, when a page's own name was pointed at 127.0.0.1.
"""


def refusal(scope, port):
    """Why a request is refused; None when it is not."""
    headers = scope.get("headers", [])
    for name, _ in headers:
        if name == b"origin" or name.startswith(b"sec-fetch-"):
            return "the local platform does not answer web pages"
    ours = (f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode())
    hosts = [value.lower() for name, value in headers if name == b"host"]
    if len(hosts) != 1 or hosts[0] not in ours:
        return f"the local platform answers to 127.0.0.1:{port} only"
    return None


async def refuse(scope, receive, send, reason):
    """Answers 403."""
    if scope["type"] == "websocket":
        await receive()
        # Before it is accepted, the server makes a 403 of this.
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403,
                "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})
