"""Markers in an author's own words: what is not shown is named, summed up, or only hinted at."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from training.synth.markers import comment_styles

PROSE = {"markdown", "text", "rst"}
DATA = {"json", "jsonc", "yaml", "toml", "ini"}
MARKUP = {"html", "xml", "vue", "svelte", "tsx", "jsx"}

STAYS = (
    "unchanged",
    "unchanged",
    "unchanged",
    "unchanged",
    "stay the same",
    "stays the same",
    "as before",
    "stays as it is",
    "stay as they are",
    "no changes",
    "remains the same",
    "remain unchanged",
    "not touched",
    "same as before",
    "left as is",
    "is unchanged",
    "are unchanged",
    "untouched",
    "kept as is",
    "does not change",
    "exactly as now",
)
ANYWHERE = (
    "existing code",
    "rest of the code",
    "everything in between",
    "the code in between",
    "other code",
    "the part in between",
)
FILE_TOP = (
    "imports",
    "existing imports",
    "other imports",
    "everything above",
    "licence header and imports",
    "everything up to here",
    "imports and helpers",
    "header",
    "the code above",
)
FILE_END = (
    "rest of the file",
    "everything below",
    "rest",
    "everything from here on",
    "the remaining functions",
    "all functions below",
    "the rest of the module",
    "everything else",
    "rest of the code",
)
BODY = (
    "rest of the function",
    "rest of the method",
    "rest of the body",
    "body",
    "the implementation",
    "setup",
    "the loop",
    "validation",
    "error handling",
    "the remaining checks",
    "local variables",
    "rest of the block",
    "other branches",
    "other cases",
    "same as above",
    "the handler",
)
MEMBERS = (
    "other methods",
    "existing methods",
    "other members",
    "remaining methods",
    "rest of the class",
    "fields and constructor",
    "existing fields",
    "other fields",
    "the other tests",
    "existing tests",
    "constructor",
    "properties and methods",
    "docstring and attributes",
)
ENTRIES = (
    "other entries",
    "existing entries",
    "remaining entries",
    "other settings",
    "rest of the config",
    "other keys",
    "name and description",
    "the other dependencies",
    "remaining steps",
    "other jobs",
    "metadata",
)
PAGE = (
    "rest of the page",
    "rest of the document",
    "paragraphs in between",
    "remaining sections",
    "intro",
    "examples",
    "rest of the section",
    "rest of the table",
    "remaining rows",
    "existing content",
)
COMMENT = ("rest of the comment", "licence header", "rest of the doc comment", "parameters", "documentation")
RULES = ("other rules", "the remaining styles", "other declarations")

HEAD = re.compile(
    r"\b(?:def|class|func|function|fn|fun|struct|impl|trait|interface|enum|module|type|const|let|var|val|test|it)"
    r"\b\s*(?:\([^)]*\)\s*)?['\"]?([A-Za-z_][\w.]*)"
)
METHOD = re.compile(r"^\s*(?:[\w<>\[\],*&:?~]+\s+)*~?([A-Za-z_]\w*)\s*\([^;]*[{(,)]\s*$")
KEY = re.compile(r"^\s*[-]?\s*[\"']?([A-Za-z_@][\w./@-]*)[\"']?\s*[:=]")
TITLE = re.compile(r"^#+\s+(.{3,30})$")
IMPORT = re.compile(r"^\s*(?:import|from|using|use|#include|require|package|export \* from)\b")
COMMENT_SIGNS = ("*", "//", "/*", "#", "<!--", '"', "'", "--")
NO_NAME = {"if", "for", "while", "switch", "return", "catch", "else", "elif", "with", "match", "try", "new"}


def names_in(lines: Sequence[str], language: str, limit: int = 4) -> list[str]:
    """Names that the lines define at their outermost level, in order, `limit` at most."""
    texts = [line for line in lines if line.strip()]
    if not texts:
        return []
    least = min(len(line) - len(line.lstrip()) for line in texts)
    found: list[str] = []
    for line in texts:
        if len(line) - len(line.lstrip()) > least:
            continue
        match = _name(line, language)
        if match and match not in found and match not in NO_NAME:
            found.append(match)
        if len(found) == limit:
            break
    return found


def _name(line: str, language: str) -> str | None:
    if language in PROSE:
        match = TITLE.match(line)
    elif language in DATA:
        match = KEY.match(line)
    elif line.lstrip().startswith(COMMENT_SIGNS):
        return None
    else:
        match = HEAD.search(line) or METHOD.match(line)
    return match[1] if match else None


class Remarks:
    """One author's habits: the comment sign (or none), the brackets and dots, how much is said."""

    def __init__(self, language: str, rng: random.Random, *, tool: bool = False) -> None:
        self._language, self._rng, self._tool = language, rng, tool
        self._say = rng.choices(("dots", "generic", "named", "mixed"), (0.2, 0.2, 0.3, 0.3))[0]
        self._frame = rng.choices(
            (
                "... {} ...",
                "... {}",
                "({})",
                "... ({})",
                "{}",
                "{}...",
                "… {} …",
                "[{}]",
                "[... {} ...]",
                "{} …",
            ),
            (0.42, 0.1, 0.1, 0.1, 0.1, 0.06, 0.03, 0.02, 0.04, 0.03),
        )[0]
        self._bare = rng.random() < (0.0 if tool else 0.1)
        styles = comment_styles(language)
        self._comment = styles[0] if rng.random() < 0.85 else rng.choice(styles)
        self._prose = rng.choices(
            ("comment", "dots", "brackets", "stars", "plain"), (0.5, 0.2, 0.15, 0.08, 0.07)
        )[0]
        self._capital = rng.random() < 0.15

    def marker(self, hidden: Sequence[str], *, first: bool, last: bool, near: str) -> str:
        """A marker for the hidden lines, without indentation. `near` is a line beside it."""
        text = self._text(hidden, first, last)
        return self._dressed(text, hidden, near)

    def _text(self, hidden: Sequence[str], first: bool, last: bool) -> str:
        rng = self._rng
        if self._tool and rng.random() < 0.95:
            return "... existing code ..."
        say = rng.choice(("dots", "generic", "named")) if self._say == "mixed" else self._say
        if say == "dots":
            return rng.choice(("...", "...", "...", "…"))
        topic = self._topic(hidden, first, last, named=say == "named")
        if self._capital:
            topic = topic[0].upper() + topic[1:]
        if (topic.startswith("existing") and rng.random() < 0.6) or rng.random() < 0.22:
            said = topic
        else:
            stays = rng.choice(STAYS)
            said = rng.choice(
                (f"{topic} {stays}", f"{topic} {stays}", f"{topic}, {stays}", f"{topic} - {stays}")
            )
            if rng.random() < 0.08:
                said = rng.choice((f"keep {topic}", f"keep the {topic} as is", f"{stays}: {topic}", stays))
        frame = "... {} ..." if self._frame == "{}" and stays_bare(said) else self._frame
        return frame.format(said)

    def _topic(self, hidden: Sequence[str], first: bool, last: bool, *, named: bool) -> str:
        rng = self._rng
        texts = [line for line in hidden if line.strip()]
        imports = sum(bool(IMPORT.match(line)) for line in texts)
        if texts and imports * 3 > 2 * len(texts):
            return rng.choice(
                ("imports", "other imports", "existing imports", "includes", "remaining imports")
            )
        names = names_in(hidden, self._language) if named and rng.random() < 0.75 else []
        if names:
            return _listed(names, rng)
        pools: list[Sequence[str]] = [ANYWHERE]
        if first:
            pools += [FILE_TOP] * 3
        if last:
            pools += [FILE_END] * 3
        if self._language in PROSE:
            pools += [PAGE] * 4
        elif self._language in DATA:
            pools += [ENTRIES] * 4
        elif self._language in ("css", "scss"):
            pools += [RULES] * 4
        elif texts and texts[0][:1].isspace() and not (first or last):
            members = sum(bool(HEAD.search(line) or METHOD.match(line)) for line in texts)
            pools += [MEMBERS if members > 1 else BODY] * 4
        if texts and all(line.strip().startswith(("*", "//", "/*", "#")) for line in texts):
            pools = [COMMENT]
        return rng.choice(rng.choice(pools))

    def _dressed(self, text: str, hidden: Sequence[str], near: str) -> str:
        rng, language = self._rng, self._language
        texts = [line.strip() for line in hidden if line.strip()]
        if texts and all(line.startswith("*") for line in texts) and rng.random() < 0.8:
            return f"* {text}"
        if language in PROSE and not self._tool:
            form = self._prose if rng.random() < 0.85 else "comment"
            if form == "dots":
                return rng.choice(("...", "...", text))
            if form == "brackets":
                return f"[{text}]" if not text.startswith("[") else text
            if form == "stars":
                return f"*{text}*"
            if form == "plain":
                return text
            return f"<!-- {text} -->"
        if language in MARKUP and near.strip().startswith("<"):
            sign = "{{/* {} */}}" if language in ("tsx", "jsx") else "<!-- {} -->"
            return sign.format(text) if rng.random() < 0.85 else text
        if language == "json":
            return rng.choices(
                (f"// {text}", text, f"/* {text} */", '"...": "..."'), (0.68, 0.24, 0.05, 0.03)
            )[0]
        if self._bare and text.strip(".… "):
            return text if "..." in text or "…" in text else f"... {text}"
        if self._bare:
            return "..."
        return self._comment(text)


def stays_bare(said: str) -> bool:
    """Whether a remark without dots or brackets could be read as an ordinary comment."""
    return not any(word in said for word in ("unchanged", "same", "before", "rest", "remain", "existing"))


def _listed(names: list[str], rng: random.Random) -> str:
    call = rng.random() < 0.2
    tick = rng.random() < 0.15
    shown = [f"`{name}`" if tick else f"{name}()" if call else name for name in names]
    if len(shown) == 1:
        return shown[0]
    form = rng.randrange(4)
    if form == 0:
        return f"{shown[0]} to {shown[-1]}"
    if form == 1:
        return f"{', '.join(shown[:2])} etc."
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
