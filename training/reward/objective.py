"""How likely decoding ends in the right merge, among the right one and its rivals.

At each place where rivals leave the right merge, decoding chooses between its token and theirs; a softmax
over these alone is the chance that it goes on rightly, and the product over the places the chance P of an
exact match. Minimum risk training over enumerated candidates (Shen et al. 2016, arXiv:1512.02433) maximises
it. For a reward of 1 for the right merge and 0 for all others P is the expected reward, so this is the exact
gradient of what sampling estimates. Whole completions are not summed up: greedy decoding never sees what
follows a wrong choice, and the sum could fall by making that continuation less likely rather than the choice.
"""

from __future__ import annotations

import torch
from torch import Tensor

OBJECTIVES = ("risk", "likelihood")


def log_chances(leads: Tensor, places: Tensor, groups: Tensor, count: int) -> Tensor:
    """log P float32 [count] of the groups.

    leads float32 [m]: by how many logits the right token leads each rival; places int64 [m]: the place of
    each rival; groups int64 [p]: the group of each place.
    """
    zeros = torch.zeros(len(groups), device=leads.device)
    top = zeros.scatter_reduce(0, places, -leads.detach(), "amax")
    others = zeros.index_add(0, places, torch.exp(-leads - top[places]))
    chance = -(top + torch.log(torch.exp(-top) + others))
    return torch.zeros(count, device=leads.device).index_add(0, groups, chance)


def losses(log_chance: Tensor, objective: str) -> Tensor:
    """`risk`: 1 - P, which gives up on what cannot be learned. `likelihood`: -log P, which insists on it.

    Raises ValueError for another objective.
    """
    if objective == "risk":
        return 1.0 - torch.exp(log_chance)
    if objective == "likelihood":
        return -log_chance
    raise ValueError(f"no objective {objective!r}; there are {', '.join(OBJECTIVES)}")


def least_leads(leads: Tensor, owners: Tensor, count: int) -> Tensor:
    """The smallest lead of each group, float32 [count]; infinite without a rival. `owners` int64 [m]."""
    return torch.full((count,), torch.inf, device=leads.device).scatter_reduce(0, owners, leads, "amin")
