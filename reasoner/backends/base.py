"""The one interface to a reasoning model, and what all backends share."""

from __future__ import annotations

import asyncio
import datetime
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from applier.patches.types import Problem, SourceFile
from reasoner.capabilities import BY_NAME, Capability, SeedSupport
from reasoner.credentials import redact, redact_json
from reasoner.errors import BadResponse, Unreachable
from reasoner.extract import Extraction, edits_from_tool_calls, extract
from reasoner.prompts import build_request
from reasoner.types import CallFacts, ChatRequest, Completion, Proposal, ProposeOptions, Task, ToolCall

# What providers call an answer that hit the token limit.
_CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "MAX_TOKENS", "incomplete"})
# What they call one that they withheld, in whole or from some point on.
_WITHHELD = frozenset(
    {"content_filter", "refusal", "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a backend brings back from one call, before it becomes a Completion."""

    text: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    seed_sent: int | None = None
    seed_echoed: int | None = None
    system_fingerprint: str | None = None
    model: str | None = None
    finish_reason: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    provider_request_id: str | None = None


class Backend(ABC):
    """A reasoning model. Subclasses implement `_call`; everything else is here."""

    def __init__(self, name: str, model: str, timeout: float = 600.0) -> None:
        self.name = name
        self.model = model
        self.timeout = timeout  # seconds, for a whole call

    @property
    def capability(self) -> Capability:
        """What this backend is documented to do with a seed."""
        return BY_NAME[self.name]

    @abstractmethod
    async def _call(self, request: ChatRequest) -> Answer:
        """One call; raises a BackendError."""

    async def aclose(self) -> None:
        """Give back connections and memory."""
        return

    async def complete(self, request: ChatRequest) -> Completion:
        """One answer with the facts of its call.

        Raises BackendError subclasses only; no key occurs in them or in the completion.
        """
        started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        clock = time.perf_counter()
        try:
            answer = await asyncio.wait_for(self._call(request), self.timeout)
        except TimeoutError:
            raise Unreachable(f"{self.name}: no answer within {self.timeout:g} s") from None
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            # How an SDK fails on an answer outside the protocol differs from SDK to SDK.
            raise BadResponse(
                f"{self.name}: the answer does not follow the protocol: {type(error).__name__}: {error}"
            ) from None
        facts = CallFacts(
            backend=self.name,
            model_requested=self.model,
            model=answer.model,
            seed_sent=answer.seed_sent,
            seed_echoed=answer.seed_echoed,
            system_fingerprint=answer.system_fingerprint,
            started_at=started_at,
            elapsed_ms=round((time.perf_counter() - clock) * 1000, 3),
            prompt_tokens=answer.prompt_tokens,
            output_tokens=answer.output_tokens,
            provider_request_id=answer.provider_request_id,
        )
        return Completion(
            text=redact(answer.text),
            tool_calls=tuple(ToolCall(call.name, redact_json(call.arguments)) for call in answer.tool_calls),
            finish_reason=answer.finish_reason,
            facts=facts,
            request=redact_json(answer.request),
            response=redact_json(answer.response),
            notices=self._notices(request, answer),
        )

    async def propose(self, task: Task, files: Sequence[SourceFile], options: ProposeOptions) -> Proposal:
        """Ask for edits of `files` that do `task`.

        Raises BackendError where there is no answer. A mistake in what the model wrote is not an error: it
        goes into `problems`, to be fed back.
        """
        if options.use_tools and not self.capability.tools:
            options = replace(options, use_tools=False)
        request = build_request(task, files, options)
        completion = await self.complete(request)
        found = read_edits(completion, [file.path for file in files], options)
        return Proposal(tuple(found.edits), tuple(found.problems), request, completion)

    def _notices(self, request: ChatRequest, answer: Answer) -> tuple[str, ...]:
        asked = request.sampling.seed
        if asked is None or answer.seed_sent is not None:
            return ()
        if self.capability.seed is SeedSupport.REJECTED:
            return (f"{self.capability.title} has no seed: {asked} was not sent",)
        return (f"the seed {asked} was not sent",)


def read_edits(completion: Completion, paths: Sequence[str], options: ProposeOptions) -> Extraction:
    """The edits in a completion. A reply that was cut off holds none: half a reply is not applied."""
    if completion.finish_reason in _CUT_OFF:
        message = "the reply was cut off at the token limit; answer with smaller edits"
        return Extraction([], [Problem(message)])
    if completion.finish_reason in _WITHHELD:
        return Extraction([], [Problem(f"the provider withheld the reply ({completion.finish_reason})")])
    if completion.tool_calls:
        return edits_from_tool_calls(completion.tool_calls, paths, options.format)
    return extract(completion.text, paths, options.format)


def echoed_seed(response: Mapping[str, Any]) -> int | None:
    """A seed that the server reports in its answer: at the top, in a choice, or in its settings."""
    choices = response.get("choices") or [{}]
    places = [response, choices[0], response.get("generation_settings") or {}]
    for place in places:
        seed = place.get("seed") if isinstance(place, Mapping) else None
        if isinstance(seed, int) and not isinstance(seed, bool):
            return seed
    return None
