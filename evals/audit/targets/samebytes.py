"""This project's applier in process, and the edits that an audit of it sends."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from applier.pipeline import Applier
from applier.request import Traced
from applier.types import EditFormat, EditRequest, Status
from evals.audit.target import Ask, Reply
from evals.audit.targets.batching import Batcher
from evals.cases import Case, written
from evals.cases.case import padding
from evals.runs.subjects import open_applier, provenance_of


class EditWorkload:
    """Lazy snippets of the written cases: edits that only the model can merge. Payloads are EditRequests.

    The shortest one is audited, so that a thousand repeats are cheap.
    """

    def __init__(self, cases: Sequence[Case] | None = None) -> None:
        lazy = [
            case
            for case in written.load_written()
            if case.format is EditFormat.LAZY and case.id.endswith("/lazy") and case.language == "python"
        ]
        self._cases = cases or sorted(lazy, key=lambda case: (len(case.original) + len(case.edit), case.id))

    def audited(self) -> EditRequest:
        return self._cases[0].request()

    def traffic(self, index: int) -> EditRequest:
        return self._marked(1 + index % (len(self._cases) - 1), f"request {index}")

    def neighbour(self, long: bool, index: int) -> EditRequest:
        """A long neighbour shows many lines, so that its window and its prompt are long."""
        request = self._marked(1 + index % (len(self._cases) - 1), f"neighbour {index}")
        if not long:
            return request
        filler = padding(60, "value_{n} = {n}", "utf-8", index)
        return replace(request, original=filler + request.original, edit=filler + request.edit)

    def fresh(self, index: int) -> EditRequest:
        return self._marked(0, f"case {index}")

    def _marked(self, case: int, name: str) -> EditRequest:
        """The case with a first line of its own, in the file and in the snippet."""
        request = self._cases[case].request()
        line = f"# {name}\n".encode()
        return replace(request, original=line + request.original, edit=line + request.edit)


class InProcess:
    """Requests in flight together are merged in one batch. The digest is of the merges' logits.

    The applier is called directly, with no memo in front of it: every reply is computed.
    """

    name = "samebytes in process"
    samples = False  # greedy by definition: there is nothing to seed

    def __init__(self, model: Path | None, most: int = 256, workload: EditWorkload | None = None) -> None:
        self.workload = workload or EditWorkload()
        self.provenance = provenance_of(model)
        self.model = self.provenance.model
        self._applier: Applier = open_applier(model)
        self._batcher: Batcher[EditRequest, Traced] = Batcher(self._apply, most)

    def _apply(self, requests: Sequence[EditRequest]) -> list[Traced]:
        return self._applier.trace_many(requests, hash_logits=True)

    async def ask(self, ask: Ask) -> Reply:
        traced = await self._batcher.submit(ask.payload)
        result = traced.result
        if result.status is Status.REFUSED and result.refusal is not None:
            output = f"refused: {result.refusal.reason}: {result.refusal.message}".encode()
        else:
            output = result.content
        logits = "".join(merge.logits_sha256 or "" for merge in traced.merges)
        return Reply(
            output=output,
            fingerprint=result.receipt.fingerprint,
            digest=hashlib.sha256(logits.encode()).hexdigest(),
            receipt=True,
        )

    async def close(self) -> None:
        await self._batcher.drain()
