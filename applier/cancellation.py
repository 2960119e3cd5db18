"""Stop work on an edit whose caller has gone: a deadline passed, a call was cancelled, a server shuts down.

Python threads cannot be interrupted, so the work asks: the caller of `Applier.apply` opens a
`cancel_scope`, and long loops below it call `check_cancelled()` between steps. The scope is a context
variable because it never changes a result: it only decides whether there is one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar


class Cancelled(Exception):
    """Nobody is waiting for the result any more."""


class CancelToken:
    """Set from any thread by whoever owns the call; read by the thread that does the work."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work under this token's scope to stop at its next check."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()


_current: ContextVar[CancelToken | None] = ContextVar("samebytes_cancel_token", default=None)


@contextlib.contextmanager
def cancel_scope(token: CancelToken) -> Iterator[None]:
    """Let `token` stop the work done inside this block, in this thread."""
    previous = _current.set(token)
    try:
        yield
    finally:
        _current.reset(previous)


def current_token() -> CancelToken | None:
    """The token of the scope around this call, to be asked in another thread."""
    return _current.get()


def check_cancelled() -> None:
    """Raise Cancelled if the scope around this call was cancelled; cost: two attribute reads."""
    token = _current.get()
    if token is not None and token.cancelled:
        raise Cancelled
