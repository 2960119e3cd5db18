"""Audits of real targets: the applier over a tiny model, the served applier, and a tiny stock model."""

import asyncio
import threading
from contextlib import contextmanager

import pytest

from applier.server.config import ServerConfig
from applier.server.run import running_server
from evals.audit.conditions import plan
from evals.audit.evidence import gather
from evals.audit.execute import execute
from evals.audit.questions import answers
from evals.audit.run import AuditConfig, run_audit
from evals.audit.targets.batching import Batcher
from evals.audit.targets.choose import open_target
from evals.audit.targets.samebytes import EditWorkload, InProcess
from evals.audit.targets.samebytes_grpc import Grpc
from evals.audit.verdict import Finding, judge
from evals.runs.provenance import provenance
from evals.runs.subjects import open_applier
from tests.evals.small import LAZY


def audit(target, repeats=2, concurrencies=(2, 3)):
    waves = plan(target.workload, repeats, concurrencies, target.samples)
    samples = [sample for wave in execute(target, waves) for sample in wave]
    assert not [sample for sample in samples if "error" in sample]
    return gather(samples)


class Small(EditWorkload):
    """Long neighbours are left short here: a tiny random model writes for minutes."""

    def neighbour(self, long, index):
        return super().neighbour(False, index)


def sound(evidence):
    verdicts = judge(evidence)
    assert verdicts.batch.finding is Finding.NOT_FOUND
    assert verdicts.backend.finding is Finding.NOT_FOUND
    assert verdicts.sampler.finding is Finding.NOT_TESTED
    answered = {answer.question: answer.answer for answer in answers(evidence, verdicts)}
    assert answered["Does an equal fingerprint mean an equal answer?"] == "yes"
    assert answered["Does a reply carry a receipt by which anyone can check it later?"] == "yes"
    assert evidence.fingerprints != ["unknown"]


def test_the_applier_in_process_is_sound_down_to_its_logits(tiny_folder):
    evidence = audit(InProcess(tiny_folder, workload=Small(LAZY)))
    sound(evidence)
    for name in ("alone", "concurrency 3", "amid different traffic"):
        assert evidence.conditions[name].distinct == 1
        assert evidence.conditions[name].distinct_digests == 1


@contextmanager
def served(tiny_folder, **settings):
    started, stop, address = threading.Event(), threading.Event(), []

    async def serve():
        config = ServerConfig(port=0, grace_seconds=1, **settings)
        async with running_server(config, lambda: open_applier(tiny_folder, threads=1)) as server:
            address.append(server.target)
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(30)
    try:
        yield address[0]
    finally:
        stop.set()
        thread.join()


def test_the_served_applier_is_sound_without_a_memo(tiny_folder):
    with served(tiny_folder, memo_bytes=0) as address:
        evidence = audit(Grpc(address, workload=Small(LAZY)))
    sound(evidence)
    assert evidence.from_memo == 0


def test_an_audit_in_process_says_that_all_was_computed(tiny_folder, tmp_path):
    config = AuditConfig(out=tmp_path, backend="samebytes", repeats=2, concurrencies=(2,))
    target = InProcess(tiny_folder, workload=Small(LAZY))
    summary = run_audit(config, target, target.provenance)
    assert summary["provenance"]["caches"].startswith("no memo, no prefix cache")
    assert summary["memo"]["from_memo"] == 0
    assert summary["warning"] is None


def test_an_audit_of_a_memo_says_so(tiny_folder, tmp_path):
    with served(tiny_folder, memo_check_rate=0) as address:
        config = AuditConfig(out=tmp_path, backend="samebytes-grpc", repeats=2, concurrencies=(2,))
        summary = run_audit(config, Grpc(address, workload=Small(LAZY)), provenance(None, "tiny"))
    kept = summary["memo"]["from_memo"]
    assert kept > summary["memo"]["answered"] / 2
    assert summary["provenance"]["caches"].startswith(f"{kept} of")
    assert (
        f"{kept} of {summary['memo']['answered']} replies came from the server's memo" in summary["warning"]
    )


def test_requests_that_failed_are_asked_again_when_the_audit_is_resumed(tiny_folder, tmp_path):
    config = AuditConfig(out=tmp_path, backend="samebytes", repeats=2, concurrencies=(2,))
    failing = InProcess(tiny_folder, workload=Small(LAZY))
    answer, asked = failing._apply, []

    def sometimes(requests):
        asked.append(len(requests))
        if len(asked) % 5 == 0:
            raise RuntimeError("out of memory")
        return answer(requests)

    failing._batcher = Batcher(sometimes, 8)
    first = run_audit(config, failing, failing.provenance)
    failed = sum(condition["errors"] for condition in first["conditions"])
    assert failed > 0
    target = InProcess(tiny_folder, workload=Small(LAZY))
    second = run_audit(config, target, target.provenance)
    assert sum(condition["errors"] for condition in second["conditions"]) == 0
    assert second["identical"]["n"] > first["identical"]["n"]


def test_requests_in_flight_together_are_one_batch():
    sizes = []

    def run(payloads):
        sizes.append(len(payloads))
        return [payload * 2 for payload in payloads]

    async def main():
        batcher = Batcher(run, most=3)
        together = await asyncio.gather(*(batcher.submit(i) for i in range(5)))
        alone = await batcher.submit(10)
        await batcher.drain()
        return together, alone

    assert asyncio.run(main()) == ([0, 2, 4, 6, 8], 20)
    assert sizes == [3, 2, 1]


def test_a_failing_batch_fails_its_own_requests_only():
    def run(payloads):
        if 1 in payloads:
            raise RuntimeError("out of memory")
        return payloads

    async def main():
        batcher = Batcher(run, most=2)
        return await asyncio.gather(*(batcher.submit(i) for i in range(4)), return_exceptions=True)

    first, second, third, fourth = asyncio.run(main())
    assert isinstance(first, RuntimeError)
    assert isinstance(second, RuntimeError)
    assert (third, fourth) == (2, 3)


def test_an_unknown_backend_is_named():
    options = {"url": "", "model": "", "tokens": 1, "logprobs": False}
    with pytest.raises(ValueError, match="unknown backend 'vllm'"), open_target("vllm", options):
        pass
    with pytest.raises(ValueError, match="needs --url"), open_target("openai", options):
        pass


def test_greedy_batches_are_what_transformers_generates(stock_model):
    from evals.audit.transformers_batch import BatchGenerator

    generator = BatchGenerator(str(stock_model), None, "float32", "cpu")
    rows = generator.encode(["def add(a, b):", "import os\nfrom sys import path and more"])
    assert len(rows[0]) != len(rows[1])
    together = generator.generate(rows, 8)
    import torch

    for row, generation in zip(rows, together, strict=True):
        ids = torch.tensor([row])
        whole = generator.model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False
        )
        assert list(generation.tokens) == whole[0, len(row) :].tolist()
    assert {len(row) for row in generator.encode(["a", "a b c d e f"], length=9)} == {9}
