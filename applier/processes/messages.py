"""What goes between the process with the model and the others: pickles, over a pair of sockets."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from typing import Any

from applier.confidence import Signal
from applier.engine import ModelInfo
from applier.merge import DecodeError, Merge
from applier.order import MergeOrder
from applier.prompt import PromptCodec
from applier.types import EditRequest, EditResult


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message to a process."""

    info: ModelInfo
    tokenizer: str  # the text of tokenizer.json
    max_positions: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin a request. Answered with Orders, Done or Failed."""

    number: int
    request: EditRequest


@dataclass(frozen=True, slots=True)
class GoOn:
    """What the model wrote for the Orders of a request. Answered with Done or Failed."""

    number: int
    merged: list[Merge | DecodeError]


@dataclass(frozen=True, slots=True)
class Drop:
    """Nobody waits for the request any more. Not answered."""

    number: int


@dataclass(frozen=True, slots=True)
class Orders:
    """The merges that a request needs."""

    number: int
    orders: list[MergeOrder]


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a request: what `request.Traced` holds."""

    number: int
    result: EditResult
    merges: tuple[Merge, ...]
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A bug: the request is computed again where it can be seen."""

    number: int


Reply = Orders | Done | Failed


class _Pickler(pickle.Pickler):
    """Leaves the codec out, which both sides have."""

    def reducer_override(self, value: Any) -> Any:
        return (_codec, ()) if isinstance(value, PromptCodec) else NotImplemented


def dumps(message: object) -> bytes:
    """A message as bytes."""
    out = io.BytesIO()
    _Pickler(out, pickle.HIGHEST_PROTOCOL).dump(message)
    return out.getvalue()


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, codec: PromptCodec | None) -> None:
        super().__init__(io.BytesIO(data))
        self._own_codec = codec

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        return (lambda: self._own_codec) if found is _codec else found


def loads(data: bytes, codec: PromptCodec | None = None) -> Any:
    """The message, over this process's codec. Only for bytes from a process of one's own."""
    return _Unpickler(data, codec).load()


def _codec() -> None:
    """Stands for the codec in a pickle."""
    raise pickle.UnpicklingError("a codec is put in place by `loads`")
