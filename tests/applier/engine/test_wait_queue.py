"""Who is admitted next."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from applier.engine.wait_queue import WaitingQueue


@dataclass(eq=False)
class Waiting:
    """What the queue needs of a job."""

    cost: int
    finish_tag: float = 0.0
    before: int = 0


def test_a_small_one_passes_huge_ones():
    queue = WaitingQueue()
    huge = [Waiting(8000) for _ in range(3)]
    for job in huge:
        queue.add(job)
    small = Waiting(100)
    queue.add(small)
    assert [queue.pop() for _ in range(4)] == [small, *huge]
    assert queue.cost == 0


def test_a_huge_one_is_not_starved_by_small_ones():
    queue = WaitingQueue()
    huge = Waiting(8000)
    queue.add(huge)
    passed = 0
    queue.add(Waiting(100))
    while queue.pop() is not huge:
        passed += 1
        queue.served(100, 2)
        queue.add(Waiting(100))
    assert 100 < passed < 200, "at half the speed for each, 8,000 tokens are 160 passes of 100"


def test_who_is_put_back_keeps_the_place():
    queue = WaitingQueue()
    first, second = Waiting(10), Waiting(20)
    queue.add(first)
    queue.add(second)
    assert queue.pop() is first
    queue.served(1000, 1)
    queue.add(Waiting(1))
    queue.put_back(first)
    assert queue.pop() is first


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=30))
def test_removing_keeps_the_order_and_the_cost(jobs):
    queue = WaitingQueue()
    kept = []
    for cost, unwanted in jobs:
        job = Waiting(cost)
        queue.add(job)
        if unwanted:
            job.finish_tag = -1.0
        else:
            kept.append(job)
    queue.remove(lambda job: job.finish_tag < 0)
    assert queue.cost == sum(job.cost for job in kept)
    assert [queue.pop() for _ in range(len(queue))] == sorted(kept, key=lambda job: job.cost)
