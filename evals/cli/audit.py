"""`samebytes eval audit`: what kind of determinism does a server have?"""

from __future__ import annotations

from typing import Annotated

import typer

from evals.cli.options import Out, console, usage_errors


def audit(
    out: Out,
    backend: Annotated[
        str,
        typer.Option(
            help="samebytes, samebytes-grpc, openai, transformers, or loopback:FAULT (a known fault)."
        ),
    ],
    url: Annotated[str, typer.Option(help="openai: base URL; samebytes-grpc: host:port.")] = "",
    model: Annotated[
        str, typer.Option(help="openai: model name; transformers, samebytes: folder or id.")
    ] = "",
    gguf_file: Annotated[
        str | None, typer.Option(help="transformers: a GGUF file in the model's folder.")
    ] = None,
    dtype: Annotated[str, typer.Option(help="transformers: bfloat16, float16 or float32.")] = "bfloat16",
    device: Annotated[str, typer.Option(help="transformers: cpu or cuda.")] = "cpu",
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of each answer.")] = 64,
    logprobs: Annotated[bool, typer.Option(help="openai: ask for the tokens of the answer.")] = False,
    repeats: Annotated[int, typer.Option(min=2, help="Requests in each condition.")] = 20,
    concurrency: Annotated[
        list[int] | None, typer.Option(min=1, help="Requests in flight; may be repeated.")
    ] = None,
    identical: Annotated[
        int, typer.Option(min=0, help="At least so many identical requests, over all conditions.")
    ] = 0,
) -> None:
    """Send identical requests under changing conditions and say what kind of determinism the server has.

    The key for an OpenAI-compatible server is read from OPENAI_API_KEY.
    """
    from evals.audit.run import AuditConfig, run_audit
    from evals.audit.targets.choose import open_target
    from evals.report.terminal import print_audit

    with usage_errors():
        options: dict[str, str | int | bool | None] = {
            "url": url,
            "model": model,
            "gguf_file": gguf_file,
            "dtype": dtype,
            "device": device,
            "tokens": tokens,
            "logprobs": logprobs,
        }
        levels = tuple(sorted(set(concurrency or (2, 4, 8))))
        if max(levels) < 2:
            raise ValueError("an audit needs a concurrency of at least 2")
        config = AuditConfig(
            out=out,
            backend=backend,
            target_options=options,
            repeats=repeats,
            concurrencies=levels,
            identical=identical,
        )
        with open_target(backend, options) as (target, origin):
            summary = run_audit(config, target, origin)
    print_audit(console(), summary)
