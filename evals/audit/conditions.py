"""The conditions of an audit: which requests are in flight together, and what each reply is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evals.audit.target import Ask, Workload


@dataclass(frozen=True, slots=True)
class Watched:
    """An ask whose reply is evidence. `group` names the asks that should all be answered alike, if any."""

    ask: Ask
    condition: str
    group: str | None
    concurrency: int = 1


Wave = list[Watched]  # sent together; the next wave starts when all of it is answered

WARM_UP, REFERENCE = "warm-up", "other requests, alone"
ALONE, ALONE_AGAIN = "alone", "alone again"
CACHE_COLD, CACHE_WARM = "prefix cache cold", "prefix cache warm"
SAMPLED, SAMPLED_OTHER = "sampled, same seed", "sampled, other seeds"
AUDITED, SEEDED = "audited", "seed 1"

# Conditions that give a group its reference: nothing in flight beside the request, nothing changing from ask
# to ask.
QUIET = (REFERENCE, ALONE, ALONE_AGAIN, CACHE_WARM)


def under_load(condition: str) -> bool:
    """Conditions in which something other than the request changes: its company, or the cache."""
    return condition.startswith(("concurrency", "amid", "beside")) or condition == CACHE_COLD


def plan(workload: Workload, repeats: int, concurrencies: tuple[int, ...], samples: bool) -> Iterator[Wave]:
    """The waves of an audit; about `repeats` asks of the audited request in each condition.

    The first reply, which a cold cache may have changed, is not compared. Every other request is asked alone
    first, twice, so that its answer is known when it turns up under load. The audited request is asked alone
    at the start and again at the end, so that a change over time shows as a change alone.
    """
    audited = Ask(workload.audited())
    most = max(concurrencies)
    company = {
        "amid different traffic": [Ask(workload.traffic(i)) for i in range(most - 1)],
        "beside short neighbours": [Ask(workload.neighbour(False, i)) for i in range(most - 1)],
        "beside long neighbours": [Ask(workload.neighbour(True, i)) for i in range(most - 1)],
    }
    yield [Watched(audited, WARM_UP, None)]
    for _ in range(2):
        for condition, asks in company.items():
            for index, ask in enumerate(asks):
                yield [Watched(ask, REFERENCE, f"{condition} {index}")]
    # Twice as often as elsewhere: every other condition is compared with this noise floor.
    for _ in range(2 * repeats):
        yield [Watched(audited, ALONE, AUDITED)]
    for concurrency in concurrencies:
        for _ in range(-(-repeats // concurrency)):
            yield [Watched(audited, f"concurrency {concurrency}", AUDITED, concurrency)] * concurrency
    for condition, asks in company.items():
        others = [Watched(ask, condition, f"{condition} {index}", most) for index, ask in enumerate(asks)]
        for turn in range(repeats):
            place = turn % most
            yield [*others[:place], Watched(audited, condition, AUDITED, most), *others[place:]]
    for turn in range(repeats):
        payload = Ask(workload.fresh(turn))
        for condition in (CACHE_COLD, CACHE_WARM, CACHE_WARM):
            yield [Watched(payload, condition, f"fresh {turn}")]
    if samples:
        for turn in range(repeats):
            yield [Watched(Ask(audited.payload, seed=1), SAMPLED, SEEDED)]
            yield [Watched(Ask(audited.payload, seed=2 + turn), SAMPLED_OTHER, None)]
    for _ in range(repeats):
        yield [Watched(audited, ALONE_AGAIN, AUDITED)]
