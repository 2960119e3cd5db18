"""Files as each session last had them from here: a snippet is written from memory of the file, and where the
file is not that any more, what somebody else changed could be lost.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path

from applier.text.unified_diff import unified_diff

_MOST_SESSIONS, _MOST_FILES, _LARGEST = 256, 256, 1 << 20


class Seen:
    """The last files of the last sessions. Not for several threads."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, OrderedDict[Path, tuple[str, bytes | None]]] = OrderedDict()

    def note(self, session: str | None, path: Path, content: bytes) -> None:
        """The session has had this file from here. Without a session nothing is kept."""
        if session is None:
            return
        files = self._sessions.setdefault(session, OrderedDict())
        self._sessions.move_to_end(session)
        files[path] = (hashlib.sha256(content).hexdigest(), content if len(content) <= _LARGEST else None)
        files.move_to_end(path)
        while len(files) > _MOST_FILES:
            files.popitem(last=False)
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)

    def changed(self, session: str | None, path: Path, content: bytes) -> str | None:
        """What changed since, as a diff; "" where it is not known what; None where nothing did."""
        files = self._sessions.get(session or "")
        known = files.get(path) if files else None
        if known is None or known[0] == hashlib.sha256(content).hexdigest():
            return None
        if known[1] is None or len(content) > _LARGEST:
            return ""
        return unified_diff(known[1], content, path.name).decode("utf-8", "replace")
