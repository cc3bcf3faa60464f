"""Starts ministack with what platformctl needs added to it.

ministack is pinned to one version because most of this uses its internals.
Everything comes from the environment, which platformctl sets: see
`src/local/emulator.rs`.
"""

import asyncio
import json
import os
import signal
import socketserver
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

# The emulator outlives the terminal that started it.
signal.signal(signal.SIGHUP, signal.SIG_IGN)

import durability  # noqa: E402  (before ministack reads its state directory)

durability.unpack()

import ministack.app as app  # noqa: E402
import ministack.core.lambda_runtime as lambda_runtime  # noqa: E402
import ministack.core.persistence as persistence  # noqa: E402
import ministack.services.cloudformation as cloudformation  # noqa: E402
import ministack.services.lambda_svc as lambdas  # noqa: E402

import alarms  # noqa: E402
import callers  # noqa: E402
import contract  # noqa: E402
import functions  # noqa: E402
import gateway  # noqa: E402
import issuer  # noqa: E402
import network  # noqa: E402
import plans  # noqa: E402
import recorded  # noqa: E402
import reports  # noqa: E402
import services  # noqa: E402
import storage  # noqa: E402
import traces  # noqa: E402
import workers  # noqa: E402

INSTANCE_PATH = "/_platformctl/instance"


def identity():
    """Who answers on this port; platformctl compares it with its record."""
    return json.dumps({"instance": os.environ["PLATFORMCTL_INSTANCE"], "pid": os.getpid()})


def wrap(inner, saver):
    """Adds the identity endpoint, the token issuer, the background saving and who may call."""
    port = os.environ["GATEWAY_PORT"]

    async def wrapped(scope, receive, send):
        if scope["type"] == "lifespan":
            task = asyncio.get_running_loop().create_task(saver.run())
            try:
                await inner(scope, receive, send)
            finally:
                task.cancel()
            return
        reason = callers.refusal(scope, port)
        if reason:
            await callers.refuse(scope, receive, send, reason)
            return
        path = scope.get("path", "")
        if path == INSTANCE_PATH:
            await send({"type": "http.response.start", "status": 200,
                        "headers": [(b"content-type", b"application/json")]})
            await send({"type": "http.response.body", "body": identity().encode()})
            return
        if traces.is_asked(scope):
            await traces.answer(scope, receive, send)
            return
        if issuer.is_asked(path):
            await issuer.answer(scope, send)
            return
        try:
            await inner(scope, receive, send)
        finally:
            if not path.startswith("/_ministack/"):
                saver.touch()

    return wrapped


def load_then_settle(load):
    """Wraps the loading of saved state."""
    def loaded():
        load()
        durability.settle(cloudformation)
    return loaded


def main():
    """Applies the patches, says what is only recorded, serves."""
    # An answer of a Lambda worker waits 40 ms for more bytes otherwise.
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    alarms.install()
    storage.install()
    functions.install()
    contract.install()
    gateway.install()
    plans.install()
    traces.install()
    workers.install(lambda_runtime, lambdas)
    reports.install(lambda_runtime, lambdas)
    only_recorded = recorded.register({**network.HANDLERS, **services.HANDLERS})
    with open(os.environ["PLATFORMCTL_CAPABILITIES"], "w", encoding="utf-8") as file:
        json.dump({"version": 1, "recorded_only": only_recorded}, file, indent=1)
    saver = durability.Saver(app, persistence, lambdas)
    app._load_persisted_state = load_then_settle(app._load_persisted_state)
    app.app = wrap(app.app, saver)
    # `main` has a command line of its own; ours is for identification only.
    sys.argv = sys.argv[:1]
    try:
        app.main()
    finally:
        lambda_runtime.reset()


if __name__ == "__main__":
    main()
