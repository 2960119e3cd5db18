"""Replay: apply every recorded edit again and prove that the same bytes come out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from applier.types import EditResult
from reasoner.apply import ApplyClient
from reasoner.recording.ledger import Ledger
from reasoner.recording.record import RecordedEdit, recorded_edit


@dataclass(frozen=True, slots=True)
class Difference:
    """The first edit that came out otherwise, and where."""

    sequence: int
    path: str
    what: str  # "bytes", "status", "request digest"
    recorded: str
    replayed: str
    byte: int | None = None  # offset of the first different byte
    line: int | None = None  # its line, from 1
    fingerprint_differs: bool = False

    def __str__(self) -> str:
        where = f" at byte {self.byte}, line {self.line}" if self.byte is not None else ""
        why = (
            " (another fingerprint: this applier is another version, which does not promise the same bytes)"
            if self.fingerprint_differs
            else " (the same fingerprint: this breaks the contract, please report it)"
        )
        return (
            f"entry {self.sequence}, {self.path}: the {self.what} differ{where}: "
            f"recorded {self.recorded}, replayed {self.replayed}{why}"
        )


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay found. It is exact when `difference` is None."""

    edits: int
    entries: int  # the whole chain, calls and runs among them
    blobs: int  # files, edits and replies, each checked
    head: str
    head_noted: bool  # a cut end is seen only with a head noted beside the ledger or given
    fingerprints: tuple[str, ...]  # as recorded, in order of appearance
    fingerprint_here: str
    difference: Difference | None = None


async def replay(ledger_path: Path, applier: ApplyClient, expected_head: str | None = None) -> ReplayReport:
    """Apply the ledger's edits again, in order, up to the first difference.

    The whole ledger is checked first, replies too, so what is compared is what was recorded; the file is not
    written to. Each edit starts from its recorded original.
    Raises LedgerError for what `Ledger.verify` finds; `expected_head` is a head that was noted elsewhere.
    """
    with Ledger.open_existing(ledger_path) as ledger:
        verified = ledger.verify(expected_head)
        edits = [recorded_edit(ledger, entry) for entry in ledger.entries("apply")]
    here = await applier.fingerprint()

    def report(count: int, difference: Difference | None = None) -> ReplayReport:
        return ReplayReport(
            count,
            verified.entries,
            verified.blobs,
            verified.head,
            verified.noted is not None or expected_head is not None,
            tuple(dict.fromkeys(edit.fingerprint for edit in edits)),
            here,
            difference,
        )

    for count, edit in enumerate(edits, 1):
        if difference := _compare(edit, await applier.apply(edit.request)):
            return report(count, difference)
    return report(len(edits))


def _compare(edit: RecordedEdit, result: EditResult) -> Difference | None:
    other = edit.fingerprint != result.receipt.fingerprint
    sequence, path = edit.entry.sequence, edit.request.path
    if edit.content != result.content:
        byte = first_difference(edit.content, result.content)
        return Difference(
            sequence,
            path,
            "bytes",
            _excerpt(edit.content, byte),
            _excerpt(result.content, byte),
            byte,
            edit.content.count(b"\n", 0, byte) + 1,
            other,
        )
    if edit.status != result.status:
        return Difference(sequence, path, "status", edit.status, result.status, fingerprint_differs=other)
    if edit.request_sha256 != result.receipt.request_sha256:
        return Difference(
            sequence,
            path,
            "request digest",
            edit.request_sha256,
            result.receipt.request_sha256,
            fingerprint_differs=other,
        )
    return None


def first_difference(a: bytes, b: bytes) -> int:
    """Offset of the first byte at which `a` and `b` differ; the shorter length where one begins the other."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _excerpt(content: bytes, byte: int) -> str:
    return repr(content[byte : byte + 24]) if byte < len(content) else "the end of the file"
