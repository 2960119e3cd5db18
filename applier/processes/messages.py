"""What goes between the process with the model and the others: pickles, over a pair of sockets."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from functools import partial
from typing import Any

from applier.merge.confidence import Signal
from applier.merge.constraint import Constraint
from applier.merge.drafts import Drafter
from applier.merge.model_info import ModelInfo
from applier.merge.order import MergeOrder
from applier.merge.prompt import PromptCodec
from applier.merge.proposal_path import Guide
from applier.merge.result import DecodeError, Merge
from applier.types import EditRequest, EditResult


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message to a process."""

    info: ModelInfo | None  # None: exact edits only
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
class Started:
    """The process works on this request from now on; where it dies, this is the one that it died of."""

    number: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The process has begun and waits for requests."""

    number: int = -1


@dataclass(frozen=True, slots=True)
class Dropped:
    """The process stopped working on a request that was dropped."""

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
Notice = Ready | Started | Dropped


class _Pickler(pickle.Pickler):
    """Leaves the codec out, which both sides have."""

    def reducer_override(self, value: Any) -> Any:
        return (_codec, ()) if isinstance(value, PromptCodec) else NotImplemented


class _MessagePickler(_Pickler):
    """Also packs separately what the other side rarely reads."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Constraint | Drafter | Guide):
            return _unread, (type(value), _dumps(_Pickler, value))
        return super().reducer_override(value)


def _dumps(pickler: type[_Pickler], value: object) -> bytes:
    out = io.BytesIO()
    pickler(out, pickle.HIGHEST_PROTOCOL).dump(value)
    return out.getvalue()


def dumps(message: object) -> bytes:
    """A message as bytes."""
    return _dumps(_MessagePickler, message)


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, codec: PromptCodec | None) -> None:
        super().__init__(io.BytesIO(data))
        self._own_codec = codec

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        if found is _codec:
            return lambda: self._own_codec
        return partial(_unread, codec=self._own_codec) if found is _unread else found


def loads(data: bytes, codec: PromptCodec | None = None) -> Any:
    """The message, over this process's codec. Only for bytes from a process of this pool."""
    return _Unpickler(data, codec).load()


def _codec() -> None:
    """Stands for the codec in a pickle."""
    raise pickle.UnpicklingError("a codec is put in place by `loads`")


def _unread(
    kind: type[Constraint | Drafter | Guide], data: bytes, codec: PromptCodec | None = None
) -> Constraint | Drafter | Guide:
    """An object that is read when it is used."""
    return kind.unread(partial(loads, data, codec))
