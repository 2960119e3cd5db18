"""One synthetic edit and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from applier.types import EditFormat, RefusalReason


class Expectation(StrEnum):
    """The right outcome of an edit."""

    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SynthCase:
    """An edit of `old` that must give `new` (equal to `old` unless the expectation is `applied`).

    `old` and `new` are lines without their ends. `edit_lines` is the edit as the model reads it: no outer
    code fence. `edit` is the whole text as written. `tags` name the habits that the edit shows.
    """

    language: str
    path: str
    old: list[str]
    new: list[str]
    edit: str
    edit_lines: list[str]
    format: EditFormat
    instruction: str
    tags: tuple[str, ...]
    expectation: Expectation = Expectation.APPLIED
    refusals: frozenset[RefusalReason] = frozenset()
