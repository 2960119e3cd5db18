"""Misremembered lines: what a search block or a diff's context says instead of the file's own text."""

from __future__ import annotations

import random
import re

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{3,}")


def misremember(line: str, rng: random.Random) -> str:
    """The line as someone would recall it: other spacing, quotes, punctuation, or one word off."""
    habits = [_spacing, _quotes, _word, _comma, _comment]
    rng.shuffle(habits)
    for habit in habits:
        changed = habit(line, rng)
        if changed != line and changed.strip():
            return changed
    return line


def _spacing(line: str, rng: random.Random) -> str:
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    habit = rng.choice((0, 1, 2))
    if habit == 0:
        return indent + re.sub(r"\s*([=+<>:])\s*", r"\1", body, count=1)
    if habit == 1:
        return indent + re.sub(r",(?=\S)", ", ", body)
    return indent + re.sub(r",\s+", ",", body)


def _quotes(line: str, rng: random.Random) -> str:
    return line.replace('"', "'") if '"' in line and "'" not in line else line.replace("'", '"')


def _word(line: str, rng: random.Random) -> str:
    words = list(WORD.finditer(line))
    if not words:
        return line
    word = rng.choice(words)
    text = word[0]
    variant = rng.choice(
        (text + "s", text[:-1], text.replace("_", ""), text[0].swapcase() + text[1:], "_" + text)
    )
    return line[: word.start()] + variant + line[word.end() :]


def _comma(line: str, rng: random.Random) -> str:
    body = line.rstrip()
    return body[:-1] if body.endswith((",", ";")) else body + rng.choice((",", ";"))


def _comment(line: str, rng: random.Random) -> str:
    match = re.search(r"\s+(#|//)\s.*$", line)
    return line[: match.start()] if match and match.start() > 0 else line
