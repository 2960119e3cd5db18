"""The packed file gives the bits of the weights it was made of, on every instruction set, or is refused."""

from __future__ import annotations

import pytest

from kernels.cpu import choose
from kernels.cpu.backend import EngineBackend
from kernels.cpu.engine import Engine
from kernels.cpu.packed import PACKED_FILE, PackedFileError, load_packed, save_packed
from kernels.isa import usable_isas
from kernels.model import load_model
from kernels.selftest.run import GOLDEN, SHAPES, golden_sha256
from kernels.selftest.tiny_models import tiny_config, tiny_tensors, tiny_weights
from kernels.weights import save_weights

FIRST, LAST = usable_isas()[0].name, usable_isas()[-1].name


@pytest.mark.parametrize(("made_by", "read_by"), [(FIRST, LAST), (LAST, FIRST)])
def test_any_set_reads_what_any_other_wrote(tmp_path, made_by, read_by):
    for family, tied in SHAPES:
        weights = tiny_weights(family, tied)
        save_packed(tmp_path / family, weights, Engine(1, made_by))
        engine = Engine(1, read_by)
        packed = load_packed(tmp_path / family, engine)
        assert packed.sha256 == weights.sha256
        assert golden_sha256(EngineBackend(packed, engine)) == GOLDEN[family]


def test_the_file_does_not_depend_on_the_set(tmp_path):
    for name in (FIRST, LAST):
        save_packed(tmp_path / name, tiny_weights("qwen2"), Engine(1, name))
    assert (tmp_path / FIRST).read_bytes() == (tmp_path / LAST).read_bytes()


def test_a_damaged_file_is_refused(tmp_path):
    path, engine = tmp_path / PACKED_FILE, Engine(1)
    save_packed(path, tiny_weights(), engine)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[-100] ^= 1
    for content, message in (
        (bytes(changed), "not what was written"),
        (whole[:-64], "bytes of"),
        (whole.replace(b"samebytes-packed-1", b"samebytes-packed-0"), "another version"),
        (b"", "not usable"),
    ):
        path.write_bytes(content)
        with pytest.raises(PackedFileError, match=message):
            load_packed(path, engine)


def test_a_folder_is_served_from_it_or_from_the_weights(tmp_path, caplog):
    config = tiny_config()
    sha256 = save_weights(tmp_path / "model.safetensors", config, tiny_tensors(config))
    engine = choose.trusted_engine(1)
    assert engine is not None
    save_packed(tmp_path / PACKED_FILE, tiny_weights(), engine)
    for damaged in (False, True):
        if damaged:
            (tmp_path / PACKED_FILE).write_bytes(b"{}\n")
        model = load_model(tmp_path, "cpu", 1)
        assert model.weights_sha256 == sha256
        assert golden_sha256(model.backend) == GOLDEN["llama"]
    assert "packed again" in caplog.text
