"""What counts as growth."""

import os

import pytest

from evals.bench.soak import Usage, growth, usage


def usages(memory, files=20, threads=30):
    return [Usage(float(n), size, files, threads) for n, size in enumerate(memory)]


def test_growth_by_hand():
    mib = 1 << 20
    assert growth(usages([100 * mib, 300 * mib] + [500 * mib] * 10)) == [], "warming up is no growth"
    assert growth(usages([500 * mib, *(500 * mib + (n % 3) * mib for n in range(15))])) == []
    (memory,) = growth(usages([(500 + 20 * n) * mib for n in range(16)]))
    assert memory.startswith("resident_bytes grew")
    leaking = [Usage(float(n), 500 * mib, 20 + n, 30 + n) for n in range(16)]
    assert [text.split()[0] for text in growth(leaking)] == ["open_files", "threads"]
    with pytest.raises(ValueError, match="eight"):
        growth(leaking[:7])


def test_usage_of_this_process_and_of_none():
    mine = usage(os.getpid(), 1.0)
    assert mine.resident_bytes > 1 << 20
    assert mine.open_files >= 3
    assert mine.threads >= 1
    with pytest.raises(ProcessLookupError):
        usage(2**22 + 1, 0.0)
