"""Ollama's own API, for the options that its OpenAI-compatible face has no field for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reasoner.backends.base import Answer, Backend
from reasoner.backends.sdk import from_status, load, tool_call, transport_errors
from reasoner.credentials import Secret
from reasoner.errors import BadResponse, Unreachable
from reasoner.types import ChatRequest


class Ollama(Backend):
    """Ollama's /api/chat. `options` go to the engine as they are, such as {"num_ctx": 32768}."""

    def __init__(
        self,
        model: str,
        *,
        key: Secret | None = None,
        base_url: str | None = None,
        options: Mapping[str, Any] | None = None,
        timeout: float = 600.0,
    ) -> None:
        super().__init__("ollama", model, timeout)
        self._sdk = load("ollama", self.name, "ollama")
        headers = {"Authorization": f"Bearer {key.reveal()}"} if key else {}
        self._client = self._sdk.AsyncClient(host=base_url, timeout=timeout, headers=headers)
        self._options = dict(options or {})

    async def aclose(self) -> None:
        await self._client.close()

    async def _call(self, request: ChatRequest) -> Answer:
        sampling = request.sampling
        options = self._options | {"num_predict": sampling.max_output_tokens}
        for field in ("seed", "temperature", "top_p"):
            if (value := getattr(sampling, field)) is not None:
                options[field] = value
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": str(m.role), "content": m.text} for m in request.messages],
            "options": options,
            "stream": sampling.stream,
        }
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
        try:
            reply = await self._client.chat(**body)
            parts = [part async for part in reply] if sampling.stream else [reply]
        except self._sdk.ResponseError as error:
            raise from_status(self.name, error.status_code, error.error) from None
        except transport_errors() as error:
            raise Unreachable(
                f"ollama: no connection ({type(error).__name__}: {error}); start it with 'ollama serve'"
            ) from None
        return self._answer(body, [part.model_dump(mode="json", exclude_none=True) for part in parts])

    def _answer(self, body: Mapping[str, Any], parts: list[dict[str, Any]]) -> Answer:
        if not parts or not parts[-1].get("done"):
            raise BadResponse("ollama: the stream ended before the answer was complete")
        last = parts[-1]
        messages = [part.get("message") or {} for part in parts]
        calls = [call["function"] for message in messages for call in message.get("tool_calls") or []]
        return Answer(
            text="".join(message.get("content") or "" for message in messages),
            request=body,
            response=last if len(parts) == 1 else {"stream": parts},
            seed_sent=body["options"].get("seed"),
            model=last.get("model"),
            finish_reason=last.get("done_reason"),
            tool_calls=tuple(tool_call(self.name, call["name"], call.get("arguments")) for call in calls),
            prompt_tokens=last.get("prompt_eval_count"),
            output_tokens=last.get("eval_count"),
        )
