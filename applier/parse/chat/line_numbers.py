"""Line numbers that an edit copied from a listing: `12 | code`, `cat -n`, `12→code`, `12: code`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ...text.file_lines import FileLines

_STYLES = (
    re.compile(r"^ *(?P<number>\d{1,7})(?:\t|→)(?P<text>.*)$"),
    re.compile(r"^ *(?P<number>\d{1,7}) {0,2}[|│](?: (?P<text>.*)|$)"),
    re.compile(r"^ *L?(?P<number>\d{1,7}):(?: (?P<text>.*)|$)"),
)
_ENOUGH = 0.8  # of the lines; placeholders have no number


def without_numbers(
    lines: Sequence[str], file: FileLines | None, *, proven: bool = False
) -> tuple[list[str], int] | None:
    """(the lines without their numbers, the first number); None where they have none.

    The numbers must ascend. The file must have more of the lines without them than with them; where no file
    is known, they must follow one another. `proven`: lines that belong to these have numbers.
    """
    filled = [line for line in lines if line.strip()]
    for style in _STYLES:
        if not filled or not style.match(filled[0]):
            continue
        found = [style.match(line) for line in lines]
        numbers = [int(match["number"]) for match in found if match]
        if len(numbers) < _ENOUGH * len(filled) or any(low > high for low, high in pairwise(numbers)):
            continue
        bare = [match["text"] or "" if match else line for line, match in zip(lines, found, strict=True)]
        if proven:
            return bare, numbers[0]
        if file:
            file.seek([*lines, *bare])
            shown = sum(map(file.has, bare)) > sum(map(file.has, lines))
        else:
            shown = len(numbers) > 1 and all(high == low + 1 for low, high in pairwise(numbers))
        if shown:
            return bare, numbers[0]
    return None
