"""Metrics on their way to Ray's endpoints."""

from collections import defaultdict

from applier.engine.step_loop import StepReport
from applier.memo import MemoEvent
from applier.server.metrics import ServerMetrics
from applier.server.ray.metrics import Publisher


class Seen:
    """A metric of Ray's that remembers: counters add up, gauges keep the last value."""

    def __init__(self, name, text, keys):
        self.text, self.keys = text, keys
        self.values = defaultdict(float)

    def inc(self, value, tags):
        assert value > 0  # Ray raises otherwise
        assert tuple(sorted(tags)) == self.keys
        self.values[tuple(sorted(tags.items()))] += value

    def set(self, value, tags):
        assert tuple(sorted(tags)) == self.keys
        self.values[tuple(sorted(tags.items()))] = value


def publisher(metrics):
    counters, gauges = {}, {}

    def make(where):
        return lambda name, text, keys: where.setdefault(name, Seen(name, text, keys))

    return Publisher(metrics.registry, make(counters), make(gauges)), counters, gauges


def test_counts_add_up_however_often_they_are_published():
    metrics = ServerMetrics()
    out, counters, _ = publisher(metrics)
    metrics.memo(MemoEvent.HIT)
    out.publish()
    out.publish()
    metrics.memo(MemoEvent.HIT)
    metrics.memo(MemoEvent.MISMATCH)
    out.publish()
    assert counters["samebytes_memo"].values == {(("event", "hit"),): 2, (("event", "mismatch"),): 1}
    assert counters["samebytes_memo"].text.startswith("Looks into the memo")


def test_gauges_and_histograms_have_their_last_values():
    metrics = ServerMetrics()
    out, _, gauges = publisher(metrics)
    metrics.step(StepReport(2, 1, 100, 2, 50, 10, 0, 0, 4096, 512))
    out.publish()
    assert gauges["samebytes_merges"].values[("state", "running"),] == 2
    assert gauges["samebytes_cache_bytes"].values[("holder", "prefix"),] == 512
    assert gauges["samebytes_batch_tokens_sum"].values[()] == 100
    buckets = gauges["samebytes_batch_tokens_bucket"].values
    assert buckets[("le", "64.0"),] == 0
    assert buckets[("le", "256.0"),] == 1
    assert not any(name.endswith("_created") for name in gauges)
