"""Bad input, through the command line and through gRPC: a clear status each, and the file as it was."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest

from applier import Applier, exits
from applier.api.v1 import apply_pb2 as pb
from applier.api.v1 import apply_pb2_grpc
from applier.cli.main import main
from applier.server.config import ServerConfig
from applier.server.run import running_server

FILE = b"x = 1\n"
BLOCK = b"<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n"
LARGE = FILE + b"# twenty-four bytes long\n" * (100 * 1024 * 1024 // 25)


class Case(NamedTuple):
    """A file, an edit, and the status with the refusal's reason, or the new bytes."""

    name: str
    original: bytes
    edit: bytes
    expected: str | bytes
    path: str = "a.py"


CASES = [
    Case("empty edit", FILE, b"", "empty_edit"),
    Case("blank edit", FILE, b" \n\n", "empty_edit"),
    Case("empty file", b"", BLOCK, "no_match"),
    Case("binary file", b"\x7fELF\0\0x = 1\n", BLOCK, "binary_file"),
    Case("binary edit", FILE, b"\0\1\2\3", "unparsable_edit"),
    Case("file that is not UTF-8", b"x = 1\n\xff\xfe\xfa y\n", BLOCK, b"x = 2\n\xff\xfe\xfa y\n"),
    Case("edit that is not UTF-8", FILE, BLOCK.replace(b"2", b"\xff"), "unparsable_edit"),
    Case("unknown language", FILE, BLOCK, b"x = 2\n", "a.nothing-known"),
    Case("edit marker in the file", FILE + b"=======\ny\n", BLOCK, b"x = 2\n=======\ny\n"),
    Case("block that is not closed", FILE, BLOCK[: BLOCK.index(b">>>")], "unparsable_edit"),
    Case("markers alone", FILE, b"# ... existing code ...\n", "unparsable_edit"),
    Case("two places", FILE * 2, BLOCK, "ambiguous_match"),
    Case("no place", b"y = 1\n", BLOCK, "no_match"),
    Case("replacement metacharacters", FILE, BLOCK.replace(b"x = 2", rb"x = '$& \1'"), b"x = '$& \\1'\n"),
    Case("new syntax error", FILE, BLOCK.replace(b"x = 2", b"x = ("), "syntax_error"),
    Case("100 MiB file", LARGE, BLOCK, "too_large"),
]


def identity(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", CASES, ids=identity)
def test_on_the_command_line(case, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SAMEBYTES_HOME", str(tmp_path / "no model"))
    monkeypatch.chdir(tmp_path)
    Path(case.path).write_bytes(case.original)
    Path("edit").write_bytes(case.edit)
    with pytest.raises(SystemExit) as caught:
        main(["apply", case.path, "--edit", "edit", "--write", "--json"])
    result = json.loads(capsys.readouterr().out)
    if isinstance(case.expected, str):
        assert caught.value.code == exits.REFUSED
        assert result["refusal"]["reason"] == case.expected
        assert result["refusal"]["message"]
        assert Path(case.path).read_bytes() == case.original
    else:
        assert caught.value.code == exits.DONE
        assert Path(case.path).read_bytes() == case.expected


def test_over_grpc():
    async def call() -> None:
        config = ServerConfig(port=0, grace_seconds=0)
        async with (
            running_server(config, Applier.without_model) as server,
            grpc.aio.insecure_channel(server.target) as channel,
        ):
            stub = apply_pb2_grpc.ApplyServiceStub(channel)
            for case in CASES:
                request = pb.ApplyEditRequest(original=case.original, edit=case.edit, path=case.path)
                if case.original is LARGE:
                    with pytest.raises(grpc.aio.AioRpcError) as caught:
                        await stub.ApplyEdit(request)
                    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                    continue
                answer = await stub.ApplyEdit(request)
                if isinstance(case.expected, str):
                    assert answer.status == pb.STATUS_REFUSED, case.name
                    reason = pb.RefusalReason.Name(answer.refusal.reason)
                    assert reason == f"REFUSAL_REASON_{case.expected.upper()}", case.name
                    assert answer.content == case.original
                else:
                    assert (answer.status, answer.content) == (pb.STATUS_APPLIED, case.expected), case.name

    asyncio.run(call())
