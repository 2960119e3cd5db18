"""One edit through every face: the bytes and the receipt of the library, and nothing else.

The edits are those of `../shared/cases` where that is: 30 small inputs that went wrong once, and 30 that
language models wrote. Elsewhere edits of our own stand in.
"""

from __future__ import annotations

import asyncio
import base64
import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

import httpx
import pytest
from mcp.client.client import Client as McpClient

from applier import Applier, AsyncClient
from applier.http.config import HttpConfig
from applier.http.run import running_http_server
from applier.mcp.run import McpSettings, local_edits, protocol
from applier.memo import Memoised, MemoryStore
from applier.models.home import model_folder
from applier.models.manifest import DEFAULT_MODEL
from applier.server.config import ServerConfig
from applier.server.run import running_server
from applier.types import EditFormat, EditRequest, EditResult, Status

CASES = Path(__file__).resolve().parents[3] / "shared/cases"
OUR_OWN = [
    EditRequest(b"a = 1\r\nb = 2\r\n", b"<<<<<<< SEARCH\na = 1\n=======\na = 3\n>>>>>>> REPLACE\n", "a.py"),
    EditRequest(b"x\ny\nx\n", b"<<<<<<< SEARCH\nx\n=======\nz\n>>>>>>> REPLACE\n", "a.txt"),
    EditRequest(
        b"def f():\n    return '<&>'\n",
        b"@@ -1,2 +1,2 @@\n def f():\n-    return '<&>'\n+    return 2\n",
        "a.py",
    ),
    EditRequest("é = 1\n".encode(), "é = 2\n".encode(), "a.py", format=EditFormat.WHOLE_FILE),
]


@dataclass(frozen=True, slots=True)
class Row:
    """A request that any face can carry: UTF-8, and a path that is a file's name."""

    request: EditRequest
    library: EditResult


def _read(name: str) -> Iterator[dict]:
    opened = lzma.open if name.endswith(".xz") else open
    with opened(CASES / name, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _requests() -> list[EditRequest]:
    if not CASES.exists():
        return OUR_OWN
    found = []
    for name in ("faults.jsonl", "written-dev.jsonl.xz"):
        rows = [
            # Every face finds the format out by itself.
            EditRequest(original, row["edit"].encode(), path, instruction=row.get("instruction") or "")
            for row in _read(name)
            if _is_text(
                original := base64.b64decode(row["original_b64"]),
                row["edit"],
                path := row.get("path") or "file.txt",
            )
        ]
        found += sorted(rows, key=lambda row: len(row.original) + len(row.edit))[:30]  # the quickest
    return found


def _is_text(original: bytes, edit: str, path: str) -> bool:
    try:
        original.decode("utf-8")
    except UnicodeDecodeError:
        return False
    tags = ("<code>", "</code>", "<update>", "</update>", "<edit>", "</edit>", "</instruction")
    text = original.decode() + edit
    return bool(original) and bool(edit.strip()) and not any(tag in text for tag in tags) and ".." not in path


@pytest.fixture(scope="module")
def applier() -> Memoised:
    """What a face asks is answered from the memo where it is what the library was asked, to the bit."""
    made = Applier.from_default() if model_folder(DEFAULT_MODEL).exists() else Applier.without_model()
    return Memoised(made, MemoryStore(256 << 20), check_rate=0)


@pytest.fixture(scope="module")
def rows(applier) -> list[Row]:
    return [Row(request, applier.apply(request)) for request in _requests()]


def receipt(result: EditResult) -> tuple[str, str, str]:
    return (result.receipt.request_sha256, result.receipt.result_sha256, result.receipt.fingerprint)


def test_there_are_enough(rows):
    assert len(rows) == (60 if CASES.exists() else len(OUR_OWN))
    assert {row.library.status for row in rows} >= {Status.APPLIED, Status.REFUSED}


def test_grpc(applier, rows):
    async def main():
        config = ServerConfig(port=0, memo_bytes=0)
        async with (
            running_server(config, lambda: applier) as server,
            AsyncClient(server.target) as client,
        ):
            for row in rows:
                there = await client.apply(row.request)
                assert (there.content, receipt(there)) == (row.library.content, receipt(row.library))
                assert (there.refusal, there.diff) == (row.library.refusal, row.library.diff)

    asyncio.run(main())


def _xml(text: str) -> str:
    return escape(text).replace("&#x27;", "&apos;")


def _shapes(request: EditRequest) -> Iterator[tuple[str, dict, str, str]]:
    """(path of the route, body, text before the new file in the answer, text after it)."""
    code, edit, said = request.original.decode(), request.edit.decode(), request.instruction
    chat = "/v1/chat/completions"

    def user(text: str, **more) -> dict:
        return {"messages": [{"role": "user", "content": text}], **more}

    morph = f"<instruction>{said}</instruction>\n<code>{code}</code>\n<update>{edit}</update>"
    yield chat, user(morph), "", ""
    yield chat, user(morph, stream=True), "", ""
    asked = f"<instruction>{_xml(said)}</instruction>\n" if said else ""
    kortix = (
        "Merge all changes from the <update> snippet into the <code> below, in <updated-code> tags.\n\n"
        f"{asked}<code>{_xml(code)}</code>\n\n<update>{_xml(edit)}</update>\n\nProvide the updated code."
    )
    yield chat, user(kortix), "<updated-code>", "</updated-code>"
    osmosis = f"{asked}<code>\n{code}\n</code>\n\n<edit>\n{edit}\n</edit>"
    if not said:
        yield chat, user(osmosis), "<code>\n", "\n</code>"
    names = {"initial_code": code, "edit_snippet": edit, "instruction": said}
    yield "/v1/code/apply", names, "", ""
    yield "/v1/code/apply", {"initialCode": code, "editSnippet": edit, "instructions": said}, "", ""


def _content(answer: httpx.Response) -> str:
    if answer.headers["content-type"].startswith("text/event-stream"):
        events = [line[6:] for line in answer.text.split("\n\n") if line.startswith("data: {")]
        deltas = [json.loads(event)["choices"][0]["delta"] for event in events]
        return "".join(delta.get("content", "") for delta in deltas)
    body = answer.json()
    return body["mergedCode"] if "mergedCode" in body else body["choices"][0]["message"]["content"]


def test_http(applier, rows):
    async def main():
        config = HttpConfig(port=0, memo_bytes=0)
        async with running_http_server(config, lambda: applier) as server:
            base = f"http://127.0.0.1:{server.port}"
            async with httpx.AsyncClient(base_url=base, timeout=60, trust_env=False) as client:
                for row in rows:
                    for route, body, before, after in _shapes(row.request):
                        headers = {"X-Samebytes-Path": row.request.path.encode()}
                        answer = await client.post(route, json=body, headers=headers)
                        names = ("Request", "Result", "Fingerprint")
                        there = tuple(answer.headers[f"X-Samebytes-{name}"] for name in names)
                        assert there == receipt(row.library), row.request.path
                        if row.library.status is Status.REFUSED:
                            assert answer.status_code == 422
                            assert answer.json()["error"]["code"] == row.library.refusal.reason
                            continue
                        content = _content(answer)
                        if before == "<updated-code>" and "&" in content:
                            before, after = "", ""
                            content = unescape(content[len("<updated-code>") : -len("</updated-code>")])
                        assert content == before + row.library.content.decode() + after, row.request.path

    asyncio.run(main())


def test_mcp(applier, rows, tmp_path):
    async def main():
        async with local_edits(HttpConfig(memo_bytes=0), lambda: applier) as ready:
            server = protocol(ready, McpSettings((tmp_path,), ("*",)), trusting=True).server
            async with McpClient(server, mode="auto") as client:
                for row in rows:
                    file = tmp_path / row.request.path
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(row.request.original)
                    edit = {"path": row.request.path, "instruction": row.request.instruction}
                    # The file is written anew each time, which a snippet would be told of.
                    answer = await client.call_tool("edit_file", {**edit, "patch": row.request.edit.decode()})
                    assert file.read_bytes() == row.library.content
                    fields = answer.structured_content
                    if row.library.status is Status.REFUSED:
                        assert fields["refusals"][0]["reason"] == row.library.refusal.reason
                        continue
                    there = fields["receipt"]
                    assert (there["request_sha256"], there["result_sha256"]) == receipt(row.library)[:2]
                    assert fields["diff"] == row.library.diff.decode()

    asyncio.run(main())
