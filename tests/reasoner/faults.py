"""Every call of the operating system that files, journal, ledger and memo make fails once, or the process is
killed before it, and what is left is looked at.

python -m tests.reasoner.faults [--every N]    # every N-th call of each scenario; 1 is all

Runs itself again with `faults.c` preloaded, and tries each point in a forked process.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from applier.files import FileError, read_file, replace_file
from applier.memo import Key, MemoError, SqliteStore
from applier.workspace.errors import TransactionError
from applier.workspace.transaction import Change, Workspace
from reasoner.digest import sha256
from reasoner.errors import LedgerError
from reasoner.recording.ledger import Ledger
from tests.applier.workspace.crash import CHANGES, NEW, OLD, commit, files, reset

SHIM = Path(__file__).with_suffix(".c")
FINE, TYPED, KILLED = "fine", "typed", "killed"
KEY = Key("0" * 64, "1" * 64)


@dataclass(frozen=True)
class Scenario:
    """`begin` makes a folder ready, `work` is what is disturbed, and `check` gets (folder, FINE, KILLED or
    the message of a typed error): it raises AssertionError where something was torn, lost or not reported.
    """

    begin: Callable[[Path], object]
    work: Callable[[Path], object]
    check: Callable[[Path, str], None]


def _check_write(root: Path, outcome: str) -> None:
    after = files(root)
    if outcome == FINE:
        assert after == NEW
    elif outcome != KILLED and "not taken back" not in outcome and "could not be put back" not in outcome:
        assert after == (NEW if "all files were written" in outcome else OLD), (outcome, after)
    Workspace(root).recover()
    assert files(root) in (OLD, NEW)
    assert {path.name for path in (root / ".samebytes").glob("*")} <= {".gitignore", "lock"}


MANY = [
    *(Change(f"old/{n}.py", b"%d" % n, None) for n in range(6)),
    *(Change(f"new/{n}/{n}.py", None, b"%d" % n) for n in range(6)),
    *(Change(f"kept/{n}.py", b"%d" % n, b"%d" % (n + 1)) for n in range(6)),
]


def _many(root: Path) -> None:
    for change in MANY:
        if change.old is not None:
            (root / change.path).parent.mkdir(exist_ok=True)
            (root / change.path).write_bytes(change.old)


def _check_many(root: Path, outcome: str) -> None:
    old, new = (
        {c.path: content for c in MANY if (content := getattr(c, side)) is not None}
        for side in ("old", "new")
    )
    if outcome == FINE:
        assert files(root) == new
    Workspace(root).recover()
    assert files(root) in (old, new)


def _check_recovery(root: Path, outcome: str) -> None:
    if outcome == FINE:
        assert files(root) == NEW
    Workspace(root).recover()
    assert files(root) == NEW


def _replace(root: Path) -> None:
    replace_file(read_file(root / "a.py", root), NEW["a.py"])


def _check_replace(root: Path, outcome: str) -> None:
    after = (root / "a.py").read_bytes()
    assert after in (OLD["a.py"], NEW["a.py"])
    if outcome == FINE:
        assert after == NEW["a.py"]
    elif outcome != KILLED:
        assert after == (NEW["a.py"] if "was replaced" in outcome else OLD["a.py"]), outcome
        assert files(root) == OLD | {"a.py": after}


def _append(root: Path, number: int) -> None:
    blob = b"%d" % number * 3000
    with Ledger(root / "ledger.sqlite") as ledger:
        ledger.append("call", {"number": number, "reply_sha256": sha256(blob)}, {sha256(blob): blob})


def _two_entries(root: Path) -> None:
    reset(root)
    _append(root, 1)
    _append(root, 2)


def _check_ledger(root: Path, outcome: str, before: int = 2) -> None:
    path = root / "ledger.sqlite"
    if not path.exists():
        assert before == 0
        assert outcome != FINE
        return
    _append(root, 9)  # it can be opened and written to again
    with Ledger.open_existing(path) as ledger:
        ledger.verify()
        numbers = [entry.body["number"] for entry in ledger.entries()]
    old = list(range(1, before + 1))
    assert numbers[-1] == 9
    assert numbers[:-1] in (old, [*old, before + 1])
    if outcome == FINE or "is in the ledger" in outcome:
        assert numbers[:-1] == [*old, before + 1]
    elif outcome != KILLED:
        assert numbers[:-1] == old, outcome


def _keep(root: Path) -> None:
    store = SqliteStore(root / "memo.sqlite", 1 << 20)
    try:
        store.put(KEY, b"entry" * 1000)
    finally:
        store.close()


def _check_memo(root: Path, outcome: str) -> None:
    store = SqliteStore(root / "memo.sqlite", 1 << 20)
    found = store.get(KEY)
    assert found in (None, b"entry" * 1000)
    if outcome == FINE:
        assert found is not None
    store.put(KEY, b"other")
    assert store.get(KEY) == b"other"
    store.close()


SCENARIOS = {
    "transaction": Scenario(reset, lambda root: Workspace(root).write(CHANGES), _check_write),
    "many files": Scenario(_many, lambda root: Workspace(root).write(MANY), _check_many),
    "recovery": Scenario(
        lambda root: (reset(root), commit(root, CHANGES)),
        lambda root: Workspace(root).recover(),
        _check_recovery,
    ),
    "replace": Scenario(reset, _replace, _check_replace),
    "ledger": Scenario(_two_entries, lambda root: _append(root, 3), _check_ledger),
    "new ledger": Scenario(
        reset, lambda root: _append(root, 1), lambda root, outcome: _check_ledger(root, outcome, 0)
    ),
    "memo": Scenario(reset, _keep, _check_memo),
}
# How a call is disturbed: (action, errno, whether every later writing call fails too).
WAYS = {"EIO": (0, errno.EIO, 0), "disk full": (0, errno.ENOSPC, 1), "kill": (1, 0, 0)}
TYPED_ERRORS = (FileError, TransactionError, LedgerError, MemoError)


def _try(shim: ctypes.CDLL, scenario: Scenario, root: Path, way: str, at: int) -> tuple[str, str, int]:
    """(FINE, KILLED or the message of a typed error; the call that failed; calls in all)."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        action, number, lasts = WAYS[way]
        outcome = FINE
        shim.faults_arm(str(root).encode(), ctypes.c_long(at), action, number, lasts)
        try:
            scenario.work(root)
        except TYPED_ERRORS as error:
            outcome = f"{type(error).__name__}: {error}"
        except BaseException as error:
            outcome = f"untyped {type(error).__name__}: {error}"
        shim.faults_disarm()
        name, failed = shim.faults_name().decode(), shim.faults_failed()
        os.write(theirs, f"{outcome}\0{name if failed else ''}\0{shim.faults_count()}".encode())
        os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return KILLED, "kill", 0
    outcome, name, count = said.split("\0")
    return outcome, name, int(count)


def run(every: int) -> int:
    """In the process with the shim: all scenarios and ways. Prints and counts what is wrong."""
    shim = ctypes.CDLL(None)
    shim.faults_name.restype = ctypes.c_char_p
    shim.faults_count.restype = ctypes.c_long
    tried, wrong = Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.path.realpath(folder)) / "root"
        for title, scenario in SCENARIOS.items():
            for way in WAYS:
                at = 0
                while True:
                    at += 1 if not at else every
                    shutil.rmtree(root, ignore_errors=True)
                    root.mkdir()
                    scenario.begin(root)
                    outcome, name, _ = _try(shim, scenario, root, way, at)
                    try:
                        assert not outcome.startswith("untyped"), outcome
                        scenario.check(root, outcome)
                    except Exception as error:
                        wrong += 1
                        print(
                            f"{title}, {way} at call {at} ({name}): {outcome!r}:",
                            type(error).__name__,
                            error,
                        )
                    if not name:
                        break
                    tried[f"{title}, {way}"] += 1
    for what, count in tried.items():
        print(f"{what}: {count} points")
    print(
        f"{sum(tried.values())} points,",
        f"{sum(n for w, n in tried.items() if 'kill' in w)} kills, {wrong} wrong",
    )
    return wrong


def preloaded(every: int) -> subprocess.CompletedProcess[str]:
    """This module in a process of its own with the shim in it."""
    with tempfile.TemporaryDirectory() as folder:
        shim = Path(folder) / "faults.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, SHIM, "-ldl"], check=True)
        return subprocess.run(
            [sys.executable, "-m", "tests.reasoner.faults", "--inside", "--every", str(every)],
            env=os.environ | {"LD_PRELOAD": str(shim)},
            capture_output=True,
            text=True,
            check=False,
        )


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--inside", action="store_true")
    options = parser.parse_args()
    if options.inside:
        sys.exit(1 if run(options.every) else 0)
    done = preloaded(options.every)
    print(done.stdout, done.stderr)
    sys.exit(done.returncode)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
