"""What a memo is kept in: anything that maps keys to bytes and may forget them at any time."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Key(NamedTuple):
    """What decides a result. Both are SHA-256 in hexadecimal."""

    request_sha256: str
    fingerprint: str


class MemoError(RuntimeError):
    """A store cannot be used, or could not be read or written now."""


class CorruptEntry(MemoError):
    """What was kept under a key is not what was put there."""


class Store(Protocol):
    """Called from any thread. Its methods may raise `MemoError`; the memo then does without it."""

    def get(self, key: Key) -> bytes | None:
        """What was put under the key, None where there is nothing."""
        ...

    def put(self, key: Key, entry: bytes) -> None:
        """Keep an entry, in place of what was there."""
        ...

    def drop(self, key: Key) -> None:
        """Forget an entry."""
        ...

    def close(self) -> None:
        """Release what the store holds open."""
        ...


class Layered:
    """A fast store before a lasting one: what is found in the second is put into the first."""

    def __init__(self, fast: Store, lasting: Store) -> None:
        self._fast, self._lasting = fast, lasting

    def get(self, key: Key) -> bytes | None:
        """From the first store that has it."""
        entry = self._fast.get(key)
        if entry is None:
            entry = self._lasting.get(key)
            if entry is not None:
                self._fast.put(key, entry)
        return entry

    def put(self, key: Key, entry: bytes) -> None:
        """Into both."""
        self._fast.put(key, entry)
        self._lasting.put(key, entry)

    def drop(self, key: Key) -> None:
        """From both."""
        self._fast.drop(key)
        self._lasting.drop(key)

    def close(self) -> None:
        """Both."""
        self._fast.close()
        self._lasting.close()
