"""The container refuses anything that is not exactly what was saved."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from kernels.config import ConfigError, ModelConfig
from kernels.selftest.tiny_models import tiny_config, tiny_tensors
from kernels.weights import WeightsError, load_weights, save_weights


@pytest.fixture
def saved(tmp_path):
    config = tiny_config("qwen2", tied=False)
    path = tmp_path / "model.safetensors"
    sha256 = save_weights(path, config, tiny_tensors(config))
    return path, sha256


def read_metadata(path):
    data = path.read_bytes()
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]


def rewrite(path, tensors=None, **metadata):
    save_file(tensors or load_file(path), str(path), metadata=read_metadata(path) | metadata)


def test_round_trip(saved):
    path, sha256 = saved
    weights = load_weights(path.parent)
    assert weights.sha256 == sha256
    config = tiny_config("qwen2", tied=False)
    assert weights.config == config
    tensors = tiny_tensors(config)
    assert np.array_equal(weights.layers[1].up.weight, tensors["layers.1.up.weight"])
    assert np.array_equal(weights.layers[0].q.bias, tensors["layers.0.q.bias"])
    assert weights.layers[0].o.bias is None


def test_a_changed_value_is_refused(saved):
    path, _ = saved
    tensors = load_file(path)
    tensors["layers.0.down.weight"][3, 5] ^= 1
    rewrite(path, tensors)
    with pytest.raises(WeightsError, match="content is"):
        load_weights(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("final_norm", float("nan"), "not finite"),
        ("layers.0.q.scale", 2.0**-21, "2\\^-20"),
        ("layers.0.q.scale", -1.0, "2\\^-20"),
        ("layers.1.k.weight", -128, "-128"),
    ],
)
def test_values_out_of_range_are_refused(saved, name, value, message):
    path, _ = saved
    tensors = load_file(path)
    tensors[name].reshape(-1)[0] = value
    rewrite(path, tensors)
    with pytest.raises(WeightsError, match=message):
        load_weights(path)


def test_missing_and_unknown_tensors_are_refused(saved):
    path, _ = saved
    tensors = load_file(path)
    moved = tensors.pop("layers.0.up.scale")
    rewrite(path, tensors)
    with pytest.raises(WeightsError, match=r"layers\.0\.up\.scale"):
        load_weights(path)
    rewrite(path, {**tensors, "layers.0.up.scale": moved, "stray": moved.copy()})
    with pytest.raises(WeightsError, match="stray"):
        load_weights(path)


def test_wrong_metadata_is_refused(saved, tmp_path):
    path, _ = saved
    for metadata, message in (
        ({"numerics_version": "2"}, "numerics version 2"),
        ({"rope_sha256": "0"}, "rotary tables"),
        ({"config": "{}"}, "not a model config"),
        ({"format": "pt"}, "convert"),
    ):
        original = read_metadata(path)
        rewrite(path, **metadata)
        with pytest.raises(WeightsError, match=message):
            load_weights(path)
        rewrite(path, **original)
    with pytest.raises(WeightsError, match="not readable"):
        load_weights(tmp_path / "absent.safetensors")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(WeightsError, match="not readable"):
        load_weights(tmp_path / "text.safetensors")


def test_config_from_hugging_face():
    hf = {
        "model_type": "qwen3",
        "vocab_size": 100,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6,
        "max_position_embeddings": 1024,
        "tie_word_embeddings": True,
    }
    config = ModelConfig.from_hf(hf)
    assert (config.head_dim, config.q_size, config.group_size, config.qk_norm) == (32, 128, 2, True)
    assert ModelConfig.from_json(config.to_json()) == config
    for change, message in (
        ({"model_type": "gpt2"}, "gpt2"),
        ({"rope_scaling": {"rope_type": "yarn"}}, "yarn"),
        ({"use_sliding_window": True}, "sliding"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"num_key_value_heads": 3}, "divide"),
    ):
        with pytest.raises(ConfigError, match=message):
            ModelConfig.from_hf(hf | change)


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_a_config_comes_back_from_hugging_face(family):
    config = tiny_config(family)
    assert config.to_hf()["model_type"] == family
    assert ModelConfig.from_hf(config.to_hf()) == config
