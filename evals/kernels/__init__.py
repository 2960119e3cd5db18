"""Benchmarks of the kernels and passes, and checks of one backend against another."""
