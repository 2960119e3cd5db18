"""Timing of device work: CUDA graphs, events, medians."""

from __future__ import annotations

from collections.abc import Callable

import torch


def captured(run: Callable[[], object]) -> Callable[[], None]:
    """`run` as a CUDA graph, after a warm-up that compiles."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(2):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def median_us(replay: Callable[[], object], repeats: int = 25) -> float:
    """Median time in microseconds between two events around one call."""
    for _ in range(3):
        replay()
    pairs = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(repeats)]
    for start, end in pairs:
        start.record()
        replay()
        end.record()
    torch.cuda.synchronize()
    return sorted(start.elapsed_time(end) * 1000 for start, end in pairs)[repeats // 2]


def kernel_us(run: Callable[[], object], calls: int = 10) -> float:
    """Median time of one call, from a graph of several."""
    return median_us(captured(lambda: [run() for _ in range(calls)]), 11) / calls
