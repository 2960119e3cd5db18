"""Front and replica without Ray: its context is played by an object with the same methods."""

from __future__ import annotations

import asyncio
import pickle

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from pydantic import ValidationError

from applier import Applier, EditRequest
from applier.api.errors import CallError, invalid_field, overloaded
from applier.api.v1 import apply_pb2 as pb
from applier.server.ray.front import Aborted, Front
from applier.server.ray.replica import Replica
from applier.server.ray.settings import Settings
from applier.types import EditFormat
from tests.evals.tiny_model import write_tiny_model

EDIT = pb.ApplyEditRequest(original=b"old\n", edit=b"new\n", path="a", format=pb.EDIT_FORMAT_WHOLE_FILE)


class Context:
    """What `RayServegRPCContext` does, written down."""

    def __init__(self, *metadata: tuple[str, str]) -> None:
        self.metadata, self.code, self.trailing = metadata, None, []

    def invocation_metadata(self):
        return self.metadata

    def set_code(self, code):
        self.code = code

    def set_details(self, details):
        self.details = details

    def set_trailing_metadata(self, trailing):
        self.trailing = trailing


class Here:
    """Runs edits in this process, or fails each with `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        self.applier, self.error = Applier.without_model(), error

    async def apply(self, request: EditRequest):
        if self.error:
            raise self.error
        return self.applier.apply(request)


def front(error: Exception | None = None, token_file=None) -> Front:
    return Front(Here(error), "f" * 64, token_file, stream_window=4)


def test_calls_are_answered():
    async def main() -> None:
        context = Context()
        assert (await front().apply_edit(EDIT, context)).content == b"new\n"
        assert (await front().get_fingerprint(pb.GetFingerprintRequest(), context)).fingerprint == "f" * 64
        assert context.code is None

    asyncio.run(main())


async def items(count: int):
    for number in range(count):
        yield pb.ApplyEditsRequest(id=str(number), request=EDIT)


def test_a_stream_is_answered_in_order_and_may_be_left():
    async def main() -> None:
        answers = [answer async for answer in front().apply_edits(items(20), Context())]
        assert [answer.id for answer in answers] == [str(n) for n in range(20)]
        stream = front().apply_edits(items(20), Context())
        assert (await anext(stream)).id == "0"
        await stream.aclose()
        assert len(asyncio.all_tasks()) == 1, "nothing goes on for a client that has left"

    asyncio.run(main())


def test_an_error_has_its_status_and_details_in_the_context():
    async def main() -> None:
        context = Context()
        answer = await front().apply_edit(pb.ApplyEditRequest(expected_sha256="?"), context)
        assert answer == pb.ApplyEditResponse()
        assert context.code is grpc.StatusCode.INVALID_ARGUMENT
        status = Status.FromString(dict(context.trailing)["grpc-status-details-bin"])
        detail = BadRequest()
        assert status.details[0].Unpack(detail)
        assert detail.field_violations[0].field == "expected_sha256"
        await front(overloaded(3)).apply_edit(EDIT, context)
        assert context.code is grpc.StatusCode.RESOURCE_EXHAUSTED

    asyncio.run(main())


def test_the_token_is_checked(tmp_path):
    (tmp_path / "token").write_text("s3cret\n")
    guarded = front(token_file=tmp_path / "token")

    async def main() -> None:
        for metadata in ((), (("authorization", "Bearer other"),)):
            context = Context(*metadata)
            assert (await guarded.apply_edit(EDIT, context)).content == b""
            assert context.code is grpc.StatusCode.UNAUTHENTICATED
            assert (await guarded.get_fingerprint(pb.GetFingerprintRequest(), context)).fingerprint == ""
            with pytest.raises(Aborted):
                await anext(guarded.apply_edits(items(2), context))
        context = Context(("authorization", "Bearer s3cret"))
        assert (await guarded.apply_edit(EDIT, context)).content == b"new\n"

    asyncio.run(main())


def test_a_replica_answers_as_the_applier_does_and_hands_errors_back(tmp_path):
    folder = write_tiny_model(tmp_path / "tiny")
    request = EditRequest(original=b"a = 1\n", edit=b"a = 2\n", path="a.py", format=EditFormat.WHOLE_FILE)
    replica = Replica(Settings(model=folder, workers=1))
    applier = Applier.from_model_dir(folder)

    async def main() -> None:
        assert await replica.fingerprint() == applier.fingerprint()
        answer = await replica.apply(request)
        expected = applier.apply(request)
        assert (answer.content, answer.receipt) == (expected.content, expected.receipt)
        bug = await replica.apply(None)  # type: ignore[arg-type]
        assert isinstance(bug, CallError)
        assert bug.code is grpc.StatusCode.INTERNAL

    asyncio.run(main())


def test_errors_and_results_go_from_process_to_process_whole():
    error = pickle.loads(pickle.dumps(invalid_field("path", "contains a NUL character")))
    assert (error.code, error.message, error.field) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "path: contains a NUL character",
        "path",
    )
    assert error.details[0].field_violations[0].field == "path"
    result = Applier.without_model().apply(EditRequest(original=b"a\n", edit=b""))
    assert pickle.loads(pickle.dumps(result)) == result


def test_settings_that_make_no_sense_are_refused():
    for wrong in ({"cpu_replicas": 0}, {"replicas": 3}, {"fronts": 0}):
        with pytest.raises(ValidationError):
            Settings(**wrong)
