"""Reward fine-tuning: goes on from a trained adapter with what decides between right and wrong merges.

    python -m training.reward.run RUN.json
    torchrun --nproc-per-node 2 -m training.reward.run RUN.json

RUN.json holds the fields of `RewardRun`. Model, rounding, schedule, checkpoints and workers are those of
`training.lora.fit`.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from applier.merge.confidence import NONE, HeadStart
from training.config import FitConfig, RewardConfig
from training.lora.fit import Fit, FitRun, run_workers
from training.lora.lora_model import head_logits
from training.reward.groups import Groups, read_group_folder
from training.reward.objective import least_leads, log_chances, losses
from training.reward.packs import GroupPack, GroupPacker
from training.samples.packs import Pack


@dataclass(frozen=True, slots=True)
class RewardRun(FitRun):
    """A run whose `samples`, `validation` and `report` are folders of groups.

    `leads` is a file with the leads of the initial model on its groups; it is made if it is missing, so that
    runs from one model can share it. By default it lies in `out`.
    """

    reward: RewardConfig = field(default_factory=RewardConfig)
    leads: str | None = None

    @staticmethod
    def load(path: Path) -> RewardRun:
        """From JSON."""
        fields = json.loads(path.read_text("utf-8"))
        config = FitConfig(**fields.get("config", {}))
        return RewardRun(**{**fields, "config": config, "reward": RewardConfig(**fields.get("reward", {}))})


@dataclass(frozen=True, slots=True)
class GroupScore:
    """For each group, the smallest lead over its rivals in logits: over the readings and over the slips
    (infinite without any), without a head start; and over all with it.
    """

    readings: list[float]
    slips: list[float]
    started: list[float]
    chance: float  # mean of that of an exact match, without a head start

    @property
    def least(self) -> list[float]:
        """Over all rivals, without a head start."""
        return list(map(min, self.readings, self.slips))

    def share(self, name: str) -> float:
        """Of the groups with such rivals, those where the right merge is ahead of them."""
        leads = [lead for lead in getattr(self, name) if lead != float("inf")]
        return sum(lead > 0 for lead in leads) / max(1, len(leads))


class RewardFit(Fit):
    """One run over groups."""

    run: RewardRun
    packer: GroupPacker

    def open_packer(self) -> GroupPacker:
        """The groups to learn from. Raises ShardError."""
        groups = Groups.join(map(read_group_folder, self.folders()))
        return GroupPacker(groups, self.config, self.served_start if self.run.reward.with_start else NONE)

    @property
    def served_start(self) -> HeadStart:
        """That of the proposal in serving."""
        return HeadStart(self.run.reward.bias, self.run.reward.per_odds)

    def size(self, pack: Pack) -> Tensor:
        """The number of groups."""
        return torch.tensor(float(len(pack.members)), device=pack.ids.device)

    def accumulate(self, pack: Pack, size: Tensor) -> Tensor:
        """Gradients of one pack; [Σ losses, Σ groups, Σ groups won, Σ nats of the right merges]."""
        assert isinstance(pack, GroupPack)
        reward = self.run.reward
        hidden = self.forward(pack)
        told, asked = hidden[pack.sources], hidden[pack.rows]
        nats, _, gradient = self.likelihood(told.detach(), pack, reward.truth_weight / size)
        leaf = asked.detach().requires_grad_()
        leads = self.leads(leaf, pack) + pack.starts
        count = len(pack.members)
        loss = losses(log_chances(leads, pack.places, pack.place_groups, count), reward.objective).sum()
        (loss / size).backward()
        torch.autograd.backward([told, asked], [gradient, leaf.grad])
        won = (least_leads(leads.detach(), pack.rival_groups, count) > 0).sum()
        return torch.stack([loss.detach(), torch.tensor(float(count), device=loss.device), won, nats])

    def leads(self, hidden: Tensor, pack: GroupPack) -> Tensor:
        """hidden [m, D] before the choices → by how many logits the right tokens lead, float32 [m]."""
        logits = head_logits(hidden, self.model.embed_q, self.model.embed_s)
        right, wrong = (logits.gather(1, ids[:, None])[:, 0] for ids in (pack.wanted, pack.rivals))
        return right - wrong

    def describe(self, sums: Sequence[float]) -> str:
        """Mean loss, share of groups won, mean nats of a right merge."""
        loss, count, won, nats = sums
        each = max(count, 1)
        return f"loss {loss / each:.5f} won {won / each:.4f} nats {nats / each:.4f}"

    @torch.no_grad()
    def score(self, sets: dict[str, str]) -> dict[str, Any]:
        """Leads over the rivals, on the sets of groups in some folders."""
        scores: dict[str, GroupScore] = {}
        for name, folder in sets.items():
            packer = GroupPacker(read_group_folder(Path(folder)), self.config, self.served_start)
            scores[name] = score = self.score_groups(packer)
            count = len(packer.groups)
            self.say(
                f"step {self.step} {name}: of {count} groups right {score.share('started'):.4f}; "
                f"without head start: all {score.share('least'):.4f}, "
                f"readings {score.share('readings'):.4f}, slips {score.share('slips'):.4f}; "
                f"mean chance {score.chance:.4f}"
            )
        return scores

    @torch.no_grad()
    def score_groups(self, packer: GroupPacker) -> GroupScore:
        """Leads over the rivals of all groups; each of several workers takes a share and all get the result.

        A group that is longer than a pack has leads of 0.
        """
        device, worker = self.worker.device, self.worker
        state = torch.zeros(3, len(packer.groups), device=device)
        chance = torch.zeros((), device=device)
        for members in packer.epoch(0)[worker.rank :: worker.world]:
            pack = packer.build(members).to(device)
            leads = self.leads(self.forward(pack)[pack.rows], pack)
            owners, size = pack.rival_groups, len(members)
            numbers = torch.tensor(members, device=device)
            for row, wanted in enumerate((pack.reading, ~pack.reading)):
                state[row, numbers] = least_leads(leads[wanted], owners[wanted], size)
            state[2, numbers] = least_leads(leads + pack.starts, owners, size)
            chance += log_chances(leads, pack.places, pack.place_groups, size).exp().sum()
        mean = worker.sum(chance).item() / max(1, len(packer.groups))
        readings, slips, started = worker.sum(state).tolist()
        return GroupScore(readings, slips, started, mean)

    def before(self) -> None:
        """Scores the initial factors, and chooses what the run learns."""
        if self.step == 0:
            self.score(self.run.validation)
        focus, total = self.run.reward.focus, len(self.packer.groups)
        if focus is None:
            return
        rng = random.Random(self.config.seed)
        easy = [rng.random() < self.run.reward.easy_share for _ in range(total)]
        least = self._leads_before()
        members = [i for i, (lead, kept) in enumerate(zip(least, easy, strict=True)) if lead < focus or kept]
        self.packer.members = members
        unsure = sum(lead < focus for lead in least)
        self.say(f"of {total} groups {unsure} are unsure; {len(members)} are learned")

    def _leads_before(self) -> list[float]:
        """The smallest lead of each group before the run, from the file if there is one."""
        path = Path(self.run.leads or Path(self.run.out) / "leads.json")
        if path.exists():
            return [float(lead) for lead in json.loads(path.read_text())]
        leads = self.score_groups(self.packer).least
        if self.worker.rank == 0:
            path.write_text(json.dumps(leads))
        return leads


def main(path: str) -> None:
    """Completes the run that the file describes."""
    run_workers(RewardRun.load(Path(path)), RewardFit)


if __name__ == "__main__":
    main(sys.argv[1])
