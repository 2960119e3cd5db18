"""From a backend's name to the backend, with the key it needs."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reasoner.backends.base import Backend
from reasoner.backends.presets import PRESETS
from reasoner.capabilities import BY_NAME
from reasoner.credentials import Secret, lookup
from reasoner.errors import MissingKey, UsageError


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """Where a backend is and how to reach it. Keys are never here: they are looked up when it is made."""

    name: str
    model: str = ""
    base_url: str | None = None
    api_version: str | None = None  # Azure
    project: str | None = None  # Vertex AI
    location: str | None = None  # Vertex AI
    headers: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)  # Ollama's native ones; threads of llama.cpp
    timeout: float = 600.0
    retries: int = 2


def create(settings: BackendSettings) -> Backend:
    """The backend, its SDK imported and its key found.

    Raises UsageError (unknown name, no model, no address), MissingDependency or MissingKey.
    """
    name = settings.name
    if name not in BY_NAME:
        close = difflib.get_close_matches(name, BY_NAME, 1)
        hint = f"did you mean {close[0]!r}?" if close else "see 'samebytes backends'"
        raise UsageError(f"there is no backend {name!r}; {hint}")
    if not settings.model:
        raise UsageError(f"{name}: say which model, with --backend {name}:MODEL or --model")
    reach: dict[str, Any] = {"timeout": settings.timeout, "retries": settings.retries}
    if name in PRESETS:
        return _chat(settings, reach)
    if name == "openai-responses":
        from reasoner.backends.openai_responses import Responses

        return Responses(settings.model, key=_key(name), base_url=_url(settings, "OPENAI_BASE_URL"), **reach)
    if name == "azure":
        from reasoner.backends.openai_chat import AzureChatCompletions

        endpoint = _url(settings, "AZURE_OPENAI_ENDPOINT")
        if not endpoint:
            raise UsageError("azure: say where, with --base-url or AZURE_OPENAI_ENDPOINT")
        version = settings.api_version or os.environ.get("OPENAI_API_VERSION") or "2024-10-21"
        return AzureChatCompletions(
            settings.model, key=_key(name), endpoint=endpoint, api_version=version, **reach
        )
    if name == "anthropic":
        from reasoner.backends.anthropic_messages import Messages

        return Messages(
            settings.model, key=_key(name), base_url=_url(settings, "ANTHROPIC_BASE_URL"), **reach
        )
    if name in ("gemini", "vertex"):
        return _gemini(settings, reach)
    if name == "ollama":
        from reasoner.backends.ollama_native import Ollama

        return Ollama(
            settings.model,
            key=lookup(*BY_NAME[name].keys),
            base_url=_url(settings, "OLLAMA_HOST"),
            options=settings.options,
            timeout=settings.timeout,
        )
    return _local(settings)


def _chat(settings: BackendSettings, reach: Mapping[str, Any]) -> Backend:
    from reasoner.backends.openai_chat import ChatCompletions

    preset = PRESETS[settings.name]
    base_url = _url(settings, preset.url_variable) or preset.base_url
    hosted = settings.name in ("openai", "portkey")
    if base_url is None and not hosted:
        raise UsageError(f"{settings.name}: say where, with --base-url or {preset.url_variable}")
    key = _key(settings.name) if hosted else lookup(*BY_NAME[settings.name].keys)
    headers = dict(settings.headers)
    if settings.name == "portkey" and key is not None:
        # Portkey's own key goes in its own header; the Authorization header is for the provider behind it.
        headers.setdefault("x-portkey-api-key", key.reveal())
        key = lookup("OPENAI_API_KEY")
    return ChatCompletions(
        settings.name,
        settings.model,
        key=key,
        base_url=base_url,
        headers=headers,
        limit_field=preset.limit_field,
        **reach,
    )


def _gemini(settings: BackendSettings, reach: Mapping[str, Any]) -> Backend:
    from reasoner.backends.gemini import Gemini

    project = settings.project or os.environ.get("GOOGLE_CLOUD_PROJECT")
    by_project = settings.name == "vertex" and project is not None
    return Gemini(
        settings.name,
        settings.model,
        key=None if by_project else _key(settings.name),
        base_url=_url(settings, "GOOGLE_GEMINI_BASE_URL"),
        project=project if by_project else None,
        location=(settings.location or os.environ.get("GOOGLE_CLOUD_LOCATION") or "global")
        if by_project
        else None,
        **reach,
    )


def _local(settings: BackendSettings) -> Backend:
    if settings.name == "transformers":
        from reasoner.backends.transformers_local import Transformers

        return Transformers(settings.model, timeout=settings.timeout)
    if settings.name == "llama-cpp-python":
        from reasoner.backends.llama_cpp_local import LlamaCpp

        threads = settings.options.get("threads")
        return LlamaCpp(settings.model, threads=threads, timeout=settings.timeout)
    from reasoner.backends.recorded import Recorded, ReplyFile

    if settings.name == "recorded":
        return Recorded(Path(settings.model))
    return ReplyFile(*(Path(part) for part in settings.model.split(",")))


def _url(settings: BackendSettings, variable: str) -> str | None:
    return settings.base_url or os.environ.get(variable)


def _key(name: str) -> Secret:
    names = BY_NAME[name].keys
    if key := lookup(*names):
        return key
    raise MissingKey(
        f"{name}: no key; set {names[0]} in the environment, or store it with: "
        f"keyring set samebytes {names[0]}"
    )
