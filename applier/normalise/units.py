"""The unit of indentation of an edit, where it is not the file's: spaces for tabs, two spaces for four.

Lines that edit and file share tell how levels of the one map to levels of the other. The mapping is used only
where nearly all of them agree with it; a constant shift has nothing to do with units and is left to the
alignment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..parse.markers import string_lines
from ..syntax import parser as syntax
from ..text.file_lines import FileLines
from ..text.indentation import white

_CLEAR = 0.6  # of the steps inwards that must have the size of the unit
_MOST = 0.75  # of the shared lines that must agree
_LEAST = 2  # shared lines: one may be aligned with something, or be another line
_FEW = 0.2  # of the shared lines that may stand as in the file
_SIZES = (2, 3, 4, 8)
# Indentation is part of the text in these.
_PROSE = frozenset({"markdown", "text", None})
_OPENING = frozenset("([{")


@dataclass(frozen=True, slots=True)
class Units:
    """Levels of `ours` become levels of `theirs`, `deeper` of them further in. `proven` by a line that is
    indented: the others look the same in every unit.
    """

    ours: str
    theirs: str
    deeper: int
    proven: bool = True

    def level(self, indent: str) -> int | None:
        """The level in the file of an indentation of the edit; None where it is not whole units."""
        count, rest = divmod(len(indent), len(self.ours))
        if rest or indent != self.ours * count or count + self.deeper < 0:
            return None
        return count + self.deeper


def steps_inwards(lines: Sequence[str]) -> Counter[str]:
    """How far lines are indented from the line above: the white space that is added, with its counts."""
    found: Counter[str] = Counter()
    filled = [line for line in lines if line and not line.isspace()]
    rests = map(len, map(str.lstrip, filled))
    depths = [whole - rest for whole, rest in zip(map(len, filled), rests, strict=True)]
    for row, (outer, inner) in enumerate(pairwise(depths)):
        if inner > outer and filled[row + 1].startswith(filled[row][:outer]):
            found[filled[row + 1][outer:inner]] += 1
    return found


def unit_of(lines: Sequence[str]) -> str | None:
    """The unit that most steps inwards are; None without a clear one. A single space is not a unit: comments
    are aligned by it.
    """
    found = steps_inwards(lines)
    del found[" "]
    if not found:
        return None
    unit = max(found, key=lambda step: (found[step], -len(step)))
    fits = sum(count for step, count in found.items() if step == unit * (len(step) // len(unit)))
    if unit.strip(" ") and unit != "\t":
        return None
    return unit if len(unit) <= 8 and fits >= _CLEAR * found.total() else None


def find_units(
    lines: FileLines, shown: Sequence[str], new: Sequence[str], language: str | None
) -> Units | None:
    """How indentation maps from an edit to the file's `lines`: from `shown`, of which some stand in the file,
    and `new`, of which none has to. Neither has markers.

    None where the edit has the file's unit, where shared lines stand as in the file, or where they do not fit
    one mapping.
    """
    if language in _PROSE:
        return None
    pairs = _shared(lines, shown)
    indented = [(ours, file) for ours, file in pairs if ours or file]
    if sum(ours == file for ours, file in indented) > _FEW * len(indented):
        return None
    theirs = unit_of(lines)
    if theirs is None:
        return None
    own = unit_of(shown) or unit_of(new)
    fits = [
        found
        for ours in _possible(theirs, own, [*shown, *new])
        if (found := _fitting(ours, theirs, pairs)) is not None
    ]
    if not _is_recipe(shown, language):
        fits = [found for found in fits if found.proven]
    if len(fits) != 1 and own is not None:
        fits = [found for found in fits if found.ours == own]
    return fits[0] if len(fits) == 1 else None


def _is_recipe(shown: Sequence[str], language: str | None) -> bool:
    """Whether indented lines are a target's in a makefile, which needs tabs."""
    return language == "makefile" and not any(line.rstrip().endswith("\\") for line in shown)


def _possible(theirs: str, own: str | None, shown: Sequence[str]) -> list[str]:
    """Units that the edit may have, other than the file's."""
    indents = {white(line) for line in shown if line.strip()} - {""}
    if theirs == "\t":
        if any("\t" in indent for indent in indents):
            return []
        return [own] if own else [" " * size for size in _SIZES]
    if all(not indent.strip("\t") for indent in indents):
        return ["\t"] if indents else []
    units = [own] if own else [" " * size for size in _SIZES]
    return [unit for unit in units if unit != theirs and not unit.strip(" ")]


def _fitting(ours: str, theirs: str, pairs: Sequence[tuple[str, str]]) -> Units | None:
    """The mapping that nearly every pair agrees with; lines moved to another depth do not."""
    votes: Counter[int] = Counter()
    levels: set[str] = set()
    for edit, file in pairs:
        count, rest = divmod(len(file), len(theirs))
        if rest or file != theirs * count:
            continue  # aligned with something
        level, odd = divmod(len(edit), len(ours))
        if odd or edit != ours * level:
            return None
        votes[count - level] += 1
        levels.add(edit)
    if not votes:
        return None
    deeper, most = min(votes.items(), key=lambda vote: (-vote[1], abs(vote[0]), vote[0]))
    if most < max(_LEAST, _MOST * votes.total()):
        return None
    if len(levels) < 2 and deeper and "\t" not in (ours, theirs):
        return None  # a shift would do as well
    return Units(ours, theirs, deeper, bool(deeper or levels - {""}))


def _shared(lines: FileLines, shown: Sequence[str]) -> list[tuple[str, str]]:
    """(indentation in the edit, in the file) of each line of the edit that the file has at one depth."""
    lines.seek(shown)
    telling = [line for line in shown if sum(map(str.isalnum, line)) >= 2]
    found = ((white(line), {white(lines[row]) for row in lines.rows(line)}) for line in telling)
    return [(ours, theirs.pop()) for ours, theirs in found if len(theirs) == 1]


def in_units(lines: Sequence[str], units: Units, file: FileLines, language: str | None) -> list[str]:
    """The edit's lines in the file's units.

    A line that the file has aligned with something keeps the file's white space. Another line that is aligned
    with a bracket, or lies between two levels, keeps its distance from the line that it hangs on. What is new
    in a string that is no docstring is content and stays as it is.
    """
    aligned = _aligned(file, lines, units.theirs)
    content = {row for row in _content_rows(lines, language) if not file.has(lines[row])}
    out: list[str] = []
    for row, line in enumerate(lines):
        text = line.strip()
        if not text or row in content:
            out.append(line)
        elif text in aligned:
            out.append(aligned[text] + line.lstrip())
        else:
            out.append(_indent(lines, out, row, units) + line.lstrip())
    return out


def _indent(lines: Sequence[str], out: Sequence[str], row: int, units: Units) -> str:
    indent = white(lines[row])
    level = units.level(indent)
    base = next(
        (at for at in range(row - 1, -1, -1) if lines[at].strip() and len(white(lines[at])) < len(indent)),
        None,
    )
    if base is None or not indent.startswith(outer := white(lines[base])):
        return indent if level is None else units.theirs * level
    above, column = lines[base], len(indent)
    hangs = column < len(above) and above[column - 1] in _OPENING and not above[column].isspace()
    if level is None or hangs:
        return white(out[base]) + indent[len(outer) :]
    return units.theirs * level


def _aligned(file: FileLines, lines: Sequence[str], unit: str) -> dict[str, str]:
    """The file's white space before each of the lines that it has, where it is always the same, and no whole
    units.
    """
    file.seek(lines)
    found = {line.strip(): {white(file[row]) for row in file.rows(line)} for line in lines}
    whole = {unit * level for level in range(32)}
    return {
        text: indent for text, indents in found.items() if len(indents) == 1 for indent in indents - whole
    }


def _content_rows(lines: Sequence[str], language: str | None) -> set[int]:
    """Lines that start inside a string that is no docstring."""
    text = "\n".join(lines)
    tree = syntax.parse(text, language)
    if (
        tree is None or text.count('"""') % 2
    ):  # begins or ends in a string: which lines are in it is not known
        return set()
    rows = string_lines(tree)
    stack = [tree.root_node]
    while stack:
        node = stack.pop()
        if node.type == "expression_statement" and [child.type for child in node.named_children] == [
            "string"
        ]:
            rows -= set(range(node.start_point[0], node.end_point[0] + 1))
        elif node.end_point[0] > node.start_point[0]:
            stack.extend(node.children)
    return rows
