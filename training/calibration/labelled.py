"""Edits whose results are known, as the ranker meets them in serving: readings by segment, with the right
ones marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from applier.align.input import Scene
from applier.align.segments.analyse import Analysis, analyse
from applier.align.segments.variants import Reading
from applier.locate.locator import locate
from applier.normalise import normalise_snippet
from applier.parse import LazySnippet
from applier.parse.read import read
from applier.parse.readings import readings
from applier.syntax.languages import language_for_path
from applier.text.source_text import SourceText
from applier.text.window import Item, Window
from applier.types import EditRequest, Refusal

MARGIN = 8  # lines around what an edit touches, as in serving


@dataclass(frozen=True, slots=True)
class Ranked:
    """The readings of one segment: `rows` int16 [readings, features] and `right` bool [readings]."""

    rows: np.ndarray
    right: np.ndarray


@dataclass(frozen=True, slots=True)
class Labelled:
    """One edit. `attainable`: some reading of every segment together gives the result. `segments` are those
    with a choice, up to the first in which no reading is right; `lead` is that of the window.
    """

    repository: str
    attainable: bool
    lead: int
    names: tuple[str, ...]
    segments: tuple[Ranked, ...] = field(default=())


def label(repository: str, request: EditRequest, result: bytes) -> Labelled | None:
    """The labels of one edit; None where no alignment is asked: it is exact, refused, or no snippet."""
    language = language_for_path(request.path)
    stub = request.path.endswith(".pyi")
    found = read(request, language)
    if isinstance(found, Refusal) or not isinstance(found[1], LazySnippet):
        return None
    source, snippet = found[0], found[1]
    read_so = readings(snippet, source.lines, language, stub=stub)
    if not read_so:
        return None
    edit, _ = normalise_snippet(read_so[0].edit, source.lines, language, stub=stub)
    window = locate(source.lines, edit.lines, language, margin=MARGIN, markers=edit.markers)
    if not isinstance(window, Window):
        return None
    analysis = analyse(Scene.of(window.items(source.lines), edit.lines, language, edit.markers), language)
    wanted = window.project(source.lines, SourceText.decode(result).lines)
    return _labelled(repository, analysis, wanted, window.lead)


def _labelled(repository: str, analysis: Analysis, wanted: Sequence[Item] | None, lead: int) -> Labelled:
    reached = _reached(analysis, wanted) if wanted is not None else [{0}]
    count = len(analysis.segments)
    attainable = wanted is not None and len(reached) == count + 1
    if attainable:
        assert wanted is not None
        reached = _kept(analysis, wanted, reached)
    segments: list[Ranked] = []
    names: tuple[str, ...] = ()
    for number, (segment, options) in enumerate(analysis.segments[: len(reached)]):
        ends = reached[number + 1] if attainable else None
        right = [
            wanted is not None
            and any(True for _ in _ends(analysis, number, option, wanted, reached[number], ends))
            for option in options
        ]
        if len(options) < 2:
            continue
        rows = [analysis.features.of(segment, option) for option in options]
        names = tuple(sorted(rows[0]))
        table = np.array([[row[name] for name in names] for row in rows], np.int16)
        segments.append(Ranked(table, np.array(right, bool)))
    return Labelled(repository, attainable, lead, names, tuple(segments))


def _ends(
    analysis: Analysis,
    number: int,
    option: Reading,
    wanted: Sequence[Item],
    starts: set[int],
    ends: set[int] | None = None,
) -> Iterator[int]:
    """Where in the result the next segment begins, for every start at which a reading writes the result."""
    texts = list(option.texts)
    for start in starts:
        end = start + len(texts)
        if list(wanted[start:end]) != texts:
            continue
        if number < len(analysis.pivots):
            if wanted[end : end + 1] == [analysis.pivots[number]] and (ends is None or end + 1 in ends):
                yield end + 1
        elif end == len(wanted):
            yield end


def _reached(analysis: Analysis, wanted: Sequence[Item]) -> list[set[int]]:
    """For every segment, where in the result it can begin; and the end, where it is reached."""
    reached: list[set[int]] = [{0}]
    for number, (_, options) in enumerate(analysis.segments):
        found = {end for option in options for end in _ends(analysis, number, option, wanted, reached[-1])}
        if not found:
            break
        reached.append(found)
    return reached


def _kept(analysis: Analysis, wanted: Sequence[Item], reached: Sequence[set[int]]) -> list[set[int]]:
    """Those of `reached` from which the end is."""
    kept = [set(starts) for starts in reached]
    for number in range(len(analysis.segments) - 1, -1, -1):
        options = analysis.segments[number][1]
        kept[number] = {
            start
            for start in reached[number]
            if any(
                True
                for option in options
                for _ in _ends(analysis, number, option, wanted, {start}, kept[number + 1])
            )
        }
    return kept


def request_of(row: Mapping[str, str]) -> tuple[EditRequest, bytes]:
    """Request and result of a row with `original`, `edit`, `result`, `path` and `instruction`."""
    request = EditRequest(
        original=row["original"].encode(),
        edit=row["edit"].encode(),
        path=row["path"],
        instruction=row.get("instruction") or "",
    )
    return request, row["result"].encode()
