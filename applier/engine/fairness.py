"""How a pass is divided among those who want a part of it."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_SHARE = 128  # tokens: many small parts of a pass cost more than the same tokens in few
MOST_PARTS = 8  # of a large pass: with more of them, merges take more passes and none is done sooner
LEAST_DRAFT = 8  # ids
MOST_PRESSURE = 4.0  # more load shrinks drafts no further: each pass that they save is shared by all
# Accepted ids before one is wrong, until a merge has shown its own: of 50 merges one departs from its first
# draft, which is some hundred ids long.
USUAL_RUN = 1 << 13


def fair_shares(wanted: Sequence[int], room: int, least: int = LEAST_SHARE) -> list[int]:
    """Max-min fair parts of `room`: whoever wants less than an equal part leaves the rest to the others.

    Nobody's part is cut below `least`: where that leaves no room for all, the last get nothing.
    """
    needed, count = 0, 0
    while count < len(wanted) and (needed := needed + min(wanted[count], least)) <= room:
        count += 1
    count = max(count, min(1, len(wanted)))
    shares = [0] * len(wanted)
    for place, number in enumerate(sorted(range(count), key=lambda n: wanted[n])):
        shares[number] = min(wanted[number], room // (count - place))
        room -= shares[number]
    return shares


def least_share(room: int) -> int:
    """The least part of a pass of `room` tokens that a merge is given."""
    return max(LEAST_SHARE, room // MOST_PARTS)


def draft_limit(pressure: float, accepted: int, missed: int) -> int | None:
    """The longest draft of a merge while its pass is wanted `pressure` times over; None: no limit.

    `accepted` counts the draft tokens of the merge confirmed so far, `missed` its drafts that went wrong.
    With room to spare a long draft costs nothing. Under load a draft token that turns out wrong takes the
    place of another merge's certain one, so drafts shrink to the length that the merge's drafts have reached
    on average, and to a fraction of it as load grows.
    """
    if pressure <= 1:
        return None
    run = (accepted + USUAL_RUN) / (missed + 1)
    return max(LEAST_DRAFT, int(run / min(pressure, MOST_PRESSURE)))
