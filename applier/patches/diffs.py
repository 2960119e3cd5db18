"""The changes of a patch as one diff with the headers of git, so that `git apply` takes it."""

from __future__ import annotations

from collections.abc import Sequence

from applier.patches.types import FileChange
from applier.text.unified_diff import quoted, unified_diff


def render(changes: Sequence[FileChange]) -> bytes:
    """A diff of every file; one that was moved stands once, with both of its paths."""
    left = {change.path: change.old for change in changes if change.new is None}
    moved = {change.moved_from for change in changes if change.moved_from in left and change.old is None}
    pieces = []
    for change in changes:
        if change.moved_from in moved:
            pieces.append(_one(change, change.moved_from or "", left[change.moved_from or ""]))
        elif change.path not in moved:
            pieces.append(_one(change, change.path, change.old))
    return b"".join(pieces)


def _one(change: FileChange, old_path: str, old: bytes | None) -> bytes:
    old_name, new_name = (quoted(*side).rstrip(b"\t") for side in (("a/", old_path), ("b/", change.path)))
    pieces = [b"diff --git ", old_name, b" ", new_name, b"\n"]
    if old is None:
        pieces.append(b"new file mode 100644\n")
    elif change.new is None:
        pieces.append(b"deleted file mode 100644\n")
    elif old_path != change.path:
        pieces += [b"rename from ", quoted("", old_path).rstrip(b"\t"), b"\n"]
        pieces += [b"rename to ", quoted("", change.path).rstrip(b"\t"), b"\n"]
    hunks = unified_diff(old or b"", change.new or b"", change.path).split(b"\n", 2)
    if len(hunks) == 3:
        pieces += [b"--- ", b"/dev/null" if old is None else quoted("a/", old_path), b"\n"]
        pieces += [b"+++ ", b"/dev/null" if change.new is None else quoted("b/", change.path), b"\n"]
        pieces.append(hunks[2])
    return b"".join(pieces)
