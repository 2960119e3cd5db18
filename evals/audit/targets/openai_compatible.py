"""Any server with OpenAI's chat completions: llama.cpp, vLLM, SGLang, or a provider."""

from __future__ import annotations

from typing import Any

from evals.audit.target import Ask, Reply
from evals.audit.targets.prompts import PromptWorkload


class OpenAICompatible:
    """Greedy (temperature 0) without a seed; temperature 1 with one.

    `logprobs` asks for the tokens of the answer, which some servers do not give; divergence is then counted
    in bytes.
    """

    samples = True

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str = "none",
        max_tokens: int = 96,
        logprobs: bool = False,
        timeout: float = 120,
    ) -> None:
        from openai import AsyncOpenAI

        self.name = f"{model} at {base_url}"
        self.model = model
        self.workload = PromptWorkload()
        self._max_tokens = max_tokens
        self._logprobs = logprobs
        # A retry would hide a failed request, and might be answered by another replica.
        self._client = AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=0, timeout=timeout)

    async def ask(self, ask: Ask) -> Reply:
        options: dict[str, Any] = (
            {"seed": ask.seed, "temperature": 1.0} if ask.seed is not None else {"temperature": 0.0}
        )
        if self._logprobs:
            options["logprobs"] = True
        completion = await self._client.chat.completions.create(
            model=self.model,
            messages=[{"role": "user", "content": ask.payload}],
            max_tokens=self._max_tokens,
            **options,
        )
        choice = completion.choices[0]
        tokens = None
        if choice.logprobs and choice.logprobs.content:
            tokens = tuple(entry.token for entry in choice.logprobs.content)
        return Reply(
            output=(choice.message.content or "").encode("utf-8", "surrogatepass"),
            tokens=tokens,
            fingerprint=completion.system_fingerprint or None,
        )

    async def close(self) -> None:
        await self._client.close()
