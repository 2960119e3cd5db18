"""Anthropic Messages. This API has no seed: a seed that was asked for is not sent, and the facts of the call
say so.
"""

from __future__ import annotations

from typing import Any

from reasoner.backends.base import Answer, Backend
from reasoner.backends.sdk import from_stainless, load, tool_call
from reasoner.credentials import Secret
from reasoner.errors import BadResponse
from reasoner.types import ChatRequest, Role


class Messages(Backend):
    """Anthropic's Messages API."""

    def __init__(
        self,
        model: str,
        *,
        key: Secret,
        base_url: str | None = None,
        timeout: float = 600.0,
        retries: int = 2,
    ) -> None:
        super().__init__("anthropic", model, timeout)
        self._sdk = load("anthropic", self.name, "anthropic")
        self._client = self._sdk.AsyncAnthropic(
            api_key=key.reveal(), base_url=base_url, timeout=timeout, max_retries=retries
        )

    async def aclose(self) -> None:
        await self._client.close()

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": request.sampling.max_output_tokens,
            "system": "\n\n".join(m.text for m in request.messages if m.role is Role.SYSTEM),
            "messages": [
                {"role": str(m.role), "content": m.text}
                for m in request.messages
                if m.role is not Role.SYSTEM
            ],
        }
        if request.tools:
            body["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
                for tool in request.tools
            ]
        return body

    async def _call(self, request: ChatRequest) -> Answer:
        body = self._body(request)
        # Newer models take no sampling parameters and the SDK's signature has none; older ones still do.
        sampling = {
            field: value
            for field in ("temperature", "top_p")
            if (value := getattr(request.sampling, field)) is not None
        }
        try:
            if request.sampling.stream:
                async with self._client.messages.stream(**body, extra_body=sampling) as stream:
                    reply = await stream.get_final_message()
            else:
                reply = await self._client.messages.create(**body, extra_body=sampling)
        except self._sdk.AnthropicError as error:
            raise from_stainless(self.name, self._sdk, error) from None
        response = reply.model_dump(mode="json", exclude_none=True)
        if response.get("type") != "message" or response.get("stop_reason") is None:
            raise BadResponse(f"{self.name}: the answer breaks off before its end")
        blocks = response.get("content") or []
        usage = response.get("usage") or {}
        return Answer(
            text="".join(block["text"] for block in blocks if block.get("type") == "text"),
            request=body | sampling,
            response=response,
            model=response.get("model"),
            finish_reason=response.get("stop_reason"),
            tool_calls=tuple(
                tool_call(self.name, block["name"], block.get("input"))
                for block in blocks
                if block.get("type") == "tool_use"
            ),
            prompt_tokens=usage.get("input_tokens"),
            output_tokens=usage.get("output_tokens"),
            provider_request_id=response.get("id"),
        )
