"""The merge without a model: a lazy edit laid over a window.

scene ─▶ likeness ─▶ table (under several costs) ─▶ writing ─▶ readings ─▶ evidence, traces ─▶ judge

Integers decide everything, so that every machine comes to the same proposal.
"""
