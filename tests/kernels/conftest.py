"""Leaves the GPU kernels' tests out where there is no Triton, as on macOS."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("triton") else ["gpu"]
