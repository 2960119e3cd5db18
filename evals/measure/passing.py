"""Whether a case's tests pass on a result: the code of a written case, run in a folder of its own.

Opt-in (`--run-tests`), and for the cases of this package only. It is a bound on accidents, not a sandbox: a
temporary folder, no environment, no standard input, a time limit on the whole process group, and limits on
memory, file size and processor time where the system has them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from evals.cases import Case

SECONDS = 20.0
MEMORY, FILE_SIZE = 1 << 30, 16 << 20  # bytes

# Set in the new process before the command, so that no code of ours runs between fork and exec.
_LIMITED = f"""
import os, sys
try:
    import resource
    limits = {{"RLIMIT_AS": {MEMORY}, "RLIMIT_FSIZE": {FILE_SIZE}, "RLIMIT_CPU": {SECONDS:.0f}}}
    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
except (ImportError, AttributeError, OSError, ValueError):
    pass
os.execv(sys.argv[1], sys.argv[1:])
"""


def passes_its_tests(case: Case, result: bytes, seconds: float = SECONDS) -> bool | None:
    """True where the command of the case's tests exits with 0; None for a case without tests."""
    if case.tests is None:
        return None
    with tempfile.TemporaryDirectory(prefix="samebytes-tests-") as name:
        folder = Path(name)
        files = [*((path, text.encode()) for path, text in case.tests.files), (case.path, result)]
        for path, content in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        command = list(case.tests.command)
        if command[0] == "python":
            # No user site and no environment of Python's; the script's own folder stays importable.
            command[:1] = [sys.executable, "-E", "-s", "-B"]
        return _exits_with_zero([sys.executable, "-I", "-c", _LIMITED, *command], folder, seconds)


def _exits_with_zero(command: list[str], folder: Path, seconds: float) -> bool:
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        # The command may have left others of its group behind.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
