"""How far a line of search text may be a line of the file that is written in another way.

Names decide before likeness: a line with other identifiers, keys or selectors is another line, however alike
the two are as texts. What is folded is a list of its own, as Unicode's tables change from one version of
Python to the next.
"""

from __future__ import annotations

import re
from enum import IntEnum

from rapidfuzz import fuzz

from ..text.definitions import header_name
from ..text.line_cache import of_line
from . import languages

_LEAST_NAME = 4  # letters of a name that may be misspelt
_ALIKE = 85  # % of similarity from which a line may be another one with a slip
_QUOTES = '\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u201b\u2032\u2033`"\uff02\uff07'
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_NOTHING = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_FOLDS = (
    {ord(c): "'" for c in _QUOTES}
    | {ord(c): "-" for c in _DASHES}
    | {ord(c): " " for c in _SPACES}
    | {ord(c): None for c in _NOTHING}
    | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in _QUOTES}
    | {ord("…"): "...", ord("。"): "."}
)
_WORD = r"[A-Za-z0-9_$\x80-\U0010ffff]"
_NAME = re.compile(r"[A-Za-z_$@\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*")
_IDLE_SPACE = re.compile(rf"[ \t\r\f\v]+(?!{_WORD})|(?<!{_WORD})[ \t\r\f\v]+")
_SPACE = re.compile(r"[ \t\r\f\v]+")
_STRING = re.compile(r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)(\s*(?::(?!:)|=>))?")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{3,8}\b")
_DIGITS = re.compile(r"\d+")
_VALUE = re.compile(
    rf"(?<!{_WORD})(?:-?[0-9][0-9A-Fa-f_.xob]*|true|false|null|none|nil|undefined)(?!{_WORD})", re.IGNORECASE
)
_VALUES = frozenset(("true", "false", "null", "none", "nil", "undefined", "yes", "no", "on", "off"))
# Of these languages a line's key is its name, and what follows is a value.
_DATA = frozenset(("yaml", "toml", "ini", "json", "properties", "dotenv"))
_KEY = re.compile(r"^\s*(?:-\s+)?([\"']?)([^:=\"']+)\1\s*[:=](?!=)")
_FOREIGN_COMMENTS = ("//", "#", "--", ";", "/*", "<!--")


class Alike(IntEnum):
    """What a line of search text and one of the file have in common, least first."""

    NONE = 0
    KEYED = 1  # the same but for values, or the same key of a data file
    TYPO = 2  # a slip of a letter or a comma
    TAIL = 3  # the file's line ends in a comment that the search text leaves out
    LOOK = 4  # another way to write the same: spaces, quotes, look-alike characters, a comma at the end
    SAME = 5  # the same but for white space around


@of_line
def folded(line: str) -> str:
    """A line without what is only look: spaces that part no words, kinds of quotes, dashes and full widths,
    what nobody sees, a comma or semicolon at its end.
    """
    text = _IDLE_SPACE.sub("", line.translate(_FOLDS).strip())
    text = _SPACE.sub(" ", text).replace('"', "'")
    return text.rstrip(",;") or text


def is_telling(line: str) -> bool:
    """Whether a line has a letter or digit."""
    return any(c.isalnum() or (c > "\x7f" and not c.isspace()) for c in line)


def names(line: str, language: str | None) -> tuple[str, ...]:
    """The identifiers of a line, in order, but those of strings, comments and values; a data file's key."""
    line = line.translate(_FOLDS)
    if language in _DATA and (found := _KEY.match(line)):
        return (found[2].strip(),)
    code = without_tail(line, language)
    code = _STRING.sub(lambda found: f" {found[1][1:-1]} " if found[2] else " ' ", code)
    code = _COLOUR.sub(" ", code)
    return tuple(name for name in _NAME.findall(code) if name.lower() not in _VALUES)


def comment_signs(language: str | None) -> tuple[str, ...]:
    """What a comment begins with."""
    entry = languages.get(language)
    if entry is None:
        return _FOREIGN_COMMENTS
    return (*entry.line_comments, *(opening for opening, _ in entry.block_comments))


def is_comment(line: str, language: str | None) -> bool:
    """Whether a line is nothing but a comment."""
    return line.strip().startswith((*comment_signs(language), "*"))


def without_tail(line: str, language: str | None) -> str:
    """A line without the comment at its end, and the white space before that."""
    return line[: len(line) - len(tail(line, language))]


def tail(line: str, language: str | None) -> str:
    """The comment at the end of a line of code with the white space before it; "" where it has none."""
    for sign in comment_signs(language):
        at = line.find(sign, 1)
        while at > 0:
            code = line[:at]
            if code.strip() and code[-1] in " \t" and not _is_open(code):
                return line[len(code.rstrip()) :]
            at = line.find(sign, at + 1)
    return ""


def _is_open(code: str) -> bool:
    """Whether a string is open at the end of the code."""
    rest = _STRING.sub("", code)
    return any(quote in rest for quote in "\"'`")


def alike(ours: str, theirs: str, language: str | None) -> Alike:
    """What line `ours` of search text and line `theirs` of a file have in common."""
    a, b = ours.strip(), theirs.strip()
    if a == b:
        return Alike.SAME
    if folded(a) == folded(b):
        return Alike.LOOK
    end = tail(theirs, language)
    if end and folded(without_tail(theirs, language)) == folded(a):
        return Alike.TAIL
    if _is_slip(a, b, language):
        return Alike.TYPO
    keys = names(ours, language)
    same_key = bool(keys) and keys == names(theirs, language)
    if same_key and (language in _DATA or _without_values(ours) == _without_values(theirs)):
        return Alike.KEYED
    heads = header_name(ours), header_name(theirs)
    if heads[0] is not None and heads[0] == heads[1] and fuzz.ratio(a, b) >= 50:
        return Alike.KEYED
    return Alike.NONE


def _without_values(line: str) -> str:
    """A line with 0 in place of numbers, colours and words for values, and nothing between quotes."""
    text = _STRING.sub(lambda found: "0" if not found[2] else found[0], line.translate(_FOLDS))
    text = _VALUE.sub("0", _COLOUR.sub("0", text))
    return folded(text)


def _is_slip(ours: str, theirs: str, language: str | None) -> bool:
    """Whether a line is another one with a slip: one word of it, or marks between words."""
    if fuzz.ratio(ours, theirs) < _ALIKE or _DIGITS.findall(ours) != _DIGITS.findall(theirs):
        return False
    mine, other = _words(ours), _words(theirs)
    if mine == other:
        return len(mine) > 1 and _marks_differ_little(ours, theirs)
    if len(mine) != len(other) or len(mine) < 2:
        return False
    different = [(a, b) for a, b in zip(mine, other, strict=True) if a != b]
    return len(different) == 1 and is_misspelt(*different[0])


def _words(text: str) -> list[str]:
    return _NAME.findall(text.translate(_FOLDS))


def _marks_differ_little(ours: str, theirs: str) -> bool:
    """Whether what is no word differs by a comma, a full stop or a space, which say nothing."""
    idle = str.maketrans("", "", " \t,.;:'\"`")
    return _NAME.sub("a", ours).translate(idle) == _NAME.sub("a", theirs).translate(idle)


def is_misspelt(ours: str, theirs: str) -> bool:
    """Whether a name may be the other one with one letter too many or too few, or two in swapped order."""
    if ours.lower() == theirs.lower():
        return len(ours) >= _LEAST_NAME
    short, long = sorted((ours, theirs), key=len)
    if len(short) < _LEAST_NAME:
        return False
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(long) == len(short) + 1:
        # A letter at the end makes another word: `items` is not `item`.
        return 0 < at < len(short) and short[at:] == long[at + 1 :] and not long[at].isdigit()
    return (
        len(long) == len(short)
        and short[at + 2 :] == long[at + 2 :]
        and short[at : at + 2] == long[at : at + 2][::-1]
        and not any(c.isdigit() for c in short[at : at + 2])
    )
