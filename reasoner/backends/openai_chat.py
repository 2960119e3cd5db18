"""Chat Completions: OpenAI, Azure OpenAI, and every server that speaks the same protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reasoner.backends.base import Answer, Backend, echoed_seed
from reasoner.backends.sdk import from_stainless, load, tool_call
from reasoner.credentials import Secret
from reasoner.errors import BadResponse
from reasoner.types import ChatRequest


class ChatCompletions(Backend):
    """A server that speaks OpenAI's Chat Completions protocol."""

    def __init__(
        self,
        name: str,
        model: str,
        *,
        key: Secret | None,
        base_url: str | None = None,
        headers: Mapping[str, str] | None = None,
        limit_field: str = "max_completion_tokens",
        timeout: float = 600.0,
        retries: int = 2,
    ) -> None:
        super().__init__(name, model, timeout)
        self._sdk = load("openai", name, "openai")
        self._limit_field = limit_field
        self._client = self._make_client(key, base_url, headers, retries)

    def _make_client(
        self, key: Secret | None, base_url: str | None, headers: Mapping[str, str] | None, retries: int
    ) -> Any:
        return self._sdk.AsyncOpenAI(
            # Local servers take any key; the SDK insists on one.
            api_key=key.reveal() if key else "EMPTY",
            base_url=base_url,
            default_headers=dict(headers or {}),
            timeout=self.timeout,
            max_retries=retries,
        )

    async def aclose(self) -> None:
        await self._client.close()

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": str(m.role), "content": m.text} for m in request.messages],
            self._limit_field: sampling.max_output_tokens,
        }
        for field in ("seed", "temperature", "top_p"):
            if (value := getattr(sampling, field)) is not None:
                body[field] = value
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in request.tools
            ]
        if sampling.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body

    async def _call(self, request: ChatRequest) -> Answer:
        body = self._body(request)
        try:
            reply = await self._client.chat.completions.create(**body)
            if request.sampling.stream:
                response = _assembled([chunk.model_dump(mode="json") async for chunk in reply])
            else:
                response = reply.model_dump(mode="json", exclude_none=True)
        except self._sdk.OpenAIError as error:
            raise from_stainless(self.name, self._sdk, error) from None
        return self._answer(body, response)

    def _answer(self, body: Mapping[str, Any], response: Mapping[str, Any]) -> Answer:
        choices = response.get("choices") or []
        if not choices:
            raise BadResponse(f"{self.name}: the answer has no choices")
        if choices[0].get("finish_reason") is None:
            raise BadResponse(f"{self.name}: the answer breaks off before its end")
        message = choices[0].get("message") or {}
        usage = response.get("usage") or {}
        calls = [call["function"] for call in message.get("tool_calls") or [] if call.get("function")]
        return Answer(
            text=message.get("content") or "",
            request=body,
            response=response,
            seed_sent=body.get("seed"),
            seed_echoed=echoed_seed(response),
            system_fingerprint=response.get("system_fingerprint") or None,
            model=response.get("model"),
            finish_reason=choices[0].get("finish_reason"),
            tool_calls=tuple(tool_call(self.name, call["name"], call.get("arguments")) for call in calls),
            prompt_tokens=usage.get("prompt_tokens"),
            output_tokens=usage.get("completion_tokens"),
            provider_request_id=response.get("id"),
        )


class AzureChatCompletions(ChatCompletions):
    """Azure OpenAI: the same protocol under a deployment's address, with an API version."""

    def __init__(self, model: str, *, key: Secret, endpoint: str, api_version: str, **options: Any) -> None:
        self._api_version = api_version
        super().__init__("azure", model, key=key, base_url=endpoint, **options)

    def _make_client(
        self, key: Secret | None, base_url: str | None, headers: Mapping[str, str] | None, retries: int
    ) -> Any:
        assert key is not None
        return self._sdk.AsyncAzureOpenAI(
            api_key=key.reveal(),
            azure_endpoint=base_url,
            azure_deployment=self.model,
            api_version=self._api_version,
            default_headers=dict(headers or {}),
            timeout=self.timeout,
            max_retries=retries,
        )


def _assembled(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer that a stream's chunks amount to, in the shape of an answer that was not streamed."""
    whole: dict[str, Any] = {}
    message: dict[str, Any] = {"content": ""}
    calls: dict[int, dict[str, Any]] = {}
    finish_reason = None
    extra: dict[str, Any] = {}
    for chunk in chunks:
        # The first chunk that has a value wins; usage comes last.
        whole |= {k: v for k, v in chunk.items() if k not in ("choices", "object") and v is not None}
        for choice in chunk.get("choices") or []:
            delta = choice.get("delta") or {}
            message["content"] += delta.get("content") or ""
            finish_reason = choice.get("finish_reason") or finish_reason
            if choice.get("seed") is not None:
                extra["seed"] = choice["seed"]
            for part in delta.get("tool_calls") or []:
                call = calls.setdefault(part["index"], {"function": {"name": "", "arguments": ""}})
                function = part.get("function") or {}
                call["function"]["name"] += function.get("name") or ""
                call["function"]["arguments"] += function.get("arguments") or ""
    if not any(chunk.get("choices") for chunk in chunks):
        return whole
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return whole | {"choices": [{"message": message, "finish_reason": finish_reason, **extra}]}
