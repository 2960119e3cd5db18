"""A model ready to merge: weights on a backend, the prompt's codec, and what was calibrated for it.

`ModelInfo` is read from the model's folder without loading the weights, so that exact edits and
fingerprints cost nothing. Loading checks the weights and the tokenizer against it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..merge.confidence import NONE, HeadStart
from ..merge.model_info import ModelInfo, ModelNotFoundError
from ..merge.prompt import PromptCodec
from ..receipt import sha256

if TYPE_CHECKING:
    from kernels.model import BackendName, Model

    from ..merge.order import Orders
    from ..merge.result import DecodeError, DecodeOptions, Merge
    from ..merge.task import MergeTask
    from .scheduler import Scheduler


class Engine:
    """A loaded model. Safe to use from several threads.

    A merge runs in the thread that asks for it, or, where a scheduler is set, in passes shared with the
    merges of all threads.
    """

    scheduler: Scheduler | None = None

    def __init__(
        self,
        model: Model,
        codec: PromptCodec,
        options: DecodeOptions | None = None,
        head_start: HeadStart = NONE,
    ) -> None:
        from ..merge.result import DecodeOptions

        self.model, self.codec, self.head_start = model, codec, head_start
        self.options = options or DecodeOptions()
        # A GPU has one stream of passes and one pool of pages: merges without a scheduler run one call at a
        # time.
        self._alone = contextlib.nullcontext() if model.device == "cpu" else threading.Lock()

    @staticmethod
    def load(
        info: ModelInfo,
        backend: BackendName = "auto",
        threads: int | None = None,
        options: DecodeOptions | None = None,
    ) -> Engine:
        """Raises ModelNotFoundError when weights or tokenizer are not those of the manifest, and what
        `kernels.model.load_model` raises.
        """
        from kernels.config import NUMERICS_VERSION
        from kernels.model import load_model

        if info.numerics_version != NUMERICS_VERSION:
            raise ModelNotFoundError(
                f"the model in {info.folder} is for version {info.numerics_version} of the numerics, this is "
                f"{NUMERICS_VERSION}; derive it again with `samebytes model fetch`"
            )
        try:
            tokenizer = (info.folder / "tokenizer.json").read_bytes()
        except OSError as error:
            raise ModelNotFoundError(f"{info.folder} has no tokenizer.json") from error
        model = load_model(info.folder, backend, threads)
        for name, found, wanted in (
            ("tokenizer.json", sha256(tokenizer), info.tokenizer_sha256),
            ("model.safetensors", model.weights_sha256, info.weights_sha256),
        ):
            if found != wanted:
                raise ModelNotFoundError(
                    f"{name} in {info.folder} has SHA-256 {found}, the manifest says {wanted}; "
                    "derive the model again with `samebytes model fetch`"
                )
        return Engine(model, PromptCodec(tokenizer.decode("utf-8"), info.template), options, info.head_start)

    @property
    def max_positions(self) -> int:
        """Tokens of prompt and answer together."""
        return self.model.config.max_position

    def task(self, plan: Orders, hash_logits: bool = False) -> MergeTask:
        """A plan, or what it orders, as a merge to run."""
        from ..merge.repeats import Repeats
        from ..merge.task import MergeTask

        order = plan.order(self.codec)
        return MergeTask(
            self.codec,
            order.prompt,
            order.drafter,
            order.constraint,
            order.max_answer,
            self.options,
            hash_logits,
            order.guide,
            self.head_start.of(order.odds),
            Repeats(self.codec, order.limits, () if order.repeats else order.first),
            order.course,
            order.first,
        )

    def run(self, tasks: Sequence[MergeTask]) -> list[Merge | DecodeError]:
        """Runs merges side by side; a merge that never ended gives its DecodeError.

        Raises Cancelled, and what `Scheduler.run` raises where there is one.
        """
        if self.scheduler is not None:
            return self.scheduler.run(tasks)
        with self._alone:
            return run_tasks(self.model, tasks, self.options.batch_tokens)


def run_tasks(
    model: Model, tasks: Sequence[MergeTask], batch_tokens: int | None = None
) -> list[Merge | DecodeError]:
    """Runs merges side by side until all are done. Raises Cancelled, and what `Model.forward` raises."""
    from ..cancellation import current_token
    from .job import Job
    from .options import SchedulerOptions
    from .step_loop import StepLoop

    loop = StepLoop(model, SchedulerOptions(batch_tokens=batch_tokens, prefix_bytes=0))
    jobs = Job.of_call(tasks, current_token())
    for job in jobs:
        loop.add(job)
    while loop.busy:
        loop.step()
    return [job.answer.result() for job in jobs]
