"""Wrappers that are no fences: tags of tools, here-documents, the name of the file above its code."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...syntax.languages import canonical
from ...text.file_lines import FileLines
from ..edits import EditParseError, Role, check_same_file, same_file
from .fences import fence_info
from .layout import Layout
from .prose import is_file_name, is_prose, named_file

_LONGEST = 400  # characters of a line that may be a wrapper


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OWN_TAGS = _words(
    "code_edit updated_code update_code edit_file write_to_file write_file create_file apply_diff apply_patch"
    " replace_in_file str_replace search_and_replace edit_block file_content new_content file_contents"
    " code_changes changes edits answer response snippet artifact tool_call function_call parameter invoke"
)
_COMMON_TAGS = _words("code update edit file content contents diff patch output change document text")
_MARKUP = frozenset({"html", "xml", "vue", "svelte", "jinja", "erb", "handlebars", "markdown", "php"})
_TAG = re.compile(r"^\s*<(?P<tag>[A-Za-z][\w-]*)(?P<attributes>\s[^<>]*)?>\s*$")
_NAME = re.compile(r"\b(?:path|file|filename|file_path|name|src)=[\"'](?P<name>[^\"']+)[\"']")
_ELEMENT = re.compile(r"^\s*<(?P<tag>[A-Za-z][\w-]*)>(?P<inside>.*)</(?P=tag)>\s*$")
_NAMING = _words("path file_path file filename target_file")
_TELLING = _words("instruction instructions description explanation thinking reasoning line_count")
_HEREDOC = re.compile(r"^(?P<command>[^<]*)<<-?\s*[\"'\\]?(?P<end>[A-Za-z_]\w*)[\"']?(?P<rest>[^<]*)$")
_PATCHES = re.compile(r"\b(?:apply_?patch|git apply|patch)\b")
_WRITES = re.compile(r"(?:^|[\s;&(\"])(?:cat|tee)\b")
_TARGET = re.compile(
    r"(?P<sign>>{1,2}) *[\"']?(?P<name>[^\s\"'<>|&;]+)|\btee +(?P<flag>-a +)?(?P<tee>[^\s\"'<>|&;-]\S*)"
)
_PATH_COMMENT = re.compile(
    r"^(?:///?|#|--|/\*+|<!--|;|%|\{/\*) *(?:file(?:name|path)?: *|path: *)?"
    r"(?P<name>[\w@.+~/\\()\[\]-]+\.\w+) *(?:\*/\}?|-->)?$",
    re.IGNORECASE,
)


def take_off_wrappers(layout: Layout, language: str | None, path: str, file: FileLines | None) -> None:
    """Takes off what is around all of the edit, and prose around that.

    Raises:
        EditParseError: a wrapper names another file, or is not closed.
    """
    for _ in range(8):  # a tag in a tag in a here-document
        if not (_heredoc(layout, language, path, file) or _tag(layout, language, path, file)):
            return


def path_comment(line: str) -> str | None:
    """The file that a comment names and says nothing else."""
    found = _PATH_COMMENT.match(line.strip()) if len(line) <= _LONGEST else None
    return found["name"] if found else None


def wraps_file(lines: Sequence[str], start: int, end: int, path: str) -> bool:
    """Whether a run begins with a command that writes the file at `path` or applies a patch."""
    line = next((line for line in lines[start:end] if line.strip()), "")
    match = _HEREDOC.match(line) if len(line) <= _LONGEST else None
    if match is None:
        return False
    target = _TARGET.search(match["command"]) or _TARGET.search(match["rest"])
    name = (target["name"] or target["tee"]) if target else None
    return bool(_PATCHES.search(match["command"]) or (name and path and same_file(name, path)))


def name_row(layout: Layout, start: int, end: int, path: str, file: FileLines | None) -> int | None:
    """The first line of a run that is not blank, where it is a comment that names the edit's own file."""
    at = next((at for at in range(start, end) if layout.lines[at].strip()), None)
    if at is None or not path:
        return None
    name = path_comment(layout.lines[at])
    if name is None or not same_file(name, path) or (file is not None and file.has(layout.lines[at])):
        return None
    return at


def take_off_name(layout: Layout, language: str | None, path: str, file: FileLines | None) -> None:
    """Takes off a line above the code that is the file's name and nothing else."""
    ends = layout.ends()
    if ends is None or not path or (file is not None and file.has(layout.lines[ends[0]])):
        return
    first, last = ends
    name = named_file(layout.lines[first])
    if name is None or not is_file_name(name) or not same_file(name, path) or first == last:
        return
    below = next(at for at in range(first + 1, last + 1) if layout.lines[at].strip())
    if language in ("markdown", "text", None) and fence_info(layout.lines[below]) is None:
        return
    layout.drop(range(below), Role.WRAPPER)


def _around(layout: Layout, opening: int, closing: int) -> bool:
    """Whether nothing but prose stands outside of two lines."""
    return all(map(is_prose, layout.lines[:opening])) and all(map(is_prose, layout.lines[closing + 1 :]))


def _inside(layout: Layout, opening: int, closing: int) -> None:
    layout.mark((opening, closing), Role.WRAPPER)
    layout.drop(range(opening), Role.TALK)
    layout.drop(range(closing - opening + 1, len(layout.lines)), Role.TALK)
    layout.drop((0, closing - opening), Role.WRAPPER)
    layout.unfenced = True


def _first_code(layout: Layout) -> int | None:
    return next((at for at, line in enumerate(layout.lines) if not is_prose(line)), None)


def _tag(layout: Layout, language: str | None, path: str, file: FileLines | None) -> bool:
    opening = _first_code(layout)
    if opening is None or len(layout.lines[opening]) > _LONGEST:
        return False
    line = layout.lines[opening]
    if file is not None and file.has(line):
        return False
    element = _ELEMENT.match(line)
    if element and layout.unfenced:
        if element["tag"].lower() in _NAMING:
            check_same_file(element["inside"].strip(), path, layout.rows[opening] + 1)
            layout.drop(range(opening + 1), Role.WRAPPER)
            return True
        if element["tag"].lower() in _TELLING:
            layout.drop(range(opening + 1), Role.TALK)
            return True
    match = _TAG.match(line)
    tag = match["tag"].lower() if match else ""
    if match is None or not _is_wrapper(tag, language, file):
        return False
    close = f"</{match['tag']}>"
    rows = [at for at in range(opening + 1, len(layout.lines)) if layout.lines[at].strip() == close]
    if tag in _TELLING and rows and layout.unfenced:
        layout.drop(range(rows[0] + 1), Role.TALK)
        return True
    if not rows:
        raise EditParseError(
            layout.rows[opening] + 1,
            f"No {close} closes this tag: the edit may be cut off.",
            "Send it whole.",
        )
    if not _around(layout, opening, rows[-1]):
        return False
    named = _NAME.search(match["attributes"] or "")
    if named and is_file_name(named["name"]):
        check_same_file(named["name"], path, layout.rows[opening] + 1)
    _inside(layout, opening, rows[-1])
    return True


def _is_wrapper(tag: str, language: str | None, file: FileLines | None) -> bool:
    if tag in _OWN_TAGS or tag in _TELLING:
        return True
    if tag not in _COMMON_TAGS:
        return False
    if canonical(language) in _MARKUP or language is None:
        return file is not None and len(file) > 0 and not any(file.rows_with("<" + tag))
    return True


def _heredoc(layout: Layout, language: str | None, path: str, file: FileLines | None) -> bool:
    opening = next((at for at, line in enumerate(layout.lines) if "<<" in line or not is_prose(line)), None)
    if opening is None or len(layout.lines[opening]) > _LONGEST:
        return False
    match = _HEREDOC.match(layout.lines[opening])
    if match is None or (file is not None and file.has(layout.lines[opening])):
        return False
    patches = bool(_PATCHES.search(match["command"]))
    target = _TARGET.search(match["command"]) or _TARGET.search(match["rest"])
    name = (target["name"] or target["tee"]) if target else None
    if not patches and not (name and _WRITES.search(match["command"])):
        return False
    if not patches and name and language == "bash" and not (path and same_file(name, path)):
        return False  # a line of the script
    if not patches and name and path:
        check_same_file(name, path, layout.rows[opening] + 1)
    rows = [at for at in range(opening + 1, len(layout.lines)) if layout.lines[at].strip() == match["end"]]
    if not rows:
        raise EditParseError(
            layout.rows[opening] + 1,
            f"No line {match['end']} ends this here-document: the edit may be cut off.",
            "Send it whole.",
        )
    if any(line.strip(" )\"'") and not is_prose(line) for line in layout.lines[rows[0] + 1 :]):
        raise EditParseError(
            layout.rows[rows[0]] + 2, "More commands follow the here-document.", "Send one edit by itself."
        )
    _inside(layout, opening, rows[0])
    layout.appends = not patches and bool(target and (target["sign"] == ">>" or target["flag"]))
    layout.whole = not patches and not layout.appends
    return True
