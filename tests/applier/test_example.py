"""The example that `./run` shows, with the real model."""

from __future__ import annotations

from pathlib import Path

import pytest

from applier import Applier, EditRequest, Status
from applier.models import load_manifest, model_folder
from applier.types import Tier

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_shipped_example_is_merged_as_a_person_would():
    manifest = load_manifest()
    if manifest.adapter is None or not model_folder(manifest.name).is_dir():
        pytest.skip("needs the fine-tuned model: samebytes model fetch")
    request = EditRequest(
        original=(EXAMPLES / "job_queue.py").read_bytes(),
        edit=(EXAMPLES / "job_queue.edit").read_bytes(),
        path="job_queue.py",
    )
    result = Applier.from_default().apply(request)
    assert (result.status, result.tier) == (Status.APPLIED, Tier.MODEL)
    assert result.content == (EXAMPLES / "job_queue.merged").read_bytes()
