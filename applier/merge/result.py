"""What a merge by the model gives, and the settings that cut its work into passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..types import TokenCounts


class DecodeError(RuntimeError):
    """A merge that found no end within its limit."""


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """How the work is cut into passes; no option changes a result."""

    prefill_chunk: int | None = None  # tokens of one merge in one pass; None: no limit
    draft_length: int | None = None  # ids of a draft; 0 turns drafts off; None: no limit
    batch_tokens: int | None = None  # tokens of all merges in one pass; None: what suits the device


@dataclass(frozen=True, slots=True)
class Merge:
    """What the model wrote: `ids` with the end; margins are differences of the two highest allowed logits.

    `departure` is the largest margin, without the bias, by which the model left the proposal; 0 if it never
    did.
    """

    ids: tuple[int, ...]
    margin: float  # the smallest over all decisions; infinity without any
    weakest: int  # index into `ids` of the decision with the smallest margin
    decisions: int  # positions with more than one allowed id
    agrees: bool  # whether it is the first draft, word for word
    prompt_tokens: int
    drafted: int
    accepted: int
    passes: int
    logits_sha256: str | None  # over the float32 allowed logits of every decision in order, when asked for
    departure: float = 0.0


def count_tokens(merges: Sequence[Merge]) -> TokenCounts:
    """What the merges of one request took together."""
    return TokenCounts(
        prompt=sum(merge.prompt_tokens for merge in merges),
        merged=sum(len(merge.ids) for merge in merges),
        drafted=sum(merge.drafted for merge in merges),
        accepted=sum(merge.accepted for merge in merges),
        passes=sum(merge.passes for merge in merges),
    )
