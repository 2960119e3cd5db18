"""How a pass is divided among those who want a part of it."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_SHARE = 32  # tokens: below, the cost of a merge's part of a pass exceeds that of its tokens
LEAST_DRAFT = 8  # ids
USUAL_RUN = 256  # accepted ids before one is wrong, until a merge has shown its own


def fair_shares(wanted: Sequence[int], room: int, least: int = LEAST_SHARE) -> list[int]:
    """Max-min fair parts of `room`: who wants less than an equal part leaves the rest to the others.

    Where equal parts would be smaller than `least`, the first `room // least` get theirs and the others
    nothing; put those who have waited longest first.
    """
    count = min(len(wanted), max(1, room // least))
    shares = [0] * len(wanted)
    for place, number in enumerate(sorted(range(count), key=lambda n: wanted[n])):
        shares[number] = min(wanted[number], room // (count - place))
        room -= shares[number]
    return shares


def draft_limit(pressure: float, accepted: int, missed: int) -> int | None:
    """The longest draft of a merge while its pass is wanted `pressure` times over; None: no limit.

    `accepted` are the merge's draft tokens that came true so far, `missed` the drafts that did not.
    With room to spare a long draft costs nobody anything. Under load a draft token that turns out wrong
    takes the place of another merge's sure one, so drafts shrink to what the merge's luck so far and the
    load allow.
    """
    if pressure <= 1:
        return None
    run = (accepted + USUAL_RUN) / (missed + 1)
    return max(LEAST_DRAFT, int(run / pressure))
