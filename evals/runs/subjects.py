"""What is measured: anything that turns an EditRequest into an EditResult under a fingerprint."""

from __future__ import annotations

from typing import Protocol

from applier.types import EditRequest, EditResult


class Subject(Protocol):
    """The Applier, a remote applier, or a baseline."""

    def apply(self, request: EditRequest) -> EditResult:
        """The result; refusals are results, exceptions make the sample unscored."""

    def fingerprint(self) -> str:
        """The fingerprint that the results are given under."""
