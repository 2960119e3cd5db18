"""Servers that speak Chat Completions: their usual addresses and what differs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """How to reach one kind of server. `url_variable` names the environment variable for its address."""

    base_url: str | None
    url_variable: str
    limit_field: str = "max_tokens"  # the older name, which every server knows


PRESETS = {
    "openai": Preset(None, "OPENAI_BASE_URL", "max_completion_tokens"),
    "vllm": Preset("http://localhost:8000/v1", "VLLM_BASE_URL"),
    "sglang": Preset("http://localhost:30000/v1", "SGLANG_BASE_URL"),
    "tgi": Preset("http://localhost:8080/v1", "TGI_BASE_URL"),
    "tensorrt-llm": Preset("http://localhost:8000/v1", "TRTLLM_BASE_URL"),
    "llama.cpp": Preset("http://localhost:8080/v1", "LLAMA_BASE_URL"),
    "transformers-serve": Preset("http://localhost:8000/v1", "TRANSFORMERS_BASE_URL"),
    "ollama-openai": Preset("http://localhost:11434/v1", "OLLAMA_BASE_URL"),
    "litellm": Preset("http://localhost:4000/v1", "LITELLM_BASE_URL"),
    "portkey": Preset("https://api.portkey.ai/v1", "PORTKEY_BASE_URL"),
    "openai-compatible": Preset(None, "OPENAI_COMPATIBLE_BASE_URL"),
}
