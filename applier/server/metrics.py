"""Counts and times of edits, for Prometheus. Labels are closed sets of names."""

from __future__ import annotations

from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from applier.engine.options import StepReport
from applier.memo import MemoEvent
from applier.types import EditResult

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BATCH = tuple(4**n for n in range(8))  # 1 to 16,384


class ServerMetrics:
    """The metrics of one server, in a registry of their own so that several servers fit in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._edits = Counter(
            "samebytes_edits",
            "Edits answered",
            ["status", "reason", "tier", "format"],
            registry=self.registry,
        )
        self._errors = Counter(
            "samebytes_call_errors", "Edits not answered, by status code", ["code"], registry=self.registry
        )
        self._seconds = Histogram(
            "samebytes_edit_seconds",
            "Time from request to answer",
            ["tier"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter(
            "samebytes_merged_tokens", "Tokens written by the model", registry=self.registry
        )
        self._memo = Counter(
            "samebytes_memo",
            "Looks into the memo of results; a mismatch is an alarm",
            ["event"],
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "samebytes_edits_in_flight", "Edits taken and not yet answered", registry=self.registry
        )

        self._merges = Gauge("samebytes_merges", "Merges by the model", ["state"], registry=self.registry)
        self._cache = Gauge(
            "samebytes_cache_bytes", "Key and value caches", ["holder"], registry=self.registry
        )
        self._batch_tokens = Histogram(
            "samebytes_batch_tokens",
            "Tokens in one pass",
            buckets=_BATCH,
            registry=self.registry,
        )
        self._batch_merges = Histogram(
            "samebytes_batch_merges",
            "Merges in one pass",
            buckets=_BATCH,
            registry=self.registry,
        )
        self._prompt = Counter(
            "samebytes_prompt_tokens",
            "Tokens of prompts, by whether the prefix cache had them",
            ["prefix"],
            registry=self.registry,
        )
        self._interrupted = Counter(
            "samebytes_merges_interrupted", "Merges preempted or cancelled", ["why"], registry=self.registry
        )

    def step(self, report: StepReport) -> None:
        """Count one step of the scheduler."""
        self._merges.labels("running").set(report.running)
        self._merges.labels("waiting").set(report.waiting)
        self._cache.labels("running").set(report.cache_bytes)
        self._cache.labels("prefix").set(report.prefix_bytes)
        if report.batch_merges:
            self._batch_tokens.observe(report.batch_tokens)
            self._batch_merges.observe(report.batch_merges)
        self._prompt.labels("hit").inc(report.prefix_hit_tokens)
        self._prompt.labels("miss").inc(report.prompt_tokens - report.prefix_hit_tokens)
        self._interrupted.labels("preempted").inc(report.preempted)
        self._interrupted.labels("cancelled").inc(report.cancelled)

    def answered(self, result: EditResult, seconds: float) -> None:
        """Count one answer."""
        reason = result.refusal.reason.value if result.refusal else ""
        self._edits.labels(result.status.value, reason, result.tier.value, result.format.value).inc()
        self._seconds.labels(result.tier.value).observe(seconds)
        self._tokens.inc(result.tokens.merged)

    def failed(self, code: str) -> None:
        """Count one edit that could not be answered, by the name of its status code."""
        self._errors.labels(code).inc()

    def memo(self, event: MemoEvent) -> None:
        """Count one event of the memo."""
        self._memo.labels(event.value).inc()

    def serve(self, host: str, port: int) -> WSGIServer:
        """Serve the metrics over HTTP in a thread; shut the returned server down to stop. Raises OSError."""
        server, _ = start_http_server(port, host, self.registry)
        return server
