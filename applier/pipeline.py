"""`Applier`: one edit of one file as a pure function.

parse → exact → locate → merge → verify → answer. An edit that is exact never meets the model. Nothing is
raised for bad input: every request has an `EditResult`, and a refusal carries its reason and leaves the
bytes as they were.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from .merge.model_info import ModelInfo, ModelNotFoundError
from .receipt import fingerprint
from .request import Merges, Run, Traced
from .types import EditRequest, EditResult

if TYPE_CHECKING:
    from kernels.model import BackendName, Model

    from .engine.engine import Engine
    from .engine.options import SchedulerOptions, StepReport
    from .engine.scheduler import Scheduler
    from .merge.result import DecodeError, DecodeOptions, Merge
    from .processes.pool import Pool
    from .processes.run import RemoteRun


class Applier:
    """Applies edits. Equal requests get equal bytes from every Applier with the same fingerprint.

    Safe to use from several threads; `start_scheduler` lets their merges share the model's passes. The model
    is loaded when the first edit needs it.
    """

    def __init__(self, info: ModelInfo | None, load: Callable[[], Engine] | None) -> None:
        self._info, self._load = info, load
        self._engine: Engine | None = None
        self._lock = threading.Lock()
        # Parsing, locating and checking hold the interpreter's lock: more threads at it than cores would only
        # keep the thread of the model's passes waiting for it.
        self._cores = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._pool: Pool | None = None
        self._fingerprint = info.fingerprint() if info else _without_model()

    @staticmethod
    def from_default(
        model_dir: Path | None = None,
        backend: BackendName = "auto",
        threads: int | None = None,
        options: DecodeOptions | None = None,
    ) -> Applier:
        """The model in `model_dir`, or the default model where `samebytes model fetch` put it.

        Without a default model the Applier has none: exact edits work, others are refused with NO_MODEL.
        Raises ModelNotFoundError for a `model_dir` that holds no model.
        """
        from .models.home import DEFAULT_MODEL, model_folder

        folder = model_dir or model_folder(DEFAULT_MODEL)
        if model_dir is None and not folder.exists():
            return Applier.without_model()
        return Applier.from_model_dir(folder, backend, threads, options)

    @staticmethod
    def from_model_dir(
        folder: Path,
        backend: BackendName = "auto",
        threads: int | None = None,
        options: DecodeOptions | None = None,
    ) -> Applier:
        """Raises ModelNotFoundError now; what is wrong with weights or tokenizer shows on loading."""
        info = ModelInfo.read(Path(folder))
        try:
            from .models.install import InstalledModelError, check_pinned
        except ModuleNotFoundError:  # a bare machine for benchmarks, without what installing takes
            pass
        else:
            try:
                check_pinned(Path(folder))
            except InstalledModelError as error:
                raise ModelNotFoundError(str(error)) from error

        def load() -> Engine:
            from .engine.engine import Engine

            return Engine.load(info, backend, threads, options)

        return Applier(info, load)

    @staticmethod
    def from_engine(info: ModelInfo, engine: Engine) -> Applier:
        """Over a model in memory."""
        return Applier(info, lambda: engine)

    @staticmethod
    def without_model() -> Applier:
        """Exact edits only."""
        return Applier(None, None)

    @property
    def engine(self) -> Engine | None:
        """The loaded engine, None without a model. Raises what `Engine.load` raises."""
        if self._load is None:
            return None
        with self._lock:
            if self._engine is None:
                self._engine = self._load()
        return self._engine

    def start_scheduler(
        self, options: SchedulerOptions | None = None, on_step: Callable[[StepReport], None] | None = None
    ) -> Scheduler | None:
        """From now on merges of all threads share the model's passes, until the scheduler is closed.

        None without a model. Loads the model and prepares its passes, which takes a GPU seconds; raises what
        loading raises, and CacheBudgetError.
        """
        from .engine.scheduler import Scheduler

        engine = self.engine
        if engine is None:
            return None
        engine.model.backend.warm_up()
        engine.scheduler = Scheduler(engine.model, options, on_step)
        return engine.scheduler

    def start_processes(self, count: int) -> Pool:
        """From now on everything but merges runs in `count` processes, until the pool is closed.

        Raises ModelNotFoundError, and what loading the model raises.
        """
        from .processes.pool import Pool

        engine = self.engine
        codec, most = (engine.codec, engine.max_positions) if engine else (None, 0)
        self._pool = Pool(self._info, codec, most, count, self._fingerprint)
        return self._pool

    @property
    def model(self) -> Model | None:
        """The loaded model, None without one."""
        return self.engine.model if self.engine else None

    @property
    def info(self) -> ModelInfo | None:
        """What the model's manifest says, None without a model."""
        return self._info

    def fingerprint(self) -> str:
        """The digest of everything besides a request that decides its result."""
        return self._fingerprint

    def apply(self, request: EditRequest) -> EditResult:
        """The answer to one request. Raises only `Cancelled`, what loading the model raises, what
        `Scheduler.run` raises where one was started, and `Unanswerable` where processes were.
        """
        return self.trace_many([request])[0].result

    def apply_many(self, requests: Sequence[EditRequest]) -> list[EditResult]:
        """As `apply` for each, with the merges of all in the same passes of the model."""
        return [traced.result for traced in self.trace_many(requests)]

    def trace_many(self, requests: Sequence[EditRequest], hash_logits: bool = False) -> list[Traced]:
        """As `apply_many`, with the merges behind every result; `hash_logits` digests their logits."""
        runs = [self._run(request, hash_logits) for request in requests]
        steps = [run.steps() for run in runs]
        answers: dict[int, list[Merge | DecodeError] | None] = dict.fromkeys(range(len(runs)))
        results: dict[int, EditResult] = {}
        while answers:
            wanted: dict[int, Merges] = {}
            for number, answer in answers.items():
                if answer is not None:
                    runs[number].hand_in(answer)
            for number, answer in answers.items():
                try:
                    with self._cores if runs[number].here else nullcontext():
                        wanted[number] = steps[number].send(answer)
                except StopIteration as stop:
                    results[number] = stop.value
            answers = {}
            if wanted:
                engine = self.engine
                assert engine is not None
                done = iter(engine.run([task for tasks in wanted.values() for task in tasks]))
                answers = {number: [next(done) for _ in tasks] for number, tasks in wanted.items()}
        return [Traced(results[number], tuple(run.merges), run.signals) for number, run in enumerate(runs)]

    def _run(self, request: EditRequest, hash_logits: bool) -> Run | RemoteRun:
        if self._pool is None:
            return Run(request, self, hash_logits)
        from .processes.run import RemoteRun

        return RemoteRun(request, self, hash_logits, self._pool)


def _without_model() -> str:
    return fingerprint("", "", 0)
