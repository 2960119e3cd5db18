"""The tiny random model of the kernels with the vocabulary of the tiny tokenizer."""

from dataclasses import replace
from functools import cache

from kernels.model import Model, build_model
from kernels.selftest.tiny_models import tiny_config, tiny_tensors
from kernels.weights import build_weights
from tests.applier.tiny import codec


@cache
def model(seed: int = 43) -> Model:  # with this seed some merges find an end
    config = replace(tiny_config(), vocab_size=codec().vocab_size, max_position=4096)
    return build_model(build_weights(config, tiny_tensors(config, seed)), "auto", threads=1)
