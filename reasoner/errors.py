"""Typed errors of the reasoner. Each says what to do, and none of them carries a key.

Exit codes are those of `applier.exits`, and two more: 1 for a check that failed, 5 for a model that could
not be asked.
"""

from __future__ import annotations

from applier.exits import USAGE
from reasoner.credentials import redact


class ReasonerError(Exception):
    """Base of all errors here. `exit_code` is what the command line ends with."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))


class UsageError(ReasonerError):
    """The request itself is wrong: an unknown backend, a path outside the workspace."""

    exit_code = USAGE


class BackendError(ReasonerError):
    """A reasoning backend could not answer."""

    exit_code = 5


class MissingDependency(BackendError):
    """The SDK of this backend is not installed; `arguments` of pip install bring it."""

    def __init__(self, backend: str, module: str, arguments: str) -> None:
        super().__init__(f"the {backend} backend needs the package {module!r}: pip install {arguments}")


class MissingKey(BackendError):
    """No key in the environment or in the keyring."""


class AuthenticationFailed(BackendError):
    """The server does not accept the key."""


class RateLimited(BackendError):
    """The server asks to slow down. `retry_after` is in seconds, where it said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ParameterRejected(BackendError):
    """The server refuses a parameter. It is never silently dropped and the request sent again."""

    def __init__(self, message: str, parameter: str | None) -> None:
        super().__init__(message)
        self.parameter = parameter


class RequestRejected(BackendError):
    """Any other refusal of the request (4xx)."""


class ServerFailed(BackendError):
    """The server failed (5xx) or is overloaded."""


class Unreachable(BackendError):
    """No connection, or no answer in time."""


class BadResponse(BackendError):
    """The answer does not follow the protocol."""


class LedgerError(ReasonerError):
    """The ledger is not what it should be: a broken chain, a missing blob, no such entry."""
