"""Runs: execute cases, keep every sample, and sum up with a fingerprint, an n and a date on each score."""
