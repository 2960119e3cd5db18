"""Appliers for tests of the faces: real answers, and faults put in on purpose."""

from __future__ import annotations

import hashlib
import threading
import time

from applier.cancellation import Cancelled, check_cancelled
from applier.types import (
    EditRequest,
    EditResult,
    Receipt,
    Refusal,
    RefusalReason,
    Status,
    Tier,
    Validation,
)


class ReplaceWholeFile:
    """The edit is the new file."""

    def fingerprint(self) -> str:
        return hashlib.sha256(b"replace").hexdigest()

    def apply(self, request: EditRequest) -> EditResult:
        status, content, refusal = Status.APPLIED, request.edit, None
        stated = request.expected_sha256
        if stated is not None and hashlib.sha256(request.original).hexdigest() != stated:
            refusal = Refusal(RefusalReason.STALE_ORIGINAL, "the file is not the one the edit was made for")
        elif not request.edit:
            refusal = Refusal(RefusalReason.EMPTY_EDIT, "the edit is empty")
        if refusal is not None:
            status, content = Status.REFUSED, request.original
        digest = hashlib.sha256(content).hexdigest()
        receipt = Receipt(hashlib.sha256(repr(request).encode()).hexdigest(), digest, self.fingerprint())
        return EditResult(status, content, b"", Tier.EXACT, 1.0, Validation(), receipt, refusal)


class FaultyApplier(ReplaceWholeFile):
    """Answers as `ReplaceWholeFile`, after what the instruction asks for: "sleep SECONDS" or "bug".

    A sleep checks for cancellation as the decoding loop does; `cancelled` counts the sleeps cut short
    and `finished` the others.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.cancelled = 0
        self.finished = 0

    def apply(self, request: EditRequest) -> EditResult:
        verb, _, argument = request.instruction.partition(" ")
        if verb == "bug":
            raise KeyError(request.original)
        if verb == "sleep":
            self._sleep(float(argument))
        return super().apply(request)

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                check_cancelled()
                time.sleep(0.002)
        except Cancelled:
            with self._lock:
                self.cancelled += 1
            raise
        with self._lock:
            self.finished += 1
