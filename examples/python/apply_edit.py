"""samebytes as a library: a merge, a refusal, and an option that is part of the request."""

from __future__ import annotations

from pathlib import Path

from applier import Applier, EditOptions, EditRequest, Status

HERE = Path(__file__).parents[1]


def main() -> None:
    applier = Applier.from_default()  # the model is loaded when the first edit needs it
    original = (HERE / "job_queue.py").read_bytes()
    edit = (HERE / "job_queue.edit").read_bytes()

    result = applier.apply(EditRequest(original, edit, path="job_queue.py"))
    print(result.diff.decode())
    print(f"{result.status}, {result.tier} tier, confidence {result.confidence:.3f}")
    print(f"result  {result.receipt.result_sha256}")
    print(f"request {result.receipt.request_sha256}")

    # A refusal is a result too: a reason, a sentence, and the original's bytes.
    block = b"<<<<<<< SEARCH\n    return self.shards[key]\n=======\n    return None\n>>>>>>> REPLACE\n"
    refused = applier.apply(EditRequest(original, block, path="job_queue.py"))
    assert refused.status is Status.REFUSED
    assert refused.refusal is not None
    assert refused.content == original
    print(f"refused: {refused.refusal.reason}: {refused.refusal.message}")

    # Options are part of the request digest: without the model, only what is exact is applied.
    exact = applier.apply(EditRequest(original, edit, options=EditOptions(allow_model=False)))
    print(f"with the exact tier only: {exact.refusal.reason if exact.refusal else exact.status}")


if __name__ == "__main__":
    main()
