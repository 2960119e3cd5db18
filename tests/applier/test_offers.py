"""A refusal for want of confidence offers its result, and `accept` makes exactly that, through every face."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import httpx
import jsonschema
import pytest
from mcp_types import CallToolResult

from applier import Applier, AsyncClient
from applier.api import convert
from applier.api.agent_text import refusal_text
from applier.api.errors import CallError
from applier.api.patch_convert import request_from_proto as patch_from_proto
from applier.api.v1 import apply_pb2 as pb
from applier.cli.main import main
from applier.exits import DONE, REFUSED, USAGE
from applier.http.openapi import document
from applier.mcp.tools import TOOLS
from applier.memo import Memoised, MemoryStore
from applier.memo.entry import decode, encode
from applier.memo.store import CorruptEntry, Key
from applier.patches.receipts import patch_receipt
from applier.patches.types import PatchRequest, SourceFile
from applier.receipt import request_digest
from applier.server.config import ServerConfig
from applier.server.run import running_server
from applier.text.unified_diff import apply_diff
from applier.types import (
    EditOptions,
    EditRequest,
    EditResult,
    LineRange,
    Offer,
    Refusal,
    RefusalReason,
    Status,
    Tier,
)
from tests.applier.http.serving import morph
from tests.applier.http.serving import serve as serve_http
from tests.applier.mcp.serving import serve as serve_mcp
from tests.applier.tiny import tokenizer_json
from tests.applier.tiny_applier import tiny_applier

FILE = b"import os\n\n\ndef add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
LAZY = b"# ... existing code ...\ndef sub(a, b):\n    c = a - b\n    return c\n"
MERGED = FILE.replace(b"    return a - b\n", b"    c = a - b\n    return c\n")
UNSURE = EditOptions(min_confidence=1.0)
REQUEST = EditRequest(FILE, LAZY, "x.py", options=UNSURE)
OTHER = "0" * 64
SURE_ENOUGH = 5.0  # nats of head start, with which the random model writes the proposal


def applier() -> Applier:
    """Writes what the alignment proposes, and is never wholly sure."""
    return tiny_applier(bias=SURE_ENOUGH)


def in_folder(applier: Applier, folder: Path) -> Applier:
    """The same with the tokenizer in a folder, where processes read it."""
    (folder / "tokenizer.json").write_text(tokenizer_json())
    return Applier.from_engine(replace(applier.info, folder=folder), applier.engine)


def accepting(digest: str, request: EditRequest = REQUEST) -> EditRequest:
    return replace(request, options=replace(request.options, accept=digest))


def offered(result: EditResult, original: bytes = FILE) -> Offer:
    assert result.status is Status.REFUSED
    assert (result.content, result.diff, result.tier) == (original, b"", Tier.NONE)
    assert result.receipt.result_sha256 == hashlib.sha256(original).hexdigest()
    assert result.refusal is not None
    assert result.refusal.reason is RefusalReason.LOW_CONFIDENCE
    assert result.refusal.offer is not None
    return result.refusal.offer


def test_accept_makes_exactly_what_was_offered():
    refused = applier().apply(REQUEST)
    offer = offered(refused)
    assert refused.refusal.candidates
    assert apply_diff(FILE, offer.diff) == MERGED
    assert offer.result_sha256 == hashlib.sha256(MERGED).hexdigest()
    assert offer.confidence == refused.confidence < 1.0
    result = applier().apply(accepting(offer.result_sha256))
    assert result.status is Status.APPLIED
    assert (result.content, result.diff) == (MERGED, offer.diff)
    assert result.receipt.result_sha256 == offer.result_sha256
    assert result.confidence == offer.confidence


def test_an_offer_of_another_state_is_refused_with_a_new_one():
    first = offered(applier().apply(REQUEST))
    other_file = replace(REQUEST, original=FILE.replace(b"import os", b"import re"))
    for request in (accepting(OTHER), accepting(first.result_sha256, other_file)):
        result = applier().apply(request)
        offer = offered(result, request.original)
        assert "of another state" in result.refusal.message
        assert "confidence" in result.refusal.message
        assert applier().apply(accepting(offer.result_sha256, request)).status is Status.APPLIED


@pytest.mark.parametrize(
    "request_",
    [
        replace(REQUEST, options=EditOptions(min_confidence=0.0)),
        EditRequest(FILE, b"<<<<<<< SEARCH\n    return a - b\n=======\n    return 0\n>>>>>>> REPLACE\n"),
    ],
)
def test_a_sure_result_that_was_not_accepted_is_not_applied(request_):
    sure = applier().apply(request_)
    assert sure.status is Status.APPLIED
    result = applier().apply(accepting(OTHER, request_))
    assert offered(result) == Offer(sure.diff, sure.receipt.result_sha256, sure.confidence)
    assert applier().apply(accepting(sure.receipt.result_sha256, request_)).content == sure.content


def test_an_inexact_block_in_one_place_is_offered_too():
    block = b"<<<<<<< SEARCH\n    return a  - b\n=======\n    return b - a\n>>>>>>> REPLACE\n"
    request = replace(REQUEST, edit=block)
    sure = applier().apply(replace(request, options=EditOptions(min_confidence=0.0)))
    assert sure.tier is Tier.ALIGNED
    assert sure.confidence < 1.0
    offer = offered(applier().apply(request))
    assert applier().apply(accepting(offer.result_sha256, request)).content == sure.content


def test_only_accept_changes_the_digest_of_a_request():
    # Written down before there was `accept`.
    plain = EditRequest(original=b"a\n", edit=b"b\n", path="x.py")
    assert request_digest(plain) == "4397234bdd777f13209056f84e67ece6471aad2caa64e22ebc342004e0912c1b"
    digests = [
        request_digest(request) for request in (plain, accepting("0" * 64, plain), accepting("1" * 64))
    ]
    assert len(set(digests)) == 3
    patch = PatchRequest((SourceFile("a", b"a\n"),), b"p")
    receipt = patch_receipt(patch, {"a": b"b\n"}, "f")
    assert receipt.request_sha256 == "321e72faee22b5a4a777ff6c6dd531fca5b069e4370f45d6d181c45d8fb8c083"


def test_a_memo_keeps_a_refusal_with_its_offer():
    original = FILE.replace(b"import os", b"x = '\xe9'")  # Latin-1, which JSON has no room for
    request = replace(REQUEST, original=original)
    fresh = applier().apply(request)
    offer = offered(fresh, original)
    key = Key(request_digest(request), fresh.receipt.fingerprint)
    entry = encode(fresh)
    kept = decode(entry, key, request)
    assert (kept.refusal, kept.content, kept.diff) == (fresh.refusal, original, b"")
    with pytest.raises(CorruptEntry):
        decode(entry, key, replace(request, original=original + b"x = 1\n"))
    memo = Memoised(applier(), MemoryStore(1 << 20), check_rate=1)
    assert [offered(memo.apply(request), original) for _ in range(2)] == [offer, offer]


def test_processes(tmp_path):
    plain = applier()
    pooled = in_folder(plain, tmp_path)
    with contextlib.closing(pooled.start_processes(1)):
        offer = offered(pooled.apply(REQUEST))
        assert offer == offered(plain.apply(REQUEST))
        assert pooled.apply(accepting(offer.result_sha256)).content == MERGED


def test_grpc():
    async def call() -> None:
        config = ServerConfig(port=0, processes=0)
        async with running_server(config, applier) as server, AsyncClient(server.target) as client:
            refused = await client.apply(REQUEST)
            assert refused.refusal == applier().apply(REQUEST).refusal
            result = await client.apply(accepting(offered(refused).result_sha256.upper()))
            assert (result.status, result.content) == (Status.APPLIED, MERGED)
            assert offered(await client.apply(accepting(OTHER)))

    asyncio.run(call())


@pytest.mark.parametrize("digest", ["", "0" * 63, "g" * 64])
def test_accept_is_a_digest_on_the_wire(digest):
    with pytest.raises(CallError, match="accept"):
        convert.options_from_proto(pb.EditOptions(accept=digest))


def test_a_patch_of_several_files_has_nothing_to_accept():
    with pytest.raises(CallError, match="one file"):
        patch_from_proto(pb.ApplyPatchRequest(patch=b"p", options=pb.EditOptions(accept=OTHER)))


def test_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("applier.loading.load_applier", lambda model: applier())
    (tmp_path / "x.py").write_bytes(FILE)
    (tmp_path / "edit").write_bytes(LAZY)

    def samebytes(*more: str) -> tuple[int | str | None, str]:
        with pytest.raises(SystemExit) as caught:
            main(["apply", "x.py", "--edit", "edit", "--min-confidence", "1", *more])
        printed = capsys.readouterr()
        return caught.value.code, printed.out + printed.err

    code, printed = samebytes("--json")
    offer = json.loads(printed)["refusal"]["offer"]
    assert (code, apply_diff(FILE, offer["diff"].encode())) == (REFUSED, MERGED)
    code, printed = samebytes()
    assert code == REFUSED
    assert "+    return c" in printed
    assert f"--accept {offer['result_sha256']}" in printed
    assert samebytes("--write", "--accept", OTHER)[0] == REFUSED
    assert samebytes("--write", "--accept", "x")[0] == USAGE
    assert (tmp_path / "x.py").read_bytes() == FILE
    assert samebytes("--write", "--accept", offer["result_sha256"])[0] == DONE
    assert (tmp_path / "x.py").read_bytes() == MERGED


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/v1/code/apply", {"initial_code": FILE.decode(), "edit_snippet": LAZY.decode()}),
        ("/v1/chat/completions", morph(FILE.decode(), LAZY.decode())),
    ],
)
def test_http(route, body):
    async def call(client: httpx.AsyncClient) -> None:
        def asked(**options) -> dict:
            return {**body, "samebytes": {"path": "x.py", "min_confidence": 1.0, **options}}

        refused = await client.post(route, json=asked())
        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (422, "low_confidence")
        jsonschema.validate(refused.json(), {**document()["components"]["schemas"]["Error"]})
        offer = error["offer"]
        assert apply_diff(FILE, offer["diff"].encode()) == MERGED
        assert offer["result_sha256"] in error["message"]
        assert "+    return c" in error["message"]
        accepted = await client.post(route, json=asked(accept=offer["result_sha256"].upper()))
        assert accepted.status_code == 200
        assert accepted.headers["X-Samebytes-Result"] == offer["result_sha256"]
        assert (await client.post(route, json=asked(accept=OTHER))).json()["error"]["offer"] == offer
        assert (await client.post(route, json=asked(accept="x"))).status_code == 400

    serve_http(call, applier(), processes=0)


def test_mcp(tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    file = root / "x.py"
    file.write_bytes(FILE)
    unsure = in_folder(tiny_applier(bias=SURE_ENOUGH, threshold=1.0), tmp_path)

    async def call(client) -> None:
        async def edited(name: str, **more) -> CallToolResult:
            answer = await client.call_tool(name, {"path": "x.py", "code_edit": LAZY.decode(), **more})
            schema = next(tool.output_schema for tool in TOOLS if tool.name == name)
            jsonschema.validate(answer.structured_content, schema)
            return answer

        refused = await edited("edit_file")
        assert refused.is_error
        offer = refused.structured_content["refusals"][0]["offer"]
        assert apply_diff(FILE, offer["diff"].encode()) == MERGED
        text = refused.content[0].text
        assert offer["result_sha256"] in text
        assert "+    return c" in text
        assert (await edited("edit_file", accept=OTHER)).is_error
        assert file.read_bytes() == FILE
        assert (await edited("preview_edit", accept=offer["result_sha256"])).structured_content["diff"] == (
            offer["diff"]
        )
        assert not (await edited("edit_file", accept=offer["result_sha256"])).is_error
        assert file.read_bytes() == MERGED

    serve_mcp(root, call, unsure)


def test_an_agent_is_shown_an_offer_within_bounds():
    diff = b"".join(b"+%d %s\n" % (number, b"x" * 1000) for number in range(1000))
    offer = Offer(diff, OTHER, 0.5)
    refusal = Refusal(RefusalReason.LOW_CONFIDENCE, "Not sure.", (LineRange(3, 3),), offer=offer)
    text = refusal_text(refusal, FILE)
    assert len(text) < 60_000
    assert "880 more lines" in text
    assert "In doubt are lines 3" in text
    assert OTHER in text
