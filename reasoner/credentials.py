"""Keys: where they come from, and how they are kept out of everything that is written down.

A key comes from the environment or, failing that, from the platform's keyring (service
`samebytes`). Every key that is looked up is remembered here, so that `redact` can take it out of
any text that a server, an SDK or a log line brings back.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
KEYRING_SERVICE = "samebytes"
# A shorter "key" is a placeholder such as "EMPTY"; taking it out of every text would harm the text.
_MIN_SECRET_LENGTH = 8

_secrets: set[str] = set()


class Secret:
    """A key that does not show itself when it is printed, logged or pickled."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value
        remember(value)

    def reveal(self) -> str:
        """The key itself, for the SDK and nobody else."""
        return self.__value

    def __repr__(self) -> str:
        return f"Secret({REDACTED})"

    __str__ = __repr__

    def __reduce__(self) -> Any:
        raise TypeError("a secret cannot be pickled")


def remember(value: str) -> None:
    """Take `value` out of every text that passes `redact` from now on."""
    if len(value) >= _MIN_SECRET_LENGTH:
        _secrets.add(value)


def redact(text: str) -> str:
    """`text` with every known key replaced."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return text


def redact_json(value: Any) -> Any:
    """A copy of a JSON value with every known key replaced in its strings and in its names."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): redact_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_json(item) for item in value]
    return value


def contains_secret(content: bytes) -> bool:
    """Whether a known key occurs in `content`; such a file must not be sent to a model."""
    return any(secret.encode() in content for secret in _secrets)


def lookup(*names: str) -> Secret | None:
    """The first of the named keys found, in the environment and then in the keyring."""
    for name in names:
        if value := os.environ.get(name):
            return Secret(value)
    for name in names:
        if value := _from_keyring(name):
            return Secret(value)
    return None


def _from_keyring(name: str) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:  # the keyring is an optional extra
        return None
    try:
        return keyring.get_password(KEYRING_SERVICE, name)
    except KeyringError:  # no keyring on this machine, or a locked one, is the same as no key
        return None


def redact_logs() -> None:
    """Make every present log handler leave keys out; an SDK may have added its own on import."""
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        if not any(isinstance(known, RedactingFilter) for known in handler.filters):
            handler.addFilter(RedactingFilter())


class RedactingFilter(logging.Filter):
    """A filter for log handlers: records leave without keys, wherever they come from."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        clean = redact(message)
        if clean != message:
            record.msg, record.args = clean, None
        if record.exc_info:
            record.exc_text = redact(record.exc_text or logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True
