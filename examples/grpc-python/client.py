"""A gRPC client: one edit, then a stream of edits that the server works on side by side.

samebytes serve --port 50051
python examples/grpc-python/client.py 127.0.0.1:50051
"""

from __future__ import annotations

import sys
from pathlib import Path

import grpc

from applier.api.client import channel_options, target_of
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1.apply_pb2_grpc import ApplyServiceStub

HERE = Path(__file__).parents[1]


def main(addresses: list[str]) -> None:
    request = pb.ApplyEditRequest(
        original=(HERE / "job_queue.py").read_bytes(),
        edit=(HERE / "job_queue.edit").read_bytes(),
        path="job_queue.py",
    )
    # Several addresses share the calls; one that is down is tried again elsewhere.
    with grpc.insecure_channel(target_of(addresses), channel_options()) as channel:
        stub = ApplyServiceStub(channel)
        print("fingerprint", stub.GetFingerprint(pb.GetFingerprintRequest(), timeout=10).fingerprint)

        reply = stub.ApplyEdit(request, timeout=60)
        print(pb.Status.Name(reply.status), pb.Tier.Name(reply.tier), reply.receipt.result_sha256)

        edits = (pb.ApplyEditsRequest(id=f"edit {number}", request=request) for number in range(3))
        for answer in stub.ApplyEdits(edits, timeout=60):  # in the order in which they were sent
            print(answer.id, answer.response.receipt.result_sha256)


if __name__ == "__main__":
    main(sys.argv[1:] or ["127.0.0.1:50051"])
