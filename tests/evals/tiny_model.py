"""A model folder with tiny random weights: its merges are nonsense, but they are real and exact."""

import hashlib
import json
from dataclasses import replace

from kernels.config import NUMERICS_VERSION
from kernels.selftest.tiny_models import tiny_config, tiny_tensors
from kernels.weights import save_weights
from tests.applier.tiny import codec, tokenizer_json


def write_tiny_model(folder, seed=43):
    """Write the folder and return it. With seed 43 some merges find an end."""
    folder.mkdir(parents=True)
    config = replace(tiny_config(), vocab_size=codec().vocab_size, max_position=4096)
    weights_sha256 = save_weights(folder / "model.safetensors", config, tiny_tensors(config, seed))
    tokenizer = tokenizer_json().encode()
    (folder / "tokenizer.json").write_bytes(tokenizer)
    manifest = {
        "name": "tiny",
        "numerics_version": NUMERICS_VERSION,
        "weights_sha256": weights_sha256,
        "tokenizer_sha256": hashlib.sha256(tokenizer).hexdigest(),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
