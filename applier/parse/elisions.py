"""What lines of a snippet stand for lines of the file that it does not show, with the file at hand.

`markers` knows placeholders by themselves. Authors also write them in words of their own, in any comment or
in none: `# methods one and two are unchanged`, ` *  ... rest of the licence header ...`, `"...": "..."`.
Here a line is judged by what it says, by what it is in, and by whether the file has lines there that the
edit leaves out. A line that the file has is code.

Each judgement has odds, in thousandths of a logit: how often lines of its class were placeholders, and how
often new text, in edits that language models wrote (`_ODDS`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from ..syntax import languages, parser
from ..text.file_lines import FileLines
from ..text.indentation import white
from .chat.prose import is_sentence
from .marker_words import DOTS, PART, QUALIFIER, bare_words, only_dots, speaks_of_elision
from .markers import MarkerKind, find_markers, string_lines

_LONGEST = 200  # characters of a placeholder
_MOST_WORDS = 16
_FEWEST = 2  # hidden lines that words without dots may stand for


class Says(StrEnum):
    """What a line says that may be a placeholder."""

    DOTS = "dots"  # and nothing else
    LED = "led"  # dots, then words
    KNOWN = "known"  # what `markers` knows, without dots
    WORDS = "words"  # every word is one of elision
    SAME = "same"  # names of things, and that they are unchanged
    KEEP = "keep"
    THINGS = "things"  # "existing handlers", "other imports"
    TRAILED = "trailed"  # words, then dots
    TALK = "talk"  # a sentence without comment signs
    DELETED = "deleted"  # that something of the file is removed


class Hides(StrEnum):
    """Whether the file has lines where the line stands that the edit does not show."""

    YES = "yes"
    NO = "no"
    OPEN = "open"  # no known line on one side


@dataclass(frozen=True, slots=True)
class Judged:
    """One line. It is a placeholder of `kind` where `odds` are above 0."""

    kind: MarkerKind
    odds: int  # thousandths of a logit
    says: Says
    hides: Hides


# By whether the file has lines there: yes, open, no. log((m + 1/2) / (n + 1/2)) of m placeholders and n new
# lines of 584 snippets that a language model wrote; classes with fewer than three are set by hand between
# their neighbours.
_ODDS = {
    Says.DOTS: (5442, 4007, 1000),
    Says.LED: (7148, 5187, 1946),
    Says.KNOWN: (2708, 2708, 1099),
    Says.WORDS: (2500, 1000, -2000),
    Says.SAME: (3135, 1466, -2500),
    Says.KEEP: (1500, -500, -3000),
    Says.THINGS: (1500, -1099, -3000),
    Says.TRAILED: (-1946, -2500, -4000),
    Says.TALK: (1946, 1946, 1000),
    Says.DELETED: (4000, 2000, -1000),
}
_COLUMN = {Hides.YES: 0, Hides.OPEN: 1, Hides.NO: 2}

_LED = re.compile(rf"^{DOTS}")
_TRAILED = re.compile(rf"{DOTS}$")
_BARE_LED = re.compile(rf"^[\[(<{{\"']*\s*{DOTS}(?:[\s,(].*|.*{DOTS}\W*|\W*)$")
_WORDY = re.compile(r"[A-Za-z' ,]+[.:]?")  # words without comment signs
_JSON_DOTS = re.compile(rf"^\"{DOTS}\"\s*(?::\s*(?:\"{DOTS}\"|{DOTS}))?,?$")
_SAME = re.compile(
    r"(?:\b(?:unchanged|untouched|unmodified|omitted|elided|skipped|intact|not (?:shown|changed)"
    r"|no changes?(?: needed)?|(?:exactly )?the same(?: as (?:before|above))?|same as (?:before|above)"
    r"|(?:does|do|need|needs)(?: not|n't)? (?:need )?(?:any |no )?changes?"
    r"|stays?|remains?|continues?)|(?:\b(?:is|are|was|were|stays?|remains?|kept|left|just|all|exactly)|[,:;(])"
    r" (?:as (?:before|above|is|(?:they|it) (?:are|is|were|was|stands?))|as-is))"
    r"(?: (?:for brevity|here|below|above|as well|too|in place))?$",
    re.IGNORECASE,
)
_KEEP = re.compile(r"^(?:please )?(?:keep|leave|retain|preserve)s? ", re.IGNORECASE)
_KEPT = re.compile(r"\b(?:existing|rest|others?|everything|all|as (?:is|they are|it is))\b", re.IGNORECASE)
_THINGS = re.compile(
    rf"^(?:(?:the|all|any|your|and|plus|with|a) )*(?:{QUALIFIER}(?: [\w`]+){{0,2}} {PART}"
    r"|(?:rest|remainder) of (?:the |this |that |its )?[\w`]+(?: \w+)?|etc)$",
    re.IGNORECASE,
)
_ETC = re.compile(r"\betc\.?$", re.IGNORECASE)
_FEW_WORDS = 6
_DELETED = re.compile(
    r"^(?:(?:removed|deleted|dropped|remove|delete|drop):?\s+(?P<after>.+)|(?P<before>.+?)\s+(?:(?:is|are|was|were"
    r"|has been|have been)\s+)?(?:removed|deleted|dropped|gone|no longer needed))$",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d]\w*")
_NO_NAMES = frozenset(
    {"the", "a", "an", "and", "or", "this", "that", "old", "unused", "method", "function", "class"}
)
_ALL = re.compile(
    r"\brest\b|\bremainder\b|everything (?:else )?(?:below|after|from here)|(?:and|everything) below",
    re.IGNORECASE,
)
_BORDERS = ("///", "//!", "/**", "*", "#!")
_OPENINGS = ("//", "#", "--", ";", "%", "'", "rem ")
_BLOCKS = (
    ("{/*", "*/}"),
    ("/*", "*/"),
    ("<!--", "-->"),
    ("{#", "#}"),
    ("(*", "*)"),
    ("{-", "-}"),
    ("<%#", "%>"),
)
_PROSE = frozenset({"markdown", "text", None})
# A sentence at the margin is no code in these.
_WITHOUT_PROSE = frozenset(
    {
        "python",
        "javascript",
        "typescript",
        "tsx",
        "java",
        "kotlin",
        "scala",
        "swift",
        "rust",
        "go",
        "c",
        "cpp",
    }
    | {"csharp", "php", "ruby", "bash", "lua", "css", "scss", "json", "jsonc", "dart", "groovy", "zig", "sql"}
)


def judge(
    lines: Sequence[str],
    language: str | None,
    file: FileLines,
    *,
    stub: bool = False,
    talks: bool = False,
    whole: bool = False,
) -> dict[int, Judged]:
    """Every line that may be a placeholder, by its index; those with odds above 0 are.

    Args:
        lines: the snippet.
        stub: dots are code (a .pyi file).
        talks: sentences may stand between runs of code; they may not where fences held it.
        whole: the snippet is for all of `file`, as a replacement is for its search text.
    """
    file.seek(lines)
    name = languages.canonical(language)
    talks = talks and name in _WITHOUT_PROSE
    plain = find_markers(lines, name, stub=stub)
    place = _Places(lines, file, whole)
    found: dict[int, tuple[MarkerKind, Says]] = {}
    for row, line in enumerate(lines):
        if not line.strip() or len(line.strip()) > _LONGEST or line.startswith("#!"):
            continue
        if file.has(line):
            dots = ("..." in line or "…" in line) and only_dots(_text(line, name)[0])
            if not dots or place.stands_there(row):
                continue
        if (says := _says(line, name, plain.get(row), talks)) is None:
            continue
        found[row] = says
    if not found:
        return {}
    # What `markers` knows is in no string.
    strings = _in_strings(lines, name) if found.keys() - plain.keys() else set()
    place.cut(row for row, (_, says) in found.items() if says in (Says.DOTS, Says.LED, Says.KNOWN))
    judged = {}
    for row, (kind, what) in found.items():
        dots = what is Says.DOTS and lines[row].strip() == "..."
        if dots and (stub or _is_body(lines, row, name, file, place, plain)):
            continue
        hides = place.hides(row)
        if row in strings and hides is not Hides.YES:
            continue
        if what is Says.DELETED and not _names(lines[row], name, file):
            continue
        if what is Says.TALK and not _stands_alone(lines, row, found):
            continue
        judged[row] = Judged(kind, _ODDS[what][_COLUMN[hides]], what, hides)
    return judged


@lru_cache(maxsize=8192)
def _text(line: str, name: str | None) -> tuple[str, bool]:
    """(the words of a line, whether it is a comment)."""
    text = line.strip()
    entry = languages.get(name)
    for opening, closing in (*(entry.block_comments if entry else ()), *_BLOCKS):
        if text.startswith(opening) and text.endswith(closing) and len(text) >= len(opening) + len(closing):
            return text[len(opening) : -len(closing)], True
    own = entry.line_comments if entry else ()
    for opening in (*_BORDERS, *own, *_OPENINGS):
        if text.startswith(opening):
            if opening not in own and ((name in _PROSE and opening != "//") or opening == "'"):
                break
            return text[len(opening) :], True
    return text, False


def _says(
    line: str, name: str | None, plain: MarkerKind | None, talks: bool
) -> tuple[MarkerKind, Says] | None:
    text, comment = _text(line, name)
    dots = "..." in text or "…" in text or ". ." in text
    wordy = talks or text[:1] in ("(", "[", "<") or _WORDY.fullmatch(text)
    if not (comment or plain or dots or wordy):
        return None
    words = bare_words(text)
    if plain is MarkerKind.DELETE:
        return plain, Says.KNOWN
    if only_dots(text) or (name in ("json", "jsonc") and _JSON_DOTS.match(line.strip())):
        return (plain or MarkerKind.ELIDE), Says.DOTS
    kind = MarkerKind.ELIDE_REST if _ALL.search(words) else MarkerKind.ELIDE
    core = bare_words(_TRAILED.sub("", _LED.sub("", words)))
    count = len(core.split())
    if not core or count > _MOST_WORDS:
        return None
    led = bool(_LED.search(words))
    if led and (comment or plain or (_BARE_LED.match(text.strip()) and not _is_spread(text.strip()))):
        return plain or kind, Says.LED
    if plain:
        return plain, Says.KNOWN
    if not comment and name in _PROSE:
        return None
    if not comment and not (text.strip()[0] in "([<" and text.strip()[-1] in ")]>"):
        if talks and is_sentence(line):
            return MarkerKind.ELIDE, Says.TALK
        if not speaks_of_elision(core) or len(core.split()) < 3:
            return None
    if speaks_of_elision(core):
        return kind, Says.WORDS
    if _SAME.search(core):
        return kind, Says.SAME
    if comment and _DELETED.match(core) and count <= _FEW_WORDS:
        return MarkerKind.DELETE, Says.DELETED
    if _KEEP.match(core) and count <= 10 and _KEPT.search(core):
        return kind, Says.KEEP
    if (_THINGS.match(core) and count <= _FEW_WORDS) or (_ETC.search(core) and count <= 10):
        return kind, Says.THINGS
    return (kind, Says.TRAILED) if _TRAILED.search(words) else None


def _is_spread(text: str) -> bool:
    return bool(re.match(r"\.{3}[\w$(\[{@]", text)) and not _TRAILED.search(text)


def _names(line: str, name: str | None, file: FileLines) -> bool:
    """Whether what a remark says to be removed is a name in the file."""
    match = _DELETED.match(bare_words(_text(line, name)[0]))
    words = _NAME.findall((match["after"] or match["before"]) if match else "")
    names = [word for word in words if word.lower() not in _NO_NAMES]
    return bool(names) and all(any(file.rows_with(word)) for word in names)


def _stands_alone(lines: Sequence[str], row: int, found: Mapping[int, tuple[MarkerKind, Says]]) -> bool:
    """Whether a sentence has blank lines, or other sentences, around it, and is no head of what is below."""

    def parted(at: int) -> bool:
        if not 0 <= at < len(lines) or not lines[at].strip():
            return True
        return at in found and found[at][1] is Says.TALK

    below = next((line for line in lines[row + 1 : row + 4] if line.strip()), "")
    colon = lines[row].rstrip().endswith(":")
    head = colon and below[:1].isspace() and len(lines[row].split()) < 3
    return parted(row - 1) and (colon or parted(row + 1)) and not head


def _in_strings(lines: Sequence[str], name: str | None) -> set[int]:
    tree = parser.parse("\n".join(lines), name)
    return string_lines(tree) if tree is not None else set()


def _is_body(
    lines: Sequence[str],
    row: int,
    name: str | None,
    file: FileLines,
    place: _Places,
    plain: Mapping[int, MarkerKind],
) -> bool:
    """Whether dots are a body of their own: under a head that is new, or that the file has with such a
    body.
    """
    if name not in ("python", "r", "perl", "julia"):
        return False
    head = place.parents[row]
    if head is None:
        return row not in plain
    rows = file.rows(lines[head])
    if not rows:
        return lines[head].rstrip().endswith(":") and not place.heads_known(head)
    return all(at + 1 < len(file) and file.text(at + 1) == "..." for at in rows)


class _Places:
    """Where the lines of a snippet stand in the file, and what it does not show."""

    def __init__(self, lines: Sequence[str], file: FileLines, whole: bool) -> None:
        self._lines, self._file, self._whole = lines, file, whole
        self._rows: dict[int, int] = {
            row: found[0]
            for row, line in enumerate(lines)
            if any(map(str.isalnum, line)) and len(found := file.rows(line)) == 1
        }
        self._cuts: frozenset[int] = frozenset()
        self._bounds: list[tuple[int, int]] | None = None
        self._shown: dict[tuple[int, int], tuple[set[str], int]] = {}
        self.parents = _parents(lines)

    def cut(self, rows: object) -> None:
        """`rows` are placeholders for certain: what lies beyond them is not known."""
        self._cuts = frozenset(rows)  # type: ignore[call-overload]

    def heads_known(self, row: int) -> bool:
        """Whether the file defines what a head defines, with other arguments."""
        found = re.match(r"\s*(?:async\s+)?(?:def|class)\s+\w+", self._lines[row])
        return bool(found) and any(self._file.rows_with(found[0].strip())) if found else False

    def stands_there(self, row: int) -> bool:
        """Whether the line before or after is the one before or after it in the file."""
        above = next((at for at in range(row - 1, max(-1, row - 4), -1) if self._lines[at].strip()), None)
        below = next(
            (at for at in range(row + 1, min(len(self._lines), row + 4)) if self._lines[at].strip()), None
        )
        near = [
            (range(at, at + 4) if other == above else range(at - 3, at + 1))
            for other in (above, below)
            if other is not None
            for at in self._file.rows(self._lines[other])[:64]
        ]
        return any(at in run for at in self._file.rows(self._lines[row])[:64] for run in near)

    def hides(self, row: int) -> Hides:
        """Whether the file has lines between the known ones around `row` that the snippet does not show."""
        if self._bounds is None:
            self._bounds = self._all_bounds()
        above, below = self._bounds[row]
        unknown = not self._whole and above < 0 and below == len(self._lines)
        if above in self._cuts or below in self._cuts or unknown:
            return Hides.OPEN
        low = self._rows[above] + 1 if above >= 0 else 0
        high = self._rows[below] if below < len(self._lines) else len(self._file)
        if low > high:
            return Hides.OPEN
        shown, new = self._between(above, below)
        hidden = 0
        for at in range(low, high):
            text = self._file.text(at)
            hidden += bool(text) and text not in shown
            if hidden >= max(_FEWEST, new):
                return Hides.YES
        return Hides.OPEN if hidden else Hides.NO

    def _between(self, above: int, below: int) -> tuple[set[str], int]:
        if (above, below) not in self._shown:
            texts = [text for line in self._lines[above + 1 : below] if (text := line.strip())]
            new = sum(not self._file.has(text) for text in texts)
            self._shown[above, below] = set(texts), new
        return self._shown[above, below]

    def _all_bounds(self) -> list[tuple[int, int]]:
        above, out = -1, []
        for row in range(len(self._lines)):
            out.append((above, len(self._lines)))
            if row in self._rows or row in self._cuts:
                above = row
        below = len(self._lines)
        for row in range(len(self._lines) - 1, -1, -1):
            out[row] = out[row][0], below
            if row in self._rows or row in self._cuts:
                below = row
        return out


def _parents(lines: Sequence[str]) -> list[int | None]:
    """For each line the last one above that is less deep."""
    out: list[int | None] = []
    stack: list[tuple[int, int]] = []
    for row, line in enumerate(lines):
        depth = len(white(line))
        if not line.strip():
            out.append(None)
            continue
        while stack and stack[-1][0] >= depth:
            stack.pop()
        out.append(stack[-1][1] if stack else None)
        stack.append((depth, row))
    return out
