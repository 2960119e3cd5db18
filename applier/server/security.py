"""Who may call: TLS, client certificates and a bearer token, each only where it is configured."""

from __future__ import annotations

import hmac
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import grpc

from applier.api.errors import abort, unauthenticated
from applier.server.config import ServerConfig

# Load balancers and orchestrators ask for health without credentials.
_OPEN_PREFIX = "/grpc.health.v1.Health/"


class SecurityError(ValueError):
    """A certificate, key or token file cannot be used."""


def server_credentials(config: ServerConfig) -> grpc.ServerCredentials | None:
    """TLS credentials, requiring client certificates where `tls_client_ca` is set; None without TLS.

    Raises SecurityError when a file cannot be read.
    """
    # grpc itself reports a bad pair only as an address that cannot be bound
    if tls_context(config) is None or config.tls_certificate is None or config.tls_key is None:
        return None
    pair = (_read(config.tls_key), _read(config.tls_certificate))
    client_ca = _read(config.tls_client_ca) if config.tls_client_ca else None
    return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)


def is_loopback(host: str) -> bool:
    """Whether what listens on `host` can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("unix:")


def tls_context(config: ServerConfig) -> ssl.SSLContext | None:
    """The same for servers that take Python's own TLS. Raises SecurityError when a file cannot be read."""
    if config.tls_certificate is None or config.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    files: tuple[Path | None, ...] = (config.tls_certificate, config.tls_key)
    try:
        context.load_cert_chain(config.tls_certificate, config.tls_key)
        if config.tls_client_ca is not None:
            files = (config.tls_client_ca,)
            context.load_verify_locations(config.tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # ssl.SSLError is one
        raise SecurityError(f"{', '.join(map(str, files))}: {error.strerror or error}") from error
    return context


class TokenCheck:
    """Whether a call carries `authorization: Bearer TOKEN`."""

    def __init__(self, token: bytes) -> None:
        self._expected = b"Bearer " + token

    @classmethod
    def from_file(cls, path: Path) -> TokenCheck:
        """The token is the file's content without surrounding white space. Raises SecurityError."""
        token = _read(path).strip()
        if not token:
            raise SecurityError(f"{path}: the token is empty")
        return cls(token)

    def allows(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> bool:
        """Compares in a time that does not tell how much of the token is right."""
        given = dict(metadata or ()).get("authorization", b"")
        return hmac.compare_digest(given.encode() if isinstance(given, str) else given, self._expected)


class TokenInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc] # grpc has no types
    """Lets calls through that carry the token; others end with UNAUTHENTICATED."""

    def __init__(self, check: TokenCheck) -> None:
        self._check = check
        self._refusal = grpc.unary_unary_rpc_method_handler(_refuse)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """The method's own handler, or one that refuses."""
        is_open = handler_call_details.method.startswith(_OPEN_PREFIX)
        if is_open or self._check.allows(handler_call_details.invocation_metadata):
            return await continuation(handler_call_details)
        return self._refusal


async def _refuse(request: Any, context: grpc.aio.ServicerContext) -> None:
    await abort(context, unauthenticated())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SecurityError(f"{path}: {error.strerror}") from error
