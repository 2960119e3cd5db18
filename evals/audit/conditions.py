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

MOST_COMPANY = 8  # requests in flight where different ones are mixed; each must first be asked alone

# Conditions that give a group its reference: nothing in flight beside the request, nothing changing from ask
# to ask.
QUIET = (REFERENCE, ALONE, ALONE_AGAIN, CACHE_WARM)


def under_load(condition: str) -> bool:
    """Conditions in which something other than the request changes: its company, or the cache."""
    return condition.startswith(("concurrency", "amid", "beside")) or condition == CACHE_COLD


def plan(
    workload: Workload,
    repeats: int,
    concurrencies: tuple[int, ...],
    samples: bool,
    identical: int = 0,
) -> Iterator[Wave]:
    """The waves of an audit; about `repeats` asks of the audited request in each condition.

    The first reply, which a cold cache may have changed, is not compared. Every other request is asked alone
    first, twice, so that its answer is known when it turns up under load. The audited request is asked alone
    at the start and again at the end, so that a change over time shows as a change alone. With `identical`,
    more waves of it at each concurrency make up that many asks of it in all.
    """
    audited = Ask(workload.audited())
    beside = min(max(concurrencies), MOST_COMPANY)
    company = {
        "amid different traffic": [Ask(workload.traffic(i)) for i in range(beside - 1)],
        "beside short neighbours": [Ask(workload.neighbour(False, i)) for i in range(beside - 1)],
        "beside long neighbours": [Ask(workload.neighbour(True, i)) for i in range(beside - 1)],
    }
    yield [Watched(audited, WARM_UP, None)]
    for _ in range(2):
        for condition, asks in company.items():
            for index, ask in enumerate(asks):
                yield [Watched(ask, REFERENCE, f"{condition} {index}")]
    # Twice as often as elsewhere: every other condition is compared with this noise floor.
    for _ in range(2 * repeats):
        yield [Watched(audited, ALONE, AUDITED)]
    waves = {concurrency: -(-repeats // concurrency) for concurrency in concurrencies}
    asked = 6 * repeats + sum(concurrency * count for concurrency, count in waves.items())
    for turn in range(max(0, identical - asked)):
        if asked >= identical:
            break
        concurrency = concurrencies[turn % len(concurrencies)]
        waves[concurrency] += 1
        asked += concurrency
    for concurrency, count in waves.items():
        for _ in range(count):
            yield [Watched(audited, f"concurrency {concurrency}", AUDITED, concurrency)] * concurrency
    for condition, asks in company.items():
        others = [Watched(ask, condition, f"{condition} {index}", beside) for index, ask in enumerate(asks)]
        for turn in range(repeats):
            place = turn % beside
            yield [*others[:place], Watched(audited, condition, AUDITED, beside), *others[place:]]
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
