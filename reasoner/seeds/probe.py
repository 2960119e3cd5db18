"""The seed-path probe: send seeds through everything between here and the model, and see what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reasoner.backends.base import Backend
from reasoner.capabilities import SeedSupport
from reasoner.digest import sha256
from reasoner.errors import ParameterRejected, UsageError
from reasoner.seeds.stats import PermutationTest, largest_failure_rate, permutation_test
from reasoner.types import ChatRequest, Completion, Message, Role, Sampling

PROMPT = "Write one unusual sentence about a place, a number and an animal. Do not explain it."
_FIRST_SEED = 1234
_SEED_STRIDE = 7_919  # far apart, and all of them below 2^31, which every server takes


class Verdict(StrEnum):
    """What a deployment does with a seed."""

    HONOURED = "honoured"
    BEST_EFFORT = "best effort"
    IGNORED = "ignored"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """`calls` a group; `concurrency` above one shows what batching does to a seed."""

    calls: int = 8
    temperature: float = 1.0
    max_output_tokens: int = 32
    alpha: float = 0.01
    concurrency: int = 1
    prompt: str = PROMPT
    seed: int = _FIRST_SEED


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """The verdict with everything it rests on. Outputs are SHA-256 of the replies."""

    verdict: Verdict
    why: str
    test: PermutationTest | None
    same_seed: tuple[str, ...] = ()
    other_seeds: tuple[str, ...] = ()
    no_seed: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    seeds_sent: int = 0
    seeds_echoed: int = 0


async def probe(
    backend: Backend,
    options: ProbeOptions,
    on_call: Callable[[ChatRequest, Completion], None] = lambda *_: None,
) -> ProbeReport:
    """Call with one seed, with different seeds and with none, in turn, and compare how often replies agree.

    The three kinds of call are interleaved, so that a server which changes over time does not favour one.
    Raises UsageError for fewer than two calls or temperature 0, BackendError where the server cannot be
    reached or refuses more than the seed.
    """
    if options.calls < 2 or options.temperature <= 0:
        raise UsageError("the probe needs at least two calls a group and a temperature above 0")
    seeds: list[int | None] = []
    for index in range(options.calls):
        seeds += [options.seed, options.seed + (index + 1) * _SEED_STRIDE]
    # Two calls without a seed: enough to tell a cache or a fixed default seed from a seed that works.
    seeds += [None, None]
    try:
        first = await _call(backend, options, seeds[0])
    except ParameterRejected as error:
        return await _rejected(backend, options, error)
    on_call(*first)
    if first[1].facts.seed_sent is None:
        why = f"{backend.capability.title} has no seed; none was sent"
        return ProbeReport(Verdict.REJECTED, why, None)
    gate = asyncio.Semaphore(options.concurrency)

    async def one(seed: int | None) -> tuple[ChatRequest, Completion]:
        async with gate:
            result = await _call(backend, options, seed)
            on_call(*result)
            return result

    answered = [first, *await asyncio.gather(*(one(seed) for seed in seeds[1:]))]
    return _judge(options, seeds, [completion for _, completion in answered])


async def _call(backend: Backend, options: ProbeOptions, seed: int | None) -> tuple[ChatRequest, Completion]:
    sampling = Sampling(seed, options.temperature, max_output_tokens=options.max_output_tokens)
    request = ChatRequest((Message(Role.USER, options.prompt),), sampling)
    return request, await backend.complete(request)


async def _rejected(backend: Backend, options: ProbeOptions, error: ParameterRejected) -> ProbeReport:
    """Rejected only if the same request without the seed is taken."""
    if error.parameter != "seed":
        raise error
    await _call(backend, options, None)
    return ProbeReport(Verdict.REJECTED, f"the server refuses the seed: {error}", None)


def _judge(
    options: ProbeOptions, seeds: Sequence[int | None], completions: Sequence[Completion]
) -> ProbeReport:
    outputs = [sha256(completion.text) for completion in completions]
    same = tuple(out for out, seed in zip(outputs, seeds, strict=True) if seed == options.seed)
    other = tuple(out for out, seed in zip(outputs, seeds, strict=True) if seed not in (options.seed, None))
    none = tuple(out for out, seed in zip(outputs, seeds, strict=True) if seed is None)
    test = permutation_test(same, other)
    verdict, why = _verdict(options, same, other, none, test)
    facts = [completion.facts for completion in completions]
    return ProbeReport(
        verdict,
        why,
        test,
        same,
        other,
        none,
        fingerprints=tuple(dict.fromkeys(f.system_fingerprint for f in facts if f.system_fingerprint)),
        models=tuple(dict.fromkeys(f.model for f in facts if f.model)),
        seeds_sent=sum(f.seed_sent is not None for f in facts),
        seeds_echoed=sum(f.seed_echoed is not None and f.seed_echoed == f.seed_sent for f in facts),
    )


def _verdict(
    options: ProbeOptions,
    same: Sequence[str],
    other: Sequence[str],
    none: Sequence[str],
    test: PermutationTest,
) -> tuple[Verdict, str]:
    p = f"p = {test.p_value:.2g}"
    n = len(same)
    if len({*same, *other}) == 1:
        return Verdict.INCONCLUSIVE, (
            f"all {2 * n} replies are equal, whatever the seed: temperature has no effect, a cache answers, "
            "or the reply is too short; raise --temperature or --max-tokens"
        )
    if test.smallest_p > options.alpha:
        return Verdict.INCONCLUSIVE, f"{n} calls a group cannot reach p < {options.alpha:g}; use a larger -n"
    if test.p_value >= options.alpha:
        return Verdict.IGNORED, (
            f"replies with one seed agree no more often than replies with different seeds ({p}): "
            "something on the way drops the seed, or the model takes no notice of it"
        )
    caution = ""
    if len(set(none)) == 1 and set(none) != set(same):
        caution = "; calls without a seed agree too, so the server has a default seed, or a cache answers"
    if len(set(same)) == 1:
        bound = largest_failure_rate(n - 1)
        return Verdict.HONOURED, (
            f"{n} of {n} replies with one seed are equal, and different seeds differ ({p}); "
            f"a failure rate up to {bound:.0%} would still look like this (95 %){caution}"
        )
    return Verdict.BEST_EFFORT, (
        f"replies with one seed agree in {test.agreement_first:.0%} of pairs, with different seeds in "
        f"{test.agreement_second:.0%} ({p}): the seed is used, and does not decide{caution}"
    )


def is_surprise(report: ProbeReport, documented: SeedSupport) -> bool:
    """Whether the verdict is worse than what the backend documents."""
    rank = {Verdict.HONOURED: 3, Verdict.BEST_EFFORT: 2, Verdict.IGNORED: 1, Verdict.REJECTED: 0}
    promise = {
        SeedSupport.CONTRACT: 3,
        SeedSupport.BEST_EFFORT: 2,
        SeedSupport.IGNORED: 1,
        SeedSupport.REJECTED: 0,
    }
    return report.verdict in rank and rank[report.verdict] < promise[documented]
