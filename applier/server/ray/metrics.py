"""The metrics of replicas and fronts on Ray's own Prometheus endpoints, one on each node.

What `samebytes serve` shows at its port is copied every few seconds into Ray's metrics, which Ray labels with
deployment and replica and gives to its agent. Counters stay counters; what a histogram has counted goes out
as gauges of the same names and labels, which Prometheus's histogram functions accept as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from prometheus_client import CollectorRegistry

SECONDS = 5.0


class Counter(Protocol):
    """What is used of ray.serve.metrics.Counter."""

    def inc(self, value: float, tags: dict[str, str]) -> None: ...


class Gauge(Protocol):
    """What is used of ray.serve.metrics.Gauge."""

    def set(self, value: float, tags: dict[str, str]) -> None: ...


class Publisher:
    """Copies a registry; `counter` and `gauge` make a metric from name, description and label names."""

    def __init__(
        self,
        registry: CollectorRegistry,
        counter: Callable[[str, str, tuple[str, ...]], Counter],
        gauge: Callable[[str, str, tuple[str, ...]], Gauge],
    ) -> None:
        self._registry, self._make_counter, self._make_gauge = registry, counter, gauge
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._counted: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def publish(self) -> None:
        """Once. For one thread at a time."""
        for family in self._registry.collect():
            for sample in family.samples:
                name, keys = sample.name, tuple(sorted(sample.labels))
                if name.endswith("_created"):
                    continue
                if family.type != "counter":
                    if name not in self._gauges:
                        self._gauges[name] = self._make_gauge(name, family.documentation, keys)
                    self._gauges[name].set(sample.value, sample.labels)
                    continue
                name = name.removesuffix("_total")
                if name not in self._counters:
                    self._counters[name] = self._make_counter(name, family.documentation, keys)
                known = name, tuple(sorted(sample.labels.items()))
                more = sample.value - self._counted.get(known, 0.0)
                if more > 0:
                    self._counters[name].inc(more, sample.labels)
                    self._counted[known] = sample.value

    def start(self) -> None:
        """Publishes every few seconds from a thread, as long as the process lives."""
        threading.Thread(target=self._work, name="samebytes-metrics", daemon=True).start()

    def _work(self) -> None:
        pause = threading.Event()
        while True:
            self.publish()
            pause.wait(SECONDS)


def publish(registry: CollectorRegistry) -> None:
    """From now on exports the metrics of `registry` to Ray. Call it inside a replica of Ray Serve."""
    from ray.serve import metrics

    Publisher(
        registry,
        lambda name, text, keys: metrics.Counter(name, description=text, tag_keys=keys),
        lambda name, text, keys: metrics.Gauge(name, description=text, tag_keys=keys),
    ).start()
