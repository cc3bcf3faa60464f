"""State that survives a kill.

ministack saves at a clean shutdown only, one file a service, so that a kill
loses everything and a kill during the save leaves files of two moments. Here
one snapshot holds every service. It is taken on the event loop, between two
requests, so that it is of one moment; it is written beside the previous one,
synced and renamed, so that a torn write is never seen.
"""

import asyncio
import hashlib
import json
import logging
import os
import time

_STATE = os.environ["STATE_DIR"]
_SNAPSHOT = os.path.join(_STATE, "snapshot.jsonl")
_PREVIOUS = os.path.join(_STATE, "snapshot.previous.jsonl")
# At most this long after a change; sooner while a snapshot is cheap to take.
_INTERVAL, _SHORTEST = 2.0, 0.3
# Pollers change state without a request, so idle time is saved too, less often.
_IDLE_INTERVAL = 30.0

logger = logging.getLogger("platformctl")


def _read(path):
    """The services of a complete snapshot, or None."""
    services, complete = {}, False
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                if "service" in entry:
                    services[entry["service"]] = entry["state"]
                complete = entry.get("end", False)
    except (OSError, ValueError):
        return None
    return services if complete else None


def unpack():
    """Lays out the newest complete snapshot as the files that ministack reads."""
    os.makedirs(_STATE, exist_ok=True)
    services = _read(_SNAPSHOT)
    if services is None:
        services = _read(_PREVIOUS)
    for name in os.listdir(_STATE):
        if name.endswith((".json", ".tmp")):
            os.remove(os.path.join(_STATE, name))
    for name, state in (services or {}).items():
        with open(os.path.join(_STATE, f"{name}.json"), "w", encoding="utf-8") as file:
            file.write(state)


class Saver:
    """Takes and writes snapshots."""

    def __init__(self, app, persistence, lambdas):
        self._app, self._persistence = app, persistence
        self._states, self._written = {}, None
        self._dirty_at, self._saved_at = time.monotonic(), 0.0
        self._code = None
        # The code blobs of the previous snapshot stay until the new one is on disk.
        self._prune = lambdas._prune_orphan_code_blobs
        lambdas._prune_orphan_code_blobs = self._remember_code
        app.save_all = lambda _services: self.save()

    def _remember_code(self, referenced):
        self._code = set(referenced)

    def touch(self):
        """Something may have changed."""
        self._dirty_at = time.monotonic()

    async def run(self):
        """Saves while there is something to save, for a tenth of the time at most."""
        pause = _SHORTEST
        while True:
            await asyncio.sleep(pause)
            started = time.monotonic()
            if self._dirty_at < self._saved_at and started - self._saved_at < _IDLE_INTERVAL:
                continue
            try:
                content = self._take()
                self._saved_at = started
                pause = min(_INTERVAL, max(_SHORTEST, 10 * (time.monotonic() - started)))
                # The disk is slower than the rest: off the event loop.
                await asyncio.to_thread(self._write, content)
            except Exception:
                logger.exception("the state was not saved; trying again")

    def save(self):
        """Saves now, on the calling thread."""
        self._write(self._take())

    def _take(self):
        for name, get_state in self._app._build_persistence_save_dict().items():
            for attempt in range(5):
                try:
                    state = get_state()
                    if state is not None:
                        self._states[name] = json.dumps(
                            {"__ministack_format__":
                                self._persistence._state_format_version(name),
                             "payload": state}, default=self._persistence._json_default)
                    break
                except RuntimeError:
                    # A Lambda thread changed a dictionary under the copy.
                    if attempt == 4:
                        raise
                except TypeError as error:
                    logger.error("the state of %s cannot be saved: %s", name, error)
                    break
        lines = [json.dumps({"service": name, "state": state})
                 for name, state in sorted(self._states.items())]
        lines.append(json.dumps({"end": True}))
        return "\n".join(lines) + "\n"

    def _write(self, content):
        digest = hashlib.sha256(content.encode()).digest()
        if digest == self._written:
            return
        new = _SNAPSHOT + ".new"
        with open(new, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.replace(_SNAPSHOT, _PREVIOUS)
        except FileNotFoundError:
            pass
        os.replace(new, _SNAPSHOT)
        self._written = digest
        if self._code is not None:
            self._prune(self._code)


def settle(cloudformation):
    """Ends stack operations that a kill cut short: nobody goes on with them,
    and whoever waits for them would wait forever."""
    for stack in cloudformation._stacks._data.values():
        status = stack.get("StackStatus", "")
        if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
            continue
        operation = status.removesuffix("_IN_PROGRESS").removesuffix("_CLEANUP")
        stack["StackStatus"] = f"{operation.removesuffix('_COMPLETE')}_FAILED"
        stack["StackStatusReason"] = "the local emulator was stopped during this operation"
        logger.warning("stack %s: %s became %s", stack.get("StackName"), status,
                       stack["StackStatus"])
