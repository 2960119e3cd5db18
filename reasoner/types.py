"""What goes into and comes out of a reasoning model: request, completion, proposal.

Everything is plain data, so a ledger can store it and another backend can be put in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from applier.patches.types import Problem, ProposedEdit
from applier.types import EditFormat


class Role(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model made. `arguments` is the parsed JSON object."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sampling:
    """What a backend is asked to sample with. None leaves the provider's default in place."""

    seed: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int = 4096
    stream: bool = False


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request in provider-neutral form. Its digest is what a recorded answer is looked up by."""

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True, slots=True)
class CallFacts:
    """The five facts of a call, as they were rather than as one would like them to be.

    `seed_sent` is what went over the wire: None where the backend has no seed, whatever was asked.
    `seed_echoed` is a seed the server itself reported. `model` is the name the server answered
    with, which carries the version; None where it reported none. Times are wall clock.
    """

    backend: str
    model_requested: str
    model: str | None
    seed_sent: int | None
    seed_echoed: int | None
    system_fingerprint: str | None
    started_at: str  # RFC 3339, UTC
    elapsed_ms: float
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    provider_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. `request` and `response` are the JSON bodies of the wire, without headers."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str | None
    facts: CallFacts
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier round: what the model replied, and what came of it."""

    reply: str
    feedback: str


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done, and the rounds already gone through."""

    instruction: str
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposeOptions:
    """How to ask: the edit format to ask for, by tool call or in text, and the sampling."""

    format: EditFormat = EditFormat.LAZY
    use_tools: bool = False
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The edits a model proposed, what was unusable, and the call it came from."""

    edits: tuple[ProposedEdit, ...]
    problems: tuple[Problem, ...]
    request: ChatRequest
    completion: Completion
