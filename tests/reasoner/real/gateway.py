"""A gateway on the loopback interface: passes requests on to a real server, with or without their seed."""

from __future__ import annotations

import json
import urllib.request

from tests.reasoner.wire.server import Reply, Seen, WireServer


def gateway(upstream: str, *, drops: tuple[str, ...] = ()) -> WireServer:
    """Forwards every request to `upstream`, an address ending in /v1, without the fields `drops`."""

    def answer(seen: Seen) -> Reply:
        body = {name: value for name, value in seen.body.items() if name not in drops}
        request = urllib.request.Request(
            upstream + seen.path.removeprefix("/v1"),
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request) as reply:
            return Reply(reply.read())

    return WireServer(answer)
