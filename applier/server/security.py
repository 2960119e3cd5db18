"""Who may call: TLS, client certificates and a bearer token, each only where it is configured."""

from __future__ import annotations

import hmac
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo

from applier.server.config import ServerConfig
from applier.server.errors import DOMAIN, CallError, abort

# Load balancers and orchestrators ask for health without credentials.
_OPEN_PREFIX = "/grpc.health.v1.Health/"


class SecurityError(ValueError):
    """A certificate, key or token file cannot be used."""


def server_credentials(config: ServerConfig) -> grpc.ServerCredentials | None:
    """TLS credentials, requiring client certificates where `tls_client_ca` is set; None without TLS.

    Raises SecurityError when a file cannot be read.
    """
    if config.tls_certificate is None or config.tls_key is None:
        return None
    try:  # grpc itself reports a bad pair only as an address that cannot be bound
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.tls_certificate, config.tls_key)
    except OSError as error:  # ssl.SSLError is one
        raise SecurityError(
            f"{config.tls_certificate}, {config.tls_key}: {error.strerror or error}"
        ) from error
    pair = (_read(config.tls_key), _read(config.tls_certificate))
    client_ca = _read(config.tls_client_ca) if config.tls_client_ca else None
    return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)


class TokenInterceptor(grpc.aio.ServerInterceptor):
    """Lets a call through only with `authorization: Bearer TOKEN`; others end with UNAUTHENTICATED."""

    def __init__(self, token: bytes) -> None:
        self._expected = b"Bearer " + token
        self._refusal = grpc.unary_unary_rpc_method_handler(_refuse)

    @classmethod
    def from_file(cls, path: Path) -> TokenInterceptor:
        """The token is the file's content without surrounding white space. Raises SecurityError."""
        token = _read(path).strip()
        if not token:
            raise SecurityError(f"{path}: the token is empty")
        return cls(token)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """The method's own handler, or one that refuses."""
        if handler_call_details.method.startswith(_OPEN_PREFIX):
            return await continuation(handler_call_details)
        given = dict(handler_call_details.invocation_metadata).get("authorization", b"")
        if isinstance(given, str):
            given = given.encode()
        if hmac.compare_digest(given, self._expected):
            return await continuation(handler_call_details)
        return self._refusal


async def _refuse(request: Any, context: grpc.aio.ServicerContext) -> None:
    message = "this server wants the metadata 'authorization: Bearer TOKEN'"
    details = [ErrorInfo(reason="UNAUTHENTICATED", domain=DOMAIN)]
    await abort(context, CallError(grpc.StatusCode.UNAUTHENTICATED, message, details))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SecurityError(f"{path}: {error.strerror}") from error
