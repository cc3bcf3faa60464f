"""The line with which Lambda ends the log of an invocation: durations and memory.

ministack writes one into its log groups, with the time of its own overhead in it and without
the start of new environments, and none into the tail that a caller asks for.
"""

import math
import threading
import time

_last = threading.local()


def _peak_memory_mb(process):
    """The most memory that a process has used; None when the system does not say."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return math.ceil(int(line.split()[1]) / 1024)
    except (AttributeError, OSError, ValueError):
        pass
    return None


def _line(worker, request_id):
    """As AWS writes it. Starting an environment is billed, too."""
    if worker.platformctl_answered is None:
        return None
    duration = (worker.platformctl_answered - worker.platformctl_begun) * 1000
    started = worker.platformctl_started
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration:.2f} ms",
        f"Billed Duration: {math.ceil(duration + (started or 0))} ms",
        f"Memory Size: {worker.config.get('MemorySize', 128)} MB",
    ]
    memory = _peak_memory_mb(worker._proc)
    if memory is not None:
        parts.append(f"Max Memory Used: {memory} MB")
    if started is not None:
        parts.append(f"Init Duration: {started:.2f} ms")
    return "\t".join(parts) + "\t"


def install(lambda_runtime, lambdas):
    """Measures each invocation where its environment is spoken to."""
    worker = lambda_runtime.ProvidedWorker
    spawn, record, invoke = worker._spawn, worker._record_result, worker.invoke
    execute = lambdas._execute_function_with_config_scope

    def measured_spawn(self, *args, **kwargs):
        begun = time.monotonic()
        spawn(self, *args, **kwargs)
        self.platformctl_begun = time.monotonic()
        self.platformctl_started = (self.platformctl_begun - begun) * 1000

    def measured_record(self, *args, **kwargs):
        if self.platformctl_answered is None:
            self.platformctl_answered = time.monotonic()
        return record(self, *args, **kwargs)

    def measured_invoke(self, event, request_id, **kwargs):
        self.platformctl_begun = time.monotonic()
        self.platformctl_started = self.platformctl_answered = None
        try:
            return invoke(self, event, request_id, **kwargs)
        finally:
            _last.line = _line(self, request_id)

    def reported(function, event):
        _last.line = None
        result = execute(function, event)
        if _last.line and isinstance(result, dict):
            log = (result.get("log") or "").rstrip("\n")
            result["log"] = f"{log}\n{_last.line}".lstrip("\n")
        return result

    worker._spawn, worker._record_result, worker.invoke = (
        measured_spawn, measured_record, measured_invoke)
    worker.platformctl_begun = 0.0
    worker.platformctl_started = worker.platformctl_answered = None
    lambdas._execute_function_with_config_scope = reported
