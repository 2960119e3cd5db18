"""Edits whose right answers are known by construction, one kind for each way in which placing an edit can
fail silently: twins, gaps, equal next lines, wrong anchors, near keys, insertions beside markers, lost
indentation.

Any text is a source. What an edit means is decided first, on the lines of the file; then it is written in one
of the formats, and spoilt in a way that leaves no doubt about its meaning, or one that leaves only doubt.
"""

from __future__ import annotations

import random
import re
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from applier.syntax.languages import get, language_for_path
from applier.types import EditFormat

_SUFFIXES = frozenset((".py", ".toml", ".md", ".c", ".h", ".proto", ".json", ".yml", ".yaml", ".j2", ".css"))
_LINES = range(12, 500)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{3,}")
_KEYWORDS = frozenset(
    [
        "and",
        "assert",
        "async",
        "await",
        "break",
        "case",
        "class",
        "const",
        "continue",
        "def",
        "else",
        "elif",
        "except",
        "export",
        "false",
        "finally",
        "for",
        "from",
        "function",
        "global",
        "import",
        "include",
        "lambda",
        "match",
        "nonlocal",
        "null",
        "pass",
        "public",
        "raise",
        "return",
        "self",
        "static",
        "struct",
        "true",
        "type",
        "typedef",
        "void",
        "while",
        "with",
        "yield",
        "None",
        "True",
        "False",
        "define",
        "ifdef",
        "endif",
        "ifndef",
    ]
)
FORMATS = ("blocks", "roo", "diff", "loose diff", "v4a")
LAZY = "lazy"


@dataclass(frozen=True, slots=True)
class Source:
    """A file to make edits of."""

    path: str
    lines: tuple[str, ...]

    @property
    def language(self) -> str | None:
        return language_for_path(self.path)


@dataclass(frozen=True, slots=True)
class RuleCase:
    """An edit and the file it must give; None where only a refusal is right. `sure` says that refusing is not
    right: nothing of the edit is in doubt.
    """

    rule: str
    format: str
    path: str
    original: bytes
    edit: bytes
    expected: bytes | None
    sure: bool = True

    @property
    def edit_format(self) -> EditFormat:
        return EditFormat.LAZY if self.format == LAZY else EditFormat.AUTO


@dataclass(frozen=True, slots=True)
class Change:
    """Rows `start` to `end` (half open) become `new`. `above` and `below` are the rows of context that are
    shown beside it, in order; rows between them that are left out are passed over.
    """

    start: int
    end: int
    new: tuple[str, ...]
    above: tuple[int, ...] = ()
    below: tuple[int, ...] = ()


class Unfit(Exception):
    """The source has no place for the rule."""


def sources(seed: int = 0) -> Iterator[Source]:
    """Files of this project and of Python's library, for ever, in a random order that the seed decides."""
    rng = random.Random(seed)
    files = list(_files())
    while True:
        path = rng.choice(files)
        source = _read(path)
        if source is not None:
            yield source


@lru_cache(maxsize=1)
def _files() -> tuple[Path, ...]:
    own = Path(__file__).resolve().parents[2]
    library = Path(sysconfig.get_path("stdlib"))
    found = [
        p for name in ("applier", "evals", "kernels", "reasoner", "training") for p in (own / name).rglob("*")
    ]
    found += [*library.glob("*.py"), *library.glob("[a-z]*/*.py")]
    found += [*own.glob("*.toml"), *own.glob("*.md"), *own.glob("proto/**/*.proto")]
    return tuple(sorted(p for p in found if p.suffix in _SUFFIXES and "site-packages" not in p.parts))


@lru_cache(maxsize=256)
def _read(path: Path) -> Source | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    lines = text.split("\n")
    if len(lines) not in _LINES or "\r" in text or "\f" in text or "\0" in text or len(text) > 40_000:
        return None
    return Source(path.name, tuple(lines[:-1] if lines[-1] == "" else lines))


def rule_cases(count: int, seed: int = 0, *, lazy: bool = False) -> Iterator[RuleCase]:
    """`count` cases, rules in turn. Equal arguments and files give equal cases."""
    rng = random.Random(seed)
    stream = sources(seed)
    rules = LAZY_RULES if lazy else RULES
    names = sorted(rules)
    made = 0
    while made < count:
        try:
            case = rules[names[made % len(names)]](rng, next(stream))
        except Unfit:
            continue
        made += 1
        yield case


# ---- what lines of a file are fit for


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _plain(line: str) -> str:
    return re.sub(r"[\s\"'`,;]", "", line).lower()


class _File:
    def __init__(self, rng: random.Random, source: Source) -> None:
        self.rng, self.source, self.lines = rng, source, list(source.lines)
        self.counts = Counter(_plain(line) for line in self.lines)

    def unique(self, row: int) -> bool:
        """Whether a line tells something, and no other one has its look or its names."""
        text = self.lines[row].strip()
        if sum(map(str.isalnum, text)) < 6 or self.counts[_plain(text)] != 1 or _is_marker_like(text):
            return False
        return self._word(row) is not None

    def _word(self, row: int) -> str | None:
        words = [word for word in _WORD.findall(self.lines[row]) if word not in _KEYWORDS]
        return words[-1] if words else None

    def pick(self, fits: Callable[[int], bool]) -> int:
        rows = [row for row in range(1, len(self.lines) - 1) if fits(row)]
        if not rows:
            raise Unfit
        return self.rng.choice(rows)

    def changed(self, row: int) -> str:
        """The line with one word of it changed, so that the file does not have it."""
        word = self._word(row)
        if word is None:
            raise Unfit
        head, _, end = self.lines[row].rpartition(word)
        new = f"{head}{word}{self.rng.choice(('x', '2', '_new'))}{end}"
        if self.counts[_plain(new)]:
            raise Unfit
        return new

    def context(self, row: int, count: int, step: int) -> tuple[int, ...]:
        """Up to `count` rows above (-1) or below (1) a row."""
        rows = range(row + step, row + step * (count + 1), step)
        return tuple(sorted(r for r in rows if 0 <= r < len(self.lines)))

    def without(self, change: Sequence[Change]) -> list[str]:
        lines = list(self.lines)
        for each in sorted(change, key=lambda one: -one.start):
            lines[each.start : each.end] = each.new
        return lines

    def body(self, lines: Sequence[str] | None = None) -> bytes:
        return "".join(line + "\n" for line in (self.lines if lines is None else lines)).encode()

    def case(
        self,
        rule: str,
        format: str,
        edit: str,
        expected: Sequence[str] | None,
        *,
        sure: bool = True,
    ) -> RuleCase:
        wanted = None if expected is None else self.body(expected)
        return RuleCase(rule, format, self.source.path, self.body(), edit.encode(), wanted, sure)


def _is_marker_like(text: str) -> bool:
    return (
        "..." in text or "…" in text or text[:3] in ("<<<", ">>>", "===", "---", "+++", "***", "```", "@@ ")
    )


# ---- how an edit is written

Spoil = Callable[[str], str]


def _same(line: str) -> str:
    return line


def written(
    file: _File,
    format: str,
    changes: Sequence[Change],
    *,
    spoil: Spoil = _same,
    spoil_new: Spoil | None = None,
    line: int | None = None,
    anchors: Sequence[str] = (),
) -> str:
    """The changes as one part of an edit.

    `spoil` is done to every old line, `spoil_new` (the same, unless given) to new ones; `line` is the 0-based
    line that the part states, `anchors` what it is anchored at.
    """
    signed: list[tuple[str, str]] = []
    last = -1
    for change in changes:
        signed += [(" ", spoil(file.lines[row])) for row in change.above if row > last]
        signed += [("-", spoil(file.lines[row])) for row in range(change.start, change.end)]
        signed += [("+", (spoil_new or spoil)(text)) for text in change.new]
        signed += [(" ", spoil(file.lines[row])) for row in change.below]
        last = max(change.end - 1, *change.below, last)
    old = [text for sign, text in signed if sign != "+"]
    new = [text for sign, text in signed if sign != "-"]
    if any(_is_marker_like(text.strip()) for text in (*old, *new)):
        raise Unfit
    if format in ("blocks", "roo"):
        hint = [f":start_line:{(line or 0) + 1}", "-------"] if format == "roo" else []
        rows = ["<<<<<<< SEARCH", *hint, *old, "=======", *new, ">>>>>>> REPLACE"]
    elif format == "v4a":
        body = [sign + text for sign, text in signed]
        heads = [f"@@ {anchor}" for anchor in anchors] or ["@@"]
        rows = ["*** Begin Patch", f"*** Update File: {file.source.path}", *heads, *body, "*** End Patch"]
    else:
        head = (
            "@@ ... @@"
            if format == "loose diff"
            else f"@@ -{(line or 0) + 1},{len(old)} +{(line or 0) + 1},{len(new)} @@"
        )
        names = [f"--- a/{file.source.path}", f"+++ b/{file.source.path}"]
        rows = [*names, head, *(sign + text for sign, text in signed)]
    return "\n".join(rows) + "\n"


def _change(file: _File, row: int, around: int = 2) -> Change:
    return Change(
        row, row + 1, (file.changed(row),), file.context(row, around, -1), file.context(row + 0, around, 1)
    )


# ---- the rules for blocks and hunks


def _plain_change(rng: random.Random, source: Source) -> RuleCase:
    file = _File(rng, source)
    format = rng.choice(FORMATS)
    change = _change(file, file.pick(file.unique), rng.randrange(4))
    line = (change.above or (change.start,))[0]
    return file.case("plain", format, written(file, format, [change], line=line), file.without([change]))


def _insertion(rng: random.Random, source: Source) -> RuleCase:
    """New lines between two shown ones, one of them a copy of a line further down."""
    file = _File(rng, source)
    format = rng.choice(FORMATS)
    row = file.pick(lambda r: file.unique(r) and r + 3 < len(file.lines))
    later = [
        line for line in file.lines[row + 2 : row + 12] if line.strip() and not _is_marker_like(line.strip())
    ]
    if not later:
        raise Unfit
    copy = rng.choice(later)
    new = (copy,) if rng.random() < 0.5 else (file.changed(row), copy)
    change = Change(row + 1, row + 1, new, file.context(row + 1, 2, -1), (row + 1,))
    line = change.above[0]
    return file.case(
        "equal next line",
        format,
        written(file, format, [change], line=line),
        file.without([change]),
        sure=False,
    )


def _gap(rng: random.Random, source: Source) -> RuleCase:
    """Two changes in one part; lines between them are left out."""
    file = _File(rng, source)
    format = rng.choice(FORMATS)

    def fits(row: int) -> bool:
        return file.unique(row) and bool(_partners(file, row))

    first = file.pick(fits)
    second = rng.choice(_partners(file, first))
    shown = rng.randrange(2)
    one = Change(first, first + 1, (file.changed(first),), file.context(first, rng.randrange(3), -1))
    rest = tuple(row for row in (second - 1,) if shown and row > first + 1)
    other = Change(
        second, second + 1, (file.changed(second),), rest, file.context(second, rng.randrange(3), 1)
    )
    changes = [one, other]
    line = (one.above or (first,))[0]
    return file.case(
        "gap", format, written(file, format, changes, line=line), file.without(changes), sure=False
    )


def _partners(file: _File, row: int) -> list[int]:
    """Rows below, with some between, that stand in the same block."""
    indent, found = _indent(file.lines[row]), []
    for other in range(row + 1, min(row + 12, len(file.lines))):
        line = file.lines[other]
        if line.strip() and _indent(line) < indent:
            break
        if other > row + 1 and _indent(line) == indent and file.unique(other):
            found.append(other)
    return found


def _twins(rng: random.Random, source: Source) -> RuleCase:
    """The same lines twice: refused, unless a line number or an anchor tells."""
    file = _File(rng, source)
    format = rng.choice(FORMATS)
    row = file.pick(file.unique)
    size = rng.randrange(1, 4)
    block = file.lines[row : row + size]
    if not all(line.strip() for line in block) or row + size + 6 > len(file.lines):
        raise Unfit
    head = (
        f"{'#' if source.language in (None, 'python', 'toml', 'yaml') else '//'} twin {rng.randrange(10**6)}"
    )
    new_block = [*block[:-1], _File(rng, source).changed(row + size - 1)]
    file.lines = [*file.lines, head, *block, "", head + " end", ""]
    copy = next(i for i in range(len(file.lines) - 1, 0, -1) if file.lines[i] == head) + 1
    target = rng.choice((row, copy))
    change = Change(
        target + size - 1, target + size, (new_block[-1],), tuple(range(target, target + size - 1))
    )
    spoil = rng.choice((_same, *_SPOILS))
    told = format in ("roo", "diff") and rng.random() < 0.6
    anchors: list[str] = []
    if format == "v4a" and target == copy and rng.random() < 0.6:
        anchors, told = [head], True
    stated = target if told else max(0, (row + copy) // 2)
    if not told and format in ("roo", "diff"):
        format = "blocks"
    edit = written(
        file,
        format,
        [change],
        spoil=spoil,
        spoil_new=_same if spoil in _LOOKS else None,
        line=stated,
        anchors=anchors,
    )
    if told and spoil not in (_same, *_LOOKS) and not _is_invertible(block, spoil):
        raise Unfit
    return file.case("twins", format, edit, file.without([change]) if told else None, sure=False)


def _wrong_anchor(rng: random.Random, source: Source) -> RuleCase:
    """A V4A anchor that is not there, or that opens a block elsewhere."""
    file = _File(rng, source)
    row = file.pick(file.unique)
    change = _change(file, row, 1)
    if rng.random() < 0.5:
        anchor = f"def {rng.choice(('absent', 'nowhere', 'gone'))}_{rng.randrange(10**6)}(self):"
    else:
        anchor = file.lines[file.pick(lambda r: _opens_elsewhere(file, r, row))]
    edit = written(file, "v4a", [change], anchors=[anchor.strip()])
    return file.case("wrong anchor", "v4a", edit, None)


def _opens_elsewhere(file: _File, head: int, row: int) -> bool:
    """Whether a unique line opens a block that ends well before a row, or starts below it."""
    lines = file.lines
    text = lines[head].strip()
    if not file.unique(head) or sum(line.strip().startswith(text) for line in lines) != 1:
        return False
    if not text.endswith((":", "{")) or head + 1 >= len(lines):
        return False
    if _indent(lines[head + 1]) <= _indent(lines[head]) or not lines[head + 1].strip():
        return False
    if head > row + 3:
        return True
    end = head + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > _indent(lines[head])):
        end += 1
    return end + 6 < row


def _near_key(rng: random.Random, source: Source) -> RuleCase:
    """A stale line of one key, beside another key that is more like it; or of a key that is not there."""
    file = _File(rng, source)
    row = file.pick(lambda r: file.unique(r) and _indent(file.lines[r]) == 0)
    sign = ": " if source.path.endswith((".yml", ".yaml", ".json")) else " = "
    stem = rng.choice(("timeout", "cfg", "limit", "port", "retry_count")) + f"_{rng.randrange(100, 999)}"
    one, two = rng.choice((("_a", "_b"), ("1", "10"), ("", "_max"), ("3", "30"), ("x", "y")))
    if rng.random() < 0.5:
        one, two = two, one
    stale, kept, new = (str(n) for n in rng.sample(range(10, 9999), 3))
    end = ";" if source.path.endswith((".c", ".h", ".proto", ".css")) else ""
    near = f"{stem}{one}{sign}{stale}{end}"
    mine = f"{stem}{two}{sign}{kept}{end}"
    pair = [near, mine] if rng.random() < 0.5 else [mine, near]
    there = rng.random() < 0.6
    file.lines[row:row] = pair if there else [near]
    format = rng.choice(("blocks", "loose diff", "v4a"))
    search, replace = f"{stem}{two}{sign}{stale}{end}", f"{stem}{two}{sign}{new}{end}"
    edit = _one_line(file, format, search, replace)
    expected = [replace if line == mine else line for line in file.lines] if there else None
    return file.case("near key", format, edit, expected, sure=False)


def _one_line(file: _File, format: str, search: str, replace: str) -> str:
    name = file.source.path
    if format == "blocks":
        rows = ["<<<<<<< SEARCH", search, "=======", replace, ">>>>>>> REPLACE"]
    elif format == "v4a":
        rows = [
            "*** Begin Patch",
            f"*** Update File: {name}",
            "@@",
            "-" + search,
            "+" + replace,
            "*** End Patch",
        ]
    else:
        rows = [f"--- a/{name}", f"+++ b/{name}", "@@ ... @@", "-" + search, "+" + replace]
    return "\n".join(rows) + "\n"


def _stale(rng: random.Random, source: Source) -> RuleCase:
    """Old lines that are nowhere, and a new line that stands somewhere by chance."""
    file = _File(rng, source)
    row, other = file.pick(file.unique), file.pick(file.unique)
    word = f"{rng.choice(('zeta', 'kappa', 'omega'))}_{rng.randrange(10**6)}"
    old = f"{file.lines[row][: _indent(file.lines[row])]}{word} = {word}_of({rng.randrange(99)})"
    if row == other:
        raise Unfit
    format = rng.choice(("blocks", "loose diff", "v4a"))
    return file.case("stale", format, _one_line(file, format, old, file.lines[other]), None)


_TABS = str.maketrans({"\t": "    "})


def _dedented(line: str) -> str:
    return line.lstrip(" \t")


def _quoted(line: str) -> str:
    return line.translate(str.maketrans("\"'", "'\""))


def _curly(line: str) -> str:
    return line.replace("'", "\u2019").replace(" - ", " \u2013 ")


def _tailed(line: str) -> str:
    return line + "  " if line.strip() else line


def _wide(line: str) -> str:
    return line.replace(" = ", "  =  ")


_LOOKS: tuple[Spoil, ...] = (_quoted, _curly, _tailed, _wide)
_SPOILS: tuple[Spoil, ...] = (_tailed, _wide, _quoted)


def _is_invertible(block: Sequence[str], spoil: Spoil) -> bool:
    return all(spoil(line).strip() == line.strip() for line in block)


def _looks(rng: random.Random, source: Source) -> RuleCase:
    """Old lines that are written in another way; new ones stand as they are written."""
    file = _File(rng, source)
    format = rng.choice(FORMATS)
    change = _change(file, file.pick(file.unique), rng.randrange(3))
    edit = written(
        file,
        format,
        [change],
        spoil=rng.choice(_LOOKS),
        spoil_new=_same,
        line=(change.above or (change.start,))[0],
    )
    return file.case("looks", format, edit, file.without([change]), sure=False)


def _lost_indentation(rng: random.Random, source: Source) -> RuleCase:
    """All lines of the part are less indented than the file's, or the old ones alone."""
    file = _File(rng, source)
    format = rng.choice(FORMATS)
    row = file.pick(lambda r: file.unique(r) and _indent(file.lines[r]) >= 4)
    change = _change(file, row, rng.randrange(3))
    rows = [*change.above, *range(change.start, change.end), *change.below]
    depth = min(_indent(file.lines[r]) for r in rows if file.lines[r].strip())
    if depth == 0:
        raise Unfit
    cut = depth if rng.random() < 0.7 else rng.randrange(1, depth + 1)
    indented = (file.changed(row) + "a", change.new[0])[rng.randrange(2)]
    change = Change(change.start, change.end, (indented,), change.above, change.below)

    def spoil(line: str) -> str:
        return line[cut:] if line[:cut].isspace() else line

    already = rng.random() < 0.3 and len(rows) == 1
    edit = written(file, format, [change], spoil=spoil, spoil_new=_same if already else None, line=rows[0])
    return file.case("indentation", format, edit, file.without([change]), sure=False)


def _deletion(rng: random.Random, source: Source) -> RuleCase:
    """Lines that go, where one that stays is left out between them."""
    file = _File(rng, source)
    format = rng.choice(FORMATS)
    first = file.pick(lambda r: file.unique(r) and bool(_partners(file, r)))
    second = rng.choice(_partners(file, first))
    changes = [
        Change(first, first + 1, (), file.context(first, 1, -1)),
        Change(second, second + 1, (), (), file.context(second, 1, 1)),
    ]
    edit = written(file, format, changes, line=max(first - 1, 0))
    return file.case("deletion with a gap", format, edit, file.without(changes), sure=False)


def _swapped(rng: random.Random, source: Source) -> RuleCase:
    """Two changes of one part in another order than the file's."""
    file = _File(rng, source)
    format = rng.choice(("loose diff", "v4a", "blocks"))
    first = file.pick(lambda r: file.unique(r) and bool(_partners(file, r)))
    second = rng.choice(_partners(file, first))
    one = Change(first, first + 1, (file.changed(first),))
    other = Change(second, second + 1, (file.changed(second),))
    edit = written(file, format, [other, one])
    return file.case("swapped", format, edit, file.without([one, other]), sure=False)


def _far_twin(rng: random.Random, source: Source) -> RuleCase:
    """A line below a head that is passed over to; its twin stands in another block, or in the same one."""
    file = _File(rng, source)
    format = rng.choice(("loose diff", "v4a", "blocks"))

    def fits(row: int) -> bool:
        return file.unique(row) and bool(_partners(file, row)) and _indent(file.lines[row]) > 0

    head = file.pick(fits)
    row = rng.choice(_partners(file, head))
    line, within = file.lines[row], rng.random() < 0.4
    change = Change(row, row + 1, (file.changed(row),), (head,))
    edit = written(file, format, [change])
    if within and not any(any(c.isalnum() for c in line) for line in file.lines[head + 1 : row]):
        raise Unfit
    if within:
        file.lines.insert(row + 1, line)
        return file.case("far twin", format, edit, None)
    file.lines = [*file.lines, "", "twin_of_it:", line, ""]
    return file.case("far twin", format, edit, file.without([change]), sure=False)


def _slip(rng: random.Random, source: Source) -> RuleCase:
    """A line of context with a letter too few, or a comment that the file does not have."""
    file = _File(rng, source)
    format = rng.choice(FORMATS)
    row = file.pick(lambda r: file.unique(r) and file.unique(r - 1) and len(file.lines[r - 1].strip()) > 24)
    change = Change(row, row + 1, (file.changed(row),), file.context(row, 2, -1), file.context(row, 1, 1))
    line = file.lines[row - 1]
    if rng.random() < 0.5:
        word = max(_WORD.findall(line), key=len)
        if len(word) < 7:
            raise Unfit
        slipped = line.replace(word, word[:3] + word[4:], 1)
        edit = written(file, format, [change], spoil=lambda text: slipped if text == line else text, line=row)
    else:
        entry = get(source.language)
        if entry is None or not entry.line_comments or format in ("blocks", "roo"):
            raise Unfit
        indent = line[: _indent(line)]
        edit = written(file, format, [change], line=row)
        remark = f" {indent}{entry.line_comments[0]} A remark that nobody made here."
        edit = edit.replace(f"\n {line}\n", f"\n {line}\n{remark}\n", 1)
    return file.case("slip", format, edit, file.without([change]), sure=False)


def _foreign_context(rng: random.Random, source: Source) -> RuleCase:
    """A change whose line above stands elsewhere in the file, below it, or nowhere."""
    file = _File(rng, source)
    format = rng.choice(FORMATS)
    row = file.pick(lambda r: file.unique(r) and file.unique(r - 1))
    other = file.pick(lambda r: file.unique(r) and (r > row + 1))
    line = file.lines[row - 1]
    foreign = file.lines[other] if rng.random() < 0.5 else f"nobody_{rng.randrange(10**6)}.calls(this_line)"
    change = Change(row, row + 1, (file.changed(row),), (row - 1,))
    edit = written(file, format, [change], spoil=lambda text: foreign if text == line else text, line=row)
    return file.case("foreign context", format, edit, None)


def _insertion_in_gap(rng: random.Random, source: Source) -> RuleCase:
    """New lines between two shown ones that have others between them in the file: on which side?"""
    file = _File(rng, source)
    format = rng.choice(FORMATS)
    first = file.pick(lambda r: file.unique(r) and any(p > r + 2 for p in _partners(file, r)))
    second = next(p for p in _partners(file, first) if p > first + 2)
    between = file.lines[first + 1 : second]
    if not all(any(c.isalnum() for c in line) for line in between):
        raise Unfit
    change = Change(first + 1, first + 1, (file.changed(first),), (first,))
    edit = written(file, format, [change, Change(second, second, (), (second,))], line=first)
    return file.case("insertion in a gap", format, edit, None)


def _near_line(rng: random.Random, source: Source) -> RuleCase:
    """Twins, and a stated line that is off by little."""
    file = _File(rng, source)
    row = file.pick(lambda r: file.unique(r) and r + 30 < len(file.lines))
    target = row
    file.lines = [*file.lines, "", file.lines[row], ""]
    if rng.random() < 0.5:
        target = len(file.lines) - 2
    if len(file.lines) - row < 20:
        raise Unfit
    change = Change(target, target + 1, (_File(rng, source).changed(row),))
    stated = max(0, target + rng.choice((-2, -1, 1, 2)))
    spoil = rng.choice((_same, _tailed, _wide))
    edit = written(file, "diff", [change], spoil=spoil, spoil_new=_same, line=stated)
    return file.case("near line", "diff", edit, file.without([change]), sure=False)


def _section(rng: random.Random, source: Source) -> RuleCase:
    """The same key in several sections of a data file; an anchor names one."""
    names = rng.sample(("server", "client", "worker", "cache", "queue", "store"), 3)
    keys = rng.sample(("host", "port", "size", "retries", "level"), 3)
    kind = rng.choice(("ini", "yaml", "toml", "md"))
    lines: list[str] = []
    heads: dict[str, int] = {}
    for name in names:
        heads[name] = len(lines)
        head = {"ini": f"[{name}]", "toml": f"[{name}]", "yaml": f"{name}:", "md": f"## {name}"}[kind]
        lines.append(head)
        for key in keys:
            line = f"  {key}: 1" if kind == "yaml" else f"{key} = 1"
            lines.append(line if kind != "md" else f"The {key} of it is 1.")
        lines.append("")
    file = _File(rng, Source(f"conf.{kind}", tuple(lines)))
    name = rng.choice(names)
    row = heads[name] + 1 + rng.randrange(3)
    change = Change(row, row + 1, (lines[row].replace("1", "27"),))
    spoil = rng.choice((_same, _tailed, _dedented))
    told = rng.random() < 0.7
    kept = None if spoil is _dedented else _same
    anchors = [lines[heads[name]]] if told else []
    edit = written(file, "v4a", [change], spoil=spoil, spoil_new=kept, anchors=anchors)
    return file.case("section", "v4a", edit, file.without([change]) if told else None, sure=False)


RULES: dict[str, Callable[[random.Random, Source], RuleCase]] = {
    "plain": _plain_change,
    "equal next line": _insertion,
    "gap": _gap,
    "twins": _twins,
    "wrong anchor": _wrong_anchor,
    "near key": _near_key,
    "stale": _stale,
    "looks": _looks,
    "indentation": _lost_indentation,
    "deletion with a gap": _deletion,
    "swapped": _swapped,
    "far twin": _far_twin,
    "slip": _slip,
    "foreign context": _foreign_context,
    "insertion in a gap": _insertion_in_gap,
    "near line": _near_line,
    "section": _section,
}


# ---- lazy snippets


def _marker(source: Source, indent: str = "") -> str:
    entry = get(source.language)
    if entry is not None and entry.line_comments:
        return f"{indent}{entry.line_comments[0]} ... existing code ..."
    if entry is not None and entry.block_comments:
        opening, closing = entry.block_comments[0]
        return f"{indent}{opening} ... existing code ... {closing}"
    raise Unfit


def _snippet(file: _File, change: Change, *, ends: tuple[bool, bool] = (True, True)) -> str:
    shown = [file.lines[row] for row in change.above]
    below = [file.lines[row] for row in change.below]
    if any(_is_marker_like(line.strip()) for line in (*shown, *change.new, *below)):
        raise Unfit
    marker = _marker(file.source)
    rows = [marker] * ends[0] + [*shown, *change.new, *below] + [marker] * ends[1]
    return "\n".join(rows) + "\n"


def _lazy_change(rng: random.Random, source: Source) -> RuleCase:
    file = _File(rng, source)
    row = file.pick(lambda r: file.unique(r) and file.unique(r - 1) and file.unique(r + 1))
    change = _change(file, row, rng.randrange(1, 4))
    return file.case("lazy change", LAZY, _snippet(file, change), file.without([change]), sure=False)


def _lazy_insertion(rng: random.Random, source: Source) -> RuleCase:
    """A new line between two shown ones; it may equal one further down."""
    file = _File(rng, source)
    row = file.pick(lambda r: file.unique(r) and file.unique(r + 1))
    later = [line for line in file.lines[row + 2 : row + 12] if line.strip()]
    new = rng.choice(later) if later and rng.random() < 0.5 else file.changed(row)
    change = Change(row + 1, row + 1, (new,), file.context(row + 1, 2, -1), file.context(row, 2, 1))
    return file.case("lazy insertion", LAZY, _snippet(file, change), file.without([change]), sure=False)


def _lazy_end(rng: random.Random, source: Source) -> RuleCase:
    """New code behind a marker, with nothing shown: it goes to the end; in front of one: to the start."""
    file = _File(rng, source)
    if source.language != "python" or not file.lines[-1].strip() or file.lines[-1].startswith("if "):
        raise Unfit
    name = f"added_{rng.randrange(10**6)}"
    new = ["", "", f"def {name}(value):", "    return value"]
    edit = "\n".join([_marker(source), *new]) + "\n"
    return file.case("lazy end", LAZY, edit, [*file.lines, *new], sure=False)


LAZY_RULES: dict[str, Callable[[random.Random, Source], RuleCase]] = {
    "lazy change": _lazy_change,
    "lazy insertion": _lazy_insertion,
    "lazy end": _lazy_end,
}
