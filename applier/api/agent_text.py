"""What an agent is told of a refused edit: enough to mend it in one turn, and nothing to scroll past."""

from __future__ import annotations

from applier.types import LineRange, Refusal

MOST_PLACES = 3  # candidates that are shown with their text; all of them are named by their lines
MOST_LINES = 4  # of each
_WIDEST = 160  # characters of a line


def refusal_text(refusal: Refusal, original: bytes) -> str:
    """`REASON: message`, the line of the edit, and the places that were meant perhaps, with their text."""
    ended = refusal.message.endswith((".", "?", "!"))
    parts = [f"{refusal.reason}: {refusal.message}{'' if ended else '.'}"]
    if refusal.edit_line is not None and f"ine {refusal.edit_line} of the edit" not in refusal.message:
        parts.append(f"See line {refusal.edit_line} of the edit.")
    text = " ".join(parts)
    if refusal.candidates:
        text += f"\nIt could go to {places(refusal)} of the file:\n"
        lines = original.decode("utf-8", "replace").splitlines()
        text += "\n".join(_shown(lines, place) for place in refusal.candidates[:MOST_PLACES])
    return text + "\nNothing was changed."


def places(refusal: Refusal) -> str:
    """The candidates, such as "lines 3, 20-26"."""
    return "lines " + ", ".join(
        str(place.start) if place.start == place.end else f"{place.start}-{place.end}"
        for place in refusal.candidates
    )


def _shown(lines: list[str], place: LineRange) -> str:
    last = min(place.end, place.start + MOST_LINES - 1, len(lines))
    shown = [f"{number:>6}  {lines[number - 1][:_WIDEST]}" for number in range(place.start, last + 1)]
    return "\n".join([*shown, "        …"] if last < place.end else shown)
