"""The transport-free request and result of `Applier.apply`.

Every face (gRPC, CLI, MCP, HTTP) converts to and from these types and adds nothing of its own.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class AppliesEdits(Protocol):
    """What the server needs of `applier.pipeline.Applier`; both methods are called from any thread."""

    def apply(self, request: EditRequest) -> EditResult:
        """The answer to one edit."""
        ...

    def fingerprint(self) -> str:
        """Hash of all that decides the answers."""
        ...


class EditFormat(StrEnum):
    """How the edit is written."""

    AUTO = "auto"
    LAZY = "lazy"
    SEARCH_REPLACE = "search_replace"
    UNIFIED_DIFF = "unified_diff"
    V4A = "v4a"
    WHOLE_FILE = "whole_file"


class Status(StrEnum):
    """What happened to the file."""

    APPLIED = "applied"
    ALREADY_APPLIED = "already_applied"
    REFUSED = "refused"


class Tier(StrEnum):
    """Which part of the pipeline decided the result."""

    NONE = "none"
    EXACT = "exact"
    ALIGNED = "aligned"  # a block or hunk whose old lines are inexact, where one place fits
    MODEL = "model"


class RefusalReason(StrEnum):
    """Why an edit was refused. The file is untouched in every case."""

    EMPTY_EDIT = "empty_edit"
    BINARY_FILE = "binary_file"
    UNDECODABLE = "undecodable"
    TOO_LARGE = "too_large"
    STALE_ORIGINAL = "stale_original"
    UNPARSABLE_EDIT = "unparsable_edit"
    NO_MATCH = "no_match"
    AMBIGUOUS_MATCH = "ambiguous_match"
    CONTRADICTORY_EDIT = "contradictory_edit"
    WINDOW_TOO_LARGE = "window_too_large"
    LOW_CONFIDENCE = "low_confidence"
    PLACEHOLDER_LEAK = "placeholder_leak"
    OUTSIDE_EDIT = "outside_edit"
    SYNTAX_ERROR = "syntax_error"
    MASS_DELETION = "mass_deletion"
    NO_MODEL = "no_model"
    FILE_MISSING = "file_missing"  # this and the next two: of patches of several files
    FILE_EXISTS = "file_exists"
    INVALID_PATH = "invalid_path"


class Unanswerable(RuntimeError):
    """An edit that a process died of: it took more than its processor time, or crashed a parser. It may have
    an answer on another machine, so that this is none, and is never kept as one.
    """

    @staticmethod
    def of(number: int) -> Unanswerable:
        """`number` is that of the signal that ended the process."""
        why = (
            "takes too much processor time" if number == signal.SIGPROF else "ends the process that reads it"
        )
        return Unanswerable(f"This edit {why}, so it is not applied. The file was not changed.")


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines `start` to `end` of the original, 1-based, both included."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Offer:
    """What a refusal for want of confidence would have made of the file. It passes every other check.

    The same request with `EditOptions.accept` set to `result_sha256` makes exactly this file, or is refused.
    """

    diff: bytes  # from the original to the offered file
    result_sha256: str  # of the offered file
    confidence: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A typed reason, the sentence for a person, and where the edit could have gone.

    With an offer, `candidates` are the lines in doubt.
    """

    reason: RefusalReason
    message: str
    candidates: tuple[LineRange, ...] = ()
    edit_line: int | None = None  # 1-based line of the edit that failed
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class EditOptions:
    """Options that change the result; they are part of the request digest."""

    allow_model: bool = True
    constrain_to_known_lines: bool = True
    syntax_gate: bool = True
    min_confidence: float | None = None  # None: the model's calibrated threshold
    accept: str | None = None  # an offer's `result_sha256`: this file and no other, however sure it is


@dataclass(frozen=True, slots=True)
class EditRequest:
    """One edit of one file. `original` and `edit` are raw bytes, never re-encoded before they get here."""

    original: bytes
    edit: bytes
    path: str = ""
    language: str | None = None
    format: EditFormat = EditFormat.AUTO
    instruction: str = ""
    expected_sha256: str | None = None
    options: EditOptions = field(default_factory=EditOptions)


@dataclass(frozen=True, slots=True)
class Validation:
    """What the verify step found. `syntax_errors_*` count tree-sitter error nodes; None without a grammar.

    `syntax_unknown`: None too, because the parser's budget ran out for the file or the result.
    """

    language: str | None = None
    syntax_errors_before: int | None = None
    syntax_errors_after: int | None = None
    outside_bytes_changed: int = 0
    diff_round_trips: bool = True
    placeholder_leaks: int = 0
    syntax_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds; not part of the receipt."""

    parse_ms: float = 0.0
    load_ms: float = 0.0  # of the model, where this edit was the first to need it
    locate_ms: float = 0.0
    merge_ms: float = 0.0
    verify_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens through the model; zero for the exact tier."""

    prompt: int = 0
    merged: int = 0
    drafted: int = 0
    accepted: int = 0
    passes: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """Equal fingerprint and equal request digest mean an equal result digest, on any machine."""

    request_sha256: str
    result_sha256: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class EditResult:
    """The answer. `content` is the whole new file (the original bytes where nothing was applied)."""

    status: Status
    content: bytes
    diff: bytes
    tier: Tier
    confidence: float
    validation: Validation
    receipt: Receipt
    refusal: Refusal | None = None
    format: EditFormat = EditFormat.AUTO
    timing: Timing = field(default_factory=Timing)
    tokens: TokenCounts = field(default_factory=TokenCounts)
