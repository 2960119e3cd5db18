"""Quantisation-aware LoRA fine-tuning: one worker, or data parallel under torchrun, from the same script.

    python -m training.lora.fit RUN.json
    torchrun --nproc-per-node 4 -m training.lora.fit RUN.json

RUN.json holds the fields of `FitRun`. A run that is started again goes on from its last checkpoint.
"""

from __future__ import annotations

import json
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kernels.derive.checkpoint import open_checkpoint
from training.config import FitConfig
from training.lora import packed_attention
from training.lora.checkpoints import load_checkpoint, save_checkpoint
from training.lora.export import export_adapter
from training.lora.gradient_check import Way, choose_way
from training.lora.initial_factors import initial_factors
from training.lora.lora_model import ApplyModel
from training.lora.score import Score, score_samples
from training.samples.packs import Pack, Packer
from training.samples.shards import Samples, read_folder


class DivergedError(RuntimeError):
    """The loss is no longer a number; the run stopped at once."""


CLOCK_EVERY = 10  # steps between looks at the clock: reading it waits for the device


@dataclass(frozen=True, slots=True)
class FitRun:
    """Where a run reads and writes. A folder listed twice in `samples` is seen twice per epoch.

    `validation` sets (name → folder of shards) are scored on the way, `report` sets at the end only. With
    `seconds` the schedule follows the clock: the run has cooled down when the time is up, whatever the step.
    `initial` is what to start from: an adapter file, or a folder of factors as `snapshot` writes it.
    """

    base: str
    samples: str | list[str]
    validation: dict[str, str]
    out: str
    config: FitConfig
    report: dict[str, str] = field(default_factory=dict)
    device: str = "cpu"
    seconds: float | None = None
    initial: str | None = None

    @staticmethod
    def load(path: Path) -> FitRun:
        """From JSON."""
        fields = json.loads(path.read_text("utf-8"))
        return FitRun(**{**fields, "config": FitConfig(**fields.get("config", {}))})


@dataclass(frozen=True, slots=True)
class Worker:
    """This process among the data-parallel ones."""

    rank: int
    world: int
    device: torch.device

    @staticmethod
    def start(device: str) -> Worker:
        """Joins the group that torchrun's environment describes, if any."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        rank = int(os.environ.get("RANK", "0"))
        at = (
            torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            if device == "cuda"
            else torch.device(device)
        )
        if at.type == "cuda":
            torch.cuda.set_device(at)
        if world > 1:
            torch.distributed.init_process_group("nccl" if at.type == "cuda" else "gloo")
        return Worker(rank, world, at)

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all workers, in place."""
        if self.world > 1:
            torch.distributed.all_reduce(tensor)
        return tensor


def learning_rate_factor(step: int, progress: float, config: FitConfig) -> float:
    """Warm-up by steps, plateau, linear cooldown to zero at `progress` 1."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    return min(warm, max(0.0, (1.0 - progress) / max(config.cooldown, 1e-9)))


class Fit:
    """One run: the model, its optimiser and the stream of packs."""

    def __init__(self, run: FitRun, worker: Worker) -> None:
        self.run, self.worker, self.config = run, worker, run.config
        torch.manual_seed(run.config.seed)
        torch.set_float32_matmul_precision("high")
        self.model = ApplyModel(open_checkpoint(run.base), run.config.rank, run.config.alpha).to(
            worker.device
        )
        self.parameters = self.model.trainable()
        self.optimizer = torch.optim.AdamW(
            self._groups(),
            betas=(0.9, run.config.beta2),
            weight_decay=0.0,
            fused=worker.device.type == "cuda",
        )
        self.base_rates = [group["lr"] for group in self.optimizer.param_groups]
        self.head_loss: Any = self.model.head_loss
        if run.config.compile:
            self.head_loss = torch.compile(self.model.head_loss, dynamic=False)
        self.packer = self.open_packer()
        self.step = 0
        self.elapsed = 0.0
        self.mark = time.monotonic()

    def _groups(self) -> list[dict[str, Any]]:
        norms = [p for name, p in self.parameters.items() if "lora_" not in name]
        factors = [p for name, p in self.parameters.items() if "lora_" in name]
        return [
            {"params": factors, "lr": self.config.learning_rate},
            {"params": norms, "lr": self.config.norm_learning_rate},
        ]

    def open_packer(self) -> Packer:
        """The samples to learn from. Raises ShardError."""
        samples = Samples.join(read_folder(folder) for folder in self.folders())
        return self._packer(samples, self.config.decision_weight)

    def folders(self) -> list[Path]:
        """Where the samples are."""
        given = self.run.samples
        return [Path(folder) for folder in ([given] if isinstance(given, str) else given)]

    def _packer(self, samples: Samples, weight: float = 1.0) -> Packer:
        config = self.config
        return Packer(samples, config.pack_tokens, config.pack_slots, config.head_chunk, weight)

    def resume(self) -> None:
        """Goes on from the last checkpoint, or else starts from `initial`. Raises FileNotFoundError."""
        state = load_checkpoint(Path(self.run.out) / "checkpoint")
        if state is not None:
            self._set_parameters(state["parameters"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.elapsed = int(state["step"]), float(state["elapsed"])
            self.say(f"resumed at step {self.step}")
        elif self.run.initial is not None:
            self._set_parameters(initial_factors(Path(self.run.initial)))

    @torch.no_grad()
    def _set_parameters(self, values: dict[str, Tensor]) -> None:
        for name, parameter in self.parameters.items():
            parameter.copy_(values[name])

    def snapshot(self, folder: Path) -> None:
        """The factors alone, in bfloat16: enough to go on from with other data, half the size."""
        if self.worker.rank == 0:
            values = {name: p.detach().to(torch.bfloat16).cpu() for name, p in self.parameters.items()}
            save_checkpoint(folder, {"parameters": values})

    def progress(self) -> float:
        """How much of the run is done, 0 … 1; the same on all workers."""
        by_steps = self.step / self.config.steps
        if self.run.seconds is None:
            return by_steps
        now = time.monotonic()
        self.elapsed += now - self.mark
        self.mark = now
        mean = self.worker.sum(torch.tensor(self.elapsed, device=self.worker.device)) / self.worker.world
        return max(by_steps, mean.item() / self.run.seconds)

    def check_gradients(self) -> None:
        """Chooses how to compute on the first pack of the run: the fastest way with the right gradients.

        Runs on freshly drawn factors: the gradients of trained ones on one pack are so small that rounding
        differences between two right ways drown them. For the same reason they are those of the likelihood of
        all tokens, whatever is learned: the ways differ in the decoder alone. Raises GradientMismatchError
        when no way gives the reference's gradients.
        """
        pack = self.packer.build(self.packer.epoch(self.config.seed)[0]).to(self.worker.device)
        attention = "flash" if self.worker.device.type == "cuda" else "by_sample"
        ways = [
            Way(attention, parts)
            for parts in (("layers", "mlp", "none") if self.config.compile else ("none",))
        ]
        choose_way(
            self.parameters,
            lambda: Fit.accumulate(self, pack, Fit.size(self, pack)),
            [*ways, Way("by_sample", "none")],
            self.use,
            self.say,
        )

    def use(self, way: Way) -> None:
        """Computes that way from now on."""
        packed_attention.use(way.attention)
        self.model.compile_parts(way.compiled)

    def save(self) -> None:
        """Writes the checkpoint (first worker only)."""
        if self.worker.rank == 0:
            save_checkpoint(
                Path(self.run.out) / "checkpoint",
                {
                    "parameters": {name: p.detach().cpu() for name, p in self.parameters.items()},
                    "optimizer": self.optimizer.state_dict(),
                    "step": self.step,
                    "elapsed": self.elapsed,
                },
            )

    def say(self, text: str) -> None:
        """One line of progress, from the first worker."""
        if self.worker.rank == 0:
            print(text, flush=True)

    def forward(self, pack: Pack) -> Tensor:
        """Final hidden states of a pack."""
        return self.model(pack.ids, pack.positions, pack.cu_seqlens, pack.longest)

    def size(self, pack: Pack) -> Tensor:
        """What the loss of a pack is divided by, summed over the packs of a step."""
        return pack.weights.sum()

    def accumulate(self, pack: Pack, size: Tensor) -> Tensor:
        """Gradients of one pack; [Σ nats × weight, Σ weight, Σ wrong tokens, Σ tokens]."""
        hidden = self.forward(pack)
        chosen = hidden[pack.sources]
        loss, wrong, gradient = self.likelihood(chosen.detach(), pack, 1.0 / size)
        chosen.backward(gradient)
        return torch.stack([loss, pack.weights.sum(), wrong, (pack.weights > 0).sum()])

    def likelihood(self, chosen: Tensor, pack: Pack, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden states `chosen` [n, D] of a pack's sources → (Σ nats × weight, Σ wrong tokens, the gradient
        of the first × `scale` [n, D]).

        The head runs in chunks, so that only one chunk of logits exists at a time.
        """
        leaf = chosen.requires_grad_()
        loss_sum = torch.zeros((), device=leaf.device)
        wrong = torch.zeros((), device=leaf.device)
        for start in range(0, len(pack.sources), self.config.head_chunk):
            part = slice(start, start + self.config.head_chunk)
            loss, right, _ = self.head_loss(leaf[part], pack.targets[part], pack.weights[part])
            (loss * scale).backward()
            loss_sum += loss.detach()
            wrong += ((~right) & (pack.weights[part] > 0)).sum()
        assert leaf.grad is not None
        return loss_sum, wrong, leaf.grad

    def train_step(self, pack: Pack, rate_factor: float) -> Tensor:
        """One optimiser step on all workers' packs; the sums of this worker's pack."""
        config = self.config
        sums = self.accumulate(pack, self.worker.sum(self.size(pack)))
        parameters = list(self.parameters.values())
        if self.worker.world > 1:
            flat = torch.cat(
                [(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in parameters]
            )
            self.worker.sum(flat)
            at = 0
            for p in parameters:
                p.grad = flat[at : at + p.numel()].view_as(p)
                at += p.numel()
        nn.utils.clip_grad_norm_(parameters, config.gradient_clip)
        for group, rate in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = rate * rate_factor
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return sums

    def describe(self, sums: Sequence[float]) -> str:
        """What a line of progress says of the sums of `accumulate` over some steps."""
        loss, weight, wrong, count = sums
        return f"loss {loss / max(weight, 1):.5f} wrong {wrong / max(count, 1):.5f}"

    def score(self, sets: dict[str, str]) -> dict[str, Any]:
        """Exact match on the sets of samples in some folders."""
        scores: dict[str, Score] = {}
        for name, folder in sets.items():
            samples = read_folder(Path(folder))
            packer = self._packer(samples)
            scores[name] = score_samples(
                self.forward, self.head_loss, packer, self.config.head_chunk, self.worker.device,
                len(samples), self.worker.rank, self.worker.world,
            )  # fmt: skip
            score = scores[name]
            self.say(
                f"step {self.step} {name}: exact {score.rate:.4f} of {len(score.exact)}, "
                f"loss {score.loss:.5f}, wrong tokens {score.wrong_tokens} of {score.tokens}"
            )
        return scores

    def finish(self, scores: dict[str, Any]) -> None:
        """The adapter and the scores, for export and calibration."""
        if self.worker.rank == 0:
            out = Path(self.run.out)
            export_adapter(self.model, out / "adapter.safetensors")
            report = {name: asdict(score) for name, score in scores.items()}
            (out / "scores.json").write_text(json.dumps({"step": self.step, "scores": report}) + "\n")

    def before(self) -> None:
        """A hook that runs once factors are in place, before the first step; does nothing here."""

    def train(self) -> None:
        """All steps from where the run stands; scores, checkpoints and logs on the way."""
        config, worker = self.config, self.worker
        self.check_gradients()
        self.resume()
        self.before()
        stream = prefetch(self.packer.stream(config.seed, worker.rank, worker.world, skip=self.step))
        started = mark = self.mark = time.monotonic()
        sums, tokens = torch.zeros(4, device=worker.device), 0
        progress = self.progress()
        while progress < 1.0:
            pack = next(stream).to(worker.device)
            sums += self.train_step(pack, learning_rate_factor(self.step, progress, config))
            tokens += config.pack_tokens * worker.world
            if self.step % config.log_every == 0:
                reached = worker.sum(sums.clone()).tolist()
                if not math.isfinite(reached[0]):
                    message = f"the loss is {reached[0]} at step {self.step}; lower the learning rate"
                    raise DivergedError(message)
                now = time.monotonic()
                self.say(
                    f"step {self.step} ({progress:.1%}) {self.describe(reached)} "
                    f"{tokens / (now - mark):,.0f} tokens/s, {now - started:.0f} s"
                )
                sums.zero_()
                tokens, mark = 0, now
            before = progress
            if self.run.seconds is None or self.step % CLOCK_EVERY == 0:
                progress = self.progress()
            if before < 1.0 - config.cooldown <= progress:
                self.snapshot(Path(self.run.out) / "plateau")
            if self.step % config.evaluate_every == 0 and progress < 1.0:
                self.score(self.run.validation)
                mark = time.monotonic()
            if self.step % config.checkpoint_every == 0:
                self.save()
                mark = time.monotonic()
        self.save()
        self.finish(self.score({**self.run.validation, **self.run.report}))


def prefetch(packs: Iterator[Pack], depth: int = 8) -> Iterator[Pack]:
    """Builds packs in a thread, ahead of the device."""
    ready: queue.Queue[Pack] = queue.Queue(depth)

    def fill() -> None:
        for pack in packs:
            ready.put(pack)

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield ready.get()


def run_workers(run: FitRun, kind: type[Fit] = Fit) -> None:
    """Completes a run, as one of torchrun's workers where there are several."""
    Path(run.out).mkdir(parents=True, exist_ok=True)
    worker = Worker.start(run.device)
    try:
        kind(run, worker).train()
    finally:
        if worker.world > 1:
            torch.distributed.destroy_process_group()


def main(path: str) -> None:
    """Completes the run that the file describes."""
    run_workers(FitRun.load(Path(path)))


if __name__ == "__main__":
    main(sys.argv[1])
