"""Errors of a call, as opposed to refused edits: a gRPC status with google.rpc details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

DOMAIN = "samebytes"


class CallError(Exception):
    """A call that cannot be answered. `field` names the request's field at fault, if one is."""

    def __init__(
        self, code: grpc.StatusCode, message: str, details: Sequence[Message] = (), field: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.field = field

    def __reduce__(self) -> tuple[type[CallError], tuple[object, ...]]:
        """The whole error, for another process: pickling an exception keeps its message alone."""
        return CallError, (self.code, self.message, self.details, self.field)


def invalid_field(field: str, problem: str) -> CallError:
    """A field of the request has no meaning."""
    violation = BadRequest.FieldViolation(field=field, description=problem)
    message = f"{field}: {problem}"
    return CallError(
        grpc.StatusCode.INVALID_ARGUMENT, message, [BadRequest(field_violations=[violation])], field
    )


def undecodable() -> CallError:
    """The bytes of the message are not those of the method's message."""
    message = "the message cannot be decoded; is it made from another .proto file?"
    details = [ErrorInfo(reason="UNDECODABLE", domain=DOMAIN)]
    return CallError(grpc.StatusCode.INVALID_ARGUMENT, message, details)


def stale_original(message: str) -> CallError:
    """The original is not the file that the edit was written for."""
    violation = PreconditionFailure.Violation(
        type="STALE_ORIGINAL", subject="expected_sha256", description=message
    )
    details = [PreconditionFailure(violations=[violation]), ErrorInfo(reason="STALE_ORIGINAL", domain=DOMAIN)]
    return CallError(grpc.StatusCode.FAILED_PRECONDITION, message, details, "expected_sha256")


def overloaded(retry_seconds: int) -> CallError:
    """Too many edits wait already."""
    details = [
        RetryInfo(retry_delay=Duration(seconds=retry_seconds)),
        ErrorInfo(reason="OVERLOADED", domain=DOMAIN),
    ]
    message = f"too many edits are waiting; retry in {retry_seconds} s"
    return CallError(grpc.StatusCode.RESOURCE_EXHAUSTED, message, details)


def unanswerable(message: str) -> CallError:
    """The edit takes more than it may, here. To ask again would take it again."""
    return CallError(
        grpc.StatusCode.INVALID_ARGUMENT, message, [ErrorInfo(reason="UNANSWERABLE", domain=DOMAIN)], "edit"
    )


def not_ready() -> CallError:
    """The model is still loading, or its self-test has not passed."""
    details = [ErrorInfo(reason="NOT_READY", domain=DOMAIN), RetryInfo(retry_delay=Duration(seconds=1))]
    message = "the self-test has not passed yet; watch grpc.health.v1.Health"
    return CallError(grpc.StatusCode.UNAVAILABLE, message, details)


def unauthenticated() -> CallError:
    """The call does not carry the token."""
    message = "this server wants the metadata 'authorization: Bearer TOKEN'"
    details = [ErrorInfo(reason="UNAUTHENTICATED", domain=DOMAIN)]
    return CallError(grpc.StatusCode.UNAUTHENTICATED, message, details)


def internal(reference: str) -> CallError:
    """A bug; `reference` finds it in the server's log, and nothing of the file is in the message."""
    message = f"internal error {reference}; the file was not changed"
    details = [ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"reference": reference})]
    return CallError(grpc.StatusCode.INTERNAL, message, details)


async def abort(context: grpc.aio.ServicerContext, error: CallError) -> NoReturn:
    """End the call with the error's code, message and details."""
    packed = []
    for detail in error.details:
        packed.append(Any())
        packed[-1].Pack(detail)
    status = rpc_status.to_status(Status(code=error.code.value[0], message=error.message, details=packed))
    await context.abort(status.code, status.details, status.trailing_metadata)
    raise error  # not reached: abort raises
