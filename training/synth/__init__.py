"""From a true commit, the edits that language models write: one module for each habit."""

from training.synth.case import Expectation, SynthCase
from training.synth.generate import generate

__all__ = ["Expectation", "SynthCase", "generate"]
