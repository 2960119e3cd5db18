"""The real Applier without a model, with faults put in on purpose, for tests of the faces."""

from __future__ import annotations

import threading
import time

from applier import Applier, EditRequest, EditResult
from applier.cancellation import Cancelled, check_cancelled


class FaultyApplier:
    """Answers as the exact tier, after what the instruction asks for: "sleep SECONDS" or "bug".

    A sleep checks for cancellation as the decoding loop does, and ends at once when `wake` is set. `started`
    counts the sleeps begun, `cancelled` those cut short and `finished` the others.
    """

    def __init__(self) -> None:
        self._applier = Applier.without_model()
        self._lock = threading.Lock()
        self.wake = threading.Event()
        self.started = 0
        self.cancelled = 0
        self.finished = 0

    def fingerprint(self) -> str:
        return self._applier.fingerprint()

    def apply(self, request: EditRequest) -> EditResult:
        verb, _, argument = request.instruction.partition(" ")
        if verb == "bug":
            raise KeyError(request.original)
        if verb == "sleep":
            self._sleep(float(argument))
        return self._applier.apply(request)

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._lock:
            self.started += 1
        try:
            while time.monotonic() < end and not self.wake.wait(0.002):
                check_cancelled()
        except Cancelled:
            with self._lock:
                self.cancelled += 1
            raise
        with self._lock:
            self.finished += 1
