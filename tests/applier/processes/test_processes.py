"""Requests whose interpreter's part runs in processes of their own: the same answers, whatever dies."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import grpc.aio
import pytest

from applier import Applier, EditRequest
from applier.api.convert import request_to_proto
from applier.api.v1 import apply_pb2_grpc
from applier.cancellation import Cancelled, CancelToken, cancel_scope
from applier.engine.engine import Engine
from applier.memo import Memoised, MemoryStore
from applier.memo.entry import without_work
from applier.merge.model_info import ModelInfo
from applier.processes.messages import Begin, Failed, GoOn, Orders, Setup, dumps, loads
from applier.processes.pool import Pool
from applier.processes.worker import Worker
from applier.server.config import ServerConfig
from applier.server.run import running_server
from applier.types import Status, Unanswerable
from evals.runs.subjects import BaselineEngine
from tests.applier.tiny import codec, tokenizer_json
from tests.applier.tiny_applier import ENDLESS, tiny_applier

ORIGINAL = "".join(f"def f{n}(a):\n    b = a + {n}\n    return b\n\n\n" for n in range(30)).encode()


def lazy(number: int) -> EditRequest:
    marker = "# ... existing code ..."
    edit = [marker, f"    b = a + {number}", f"    c = {number}", "    return b", marker, ""]
    return EditRequest(ORIGINAL, "\n".join(edit).encode(), "f.py")


REQUESTS = [
    *map(lazy, range(6)),
    EditRequest(b"x = 1\n", b"<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n", "a.py"),
    EditRequest(b"x = 1\n", b"<<<<<<< SEARCH\ny = 1\n=======\nx = 2\n>>>>>>> REPLACE\n", "a.py"),
    EditRequest(b"\x00", b"x", "a.py"),
    EditRequest("é = 1\r\n".encode("utf-16"), "# ...\r\né = 2\r\n".encode(), "a.py"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("model")
    (made / "tokenizer.json").write_text(tokenizer_json())
    return made


def applier_in(folder: Path, engine: Engine | None = None) -> Applier:
    plain = tiny_applier(threshold=0.0, bias=ENDLESS)
    assert plain.info is not None
    assert plain.engine is not None
    return Applier.from_engine(replace(plain.info, folder=folder), engine or plain.engine)


@pytest.fixture(scope="module")
def pooled(folder):
    applier = applier_in(folder)
    pool = applier.start_processes(2)
    assert pool is not None
    yield applier, pool
    pool.close()


def answers(applier: Applier, requests=REQUESTS):
    return [
        (without_work(traced.result), traced.merges, traced.signals)
        for traced in applier.trace_many(requests, hash_logits=True)
    ]


def test_answers_merges_and_logits_are_those_of_one_process(folder, pooled):
    expected = answers(applier_in(folder))
    assert {result.status for result, _, _ in expected} >= {Status.APPLIED, Status.REFUSED}
    assert sum(bool(merges) for _, merges, _ in expected) >= 6
    assert answers(pooled[0]) == expected


def test_from_many_threads(folder, pooled):
    asked = REQUESTS * 4
    expected = [without_work(result) for result in applier_in(folder).apply_many(asked)]
    with ThreadPoolExecutor(16) as threads:
        assert [without_work(result) for result in threads.map(pooled[0].apply, asked)] == expected


def test_a_killed_process_costs_no_answer_and_is_replaced(folder, pooled):
    applier, pool = pooled
    expected = [without_work(result) for result in applier_in(folder).apply_many(REQUESTS)]
    before = [process.pid for process in pool.processes]
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(applier.apply, request) for request in REQUESTS * 5]
        os.kill(before[0], signal.SIGKILL)
        assert [without_work(future.result(60)) for future in futures] == expected * 5
    assert [without_work(result) for result in applier.apply_many(REQUESTS)] == expected
    assert all(process.alive for process in pool.processes)
    assert before[0] not in [process.pid for process in pool.processes]


def test_one_killed_while_the_model_works_is_computed_again(folder):
    class Killing(BaselineEngine):
        pool: Pool
        killed = False

        def run(self, tasks):
            if not self.killed:
                os.kill(self.pool.processes[0].pid, signal.SIGKILL)
                self.killed = True
            return super().run(tasks)

    engine = Killing(codec())
    applier = applier_in(folder, engine)
    pool = applier.start_processes(1)
    assert pool is not None
    engine.pool = pool
    expected = applier_in(folder, BaselineEngine(codec())).apply(lazy(1))
    assert without_work(applier.apply(lazy(1))) == without_work(expected)
    pool.close()


def test_a_cancelled_request_is_dropped(folder):
    class Cancelling(BaselineEngine):
        def run(self, tasks):
            raise Cancelled

    applier = applier_in(folder, Cancelling(codec()))
    pool = applier.start_processes(1)
    assert pool is not None
    with cancel_scope(CancelToken()), pytest.raises(Cancelled):
        applier.apply(lazy(1))
    assert pool.processes[0].busy == 0
    pool.close()


def worker(folder: Path) -> Worker:
    info = applier_in(folder).info
    assert isinstance(info, ModelInfo)
    return Worker(Setup(info, tokenizer_json(), 4096, "f"))


def test_a_bug_is_told_without_what_the_file_holds(folder, monkeypatch):
    monkeypatch.setattr("applier.request.apply_exact", lambda *_: 1 / 0)
    assert worker(folder).answer(Begin(3, lazy(1))) == Failed(3)


def test_what_was_dropped_is_not_answered(folder):
    here = worker(folder)
    assert isinstance(here.answer(Begin(1, lazy(1))), Orders)
    here.drop(1)
    assert here.answer(GoOn(1, [])) is None
    here.drop(2)  # the word that it was dropped came first
    assert here.answer(Begin(2, lazy(2))) is None


SPIN = "[|a" * 4000  # tree-sitter-javascript: at the end of the file, quadratic and without a word to anybody


def hangs() -> EditRequest:
    edit = f"<<<<<<< SEARCH\n{SPIN}\n=======\n{SPIN}|\n>>>>>>> REPLACE\n"
    return EditRequest(f"{SPIN}\n".encode(), edit.encode(), "a.js")


def test_an_edit_that_takes_too_long_ends_its_process_and_no_other_edit(folder, pooled):
    applier, _ = pooled
    expected = [without_work(result) for result in applier_in(folder).apply_many(REQUESTS)]
    with ThreadPoolExecutor(8) as threads:
        begin = time.monotonic()
        hanging = threads.submit(applier.apply, hangs())
        assert [without_work(result) for result in threads.map(applier.apply, REQUESTS)] == expected
        assert not hanging.done() or time.monotonic() - begin > 3
        with pytest.raises(Unanswerable, match="takes too much processor time"):
            hanging.result(120)
    assert [without_work(result) for result in applier.apply_many(REQUESTS)] == expected


def test_a_cancelled_request_leaves_its_process_at_once(folder, pooled):
    """A parse within its budget that takes long enough to be cancelled in."""
    applier, pool = pooled
    token = CancelToken()
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(_cancelled, applier, token)
        while not any(process.busy for process in pool.processes):
            time.sleep(0.01)
        token.cancel()
        with pytest.raises(Cancelled):
            future.result(30)
    assert not any(process.busy for process in pool.processes)


def _cancelled(applier: Applier, token: CancelToken):
    with cancel_scope(token):
        return applier.apply(hangs())


def test_the_memo_keeps_no_edit_that_has_no_answer_here(folder, pooled):
    applier, _ = pooled
    store = MemoryStore(1 << 20)
    for _ in "12":
        with pytest.raises(Unanswerable):
            Memoised(applier, store).apply(hangs())


def test_orders_come_over_the_codec_of_the_other_side(folder):
    sent = worker(folder).answer(Begin(1, lazy(1)))
    assert isinstance(sent, Orders)
    data = dumps(sent)
    got = loads(data, codec())
    assert len(data) < 40_000
    order, original = got.orders[0], sent.orders[0]
    assert "known" not in vars(order.constraint), "read only where the model leaves the proposal"
    assert order.constraint.known.codec is codec()
    assert order.guide.units == original.guide.units
    assert order.constraint.start.node is order.constraint.known.root
    assert (order.prompt, order.constraint.choices) == (original.prompt, original.constraint.choices)
    assert (order.course.ids, order.drafter.first()) == (original.course.ids, original.drafter.first())


def test_without_a_model_exact_edits_run_in_processes_too():
    applier = Applier.without_model()
    pool = applier.start_processes(1)
    expected = [without_work(result) for result in Applier.without_model().apply_many(REQUESTS)]
    assert [without_work(result) for result in applier.apply_many(REQUESTS)] == expected
    pool.close()


def test_a_server_with_processes_answers_as_one_without(folder):
    def ask(processes: int):
        config = ServerConfig(port=0, memo_bytes=0, processes=processes, grace_seconds=5)

        async def main():
            async with (
                running_server(config, lambda: applier_in(folder)) as server,
                grpc.aio.insecure_channel(server.target) as channel,
            ):
                stub = apply_pb2_grpc.ApplyServiceStub(channel)
                calls = [stub.ApplyEdit(request_to_proto(request)) for request in REQUESTS * 2]
                return [(reply.status, reply.content, reply.diff) for reply in await asyncio.gather(*calls)]

        return asyncio.run(asyncio.wait_for(main(), 120))

    assert ask(2) == ask(0)
