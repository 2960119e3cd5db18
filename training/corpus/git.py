"""Reads a repository's history through two streaming git processes; nothing is checked out."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# A partial clone lacks some blobs; they are skipped, never fetched.
OFFLINE = {**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
RAW_CHANGE = re.compile(r":100\d{3} 100\d{3} ([0-9a-f]{40}) ([0-9a-f]{40}) M\t(.+)")


class GitError(RuntimeError):
    """git failed; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Change:
    """One modified file of one commit; `old` and `new` are blob ids."""

    commit: str
    subject: str
    path: str
    old: str
    new: str


def git_dir(repository: Path) -> Path:
    """The git directory of a work tree or of a bare repository. Raises GitError for anything else."""
    for candidate in (repository / ".git", repository, repository / "repo"):
        if (candidate / "HEAD").is_file() and (candidate / "objects").is_dir():
            return candidate
    raise GitError(f"{repository} is not a git repository")


def _command(repository: Path, *arguments: str) -> list[str]:
    return ["git", f"--git-dir={git_dir(repository)}", "-c", "core.quotePath=false", *arguments]


def run_git(repository: Path, *arguments: str) -> str:
    """The output of one git command. Raises GitError."""
    done = subprocess.run(_command(repository, *arguments), capture_output=True, env=OFFLINE)
    if done.returncode:
        raise GitError(done.stderr.decode(errors="replace").strip())
    return done.stdout.decode("utf-8", errors="replace")


def iter_changes(repository: Path, max_commits: int, head: str = "HEAD") -> Iterator[Change]:
    """Modified files of the newest `max_commits` commits (merges left out), newest first.

    Raises GitError when git stops with an error.
    """
    command = _command(
        repository, "log", "--raw", "--no-abbrev", "--no-renames", "--no-merges", "--diff-filter=M",
        f"--max-count={max_commits}", "--format=%x00%H %s", head,
    )  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=OFFLINE) as process:
        assert process.stdout is not None
        commit = subject = ""
        for raw in process.stdout:
            line = raw.decode("utf-8", errors="replace").rstrip("\n")
            if line.startswith("\0"):
                commit, _, subject = line[1:].partition(" ")
            elif match := RAW_CHANGE.fullmatch(line):
                yield Change(commit, subject, match[3], match[1], match[2])
        assert process.stderr is not None
        message = process.stderr.read().decode(errors="replace")
    if process.returncode:
        raise GitError(message.strip())


class Blobs:
    """`git cat-file --batch` kept open: one process answers every read. A context manager."""

    def __init__(self, repository: Path) -> None:
        self._process = subprocess.Popen(
            _command(repository, "cat-file", "--batch"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=OFFLINE,
        )

    def __enter__(self) -> Blobs:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def read(self, name: str) -> bytes | None:
        """The bytes of an object named by id or `commit:path`; None where the clone does not hold it.

        Raises GitError when git has died.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(name.encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError as error:
            raise GitError("git cat-file stopped") from error
        header = process.stdout.readline().split()
        if not header:
            raise GitError("git cat-file stopped")
        if header[-1] in (b"missing", b"ambiguous"):
            return None
        content = process.stdout.read(int(header[2]))
        process.stdout.read(1)
        return content
