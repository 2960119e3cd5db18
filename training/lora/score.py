"""Teacher-forced exact match: one forward pass tells whether greedy decoding would write the whole answer.

If the argmax is right at every position given the right prefix, greedy decoding reproduces the answer; at the
first wrong one it leaves it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from training.samples.packs import Pack, Packer


@dataclass(frozen=True, slots=True)
class Score:
    """For each sample: whether the whole answer is right, and the smallest margin (logits) of its tokens."""

    exact: list[bool]
    margin: list[float]
    wrong_tokens: int
    tokens: int
    loss: float

    @property
    def rate(self) -> float:
        """Share of samples that are right as a whole."""
        return sum(self.exact) / max(1, len(self.exact))


HeadLoss = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


@torch.no_grad()
def score_samples(
    forward: Callable[[Pack], Tensor],
    head_loss: HeadLoss,
    packer: Packer,
    chunk: int,
    device: torch.device,
    count: int,
    rank: int = 0,
    world: int = 1,
) -> Score:
    """Scores the packer's `count` samples; each of several workers takes a share and all get the result."""
    state = torch.zeros(2, count, device=device)
    totals = torch.zeros(3, device=device, dtype=torch.float64)
    for members in packer.epoch(0)[rank::world]:
        pack = packer.build(members).to(device)
        hidden = forward(pack)
        wrong = torch.zeros(len(members) + 1, device=device)
        lowest = torch.full((len(members) + 1,), torch.inf, device=device)
        for start in range(0, len(pack.sources), chunk):
            part = slice(start, start + chunk)
            flat = (pack.weights[part] > 0).float()
            loss, right, margin = head_loss(hidden[pack.sources[part]], pack.targets[part], flat)
            owners = torch.where(pack.owners[part] < 0, len(members), pack.owners[part])
            wrong.index_add_(0, owners, (~right).float() * flat)
            lowest.scatter_reduce_(0, owners, margin.float(), "amin")
            totals += torch.stack(
                [loss.double(), ((~right).float() * flat).sum().double(), flat.sum().double()]
            )
        numbers = torch.tensor(members, device=device)
        state[0, numbers] = (wrong[:-1] == 0).float()
        state[1, numbers] = lowest[:-1]
    if world > 1:
        torch.distributed.all_reduce(state)
        torch.distributed.all_reduce(totals)
    loss, wrong_tokens, tokens = totals.tolist()
    return Score(
        [bool(x) for x in state[0].tolist()],
        state[1].tolist(),
        int(wrong_tokens),
        int(tokens),
        loss / max(1, tokens),
    )
