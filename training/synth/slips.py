"""Slips in context: what a model recalls of lines that it does not change."""

from __future__ import annotations

import random
import re

from training.synth.drift import misremember
from training.synth.labels import Label
from training.synth.rendering import EditText

JOINABLE = re.compile(r"[,(\[]\s*$")


def slip(edit: EditText, rng: random.Random, language: str) -> set[str]:
    """Changes one to three context lines: other words, joined, wrapped, or a comma off; the habits shown."""
    tags: set[str] = set()
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        spots = [
            k
            for k, label in enumerate(edit.labels)
            if label == Label.CONTEXT and len(edit.lines[k].strip()) > 8
        ]
        if len(spots) < 2:
            break
        k = rng.choice(spots)
        habit = rng.choices((_words, _join, _wrap, _ending, _case_of_space), (0.42, 0.2, 0.13, 0.15, 0.1))[0]
        if habit(edit, k, rng, language):
            tags.add("slip" + habit.__name__)
    return tags


def _words(edit: EditText, k: int, rng: random.Random, language: str) -> bool:
    changed = misremember(edit.lines[k], rng)
    if changed == edit.lines[k] or changed.endswith(("{,", "(,", "[,", ":,", "{;", "(;", "[;", ":;")):
        return False
    edit.lines[k] = changed
    return True


def _join(edit: EditText, k: int, rng: random.Random, language: str) -> bool:
    """Two or more lines of one statement on one line."""
    if language in ("markdown", "yaml", "python", "makefile") and rng.random() < 0.6:
        return False
    count = 1
    while (
        count < 5
        and k + count < len(edit.lines)
        and edit.labels[k + count] == Label.CONTEXT
        and edit.sources[k + count] == edit.sources[k] + count
        and edit.lines[k + count].strip()
        and not re.search(r"//|#|/\*|[\"'`]{3}", edit.lines[k + count - 1])
        and (JOINABLE.search(edit.lines[k + count - 1]) or re.match(r"^\s*[.)\]]", edit.lines[k + count]))
    ):
        count += 1
    if count == 1:
        return False
    joined = edit.lines[k].rstrip()
    for line in edit.lines[k + 1 : k + count]:
        tight = joined.endswith(("(", "[")) or line.strip().startswith((".", ")", "]", ",", ";"))
        joined += ("" if tight else " ") + line.strip()
    joined = re.sub(r",\s*([)\]])", r"\1", joined)
    if len(joined) > 160:
        return False
    edit.lines[k] = joined
    edit.drop(k + 1, k + count)
    return True


def _wrap(edit: EditText, k: int, rng: random.Random, language: str) -> bool:
    """One call on several lines."""
    line = edit.lines[k]
    match = re.match(r"^(\s*)(.*\()([^()]{12,})(\).*)$", line)
    if match is None or language in ("markdown", "yaml"):
        return False
    indent, head, inner, tail = match.groups()
    step = "\t" if indent.startswith("\t") else " " * rng.choice((2, 4))
    parts = [part.strip() for part in inner.split(",")] if rng.random() < 0.5 else [inner.strip()]
    pieces = [indent + head, *(f"{indent}{step}{part}," for part in parts), indent + tail]
    pieces[-2] = pieces[-2].rstrip(",") if rng.random() < 0.7 else pieces[-2]
    edit.lines[k : k + 1] = pieces
    edit.labels[k : k + 1] = [edit.labels[k]] * len(pieces)
    edit.sources[k : k + 1] = [edit.sources[k]] * len(pieces)
    return True


def _ending(edit: EditText, k: int, rng: random.Random, language: str) -> bool:
    """A comma or semicolon too many or missing, or a remark at the end left out."""
    body = edit.lines[k].rstrip()
    short = re.sub(r"\s+(?:#|//)\s.*$", "", body)
    if short != body and short.strip():
        edit.lines[k] = short
    elif body.endswith((",", ";")):
        edit.lines[k] = body[:-1]
    elif re.search(r"[\w\"')\]]$", body) and language not in ("markdown", "python", "yaml"):
        edit.lines[k] = body + rng.choice((",", ";"))
    else:
        return False
    return True


def _case_of_space(edit: EditText, k: int, rng: random.Random, language: str) -> bool:
    """One level of indentation more or less, or spaces inside."""
    line = edit.lines[k]
    body = line.lstrip()
    habit = rng.randrange(3)
    if habit == 0 and line.startswith((" ", "\t")):
        edit.lines[k] = line[1:] if line.startswith("\t") else line[2:] if line.startswith("  ") else line
    elif habit == 1:
        edit.lines[k] = line[: len(line) - len(body)] + re.sub(r"([{(\[])(\S)", r"\1 \2", body, count=1)
    else:
        edit.lines[k] = line[: len(line) - len(body)] + re.sub(r"\s{2,}", " ", body)
    return edit.lines[k] != line


def dedent(edit: EditText, start: int, end: int, rng: random.Random) -> bool:
    """Takes the shared indentation from lines [start, end); now and then from the first line only."""
    texts = [k for k in range(start, end) if edit.lines[k].strip() and edit.labels[k] != Label.TALK]
    if not texts:
        return False
    shared = edit.lines[texts[0]]
    shared = shared[: len(shared) - len(shared.lstrip())]
    for k in texts:
        while not edit.lines[k].startswith(shared):
            shared = shared[:-1]
    if not shared:
        return False
    for k in texts[:1] if rng.random() < 0.12 else texts:
        edit.lines[k] = edit.lines[k][len(shared) :]
    return True
