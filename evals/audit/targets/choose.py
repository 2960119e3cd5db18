"""Open a target by its name on the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evals.audit.loopback import Fault, FaultyServer, serve
from evals.audit.target import Target
from evals.audit.targets.openai_compatible import OpenAICompatible
from evals.runs.provenance import Provenance, provenance

Options = dict[str, str | int | bool | None]


@contextmanager
def open_target(backend: str, options: Options) -> Iterator[tuple[Target, Provenance]]:
    """The target and what its audit belongs to. Raises ValueError for an unknown name or a missing option."""
    model, url, tokens = str(options["model"] or ""), str(options["url"] or ""), int(options["tokens"] or 64)
    if backend == "openai":
        if not url or not model:
            raise ValueError("openai needs --url (such as http://127.0.0.1:8080/v1) and --model")
        key = os.environ.get("OPENAI_API_KEY", "none")
        yield OpenAICompatible(url, model, key, tokens, bool(options["logprobs"])), provenance(None, model)
    elif backend.startswith("loopback:"):
        fault = Fault(backend.partition(":")[2])
        with serve(FaultyServer(fault)) as address:
            yield OpenAICompatible(address, f"loopback {fault}"), provenance(None, f"loopback {fault}")
    elif backend == "transformers":
        if not model:
            raise ValueError("transformers needs --model, a folder or an id")
        from evals.audit.targets.transformers_server import TransformersServer
        from evals.audit.transformers_batch import BatchGenerator

        gguf = str(options["gguf_file"]) if options["gguf_file"] else None
        generator = BatchGenerator(model, gguf, str(options["dtype"]), str(options["device"]))
        yield TransformersServer(generator, tokens), provenance(None, generator.name)
    elif backend in ("samebytes", "samebytes-grpc"):
        if backend == "samebytes":
            from evals.audit.targets.samebytes import InProcess

            target = InProcess(Path(model) if model else None)
            yield target, target.provenance
        else:
            if not url:
                raise ValueError("samebytes-grpc needs --url, as host:port")
            from evals.audit.targets.samebytes_grpc import Grpc

            yield Grpc(url), provenance(None, model or "unknown")
    else:
        raise ValueError(
            f"unknown backend {backend!r}: samebytes, samebytes-grpc, openai, transformers or loopback:FAULT"
        )
