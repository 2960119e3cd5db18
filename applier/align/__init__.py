"""The merge without a model: a lazy edit laid over a window.

input ─▶ similarity ─▶ table (under several costs) ─▶ render ─▶ candidates ─▶ features ─▶ ranker

Integers decide everything, so that every machine comes to the same proposal.
"""
