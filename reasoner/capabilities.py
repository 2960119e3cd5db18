"""What each backend does with a seed, as data. `samebytes backends` prints it.

`seed` is what the provider documents; `samebytes probe-seed` finds out what a deployment does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SeedSupport(StrEnum):
    """What is promised for two calls with the same seed."""

    CONTRACT = "contract"  # the same output, always
    BEST_EFFORT = "best effort"  # the seed is used; equal output is likely or conditional
    IGNORED = "ignored"  # accepted, and without effect as the server is usually run
    REJECTED = "rejected"  # there is no such field; a request with one is refused, so none is sent


class Tried(StrEnum):
    """How this backend is exercised by the test suite."""

    REAL = "real server"
    WIRE = "wire format"  # the official SDK against the provider's documented format, on the loopback
    IN_PROCESS = "real library"


@dataclass(frozen=True, slots=True)
class Capability:
    """One row of the table."""

    name: str
    title: str
    seed: SeedSupport
    note: str
    fingerprint: str | None  # what tells that the model behind a name has changed; None: nothing does
    logprobs: bool
    tools: bool
    extra: str | None  # the optional dependency group that brings its SDK
    keys: tuple[str, ...]  # environment or keyring names, in the order they are looked up
    tried: Tried


_C, _B, _I, _R = SeedSupport.CONTRACT, SeedSupport.BEST_EFFORT, SeedSupport.IGNORED, SeedSupport.REJECTED
_SYSTEM = "system_fingerprint"

CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "openai", "OpenAI Chat Completions", _B,
        "'best effort to sample deterministically' while system_fingerprint stays the same; "
        "some reasoning models refuse it",
        _SYSTEM, True, True, "openai", ("OPENAI_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "openai-responses", "OpenAI Responses", _R,
        "the Responses API has no seed field",
        None, True, True, "openai", ("OPENAI_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "azure", "Azure OpenAI", _B,
        "as OpenAI Chat Completions, per deployment",
        _SYSTEM, True, True, "openai", ("AZURE_OPENAI_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "anthropic", "Anthropic Messages", _R,
        "the Messages API has no seed field, and temperature 0 is not promised to repeat",
        None, False, True, "anthropic", ("ANTHROPIC_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "gemini", "Gemini API", _B,
        "'best effort to provide the same response for repeated requests'",
        "modelVersion", True, True, "gemini", ("GEMINI_API_KEY", "GOOGLE_API_KEY"), Tried.WIRE,
    ),
    Capability(
        "vertex", "Gemini on Vertex AI", _B,
        "as the Gemini API",
        "modelVersion", True, True, "gemini", ("VERTEX_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "vllm", "vLLM", _B,
        "per-request generator; equal output needs batch invariance, and the same hardware and version",
        None, True, True, "openai", ("VLLM_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "sglang", "SGLang", _I,
        "used only where the server runs with --enable-deterministic-inference",
        None, True, True, "openai", ("SGLANG_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "tgi", "Text Generation Inference", _B,
        "seeds the sampler of the request; batching can still change the logits",
        _SYSTEM, True, True, "openai", ("TGI_API_KEY", "HF_TOKEN"), Tried.WIRE,
    ),
    Capability(
        "tensorrt-llm", "TensorRT-LLM (trtllm-serve)", _B,
        "seeds the sampler of the request; batching can still change the logits",
        None, True, True, "openai", ("TRTLLM_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "llama.cpp", "llama.cpp server", _B,
        "seeds the sampler; slots, batching and the prompt cache can still change the logits",
        "system_fingerprint (build)", True, True, "openai", ("LLAMA_API_KEY",), Tried.REAL,
    ),
    Capability(
        "transformers-serve", "transformers serve", _B,
        "seeds torch globally, so requests side by side disturb each other; samples only where the model's "
        "generation_config has do_sample, whatever temperature is sent",
        None, False, True, "openai", ("TRANSFORMERS_API_KEY",), Tried.REAL,
    ),
    Capability(
        "ollama", "Ollama, native API", _B,
        "options.seed of the native API; the same engine as llama.cpp",
        None, True, True, "ollama", ("OLLAMA_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "ollama-openai", "Ollama, OpenAI-compatible", _B,
        "passed on to options.seed",
        "system_fingerprint (constant)", True, True, "openai", ("OLLAMA_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "litellm", "LiteLLM proxy", _B,
        "as the provider behind it; drop_params drops it in silence where that has none: probe it",
        "as behind it", True, True, "openai", ("LITELLM_API_KEY", "LITELLM_MASTER_KEY"), Tried.WIRE,
    ),
    Capability(
        "portkey", "Portkey gateway", _B,
        "as the provider behind it; the gateway may drop it or answer from its cache: probe it",
        "as behind it", True, True, "openai", ("PORTKEY_API_KEY",), Tried.WIRE,
    ),
    Capability(
        "openai-compatible", "any OpenAI-compatible server", _B,
        "unknown: probe it",
        "as the server reports it", True, True, "openai", ("OPENAI_COMPATIBLE_API_KEY",), Tried.REAL,
    ),
    Capability(
        "transformers", "Hugging Face transformers, in process", _B,
        "one request at a time from a seeded generator: equal on the same machine and build",
        "library versions", False, False, "transformers", ("HF_TOKEN",), Tried.IN_PROCESS,
    ),
    Capability(
        "llama-cpp-python", "llama-cpp-python, in process", _B,
        "one request at a time from a seeded sampler: equal on the same machine and build",
        "library version", False, True, None, (), Tried.IN_PROCESS,
    ),
    Capability(
        "recorded", "answers recorded in a ledger", _C,
        "the recorded bytes, for the recorded request",
        "as recorded", False, True, None, (), Tried.IN_PROCESS,
    ),
    Capability(
        "reply-file", "a reply you already have, from a file", _C,
        "the file's bytes",
        None, False, False, None, (), Tried.IN_PROCESS,
    ),
)  # fmt: skip

BY_NAME = {capability.name: capability for capability in CAPABILITIES}
