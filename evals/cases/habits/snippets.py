"""Lazy snippets with carelessness that no training edit shows: other words for what is left out, other white
space, unchanged scopes folded into one line, talk around the code.
"""

from __future__ import annotations

import random
import re

from applier.text.hunks import is_weak
from evals.cases.case import Category
from evals.cases.habits.change import Change, Written
from training.synth.lazy import Kind, Snippet, lazy_snippet
from training.synth.markers import comment_styles
from training.synth.view import View, indent_of

# Nobody would write these into a file; none of them is among the phrases that training uses.
PHRASES = (
    "(code above stays as is)",
    "(code here stays the same)",
    "-- snip --",
    "[37 lines unchanged]",
    "[lines omitted]",
    "... skipping ahead ...",
    "... no changes above this line ...",
    "...existing code...",
    "<existing code>",
    "existing code here",
    "previous code unchanged",
    "same as the original",
    "leave this part as is",
    "keep everything here as it was",
    "nothing changes in this part",
    "[...]",
    "--- unchanged code ---",
    "the rest stays exactly as before",
    "all other code remains unchanged",
    "unchanged code omitted for brevity",
)
OPENINGS = (
    "Here's the updated code:",
    "Sure! I'll make that change. Here is the relevant part of `{path}`:",
    "The fix is small. In `{path}`:",
    "I've updated the code as requested:",
)
CLOSINGS = (
    "The rest of the file stays the same.",
    "This keeps the existing behaviour for all other callers.",
    "Let me know if you'd like me to add tests as well!",
    "Key changes:\n- handles the new case\n- everything else is unchanged",
)


def _snippet(change: Change, rng: random.Random) -> tuple[Snippet, list[str]] | None:
    target, hunks = change.some_hunks(rng)
    snippet = lazy_snippet(change.old, target, hunks, change.language, rng)
    return (snippet, target) if snippet is not None else None


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def unknown_marker(change: Change, rng: random.Random) -> Written | None:
    """Markers in words of the author's own."""
    made = _snippet(change, rng)
    if made is None or Kind.MARKER not in made[0].kinds:
        return None
    comment = comment_styles(change.language)[0]
    written = [comment(rng.choice(PHRASES)) for _ in made[0].lines]
    lines = [
        line[: len(line) - len(line.lstrip())] + marker if kind is Kind.MARKER else line
        for line, kind, marker in zip(made[0].lines, made[0].kinds, written, strict=True)
    ]
    return Written(_text(lines), Category.PLACEHOLDER_LEAK, made[1], placeholders=tuple(sorted(set(written))))


def prose_around(change: Change, rng: random.Random) -> Written | None:
    """A chat reply: a sentence, the snippet in a fence, another sentence."""
    made = _snippet(change, rng)
    if made is None or any("```" in line for line in made[0].lines):
        return None
    opening = rng.choice(OPENINGS).replace("{path}", change.path)
    body = _text(made[0].lines)
    text = f"{opening}\n\n```{change.language}\n{body}```\n\n{rng.choice(CLOSINGS)}\n"
    return Written(text, Category.OUTSIDE_EDIT, made[1])


def _reindented(lines: list[str], pattern: str, unit: str) -> list[str] | None:
    """Each indentation, whole units matching `pattern`, in other units; None where one is not whole."""
    out = []
    for line in lines:
        body = line.lstrip(" \t")
        indent = line[: len(line) - len(body)]
        if body and not re.fullmatch(f"(?:{pattern})*", indent):
            return None
        out.append(unit * len(re.findall(pattern, indent)) + body if body else body)
    return out if out != lines else None


def spaces_for_tabs(change: Change, rng: random.Random) -> Written | None:
    """The file is indented with tabs, the snippet with spaces."""
    made = _snippet(change, rng)
    lines = _reindented(made[0].lines, "\t", " " * rng.choice((2, 4, 4))) if made else None
    return Written(_text(lines), Category.INDENTATION, made[1]) if made and lines else None


def narrow_indent(change: Change, rng: random.Random) -> Written | None:
    """The file is indented by four spaces, the snippet by two."""
    made = _snippet(change, rng)
    if made is None or any(line.startswith("\t") for line in change.old):
        return None
    lines = _reindented(made[0].lines, " {4}", "  ")
    return Written(_text(lines), Category.INDENTATION, made[1]) if lines else None


def overindented(change: Change, rng: random.Random) -> Written | None:
    """The whole snippet is shifted to the right, as under an item of a list."""
    made = _snippet(change, rng)
    if made is None:
        return None
    shift = " " * rng.choice((2, 3, 4))
    lines = [shift + line if line.strip() else line for line in made[0].lines]
    return Written(_text(lines), Category.INDENTATION, made[1])


def foreign_line_ends(change: Change, rng: random.Random) -> Written | None:
    """The snippet has the line ends of another system."""
    made = _snippet(change, rng)
    if made is None:
        return None
    return Written(_text(made[0].lines).replace("\n", "\r\n"), Category.LINE_ENDINGS, made[1])


def squeezed(change: Change, rng: random.Random) -> Written | None:
    """One blank line for two, or none for one, between unchanged lines: the file keeps its own."""
    made = _snippet(change, rng)
    if made is None:
        return None
    lines, kinds = made[0].lines, made[0].kinds
    blank = [
        i
        for i in range(1, len(lines) - 1)
        if not lines[i].strip() and kinds[i - 1] is kinds[i] is kinds[i + 1] is Kind.CONTEXT
    ]
    doubled = [i for i in blank if not lines[i - 1].strip()]
    left_out = doubled or blank
    kept = [line for i, line in enumerate(lines) if i not in left_out]
    return Written(_text(kept), Category.OUTSIDE_EDIT, made[1]) if left_out else None


def folded_scope(change: Change, rng: random.Random) -> Written | None:
    """The unchanged scope before the change is shown as its head with dots for a body."""
    target, hunks = change.some_hunks(rng)
    view = View(change.old, target, hunks)
    first = hunks[0]
    headers = view.headers(first.old_start)
    top = headers[-1] if headers else first.old_start
    if top >= len(change.old):
        return None
    head = _scope_before(view, top)
    if head is None or len(hunks) > 1:
        return None
    comment = comment_styles(change.language)[0]
    marker = comment("... existing code ...")
    end = view.scope_end(top) if headers else min(first.old_end + 3, len(change.old))
    if end < first.old_end or end - top > 60:
        return None
    shown = [
        *change.old[top : first.old_start],
        *target[first.new_start : first.new_end],
        *change.old[first.old_end : end],
    ]
    folded = change.old[head].rstrip()
    folded = folded[:-1].rstrip() + " { ... }" if folded.endswith("{") else folded + " ..."
    lines = [*([marker] if head else []), folded, "", *shown]
    lines += [marker] if any(line.strip() for line in change.old[end:]) else []
    return Written(_text(lines), Category.MASS_DELETION, target)


def _scope_before(view: View, line: int) -> int | None:
    """The head of an unchanged scope of several lines that ends just above `line`, at its indentation."""
    indent = indent_of(view.old[line])
    for i in range(line - 1, max(-1, line - 80), -1):
        text = view.old[i].rstrip()
        if not text or indent_of(text) > indent or is_weak(text):
            continue
        if indent_of(text) < indent:
            return None
        opens = text.endswith("{") or (text.endswith(":") and text.lstrip().startswith(("def ", "class ")))
        return i if opens and line - i > 3 else None
    return None
