"""The requests an audit sends: a few to repeat, and traffic of several lengths to put beside them.

They ask for open-ended code and prose: many near-ties among the next tokens, so that a difference in the last
bit of a logit has a chance to show.
"""

from __future__ import annotations

AUDITED: tuple[str, ...] = (
    "Write a Python function that parses an ISO 8601 duration like P3DT4H30M into seconds, and explain it.",
    "Refactor a shell script that moves log files older than a week to an archive. Describe the risks.",
    "Describe how a write-ahead log keeps a database consistent after a crash, with a short example.",
    "Write a JavaScript debounce helper with a leading-edge option and list what its tests should cover.",
    "Explain to a new colleague why adding floats in another order can change the last digits.",
)

TRAFFIC: tuple[str, ...] = (
    "Name three sorting algorithms.",
    "Summarise what a hash map does in two sentences.",
    "Write a haiku about a compiler that found a missing semicolon at midnight.",
    "List the HTTP status codes that a file upload endpoint may return and when each one is right.",
    "Convert this temperature table from Fahrenheit to Celsius: 32, 50, 68, 86, 104, 122, 140, 158, 176.",
    "Write a Rust struct for a bounded queue together with the methods push, pop, len and is_full.",
)

_PARAGRAPH = (
    "The scheduler keeps one queue per priority and a counter of the work each tenant has in flight. When a "
    "worker becomes free it asks for the oldest entry of the highest priority whose tenant is under its "
    "limit. Entries that wait longer than their deadline are answered with an error and never started. "
)


def neighbour(words: int, index: int) -> str:
    """A prompt of at least `words` words, different for each index, to run beside an audited request."""
    text = TRAFFIC[index % len(TRAFFIC)]
    body = _PARAGRAPH * (words // len(_PARAGRAPH.split()) + 1)
    return f"Note {index}. {body}{text}" if words > len(text.split()) else f"Note {index}. {text}"
