"""What an agent is told of a refused edit: enough to mend it in one turn, and nothing to scroll past."""

from __future__ import annotations

from applier.patches.fences import longest_run
from applier.types import LineRange, Offer, Refusal

MOST_PLACES = 3  # candidates that are shown with their text; all of them are named by their lines
MOST_LINES = 4  # of each
MOST_OFFERED = 120  # lines of an offered diff
_WIDEST = 160  # characters of a line
_WIDEST_OF_DIFF = 400


def refusal_text(refusal: Refusal, original: bytes) -> str:
    """`REASON: message`, the line of the edit, and the places that were meant perhaps, with their text."""
    ended = refusal.message.endswith((".", "?", "!"))
    parts = [f"{refusal.reason}: {refusal.message}{'' if ended else '.'}"]
    if refusal.edit_line is not None and f"ine {refusal.edit_line} of the edit" not in refusal.message:
        parts.append(f"See line {refusal.edit_line} of the edit.")
    text = " ".join(parts)
    if refusal.candidates:
        said = "It could go to" if refusal.offer is None else "In doubt are"
        text += f"\n{said} {places(refusal)} of the file:\n"
        lines = original.decode("utf-8", "replace").splitlines()
        text += "\n".join(_shown(lines, place) for place in refusal.candidates[:MOST_PLACES])
    if refusal.offer is not None:
        text += (
            f"\nThis is the change that it would make:\n{fenced_diff(refusal.offer.diff, MOST_OFFERED)}\n"
            "If that is what you mean, send the same edit again with `accept` set to "
            f"{refusal.offer.result_sha256}."
        )
    return text + "\nNothing was changed."


def fenced_diff(diff: bytes, most: int) -> str:
    """The first `most` lines of a diff in a fence, with what is cut off marked."""
    lines = [
        line if len(line) <= _WIDEST_OF_DIFF else f"{line[:_WIDEST_OF_DIFF]}…"
        for line in diff.decode("utf-8", "replace").splitlines()
    ]
    shown = "\n".join(lines[:most])
    if len(lines) > most:
        shown += f"\n… {len(lines) - most} more lines"
    fence = "`" * max(3, longest_run(shown) + 1)
    return f"{fence}diff\n{shown}\n{fence}"


def offer_fields(offer: Offer) -> dict[str, str | float]:
    """The offer as JSON has it."""
    return {
        "diff": offer.diff.decode("utf-8", "replace"),
        "result_sha256": offer.result_sha256,
        "confidence": offer.confidence,
    }


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
