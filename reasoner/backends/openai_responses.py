"""OpenAI Responses. This API has no seed: a seed that was asked for is not sent, and the facts of the call
say so.
"""

from __future__ import annotations

from typing import Any

from reasoner.backends.base import Answer, Backend
from reasoner.backends.sdk import from_stainless, load, tool_call
from reasoner.credentials import Secret
from reasoner.errors import BadResponse, ServerFailed
from reasoner.types import ChatRequest, Role


class Responses(Backend):
    """OpenAI's Responses API, stateless: nothing is stored at the provider."""

    def __init__(
        self,
        model: str,
        *,
        key: Secret,
        base_url: str | None = None,
        timeout: float = 600.0,
        retries: int = 2,
    ) -> None:
        super().__init__("openai-responses", model, timeout)
        self._sdk = load("openai", self.name, "openai")
        self._client = self._sdk.AsyncOpenAI(
            api_key=key.reveal(), base_url=base_url, timeout=timeout, max_retries=retries
        )

    async def aclose(self) -> None:
        await self._client.close()

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        system = [m.text for m in request.messages if m.role is Role.SYSTEM]
        body: dict[str, Any] = {
            "model": self.model,
            "instructions": "\n\n".join(system),
            "input": [
                {"role": str(m.role), "content": m.text}
                for m in request.messages
                if m.role is not Role.SYSTEM
            ],
            "max_output_tokens": request.sampling.max_output_tokens,
            "store": False,
        }
        for field in ("temperature", "top_p"):
            if (value := getattr(request.sampling, field)) is not None:
                body[field] = value
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                    "strict": True,
                }
                for tool in request.tools
            ]
        if request.sampling.stream:
            body["stream"] = True
        return body

    async def _call(self, request: ChatRequest) -> Answer:
        body = self._body(request)
        try:
            reply = await self._client.responses.create(**body)
            if request.sampling.stream:
                reply = await _last_response(self.name, reply)
        except self._sdk.OpenAIError as error:
            raise from_stainless(self.name, self._sdk, error) from None
        if reply.status == "failed":
            raise ServerFailed(f"{self.name}: {reply.error.message if reply.error else 'failed'}")
        response = reply.model_dump(mode="json", exclude_none=True)
        incomplete = (response.get("incomplete_details") or {}).get("reason")
        usage = response.get("usage") or {}
        calls = [item for item in response.get("output") or [] if item.get("type") == "function_call"]
        return Answer(
            text=reply.output_text,
            request=body,
            response=response,
            model=response.get("model"),
            finish_reason=incomplete or response.get("status"),
            tool_calls=tuple(tool_call(self.name, call["name"], call["arguments"]) for call in calls),
            prompt_tokens=usage.get("input_tokens"),
            output_tokens=usage.get("output_tokens"),
            provider_request_id=response.get("id"),
        )


async def _last_response(name: str, events: Any) -> Any:
    """The response object that ends a stream of events."""
    last = None
    async for event in events:
        if event.type in ("response.completed", "response.incomplete", "response.failed"):
            last = event.response
        elif event.type == "error":
            raise ServerFailed(f"{name}: {event.message}")
    if last is None:
        raise BadResponse(f"{name}: the stream ended before the response was complete")
    return last
