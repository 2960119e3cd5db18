"""Runs an ordinary torch model batch-invariantly, with no conversion: `with batch_invariant(): model(...)`.

A row's bits then no longer depend on how many rows share its batch. This pins the order of each reduction, as
others do; the integer arithmetic of `kernels` needs no order and stays equal across devices as well.
"""

from kernels.invariant.mode import batch_invariant

__all__ = ["batch_invariant"]
