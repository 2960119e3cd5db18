"""llama-cpp-python: a GGUF file in this process."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from reasoner.backends.base import Answer
from reasoner.backends.local import LocalBackend, file_version, fresh_seed
from reasoner.backends.sdk import tool_call
from reasoner.errors import MissingDependency, UsageError
from reasoner.types import ChatRequest

_NO_DISK_CACHE = "diskcache"


class LlamaCpp(LocalBackend):
    """llama.cpp through llama-cpp-python's chat completion."""

    def __init__(
        self, model: str, *, context: int = 8192, threads: int | None = None, timeout: float = 600.0
    ) -> None:
        super().__init__("llama-cpp-python", model, timeout)
        self._library = _import_llama_cpp()
        self._path = Path(model)
        if not self._path.is_file():
            raise UsageError(f"llama-cpp-python: there is no GGUF file at {model}")
        self._context, self._threads = context, threads
        self._llama: Any = None
        self._version = ""

    async def aclose(self) -> None:
        if self._llama is not None:
            self._llama.close()
            self._llama = None

    def _generate(self, request: ChatRequest) -> Answer:
        if self._llama is None:
            self._llama = self._library.Llama(
                str(self._path),
                n_ctx=self._context,
                n_threads=self._threads,
                n_threads_batch=self._threads,
                verbose=False,
            )
            self._version = file_version(self._path)
        sampling = request.sampling
        # A kept prefix is evaluated in other batches than a new one, and floats then differ in the last bit.
        self._llama.reset()
        body: dict[str, Any] = {
            "messages": [{"role": str(m.role), "content": m.text} for m in request.messages],
            "max_tokens": sampling.max_output_tokens,
            "temperature": 1.0 if sampling.temperature is None else sampling.temperature,
            "top_p": 1.0 if sampling.top_p is None else sampling.top_p,
            # the whole distribution, not the library's defaults
            "top_k": 0,
            "min_p": 0.0,
        }
        try:
            response = self._llama.create_chat_completion(**body, seed=fresh_seed(sampling))
        except ValueError as error:  # the prompt does not fit the context
            raise UsageError(f"llama-cpp-python: {error}") from None
        choice, usage = response["choices"][0], response.get("usage") or {}
        calls = [call["function"] for call in choice["message"].get("tool_calls") or []]
        return Answer(
            text=choice["message"].get("content") or "",
            request=body | {"seed": sampling.seed},
            response=response,
            seed_sent=sampling.seed,
            system_fingerprint=f"llama-cpp-python-{self._library.__version__}",
            model=self._version,
            finish_reason=choice.get("finish_reason"),
            tool_calls=tuple(tool_call(self.name, call["name"], call["arguments"]) for call in calls),
            prompt_tokens=usage.get("prompt_tokens"),
            output_tokens=usage.get("completion_tokens"),
        )


def _import_llama_cpp() -> ModuleType:
    """Import llama_cpp, also where `diskcache` is left out.

    The library imports diskcache for an optional cache that is not used here, and diskcache unpickles
    what it finds on disk. Installed with `--no-deps`, an empty module stands in during the import.
    """
    stand_in = importlib.util.find_spec(_NO_DISK_CACHE) is None and _NO_DISK_CACHE not in sys.modules
    if stand_in:
        sys.modules[_NO_DISK_CACHE] = ModuleType(_NO_DISK_CACHE)
    try:
        import llama_cpp
    except ImportError as error:
        if (error.name or "") != "llama_cpp":
            raise
        raise MissingDependency("llama-cpp-python", "llama_cpp", "llama-cpp-python") from None
    finally:
        if stand_in:
            del sys.modules[_NO_DISK_CACHE]
    return llama_cpp
