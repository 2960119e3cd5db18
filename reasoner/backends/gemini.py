"""Gemini, from the Gemini API or from Vertex AI. The seed is best effort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reasoner.backends.base import Answer, Backend
from reasoner.backends.sdk import from_status, load, tool_call, transport_errors
from reasoner.credentials import Secret
from reasoner.errors import BadResponse, Unreachable
from reasoner.types import ChatRequest, Role


class Gemini(Backend):
    """Google's generateContent, through the google-genai SDK.

    With `project` and `location` it is Vertex AI, which authenticates by application default
    credentials; with a key it is the Gemini API, or Vertex AI in express mode.
    """

    def __init__(
        self,
        name: str,
        model: str,
        *,
        key: Secret | None,
        base_url: str | None = None,
        project: str | None = None,
        location: str | None = None,
        credentials: Any = None,
        timeout: float = 600.0,
        retries: int = 2,
    ) -> None:
        super().__init__(name, model, timeout)
        genai = load("google.genai", name, "gemini")
        self._types, self._errors = genai.types, load("google.genai.errors", name, "gemini")
        self._client = genai.Client(
            vertexai=name == "vertex",
            api_key=key.reveal() if key else None,
            project=project,
            location=location,
            credentials=credentials,
            http_options=self._types.HttpOptions(
                base_url=base_url,
                timeout=int(timeout * 1000),
                retry_options=self._types.HttpRetryOptions(attempts=retries + 1),
            ),
        )

    async def aclose(self) -> None:
        await self._client.aio.aclose()

    def _config(self, request: ChatRequest) -> dict[str, Any]:
        sampling = request.sampling
        config: dict[str, Any] = {
            "system_instruction": "\n\n".join(m.text for m in request.messages if m.role is Role.SYSTEM),
            "max_output_tokens": sampling.max_output_tokens,
        }
        for field in ("seed", "temperature", "top_p"):
            if (value := getattr(sampling, field)) is not None:
                config[field] = value
        if request.tools:
            functions = [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters_json_schema": dict(tool.parameters),
                }
                for tool in request.tools
            ]
            config["tools"] = [{"function_declarations": functions}]
        return config

    async def _call(self, request: ChatRequest) -> Answer:
        config = self._config(request)
        contents = [
            {"role": "model" if m.role is Role.ASSISTANT else "user", "parts": [{"text": m.text}]}
            for m in request.messages
            if m.role is not Role.SYSTEM
        ]
        body = {"model": self.model, "contents": contents, "config": config}
        models = self._client.aio.models
        try:
            if request.sampling.stream:
                chunks = [_dump(chunk) async for chunk in await models.generate_content_stream(**body)]
            else:
                chunks = [_dump(await models.generate_content(**body))]
        except self._errors.APIError as error:
            message = error.message or str(error.status)
            raise from_status(self.name, error.code or 500, message) from None
        except transport_errors() as error:
            raise Unreachable(f"{self.name}: no connection ({type(error).__name__}: {error})") from None
        return self._answer(body, chunks)

    def _answer(self, body: Mapping[str, Any], chunks: list[dict[str, Any]]) -> Answer:
        text, calls, finish = "", [], None
        for chunk in chunks:
            if blocked := (chunk.get("prompt_feedback") or {}).get("block_reason"):
                raise BadResponse(f"{self.name}: the prompt was blocked: {blocked}")
            for candidate in (chunk.get("candidates") or [])[:1]:
                finish = candidate.get("finish_reason") or finish
                for part in (candidate.get("content") or {}).get("parts") or []:
                    if part.get("text") and not part.get("thought"):
                        text += part["text"]
                    if call := part.get("function_call"):
                        calls.append(tool_call(self.name, call["name"], call.get("args")))
        if not chunks or finish is None:
            raise BadResponse(f"{self.name}: the answer has no finished candidate")
        last = chunks[-1]
        usage = last.get("usage_metadata") or {}
        return Answer(
            text=text,
            request=body,
            response=chunks[0] if len(chunks) == 1 else {"stream": chunks},
            seed_sent=body["config"].get("seed"),
            model=last.get("model_version"),
            finish_reason=finish,
            tool_calls=tuple(calls),
            prompt_tokens=usage.get("prompt_token_count"),
            output_tokens=usage.get("candidates_token_count"),
            provider_request_id=last.get("response_id"),
        )


def _dump(chunk: Any) -> dict[str, Any]:
    return chunk.model_dump(mode="json", exclude_none=True, exclude={"sdk_http_response"})
