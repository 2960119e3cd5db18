"""The .proto files, their stubs and `applier.types` say the same."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from applier import types
from applier.api import generate
from applier.api.v1 import apply_pb2


def test_stubs_are_current():
    assert generate.outdated() == []


def test_a_changed_proto_is_noticed(tmp_path, monkeypatch):
    shutil.copytree(generate.ROOT / "proto", tmp_path / "proto")
    shutil.copytree(generate.ROOT / "applier" / "api", tmp_path / "applier" / "api")
    proto = tmp_path / "proto/applier/api/v1/apply.proto"
    proto.write_text(
        proto.read_text().replace("GetFingerprintRequest {}", "GetFingerprintRequest { int32 a = 1; }")
    )
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    stale = generate.outdated()
    assert Path("applier/api/v1/apply_pb2.py") in stale
    assert Path("applier/api/v1/apply_pb2.pyi") in stale


def test_proto_is_lint_clean():
    buf = Path(sys.executable).with_name("buf")
    done = subprocess.run([buf, "lint", "proto"], cwd=generate.ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("python", "proto", "prefix"),
    [
        (types.EditFormat, apply_pb2.EditFormat, "EDIT_FORMAT_"),
        (types.Status, apply_pb2.Status, "STATUS_"),
        (types.Tier, apply_pb2.Tier, "TIER_"),
        (types.RefusalReason, apply_pb2.RefusalReason, "REFUSAL_REASON_"),
    ],
)
def test_enums_have_the_same_members(python, proto, prefix):
    assert {prefix + member.name for member in python} | {prefix + "UNSPECIFIED"} == set(proto.keys())


@pytest.mark.parametrize(
    ("python", "proto"),
    [
        (types.EditRequest, apply_pb2.ApplyEditRequest),
        (types.EditOptions, apply_pb2.EditOptions),
        (types.EditResult, apply_pb2.ApplyEditResponse),
        (types.Refusal, apply_pb2.Refusal),
        (types.LineRange, apply_pb2.LineRange),
        (types.Validation, apply_pb2.Validation),
        (types.Receipt, apply_pb2.Receipt),
        (types.Timing, apply_pb2.Timing),
        (types.TokenCounts, apply_pb2.TokenCounts),
    ],
)
def test_messages_have_the_same_fields(python, proto):
    assert set(python.__dataclass_fields__) == set(proto.DESCRIPTOR.fields_by_name)
