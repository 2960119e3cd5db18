"""Whether lines landed under the head that the edit shows above them.

A chunk that is nothing but the head of a definition, with a marker below it, is there to say where the next
chunk belongs: lines of that chunk that are deeper than the head belong to its body and to no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..parse import LazySnippet, ParsedEdit
from ..parse.chunks import cut_at_markers
from ..parse.markers import MarkerKind, without_trailing_marker
from ..text.blocks import Scopes
from ..text.definitions import OPENERS, header_name
from ..text.file_lines import FileLines
from ..text.indentation import indent_of
from ..text.line_cache import letters
from ..text.source_text import SourceText
from ..types import LineRange, Refusal, RefusalReason

WORDS = 6  # letters of a line that says something
MOST_SHOWN = 8
_ANNOTATIONS = ("@", "[", "#[")


def stray_refusal(
    original: SourceText, result: SourceText, edit: ParsedEdit, language: str | None
) -> Refusal | None:
    """A refusal of a result that has a line of a snippet outside the head under which the snippet shows it;
    None where every line is inside. Heads that the result has several times say nothing.
    """
    if not isinstance(edit, LazySnippet):
        return None
    found = _stray_row(edit, result, language)
    if found is None:
        return None
    head, row = found
    lines = FileLines.of(original.lines)
    scopes = Scopes(lines)
    return Refusal(
        RefusalReason.AMBIGUOUS_MATCH,
        f"The edit shows {edit.lines[row].strip()[:80]!r} under {edit.lines[head].strip()[:80]!r}, but fits "
        "better elsewhere. Show unchanged lines beside the change.",
        tuple(LineRange(at + 1, scopes.end(at) + 1) for at in lines.rows(edit.lines[head])[:MOST_SHOWN]),
        edit.sent_line(row),
    )


def _stray_row(edit: LazySnippet, result: SourceText, language: str | None) -> tuple[int, int] | None:
    """(head, row) of the first line that stands elsewhere."""
    bound = list(_bound(edit.lines, edit.markers))
    if not bound:
        return None
    texts = {row: without_trailing_marker(edit.lines[row], language) for pair in bound for row in pair}
    lines = FileLines.of(result.lines)  # splits the result, which only such an edit is to pay for
    lines.seek(texts.values())
    scopes = Scopes(lines)
    for head, row in bound:
        places, stands = lines.rows(texts[head]), lines.rows(texts[row])
        if len(places) != 1 or not stands:
            continue
        end = scopes.end(places[0])
        if not any(places[0] < at <= end for at in stands):
            return head, row
    return None


def _bound(edit_lines: Sequence[str], markers: Mapping[int, MarkerKind]) -> Iterator[tuple[int, int]]:
    """(head, line) of every line of words that is shown under a head alone."""
    elides = [markers.get(i) in (MarkerKind.ELIDE, MarkerKind.ELIDE_REST) for i in range(len(edit_lines))]
    head: int | None = None
    for chunk in cut_at_markers(elides, edit_lines):
        rows = [i for i in range(chunk.start, chunk.end) if edit_lines[i].strip() and i not in markers]
        if head is not None:
            depth = indent_of(edit_lines[head])
            for row in rows:
                if indent_of(edit_lines[row]) <= depth:
                    break
                if letters(edit_lines[row]) >= WORDS:
                    yield head, row
        head = rows[-1] if rows and _is_head_alone([edit_lines[row] for row in rows]) else None


def _is_head_alone(chunk: Sequence[str]) -> bool:
    *above, head = chunk
    if not all(line.strip().startswith(_ANNOTATIONS) for line in above) or letters(head) < WORDS:
        return False
    return head.rstrip().endswith(OPENERS) or header_name(head) is not None
