"""The last gate: a result is given out only if these facts hold, whatever tier made it.

Each check looks at the original's bytes, the result's bytes and the edit, and not at how the result came
about:

- lines outside the touched ranges are there, byte for byte and in order;
- encoding, byte order mark, line ends and final newline are the original's;
- no elision marker came in;
- what a snippet shows under the head of a definition went nowhere else;
- lines that the edit does not show were not deleted en masse;
- no new syntax error, for files that parsed before;
- the diff, applied to the original by a strict patcher, gives the result.

A failed check is a typed refusal, and the file stays as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..parse import LazySnippet, ParsedEdit, WholeFile
from ..parse.markers import leaks, suspicious
from ..syntax.source_syntax import SourceSyntax
from ..text.bulk_bytes import Common, common_lines, equal
from ..text.encoding import UTF8
from ..text.line_diff import changes
from ..text.source_text import SourceText, TextError
from ..text.unified_diff import DiffMismatch, gives, unified_diff
from ..types import LineRange, Refusal, RefusalReason, Validation
from .scope_check import stray_refusal
from .syntax_gate import SyntaxReport, syntax_report

# A lazy snippet may replace a longer body, and a rewrite may drop lines; more than this is a loose anchor
# at work.
_FEW_DELETED = 24
_DELETED_PER_SHOWN_LINE = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. With a refusal, `diff` is empty and the result must not be used."""

    validation: Validation
    diff: bytes
    refusal: Refusal | None = None


def verify(
    source: SourceText,
    original: bytes,
    result: bytes,
    touched: Sequence[tuple[int, int]],
    edit: ParsedEdit,
    *,
    path: str = "",
    language: str | None = None,
    syntax_gate: bool = True,
    syntax: SourceSyntax | None = None,
    final_newline: bool | None = None,
) -> Verdict:
    """Check a result against its original.

    Args:
        source: the decoded original.
        touched: 0-based half-open line ranges of the original that may differ, ascending; (i, i) is an
        insertion.
        syntax: that of the original, where it has been parsed already.
        final_newline: what the edit itself says about the end of the file; None when it says
        nothing.
    """
    validation = Validation(language=language)
    common = common_lines(original, result)
    most = 2 * len(original) + 2 * len(edit.text) * 4 + (1 << 20)
    try:
        after = source.decode_revision(result, common, most)
    except TextError as error:
        message = f"The result would be no text: {error.message}"
        return Verdict(validation, b"", Refusal(RefusalReason.UNDECODABLE, message))
    # Bytes of files are bytes of their bodies in UTF-8 without a byte order mark only.
    plain = source.encoding == after.encoding == UTF8
    middles, changed_bytes = _outside(source, after, touched, common if plain else Common(0, 0))
    validation = replace(validation, outside_bytes_changed=changed_bytes)
    refusal = _outside_refusal(changed_bytes) or _shape_refusal(source, after, touched, final_newline)
    if refusal:
        return Verdict(validation, b"", refusal)

    old_parts = [source.slice(start, end) for start, end in touched]
    new_parts = [after.slice(start, end) for start, end in middles]
    literal = not isinstance(edit, LazySnippet | WholeFile)
    leaked = _leaked(source, after, old_parts, new_parts, language, literal)
    validation = replace(validation, placeholder_leaks=len(leaked))
    if leaked:
        return Verdict(validation, b"", _leak_refusal(after, leaked))
    refusal = stray_refusal(source, after, edit, language)
    if refusal:
        return Verdict(validation, b"", refusal)
    refusal = _mass_deletion(edit, touched, old_parts, new_parts)
    if refusal:
        return Verdict(validation, b"", refusal)

    if syntax_gate:
        report = syntax_report(syntax or SourceSyntax(source, language), after, touched, middles)
        validation = replace(
            validation,
            syntax_errors_before=report.before,
            syntax_errors_after=report.after,
            syntax_unknown=report.unknown,
        )
        if report.new_error_line is not None:
            return Verdict(validation, b"", _syntax_refusal(after, report, language))
    known = _known_line(source, touched) if plain else (0, 0)
    diff = unified_diff(original, result, path, common=common, known=known)
    try:
        round_trips = gives(original, diff, result)
    except DiffMismatch:
        round_trips = False
    validation = replace(validation, diff_round_trips=round_trips)
    if not round_trips:
        refusal = Refusal(RefusalReason.OUTSIDE_EDIT, "The diff does not give the result. This is a defect.")
        return Verdict(validation, b"", refusal)
    return Verdict(validation, diff)


def _outside(
    source: SourceText, after: SourceText, touched: Sequence[tuple[int, int]], common: Common
) -> tuple[list[tuple[int, int]], int]:
    """(line ranges of the result that replace the touched ones, bytes outside that are not there).

    The kept parts must stand in the result in order, the first at its start and the last at its end. `common`
    says how much is known to be equal at either end of the bodies.
    """
    body = after.body
    kept: list[tuple[int, int]] = []
    at = 0
    for start, end in touched:
        kept.append((at, source.offset(start)))
        at = source.offset(end)
    kept.append((at, len(source.body)))
    if not touched:
        return [], 0 if source.body == body else max(len(source.body), 1)
    first, last = kept[0][1], len(source.body) - kept[-1][0]  # lengths
    # Without a final newline, the line that becomes the last one loses its end.
    same = first <= common.prefix
    if not same and not last and not source.has_final_newline and not equal(source.body, 0, body, 0, first):
        first = len(source.body[:first].rstrip(b"\r\n"))
    changed = 0 if same or equal(source.body, 0, body, 0, first) else first
    if first + last > len(body) or (
        last > common.suffix and not equal(source.body, kept[-1][0], body, len(body) - last, last)
    ):
        changed += last
    stop = len(body) - last
    at = first
    cuts = [at]
    for start, end in kept[1:-1]:
        segment = source.body[start:end]
        found = body.find(segment, at, stop)
        while found > 0 and segment and body[found - 1] not in b"\r\n":
            found = body.find(segment, found + 1, stop)
        if found < 0:
            changed += len(segment)
            found = at
        cuts += [found, found + len(segment)]
        at = found + len(segment)
    cuts.append(stop)
    if changed:
        return [], changed
    return _result_lines(after, touched, list(zip(cuts[::2], cuts[1::2], strict=True))), 0


def _result_lines(
    after: SourceText, touched: Sequence[tuple[int, int]], middles: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Byte ranges of the result as line ranges. What is kept between them has as many lines as it had."""
    found: list[tuple[int, int]] = []
    line = old = 0
    for (start, end), (low, high) in zip(touched, middles, strict=True):
        first = line + start - old
        after.note(first, low)
        line = after.line_count if high >= len(after.body) else after.line_at(high)
        old = end
        found.append((first, line))
    return found


def _known_line(source: SourceText, touched: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """(offset, number of LF before it) of the first touched line, where that number is the line's."""
    if touched and source.newline in ("\n", "\r\n"):
        line = touched[0][0]
        offset = source.offset(line)
        if offset < len(source.body):  # past a last line without an end there are fewer LF than lines
            return offset, line
    return 0, 0


def _outside_refusal(changed_bytes: int) -> Refusal | None:
    if not changed_bytes:
        return None
    return Refusal(RefusalReason.OUTSIDE_EDIT, f"{changed_bytes} bytes outside the edit would change.")


def _shape_refusal(
    source: SourceText, after: SourceText, touched: Sequence[tuple[int, int]], final_newline: bool | None
) -> Refusal | None:
    """Encoding, line ends and final newline."""
    if source.encoding.bom != after.encoding.bom and source.body:
        return Refusal(RefusalReason.UNDECODABLE, "The byte order mark would change.")
    if after.encoding != source.encoding and not (source.body.isascii() or after.body.isascii()):
        return Refusal(
            RefusalReason.UNDECODABLE,
            f"The result would read as {after.encoding.codec}, but the file is {source.encoding.codec}.",
        )
    if source.newline not in (None, after.newline) and _has_end(source) and _has_end(after):
        return Refusal(RefusalReason.OUTSIDE_EDIT, "The line ends would change.")
    wanted = source.has_final_newline if final_newline is None else final_newline
    # A new last line that is blank looks like a final newline.
    blank_end = not wanted and bool(touched) and touched[-1][1] == source.line_count
    if source.body and after.body and after.has_final_newline != wanted and not blank_end:
        return Refusal(RefusalReason.OUTSIDE_EDIT, "The final newline would change.")
    return None


def _has_end(text: SourceText) -> bool:
    return b"\n" in text.body or b"\r" in text.body


def _leaked(
    source: SourceText,
    after: SourceText,
    old_parts: Sequence[list[str]],
    new_parts: Sequence[list[str]],
    language: str | None,
    literal: bool,
) -> list[int]:
    had = Counter(line.strip() for part in old_parts for line in part)
    new = Counter(line.strip() for part in new_parts for line in part)
    added = [text for text, count in new.items() if count > had[text]]
    if not any(suspicious(text, language, literal=literal) for text in added):
        return []
    return leaks(source.lines, after.lines, language, literal=literal)


def _leak_refusal(after: SourceText, leaked: Sequence[int]) -> Refusal:
    row = leaked[0]
    shown = after.lines[row].strip()[:80]
    return Refusal(
        RefusalReason.PLACEHOLDER_LEAK,
        f"Line {row + 1} of the result would be the placeholder {shown!r}. Show the code that it stands for.",
        tuple(LineRange(row + 1, row + 1) for row in leaked[:8]),
    )


def _mass_deletion(
    edit: ParsedEdit,
    touched: Sequence[tuple[int, int]],
    old_parts: Sequence[list[str]],
    new_parts: Sequence[list[str]],
) -> Refusal | None:
    """Refuse when many lines go that the edit neither shows nor removes.

    Blocks, hunks and patches show what they remove. A snippet or a whole file shows what stays: it may drop
    some.
    """
    shown_lines = [_squeeze(line[1:] if line[:1] in "+-" else line) for line in edit.text.split("\n")]
    shown = Counter(_squeeze(line) for line in edit.text.split("\n")) + Counter(shown_lines)
    per_shown_line = 1 if isinstance(edit, WholeFile) else _DELETED_PER_SHOWN_LINE
    allowed = max(_FEW_DELETED, per_shown_line * len(shown_lines))
    unshown = 0
    worst = (0, 0, 0)
    for (start, _), old, new in zip(touched, old_parts, new_parts, strict=True):
        kept = Counter(_squeeze(line) for line in new)
        for change in changes(old, new):
            gone = 0
            for line in old[change.a_start : change.a_end]:
                text = _squeeze(line)
                if kept[text] > 0:
                    kept[text] -= 1  # moved or re-indented
                elif text and not shown[text]:
                    gone += 1
            unshown += gone
            worst = max(worst, (gone, start + change.a_start, start + change.a_end))
    if unshown <= allowed:
        return None
    what = "snippet" if isinstance(edit, LazySnippet) else "edit"
    return Refusal(
        RefusalReason.MASS_DELETION,
        f"{unshown} lines would be deleted that the {what} does not show, most of them in lines "
        f"{worst[1] + 1} to {worst[2]}. Show the lines around them, or remove them with a diff.",
        (LineRange(worst[1] + 1, worst[2]),),
    )


def _squeeze(line: str) -> str:
    return "".join(line.split())


def _syntax_refusal(after: SourceText, report: SyntaxReport, language: str | None) -> Refusal:
    line = report.new_error_line or 1
    shown = after.slice(line - 1, line)[0].strip()[:80] if line <= after.line_count else "end of file"
    return Refusal(
        RefusalReason.SYNTAX_ERROR,
        f"The result would not parse as {language}: {report.before} syntax errors before, {report.after} "
        f"after, the first new one at line {line} of the result ({shown!r}). "
        "If the edit is right, turn the syntax gate off.",
        (LineRange(line, line),),
    )
