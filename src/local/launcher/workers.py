"""A record of the Lambda processes, so that none outlives its emulator.

Workers are children of the emulator and are stopped when it ends cleanly.
After a kill of the emulator the next start (or `down`) stops what is recorded
here, if the process is still the one that was recorded.
"""

import os
import subprocess
import types

_RECORDS = os.environ["PLATFORMCTL_WORKERS"]


def started(pid):
    """When a process started, in the words of the system; None if it is gone.

    The other reader of these records computes the same text.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            # The command's name may contain spaces and brackets.
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        pass
    if os.path.isdir("/proc/self"):
        return None
    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False,
        env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/bin:/usr/bin"})
    return answer.stdout.strip() or None


class _Recorded(subprocess.Popen):
    """A process whose identity is on disk while it lives."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._record = os.path.join(_RECORDS, str(self.pid))
        stamp = started(self.pid)
        if stamp:
            with open(self._record, "w", encoding="utf-8") as file:
                file.write(stamp)

    def _forget(self):
        if self.returncode is not None:
            try:
                os.remove(self._record)
            except OSError:
                pass

    def poll(self):
        code = super().poll()
        self._forget()
        return code

    def wait(self, timeout=None):
        code = super().wait(timeout)
        self._forget()
        return code


def install(lambda_runtime, lambdas):
    """Records every process that the two Lambda modules start."""
    os.makedirs(_RECORDS, exist_ok=True)
    recorded = types.ModuleType("subprocess")
    recorded.__dict__.update(subprocess.__dict__)
    recorded.Popen = _Recorded
    # How long an answer waits for the log lines of its invocation: 50 ms for
    # the first and 5 ms of silence are most of a warm invocation. A line that
    # comes later is shown with the next one.
    lambda_runtime.Worker._drain_stderr_bounded.__defaults__ = (0.005, 0.002, 0.250)
    lambda_runtime.subprocess = recorded
    lambdas.subprocess = recorded
