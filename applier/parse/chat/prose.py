"""Whether a line outside the code of a reply is a sentence or code."""

from __future__ import annotations

import re

from ...syntax.languages import language_for_path

_LONGEST_NAME = 300  # characters of a line that may be the name of a file
_SIGNS_OF_CODE = re.compile(
    r"[{};\\]\s*$|\"\"\"|'''|^\s*(?://|/\*|--|@\w|<[/!?\w]|\$ )|^ {4}|^\t"
    r"|\w\s*[-+*/|&]?=(?!=)\s|[^`]\(\)\s*:?$"
)
_KEYWORDS = re.compile(
    r"^(?:import|from|def|class|func|fn|let|const|var|val|type|package|module|require|include|use|using|return"
    r"|public|private|protected|static|export|interface|struct|enum|impl|if|elif|for|while|try|with|async|await"
    r"|fun|namespace|final|abstract|override|pub|mod|trait|defer|yield|raise|throw)\b"
)
_NAMED_FILE = re.compile(
    r"^(?:file(?:name)?: *)?[#*`\s]*(?P<name>[\w@.+~/\\-]+\.\w+)[*`:\s]*$", re.IGNORECASE
)
_SIGNS = re.compile(r"[(){}\[\]=<>;_@#$|&\\*\"]|\w[.:]\w")
_ITEM = re.compile(r"^\s{0,3}(?:[-*+•]|\d{1,2}[.)])\s+(?=\S)|^#{1,6}\s+|^>\s+|^\*\*")
_WORD = re.compile(r"[A-Za-z][A-Za-z']*")
_QUOTED = re.compile(r"`[^`]+`")
_ENDS = (".", ":", "!", "?")
_SENTENCE = 6  # words of a sentence that no code is


def named_file(line: str) -> str | None:
    """The name of a file that a line is and nothing else, signs of a heading or of bold aside."""
    if len(line) > _LONGEST_NAME:
        return None
    named = _NAMED_FILE.match(line.strip())
    return named["name"] if named else None


def is_file_name(name: str) -> bool:
    """Whether a word with a dot is a file's name: `src/x.y` or `x.py`, and not `module.attribute`."""
    return "/" in name or language_for_path(name) is not None


def is_prose(line: str) -> bool:
    """Whether a line is a sentence, a heading, an item of a list or the name of a file, and not code."""
    text = line.rstrip()
    if not text.strip() or named_file(text) is not None:
        return True
    item = _ITEM.match(text)
    quoted = _QUOTED.sub("name", text[item.end() :] if item else text)
    words = _WORD.findall(quoted)
    ended = quoted.rstrip("*_) ").endswith(_ENDS)
    if ended and len(words) >= _SENTENCE and quoted[0].isupper():
        return True
    letters = sum(map(len, words))
    if _SIGNS_OF_CODE.search(quoted) or not words or 2 * letters < len("".join(quoted.split())):
        return False
    if item:
        return True
    if _KEYWORDS.match(quoted):
        return False
    return (len(words) >= 2 or quoted[0].isupper()) and (ended or len(words) >= 4)


def is_sentence(line: str) -> bool:
    """Whether a line is prose beyond doubt: it begins with a capital at the margin, ends as a sentence does,
    and has no sign that code has.
    """
    quoted = _QUOTED.sub("name", line.rstrip())
    return quoted[:1].isupper() and quoted.endswith(_ENDS) and not _SIGNS.search(quoted) and is_prose(line)


def is_code(line: str) -> bool:
    """Whether a line has the signs of code; a line may be neither prose nor code, as a table is."""
    quoted = _QUOTED.sub("name", line.rstrip())
    return not is_prose(line) and bool(_SIGNS_OF_CODE.search(quoted) or _KEYWORDS.match(quoted))
