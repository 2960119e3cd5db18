"""The gRPC server over a real loopback connection."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, RetryInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc
from applier.memo import MemoError
from applier.server.config import ServerConfig
from applier.server.run import SERVICE_NAME, BindError, running_server
from tests.applier.appliers import FaultyApplier

Call = Callable[[grpc.aio.Channel, apply_pb2_grpc.ApplyServiceStub], Awaitable[None]]


ANY_SIZE = [("grpc.max_receive_message_length", -1)]
BLOCK = b"<<<<<<< SEARCH\nx\n=======\nz\n>>>>>>> REPLACE\n"


def serve(call: Call, applier: FaultyApplier | None = None, **settings) -> None:
    """Run `call` against a server on a free loopback port."""
    config = ServerConfig(port=0, grace_seconds=1, **settings)

    async def main() -> None:
        async with (
            running_server(config, lambda: applier or FaultyApplier()) as server,
            grpc.aio.insecure_channel(server.target, ANY_SIZE) as channel,
        ):
            await asyncio.wait_for(call(channel, apply_pb2_grpc.ApplyServiceStub(channel)), timeout=120)

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    """Returns once `condition` holds; `serve` sets the limit."""
    while not condition():
        await asyncio.sleep(0.002)


def edit(number: int = 0, **fields) -> pb.ApplyEditRequest:
    """The text of `number` in place of an old one, as a whole file."""
    fields = {"path": "a.txt", "format": pb.EDIT_FORMAT_WHOLE_FILE, **fields}
    return pb.ApplyEditRequest(original=b"old\n", edit=b"new %d\n" % number, **fields)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def details(error: grpc.aio.AioRpcError, kind):
    """The google.rpc detail of one kind."""
    status = rpc_status.from_call(error)
    assert status is not None
    for packed in status.details:
        detail = kind()
        if packed.Unpack(detail):
            return detail
    raise AssertionError(f"no {kind.__name__} among the details")


def test_an_edit_is_applied():
    async def call(channel, stub):
        answer = await stub.ApplyEdit(edit(7))
        assert answer.status == pb.STATUS_APPLIED
        assert answer.content == b"new 7\n"
        assert answer.receipt.result_sha256 == hashlib.sha256(b"new 7\n").hexdigest()
        assert (
            answer.receipt.fingerprint == (await stub.GetFingerprint(pb.GetFingerprintRequest())).fingerprint
        )

    serve(call)


def test_a_refusal_is_an_answer():
    async def call(channel, stub):
        answer = await stub.ApplyEdit(pb.ApplyEditRequest(original=b"old\n"))
        assert answer.status == pb.STATUS_REFUSED
        assert answer.refusal.reason == pb.REFUSAL_REASON_EMPTY_EDIT
        assert answer.content == b"old\n"

    serve(call)


def test_a_malformed_request_names_the_field():
    async def call(channel, stub):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ApplyEdit(edit(expected_sha256="123"))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        (violation,) = details(caught.value, BadRequest).field_violations
        assert violation.field == "expected_sha256"

    serve(call)


def test_a_stale_original_is_a_failed_precondition():
    async def call(channel, stub):
        current = hashlib.sha256(b"old\n").hexdigest()
        assert (await stub.ApplyEdit(edit(expected_sha256=current))).status == pb.STATUS_APPLIED
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ApplyEdit(edit(expected_sha256="0" * 64))
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert details(caught.value, PreconditionFailure).violations[0].subject == "expected_sha256"
        assert details(caught.value, ErrorInfo).reason == "STALE_ORIGINAL"

    serve(call)


def test_more_than_grpcs_default_of_4_mib_is_taken_and_more_than_the_limit_is_not():
    async def call(channel, stub):
        large = pb.ApplyEditRequest(original=b"x\n" + b"y" * (5 << 20) + b"\n", edit=BLOCK, path="a.txt")
        answer = await stub.ApplyEdit(large)
        assert answer.status == pb.STATUS_APPLIED
        assert answer.content == b"z\n" + large.original[2:]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ApplyEdit(pb.ApplyEditRequest(original=b"x" * (7 << 20), edit=b"y\n"))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await stub.ApplyEdit(edit(1))).content == b"new 1\n"

    serve(call, max_message_bytes=6 << 20)


def test_stream_answers_come_in_the_order_of_the_requests():
    async def call(channel, stub):
        async def requests():
            for number in range(40):
                slow = "sleep 0.1" if number % 10 == 0 else ""
                yield pb.ApplyEditsRequest(id=f"id {number}", request=edit(number, instruction=slow))

        answers = [answer async for answer in stub.ApplyEdits(requests())]
        assert [answer.id for answer in answers] == [f"id {number}" for number in range(40)]
        assert [answer.response.content for answer in answers] == [b"new %d\n" % n for n in range(40)]

    serve(call, workers=4, stream_window=8)


def test_a_bad_edit_in_a_stream_does_not_end_the_stream():
    async def call(channel, stub):
        bad = pb.ApplyEditsRequest(id="bad", request=edit(expected_sha256="?"))
        stale = pb.ApplyEditsRequest(id="stale", request=edit(expected_sha256="0" * 64))
        good = pb.ApplyEditsRequest(id="good", request=edit(3))
        first, second, third = [answer async for answer in stub.ApplyEdits(iter([bad, stale, good]))]
        assert first.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        assert first.error.field == "request.expected_sha256"
        assert second.error.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
        assert third.response.content == b"new 3\n"

    serve(call)


def test_a_passed_deadline_stops_the_work():
    applier = FaultyApplier()

    async def call(channel, stub):
        seconds = 0.1
        while applier.started == 0:  # a busy machine may need longer to begin
            seconds *= 2
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.ApplyEdit(edit(instruction="sleep 600"), timeout=seconds)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert (await stub.ApplyEdit(edit(2))).content == b"new 2\n", "the one worker is free again"

    serve(call, applier, workers=1)
    assert applier.cancelled == applier.started
    assert applier.finished == 0


def test_a_cancelled_stream_stops_its_work():
    applier = FaultyApplier()

    async def call(channel, stub):
        stream = stub.ApplyEdits()
        for number in range(4):
            slow = edit(number, instruction="sleep 600")
            await stream.write(pb.ApplyEditsRequest(id=str(number), request=slow))
        await until(lambda: applier.started == 2)
        stream.cancel()
        await until(lambda: applier.cancelled >= 2)
        assert (await stub.ApplyEdit(edit(2))).content == b"new 2\n"

    serve(call, applier, workers=2)
    # Two were in work; a waiting one may begin before its own cancellation comes, and is stopped then.
    assert 2 <= applier.cancelled <= 4
    assert applier.finished == 0


def test_the_event_loop_answers_while_edits_are_in_work():
    applier = FaultyApplier()

    async def call(channel, stub):
        slow = asyncio.gather(*[stub.ApplyEdit(edit(n, instruction="sleep 600")) for n in range(2)])
        await until(lambda: applier.started == 2)
        await stub.GetFingerprint(pb.GetFingerprintRequest())
        assert applier.finished == 0
        applier.wake.set()
        await slow

    serve(call, applier, workers=2)
    assert applier.finished == 2


def test_too_many_waiting_edits_are_turned_away_with_a_delay():
    applier = FaultyApplier()

    async def call(channel, stub):
        calls = [stub.ApplyEdit(edit(n, instruction="sleep 600")) for n in range(10)]
        await until(lambda: sum(call.done() for call in calls) == 7)
        applier.wake.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
        assert len(refused) == 10 - 3, "one in work and two waiting are served"
        for error in refused:
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert details(error, RetryInfo).retry_delay.seconds >= 1
        assert (await stub.ApplyEdit(edit(5))).content == b"new 5\n"

    serve(call, applier, workers=1, max_waiting=2)


def test_a_bug_is_an_internal_error_that_quotes_nothing_of_the_file(capsys):
    async def call(channel, stub):
        secret = pb.ApplyEditRequest(original=b"hunter2", edit=b"new", instruction="bug")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ApplyEdit(secret)
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert "hunter2" not in caught.value.details()
        assert details(caught.value, ErrorInfo).metadata["reference"] in caught.value.details()

    serve(call)
    logged = "".join(capsys.readouterr())
    assert "KeyError" in logged
    assert "hunter2" not in logged


def test_health_is_serving_only_once_the_self_test_has_passed():
    tested = threading.Event()

    def load():
        tested.wait(60)
        return FaultyApplier()

    async def main() -> None:
        config = ServerConfig(port=_free_port(), grace_seconds=0)
        statuses: list[int] = []
        async with grpc.aio.insecure_channel(f"127.0.0.1:{config.port}") as channel:
            health = health_pb2_grpc.HealthStub(channel)
            stub = apply_pb2_grpc.ApplyServiceStub(channel)

            async def watch() -> None:
                request = health_pb2.HealthCheckRequest(service=SERVICE_NAME)
                async for answer in health.Watch(request, wait_for_ready=True):
                    statuses.append(answer.status)
                    if len(statuses) == 1:
                        with pytest.raises(grpc.aio.AioRpcError) as caught:
                            await stub.ApplyEdit(edit())
                        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
                        assert details(caught.value, ErrorInfo).reason == "NOT_READY"
                        tested.set()
                    if len(statuses) == 2:
                        everything = await health.Check(health_pb2.HealthCheckRequest())
                        assert everything.status == health_pb2.HealthCheckResponse.SERVING
                        return

            watcher = asyncio.create_task(watch())
            async with running_server(config, load):
                await asyncio.wait_for(watcher, 60)
        assert statuses == [
            health_pb2.HealthCheckResponse.NOT_SERVING,
            health_pb2.HealthCheckResponse.SERVING,
        ]

    asyncio.run(main())


def test_a_failed_self_test_never_serves():
    def load():
        raise RuntimeError("self-test failed")

    async def main() -> None:
        async with running_server(ServerConfig(port=0, grace_seconds=0), load):
            raise AssertionError("must not serve")

    with pytest.raises(RuntimeError, match="self-test failed"):
        asyncio.run(main())


def test_calls_in_work_end_before_the_server_stops():
    applier = FaultyApplier()

    async def main() -> None:
        config = ServerConfig(port=_free_port(), grace_seconds=60)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{config.port}") as channel:
            stub = apply_pb2_grpc.ApplyServiceStub(channel)
            async with running_server(config, lambda: applier):
                call = asyncio.ensure_future(stub.ApplyEdit(edit(1, instruction="sleep 0.3")))
                await asyncio.wait_for(until(lambda: applier.started == 1), 60)
            assert (await call).content == b"new 1\n"

    asyncio.run(main())
    assert applier.finished == 1


def test_every_call_that_was_accepted_is_answered_before_the_server_stops():
    async def main() -> list[bytes]:
        config = ServerConfig(port=0, memo_bytes=0, max_waiting=1000)
        async with running_server(config, FaultyApplier) as server:
            channel = grpc.aio.insecure_channel(server.target, [("grpc.enable_retries", 0)])
            stub = apply_pb2_grpc.ApplyServiceStub(channel)
            await stub.GetFingerprint(pb.GetFingerprintRequest())
            calls = [stub.ApplyEdit(edit(number), timeout=60) for number in range(300)]
            waiting = [asyncio.create_task(_answer(call)) for call in calls]
            await asyncio.sleep(0.05)
        answers = await asyncio.gather(*waiting)
        await channel.close()
        return answers

    assert len(set(asyncio.run(main()))) == 300


async def _answer(call) -> bytes:
    return (await call).content


def test_reflection_lists_and_describes_the_services():
    async def call(channel, stub):
        ask = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
        requests = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE_NAME),
        ]
        listed, described = [answer async for answer in ask(iter(requests))]
        names = {service.name for service in listed.list_services_response.service}
        assert {SERVICE_NAME, "grpc.health.v1.Health"} <= names
        assert described.file_descriptor_response.file_descriptor_proto

    serve(call)


def test_a_port_in_use_is_a_typed_error():
    async def main() -> None:
        async with running_server(ServerConfig(port=0, grace_seconds=0), FaultyApplier) as server:
            with pytest.raises(BindError, match=str(server.port)):
                async with running_server(ServerConfig(port=server.port), FaultyApplier):
                    pass

    asyncio.run(main())


def test_thousands_of_concurrent_calls_are_all_answered_rightly():
    async def call(channel, stub):
        answers = await asyncio.gather(*[stub.ApplyEdit(edit(n)) for n in range(3000)])
        assert [answer.content for answer in answers] == [b"new %d\n" % n for n in range(3000)]

    serve(call, max_waiting=3000)


def test_overload_is_turned_away_with_a_reason_however_large():
    async def call(channel, stub):
        calls = [stub.ApplyEdit(edit(n, instruction="sleep 0.01")) for n in range(3000)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        codes = Counter(
            answer.code().name if isinstance(answer, grpc.aio.AioRpcError) else "OK" for answer in answers
        )
        assert codes.keys() == {"OK", "RESOURCE_EXHAUSTED"}
        assert codes["OK"] >= 20

    serve(call, workers=4, max_waiting=16)


def test_a_repeated_edit_is_answered_from_the_memo_and_counted():
    applier = FaultyApplier()

    async def call(channel, stub):
        first, second = [await stub.ApplyEdit(edit(1, instruction="sleep 0.01")) for _ in range(2)]
        assert (first.content, first.receipt) == (second.content, second.receipt)

    serve(call, applier, memo_check_rate=0)
    assert applier.finished == 1
    serve(call, applier, memo_bytes=0)
    assert applier.finished == 3


def test_two_servers_share_a_memo_file(tmp_path):
    applier = FaultyApplier()

    async def call(channel, stub):
        assert (await stub.ApplyEdit(edit(1, instruction="sleep 0.01"))).content == b"new 1\n"

    for _ in range(2):
        serve(call, applier, memo_file=tmp_path / "memo.sqlite", memo_check_rate=0)
    assert applier.finished == 1


def test_a_memo_file_that_is_none_is_a_typed_error(tmp_path):
    (tmp_path / "diary").write_bytes(b"my diary, " * 500)

    async def call(channel, stub):
        raise AssertionError("must not serve")

    with pytest.raises(MemoError, match="diary"):
        serve(call, memo_file=tmp_path / "diary")
