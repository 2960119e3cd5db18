"""A Hugging Face model in this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from reasoner.backends.base import Answer
from reasoner.backends.local import LocalBackend, file_version, fresh_seed
from reasoner.backends.sdk import load
from reasoner.errors import UsageError
from reasoner.types import ChatRequest


class Transformers(LocalBackend):
    """A causal language model with a chat template: a folder, a hub id, or a GGUF file."""

    def __init__(self, model: str, *, timeout: float = 600.0) -> None:
        super().__init__("transformers", model, timeout)
        # A folder named `kernels` beside the program looks like the package of that name to transformers.
        os.environ.setdefault("USE_HUB_KERNELS", "0")
        self._transformers = load("transformers", self.name, "transformers")
        self._torch = load("torch", self.name, "transformers")
        self._loaded: tuple[Any, Any, str] | None = None

    def _load(self) -> tuple[Any, Any, str]:
        if self._loaded is None:
            path = Path(self.model)
            where: dict[str, Any] = {"pretrained_model_name_or_path": self.model}
            if path.suffix == ".gguf":
                where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
            try:
                tokenizer = self._transformers.AutoTokenizer.from_pretrained(**where)
                model = self._transformers.AutoModelForCausalLM.from_pretrained(**where).eval()
            except (OSError, ValueError) as error:
                raise UsageError(f"transformers: cannot load {self.model}: {error}") from None
            revision = getattr(model.config, "_commit_hash", None)
            version = file_version(path) if path.is_file() else f"{self.model}@{revision or 'local'}"
            self._loaded = tokenizer, model, version
        return self._loaded

    def _generate(self, request: ChatRequest) -> Answer:
        tokenizer, model, version = self._load()
        torch, sampling = self._torch, request.sampling
        messages = [{"role": str(m.role), "content": m.text} for m in request.messages]
        inputs = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        ).to(model.device)
        prompt_tokens = inputs["input_ids"].shape[1]
        temperature = 1.0 if sampling.temperature is None else sampling.temperature
        arguments: dict[str, Any] = {
            "max_new_tokens": sampling.max_output_tokens,
            "do_sample": temperature > 0,
        }
        if temperature > 0:
            # top_k=0: the whole distribution, not the library's default of 50
            arguments |= {"temperature": temperature, "top_p": sampling.top_p or 1.0, "top_k": 0}
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(fresh_seed(sampling))
            output = model.generate(**inputs, **arguments)[0, prompt_tokens:]
        ended = output[-1].item() in _end_ids(model)
        text = tokenizer.decode(output, skip_special_tokens=True)
        fingerprint = (
            f"transformers-{self._transformers.__version__}-torch-{torch.__version__}-{model.device}"
        )
        return Answer(
            text=text,
            request={"messages": messages, "seed": sampling.seed, **arguments},
            response={"text": text, "tokens": output.tolist(), "model": version},
            seed_sent=sampling.seed,
            system_fingerprint=fingerprint,
            model=version,
            finish_reason="stop" if ended else "length",
            prompt_tokens=prompt_tokens,
            output_tokens=len(output),
        )


def _end_ids(model: Any) -> set[int]:
    ids = model.generation_config.eos_token_id
    return set(ids) if isinstance(ids, list) else {ids}
