"""Requests, and an applier that counts what it is asked to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from applier import Applier, EditRequest, EditResult
from applier.memo import Key
from applier.receipt import request_digest, sha256


def request(number: int = 0, **fields) -> EditRequest:
    """An edit of one line of a few; `number` makes it another edit."""
    original = b"first\nold\r\nlast"
    edit = b"<<<<<<< SEARCH\nfirst\n=======\nnew %d\n>>>>>>> REPLACE\n" % number
    return EditRequest(**{"original": original, "edit": edit, "path": "a.txt", **fields})


class CountingApplier:
    """The real Applier without a model. `lies` are added to every file that it gives out."""

    def __init__(self, lies: bytes = b"") -> None:
        self._applier = Applier.without_model()
        self.calls: Counter[str] = Counter()
        self.lies = lies

    def fingerprint(self) -> str:
        return self._applier.fingerprint()

    def apply(self, request: EditRequest) -> EditResult:
        self.calls[request_digest(request)] += 1
        result = self._applier.apply(request)
        if not self.lies:
            return result
        content = b"new 0" + self.lies + result.content.removeprefix(b"new 0")
        receipt = replace(result.receipt, result_sha256=sha256(content))
        diff = result.diff.replace(b"+new 0", b"+new 0" + self.lies)
        return replace(result, content=content, diff=diff, receipt=receipt)


def key_of(request: EditRequest) -> Key:
    return Key(request_digest(request), Applier.without_model().fingerprint())
