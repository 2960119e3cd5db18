"""The tools by the official client, in both eras of the protocol."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ListRootsResult, Root
from pydantic import FileUrl

from applier import Applier
from applier.mcp.tools import TOOLS
from applier.types import EditRequest
from tests.applier.mcp.serving import APP, serve

V4A = "*** Begin Patch\n*** Update File: {}\n@@ def one():\n-    return 1\n+    return 11\n*** End Patch\n"
SCHEMAS = {tool.name: tool.output_schema for tool in TOOLS}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "win.txt").write_bytes(b"first\r\nsecond\r\nthird")
    return folder


async def called(client, name: str, **arguments):
    """(fields, text) of a call; the fields are what the schema says."""
    answer = await client.call_tool(name, arguments)
    jsonschema.validate(answer.structured_content, SCHEMAS[name])
    refused = answer.structured_content.get("status") == "refused"
    assert answer.is_error == (refused or answer.structured_content.get("equal") is False)
    return answer.structured_content, answer.content[0].text


def refusal(fields) -> dict:
    (one,) = fields["refusals"]
    return one


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_every_form_of_an_edit(root, mode):
    new = APP.replace("return 1", "return 11")
    forms = [
        {"old_string": "return 1\n", "new_string": "return 11\n"},
        {"old_string": "urn 1\n\n\ndef t", "new_string": "urn 11\n\n\ndef t"},
        {
            "edits": [
                {"old_string": "return 1", "new_string": "return 3"},
                {"old_string": "3", "new_string": "11"},
            ]
        },
        {"patch": "@@ -4,2 +4,2 @@\n def one():\n-    return 1\n+    return 11\n"},
        {"patch": V4A.format("app.py")},
        {"patch": "<<<<<<< SEARCH\n    return 1\n=======\n    return 11\n>>>>>>> REPLACE\n"},
    ]

    async def call(client):
        for form in forms:
            (root / "app.py").write_text(APP)
            fields, text = await called(client, "edit_file", path="app.py", **form)
            assert (root / "app.py").read_text() == new, form
            assert (fields["status"], fields["written"], fields["tier"]) == ("applied", True, "exact")
            assert "+    return 11" in fields["diff"]
            assert fields["diff"].strip() in text
            digest = hashlib.sha256(new.encode()).hexdigest()
            assert fields["files"] == [{"path": "app.py", "action": "update", "sha256": digest}]
            assert fields["receipt"]["result_sha256"] == digest

    serve(root, call, mode=mode)


def test_an_edit_has_the_librarys_receipt(root):
    patch = "<<<<<<< SEARCH\n    return 1\n=======\n    return 11\n>>>>>>> REPLACE\n"
    expected = Applier.without_model().apply(
        EditRequest(APP.encode(), patch.encode(), "app.py", instruction="do it")
    )

    async def call(client):
        fields, _ = await called(client, "edit_file", path="app.py", patch=patch, instruction="do it")
        assert fields["receipt"]["request_sha256"] == expected.receipt.request_sha256
        assert fields["receipt"]["fingerprint"] == expected.receipt.fingerprint
        assert fields["diff"] == expected.diff.decode()

    serve(root, call)


def test_replace_all_and_line_ends_of_the_file(root):
    async def call(client):
        await called(
            client, "edit_file", path="app.py", old_string="return", new_string="yield", replace_all=True
        )
        assert (root / "app.py").read_text() == APP.replace("return", "yield")
        await called(client, "edit_file", path="win.txt", old_string="first\nsecond", new_string="1\n2\n2b")
        assert (root / "win.txt").read_bytes() == b"1\r\n2\r\n2b\r\nthird"

    serve(root, call)


@pytest.mark.parametrize("form", [{"code_edit": "x = 1\n"}, {"old_string": "", "new_string": "x = 1\n"}])
def test_a_new_file_is_made_with_its_folders(root, form):
    async def call(client):
        fields, _ = await called(client, "edit_file", path="new/made.py", **form)
        assert (root / "new/made.py").read_text() == "x = 1\n"
        assert fields["files"][0]["action"] == "create"
        again, _ = await called(client, "edit_file", path="gone.py", old_string="a", new_string="b")
        assert "no such file" in refusal(again)["message"]

    serve(root, call)


def test_a_preview_and_a_dry_run_write_nothing(root):
    async def call(client):
        edit = {"path": "app.py", "old_string": "return 1\n", "new_string": "return 11\n"}
        for name, arguments in (("preview_edit", edit), ("edit_file", {**edit, "dry_run": True})):
            fields, _ = await called(client, name, **arguments)
            assert (fields["written"], fields["status"]) == (False, "applied")
            assert "+    return 11" in fields["diff"]
        assert (root / "app.py").read_text() == APP

    serve(root, call)


def test_a_text_that_stands_twice_is_refused_with_its_places(root):
    async def call(client):
        fields, text = await called(
            client, "edit_file", path="app.py", old_string="    return", new_string="x"
        )
        assert refusal(fields)["reason"] == "ambiguous_match"
        assert refusal(fields)["candidates"] == [{"start": 5, "end": 5}, {"start": 9, "end": 9}]
        assert "stands 2 times" in text
        assert "replace_all" in text
        assert "     5      return 1" in text
        assert (root / "app.py").read_text() == APP

    serve(root, call)


def test_a_refused_edit_says_why_and_leaves_the_file(root):
    async def call(client):
        fields, text = await called(
            client, "edit_file", path="app.py", old_string="not there", new_string="x"
        )
        assert refusal(fields)["reason"] == "no_match"
        assert text.endswith("Nothing was changed.")
        assert (root / "app.py").read_text() == APP

    serve(root, call)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"path": "app.py"}, "exactly one of code_edit, old_string, edits, patch"),
        ({"path": "app.py", "code_edit": "a", "patch": "b"}, "this call has code_edit and patch"),
        ({"path": "app.py", "old_string": "a"}, "new_string: is missing"),
        ({"path": "app.py", "old_string": "a", "new_string": "a"}, "are the same"),
        ({"path": "app.py", "edits": []}, "edits"),
        ({"path": "app.py", "edits": [{"old_string": "a"}]}, "edits.0"),
        ({"path": "app.py", "code_edit": 1}, "code_edit"),
        ({"path": "app.py", "code_edit": "a", "expected_sha256": "1"}, "expected_sha256"),
        ({"path": "app.py", "code_edit": "a", "colour": "red"}, "colour"),
        ({"code_edit": "a"}, "path"),
        ({"path": "", "code_edit": "a"}, "path is empty"),
        ({"path": "a\0b", "code_edit": "a"}, "NUL"),
    ],
)
def test_arguments_without_a_meaning_are_said(root, arguments, says):
    async def call(client):
        _, text = await called(client, "edit_file", **arguments)
        assert says in text

    serve(root, call)


def test_an_unknown_tool_is_an_error_of_the_protocol(root):
    async def call(client):
        with pytest.raises(MCPError, match="there is no tool"):
            await client.call_tool("format_disk", {})

    serve(root, call)


def test_names_that_other_tools_have_are_understood(root):
    async def call(client):
        await called(client, "edit_file", file_path="app.py", oldText="return 1\n", newText="return 11\n")
        await called(
            client, "edit_file", target_file="app.py", edits=[{"oldText": "11", "newText": "12"}], dryRun=None
        )
        assert "return 12" in (root / "app.py").read_text()

    serve(root, call)


def test_a_patch_of_several_files(root):
    patch = """*** Begin Patch
*** Update File: app.py
@@ def two():
-    return 2
+    return 22
*** Update File: win.txt
*** Move to: sub/won.txt
@@
-second
+2nd
*** Add File: new.txt
+hello
*** End Patch
"""

    async def call(client):
        shown, _ = await called(client, "apply_patch", patch=patch, dry_run=True)
        assert not shown["written"]
        assert not (root / "new.txt").exists()
        fields, _ = await called(client, "apply_patch", patch=patch)
        assert fields["written"]
        assert [(file["path"], file["action"]) for file in fields["files"]] == [
            ("app.py", "update"),
            ("new.txt", "create"),
            ("sub/won.txt", "move"),
        ]
        assert (root / "sub/won.txt").read_bytes() == b"first\r\n2nd\r\nthird"
        assert (root / "new.txt").read_text() == "hello\n"
        assert not (root / "win.txt").exists()
        again, _ = await called(client, "apply_patch", patch=patch)
        assert {one["reason"] for one in again["refusals"]} == {"file_missing", "file_exists"}

    serve(root, call)


def test_one_bad_part_of_a_patch_leaves_all_files(root):
    patch = V4A.format("app.py").replace("*** End", "*** Delete File: no.txt\n*** End")

    async def call(client):
        fields, text = await called(client, "apply_patch", patch=patch)
        assert refusal(fields) == {
            "path": "no.txt",
            "reason": "file_missing",
            "message": "There is no file no.txt to change; add it instead.",
            "line": 6,
        }
        assert "line 6 of the patch" in text
        assert (root / "app.py").read_text() == APP

    serve(root, call)


def test_a_snippet_from_an_old_memory_of_the_file_is_refused_once(root):
    async def call(client):
        await called(client, "edit_file", path="app.py", old_string="return 1\n", new_string="return 11\n")
        (root / "app.py").write_text(APP.replace("import os", "import sys"))
        snippet = {"path": "app.py", "code_edit": APP, "dry_run": True}
        fields, text = await called(client, "edit_file", **snippet)
        assert refusal(fields)["reason"] == "changed"
        assert "+import sys" in text
        exact = {"old_string": "return 2\n", "new_string": "return 22\n"}
        fields, _ = await called(client, "edit_file", path="app.py", **exact)
        assert "note" not in fields
        (root / "app.py").write_text("# by somebody else\n" + APP)
        fields, text = await called(client, "edit_file", path="app.py", **exact)
        assert "+# by somebody else" in fields["note"]
        assert (root / "app.py").read_text() == "# by somebody else\n" + APP.replace(
            "return 2\n", "return 22\n"
        )

    serve(root, call)


def test_the_hash_of_the_file_as_read_is_checked(root):
    async def call(client):
        edit = {"path": "app.py", "old_string": "return 1\n", "new_string": "return 11\n"}
        fields, _ = await called(client, "edit_file", **edit, expected_sha256="0" * 64)
        assert refusal(fields)["reason"] == "stale_original"
        right = hashlib.sha256(APP.encode()).hexdigest()
        fields, _ = await called(client, "edit_file", **edit, expected_sha256=right)
        assert fields["written"]

    serve(root, call)


def test_replay_gives_the_same_bytes(root):
    async def call(client):
        fields, _ = await called(client, "replay")
        assert (fields["equal"], fields["request_sha256"]) == (False, "")
        fields, text = await called(client, "replay", request_sha256=1)
        assert "request_sha256" in text
        edit = {"path": "app.py", "old_string": "return 1\n", "new_string": "return 11\n"}
        first, _ = await called(client, "edit_file", **edit)
        await called(client, "edit_file", path="win.txt", old_string="first", new_string="1st")
        request = first["receipt"]["request_sha256"]
        fields, _ = await called(client, "replay", request_sha256=request.upper())
        assert fields == {"equal": True, **first["receipt"]}
        assert (root / "win.txt").read_bytes() == b"1st\r\nsecond\r\nthird"

    serve(root, call)


@pytest.mark.parametrize(
    "path", ["../out.txt", "link/out.txt", "{out}", ".", ".git/config", ".samebytes/lock", "x/.git/hooks/h"]
)
def test_nothing_outside_the_roots_or_guarded_is_touched(root, tmp_path, path):
    out = tmp_path / "out.txt"
    out.write_text("outside\n")
    (root / "link").symlink_to(tmp_path)
    (root / ".git").mkdir()
    (root / ".git/config").write_text("outside\n")
    path = path.format(out=out)

    async def call(client):
        for form in ({"old_string": "outside", "new_string": "x"}, {"code_edit": "x\n"}):
            fields, _ = await called(client, "edit_file", path=path, **form)
            assert refusal(fields)["reason"] in ("not_editable", "file_error")
        files = f"*** Update File: {path}\n-outside\n+x\n*** Add File: {path}x\n+x\n"
        patch = f"*** Begin Patch\n{files}*** End Patch"
        fields, _ = await called(client, "apply_patch", patch=patch)
        assert out.read_text() == (root / ".git/config").read_text() == "outside\n"
        assert not list(tmp_path.glob("*x"))

    serve(root, call)


def test_a_guarded_place_may_be_allowed(root):
    edit = {"path": ".github/workflows/ci.yml", "code_edit": "on: push\n"}

    async def no(client):
        fields, _ = await called(client, "edit_file", **edit)
        assert "--allow" in refusal(fields)["message"]

    async def yes(client):
        fields, _ = await called(client, "edit_file", **edit)
        assert fields["written"]

    serve(root, no)
    serve(root, yes, allowed=(".github/workflows/**",))


def _roots(*folders: Path):
    async def answer(_):
        return ListRootsResult(roots=[Root(uri=FileUrl(folder.as_uri())) for folder in folders])

    return answer


def test_the_clients_roots_narrow_those_of_the_command_line(root, tmp_path):
    (root / "sub").mkdir()
    (root / "sub/in.txt").write_text("a\n")

    async def call(client):
        edit = {"old_string": "a", "new_string": "b"}
        fields, _ = await called(client, "edit_file", path="in.txt", **edit)
        assert fields["files"][0]["path"] == "in.txt"
        fields, _ = await called(client, "edit_file", path=str(root / "app.py"), **edit)
        assert refusal(fields)["reason"] == "not_editable"

    serve(root, call, list_roots_callback=_roots(root / "sub"))

    async def nothing(client):
        fields, _ = await called(client, "edit_file", path=str(tmp_path / "x"), code_edit="a\n")
        assert "--root" in refusal(fields)["message"]

    (tmp_path / "other").mkdir()
    serve(root, nothing, list_roots_callback=_roots(tmp_path / "other"))


def test_without_a_root_of_its_own_it_edits_where_its_client_works(root):
    async def call(client):
        fields, _ = await called(client, "edit_file", path="app.py", old_string="os", new_string="sys")
        assert fields["written"]

    serve(root, call, stated=False, list_roots_callback=_roots(root))


def test_the_tools_say_what_they_do(root):
    async def call(client):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == {"edit_file", "preview_edit", "apply_patch", "replay"}
        for name, tool in tools.items():
            writes = name in ("edit_file", "apply_patch")
            notes = tool.annotations
            assert (notes.read_only_hint, notes.destructive_hint) == (not writes, writes)
            assert (notes.idempotent_hint, notes.open_world_hint) == (not writes, False)
            jsonschema.Draft202012Validator.check_schema(tool.input_schema)
            jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        # Schemas without unions at the top, which not every model's API takes.
        assert not {"anyOf", "oneOf", "allOf"} & set(json.loads(json.dumps(tools["edit_file"].input_schema)))

    serve(root, call)


def test_overload_and_bugs_are_results(root):
    async def call(client):
        fields, text = await called(client, "edit_file", path="app.py", code_edit="a", instruction="bug")
        assert refusal(fields)["reason"] == "internal_error"
        assert "import os" not in text

    serve(root, call)
