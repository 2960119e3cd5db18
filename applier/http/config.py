"""Settings of the HTTP server: arguments of `samebytes http`, or environment variables `SAMEBYTES_HTTP_*`."""

from __future__ import annotations

from ipaddress import ip_address

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from applier.server.config import ServerConfig


class HttpConfig(ServerConfig):
    """As for gRPC, where a setting has a meaning for both."""

    model_config = SettingsConfigDict(env_prefix="SAMEBYTES_HTTP_", frozen=True)

    port: int = Field(default=8432, ge=0, le=65535, description="0 takes a free port")
    body_seconds: float = Field(default=30.0, gt=0, description="time for a request's body to arrive")
    most_connections: int = Field(default=1024, gt=0, description="connections at a time; others get 503")
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="names besides localhost by which a server on loopback may be called"
    )

    @property
    def hosts(self) -> frozenset[str] | None:
        """Names that a request's Host may have, without the port; None where any will do.

        A server on loopback is called by a name of loopback. A page in a browser, which may have any name
        point at 127.0.0.1, is not let in by that.
        """
        if not is_loopback(self.host):
            return frozenset(self.allowed_hosts) or None
        return frozenset({"localhost", "127.0.0.1", "[::1]", self.host, *self.allowed_hosts})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
