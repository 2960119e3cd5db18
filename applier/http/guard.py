"""Who gets in: the token where one is set, and on loopback only those who called us by a name of loopback.

There are no CORS headers, so a page in a browser may not read what is answered; the check of the name keeps
out a page whose own name was pointed at this machine.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from applier.http.errors import error_response
from applier.server.security import TokenCheck

_OPEN = frozenset({"/health"})  # orchestrators ask without credentials


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, token: TokenCheck | None, hosts: frozenset[str] | None) -> None:
        self._app, self._token, self._hosts = app, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses with 401 or 403."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._hosts is not None and _name(headers.get("host", "")) not in self._hosts:
            message = "This server is called by a name of loopback; see --allowed-host."
            refusal = error_response(403, message, "permission_error", "host_not_allowed")
            await refusal(scope, receive, send)
            return
        token = None if scope["path"] in _OPEN else self._token
        if token is not None and not token.allows(headers.items()):
            message = "This server wants the header 'Authorization: Bearer TOKEN' with its token."
            refusal = error_response(401, message, "authentication_error", "invalid_api_key")
            refusal.headers["WWW-Authenticate"] = "Bearer"
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _name(host: str) -> str:
    """The host without its port."""
    name, colon, port = host.rpartition(":")
    return name.lower() if colon and port.isdecimal() else host.lower()
