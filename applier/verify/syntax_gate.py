"""Does a result have syntax errors that its original had not?

A file that was broken before is no reason to refuse, and neither is one that its grammar does not fit, such
as C full of macros. So errors count only where the original had none near, and not at all in a file that
had many. A result with more errors than its original is read once more in words that its grammar knows (see
`dialect`): it may be right there, and an original that is right there makes every error count. Large files
are compared by the top-level blocks around the change, so that the cost follows the edit; where those do
not parse by themselves, nothing is concluded.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ..syntax.dialect import rewritten
from ..syntax.embedded import HOSTS, embedded
from ..syntax.parser import error_spans, has_grammar
from ..syntax.preprocessor import Configuration
from ..syntax.python_indentation import indentation_errors
from ..syntax.source_syntax import SourceSyntax
from ..text.source_text import SourceText

_WHOLE_FILE_BYTES = 1 << 18
_BLOCK_BYTES = 1 << 16
_NEAR_BYTES = 1 << 11
_FEW_ERRORS = 3
_LINES_PER_ERROR = 500  # more errors than this before, and the grammar does not fit
_NEAR = 2  # lines
# A suffix is not always the language: .h is C or C++, and .js may have types.
_OTHER_GRAMMARS = {"c": ("cpp",), "cpp": ("c",), "javascript": ("tsx",), "typescript": ("tsx",)}
_TOP_LEVEL = re.compile(rb"(?<=\n)\r?\n(?=[A-Za-z_@#/])")  # a blank line, then a line that is not indented


@dataclass(frozen=True, slots=True)
class SyntaxReport:
    """Error nodes before and after; None where nothing was concluded. Lines are 1-based, of the result.

    `unknown`: nothing was, because the parser's budget ran out.
    """

    before: int | None = None
    after: int | None = None
    new_error_line: int | None = None
    unknown: bool = False


def parses_whole(source: SourceText) -> bool:
    """Whether a file is small enough to be parsed as a whole."""
    return len(source.body) <= _WHOLE_FILE_BYTES


def syntax_report(
    syntax: SourceSyntax,
    after: SourceText,
    touched: Sequence[tuple[int, int]],
    changed: Sequence[tuple[int, int]],
) -> SyntaxReport:
    """Compare the error nodes of both sides.

    Args:
        syntax: of the original.
        touched: 0-based half-open line ranges of the original that were replaced.
        changed: the ranges of the result that replaced them, one for one.
    """
    source, language = syntax.source, syntax.language
    if not touched:
        return SyntaxReport()
    report = _by_grammar(syntax, after, touched, changed) if has_grammar(language) else SyntaxReport()
    if report.new_error_line is not None:
        return report
    if language == "python":
        line = _new_indentation_error(source, after, touched, changed)
    elif language in HOSTS:
        line = _new_embedded_error(source, after, changed)
    else:
        return report
    return report if line is None else SyntaxReport(report.before or 0, (report.after or 0) + 1, line)


def _new_indentation_error(
    source: SourceText,
    after: SourceText,
    touched: Sequence[tuple[int, int]],
    changed: Sequence[tuple[int, int]],
) -> int | None:
    """The first line whose indentation is no Python, in what changed or right below it."""
    if not parses_whole(source) or not parses_whole(after):
        return _in_blocks(source, after, touched, changed)
    now = indentation_errors("".join(line + "\n" for line in after.lines))
    if not now or len(now) <= len(indentation_errors("".join(line + "\n" for line in source.lines))):
        return None
    near = [line for line in now if any(start < line <= max(end, start + 1) + 1 for start, end in changed)]
    return near[0] if near else now[0]


def _in_blocks(
    source: SourceText,
    after: SourceText,
    touched: Sequence[tuple[int, int]],
    changed: Sequence[tuple[int, int]],
) -> int | None:
    """As `_new_indentation_error`, by the top-level blocks around the changes of a large file."""
    for (start, end), (new_start, new_end) in zip(touched, changed, strict=True):
        above, below = _to_top_level(source, start, -1), _to_top_level(source, end, 1)
        if above is None or below is None:
            continue
        old = "".join(line + "\n" for line in source.slice(start - above, end + below))
        new = "".join(line + "\n" for line in after.slice(new_start - above, new_end + below))
        if (now := indentation_errors(new)) and not indentation_errors(old):
            return new_start - above + now[0]
    return None


def _new_embedded_error(
    source: SourceText, after: SourceText, changed: Sequence[tuple[int, int]]
) -> int | None:
    """The first line with an error of a script or style that changed, where the file's had none."""
    if not parses_whole(source) or not parses_whole(after):
        return None
    known = {(one.language, one.code) for one in embedded(source.body)}
    new = [one for one in embedded(after.body) if (one.language, one.code) not in known]
    errors = [line for one in new for line, _ in one.errors()]
    if not errors or any(one.errors() for one in embedded(source.body)):
        return None
    return errors[0]


def _by_grammar(
    syntax: SourceSyntax,
    after: SourceText,
    touched: Sequence[tuple[int, int]],
    changed: Sequence[tuple[int, int]],
) -> SyntaxReport:
    source, language = syntax.source, syntax.language
    if not parses_whole(source) or not parses_whole(after):
        return _compare_blocks(source, after, touched, changed, language)
    best = _best_grammar(syntax)
    before, now = best.errors, best.errors_after(after, touched, changed) if best.known else None
    if now is None:
        return SyntaxReport(unknown=True)
    if len(now) > len(before) and (reworded := _reworded(best, after, changed)):
        return reworded
    return SyntaxReport(len(before), len(now), _new_error(source, before, now, touched, changed))


def _reworded(
    syntax: SourceSyntax, after: SourceText, changed: Sequence[tuple[int, int]]
) -> SyntaxReport | None:
    """The report on both sides in words that a grammar knows; None where that says nothing."""
    found = None
    for language in (syntax.language, *_OTHER_GRAMMARS.get(syntax.language or "", ())):
        now = rewritten(after.body, language)
        if not now or after.newline == "\r":
            continue
        errors = _errors_in(now, language)
        if errors is None:
            continue
        if not errors and _all_shown(now, changed):
            return SyntaxReport(0, 0)
        before = rewritten(syntax.source.body, language) if errors and found is None else ()
        if before and _errors_in(before, language) == []:
            found = SyntaxReport(0, len(errors), errors[0][0])
    return found


def _errors_in(texts: Sequence[Configuration], language: str | None) -> list[tuple[int, int]] | None:
    """The errors of all the texts; None where they are unknown."""
    found = [error_spans(each.text, language) for each in texts]
    return None if None in found else sorted(span for spans in found for span in spans or ())


def _all_shown(texts: Sequence[Configuration], changed: Sequence[tuple[int, int]]) -> bool:
    """Whether every changed line, with those around it, is compiled in one of the configurations."""
    rows = {row for start, end in changed for row in range(max(start - 1, 0), end + 1)}
    lines = list(zip(*(each.shown for each in texts), strict=True))
    return all(any(lines[row]) for row in rows if row < len(lines))


def _best_grammar(syntax: SourceSyntax) -> SourceSyntax:
    """In the grammar that fits the original best."""
    best = syntax
    for other in _OTHER_GRAMMARS.get(syntax.language or "", ()) if syntax.errors else ():
        found = SourceSyntax(syntax.source, other)
        if found.known and len(found.errors) < len(best.errors):
            best = found
    return best


def _new_error(
    source: SourceText,
    before: Sequence[tuple[int, int]],
    now: Sequence[tuple[int, int]],
    touched: Sequence[tuple[int, int]],
    changed: Sequence[tuple[int, int]],
) -> int | None:
    """The line of the first new error that counts."""
    if len(now) <= len(before):
        return None
    if not before:
        return now[0][0]
    if len(before) > max(_FEW_ERRORS, source.line_count // _LINES_PER_ERROR):
        return None
    for (old_start, old_end), (start, end) in zip(touched, changed, strict=True):
        if any(first - _NEAR <= old_end and old_start < last + _NEAR for first, last in before):
            continue
        inside = [line for line, _ in now if start < line <= max(end, start + 1)]
        if inside:
            return inside[0]
    return None


def _compare_blocks(
    source: SourceText,
    after: SourceText,
    touched: Sequence[tuple[int, int]],
    changed: Sequence[tuple[int, int]],
    language: str | None,
) -> SyntaxReport:
    blocks: list[tuple[int, int, int, int]] = []  # old start and end, new start and end
    for (start, end), (new_start, new_end) in zip(touched, changed, strict=True):
        above, below = _to_top_level(source, start, -1), _to_top_level(source, end, 1)
        if above is None or below is None:
            return SyntaxReport()
        block = (start - above, end + below, new_start - above, new_end + below)
        if blocks and block[0] <= blocks[-1][1]:
            last = blocks.pop()
            block = (last[0], max(last[1], block[1]), last[2], max(last[3], block[3]))
        blocks.append(block)
    errors = 0
    for start, end, new_start, new_end in blocks:
        old, new = source.slice(start, end), after.slice(new_start, new_end)
        if sum(map(len, old)) + sum(map(len, new)) > 4 * _WHOLE_FILE_BYTES:
            return SyntaxReport()
        before, now = error_spans("\n".join(old), language), error_spans("\n".join(new), language)
        if before is None or now is None:
            return SyntaxReport(unknown=True)
        if before:
            return SyntaxReport()
        errors += len(now)
        if now:
            return SyntaxReport(0, errors, new_start + now[0][0])
    return SyntaxReport(0, errors)


def _to_top_level(source: SourceText, line: int, step: int) -> int | None:
    """Lines from `line` up (-1) or down (1) to the nearest start of a top-level block; None if far."""
    at = source.offset(line)
    low, high = (max(at - _BLOCK_BYTES, 0), at) if step < 0 else (at, at + _BLOCK_BYTES)
    text = source.body[low:high]
    found = _last_top_level(text) if step < 0 else _TOP_LEVEL.search(text)
    if found:
        cut = text[found.end() :] if step < 0 else text[: found.end()]
    elif low == 0 if step < 0 else high >= len(source.body):
        cut = text
    else:
        return None
    return cut.count(b"\n") + (step > 0 and not found and bool(cut) and not cut.endswith(b"\n"))


def _last_top_level(text: bytes) -> re.Match[bytes] | None:
    """The last match, searched for in ever longer tails, since it is usually near the end."""
    size = _NEAR_BYTES
    while True:
        last = deque(_TOP_LEVEL.finditer(text, max(len(text) - size, 0)), maxlen=1)
        if last or size >= len(text):
            return last[0] if last else None
        size *= 4
