"""Files in, files out: all of a patch or nothing of it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applier import Applier
from applier.patches.apply import apply_patch, mentioned_paths
from applier.patches.diffs import render
from applier.patches.scan import extract
from applier.patches.types import FileChange, PatchRequest, SourceFile
from applier.text.unified_diff import apply_diff
from applier.types import EditOptions, RefusalReason, Status

FILES = {
    "src/app.py": b"import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n",
    "win.txt": b"first\r\nsecond\r\nthird",
    "old name.txt": b"a\nb\nc\n",
    "gone.txt": b"g\n",
}
V4A = """*** Begin Patch
*** Update File: src/app.py
@@ def one():
-    return 1
+    return 11
*** Update File: old name.txt
*** Move to: sub/new name.txt
@@
 a
-b
+B
*** Add File: made/new.py
+x = 1
+
+y = 2
*** Add File: empty.txt
*** Delete File: gone.txt
*** End Patch
"""
AFTER = {
    "src/app.py": FILES["src/app.py"].replace(b"return 1\n", b"return 11\n"),
    "win.txt": FILES["win.txt"],
    "sub/new name.txt": b"a\nB\nc\n",
    "made/new.py": b"x = 1\n\ny = 2\n",
    "empty.txt": b"",
}


def patched(patch: str | bytes, files: dict[str, bytes] | None = None, **options):
    given = FILES if files is None else files
    request = PatchRequest(
        tuple(SourceFile(path, content) for path, content in given.items()),
        patch.encode() if isinstance(patch, str) else patch,
        options=EditOptions(**options),
    )
    return apply_patch(Applier.without_model(), request)


def after(result, files: dict[str, bytes] | None = None) -> dict[str, bytes]:
    now = dict(FILES if files is None else files)
    for change in result.changes:
        assert now.get(change.path) == change.old
        if change.new is None:
            del now[change.path]
        else:
            now[change.path] = change.new
    return now


def refusal(patch: str | bytes, files: dict[str, bytes] | None = None):
    result = patched(patch, files)
    assert (result.status, result.changes, result.diff) == (Status.REFUSED, (), b"")
    (one,) = result.refusals
    return one


def test_a_v4a_patch_updates_moves_adds_and_deletes():
    result = patched(V4A)
    assert (result.status, result.refusals) == (Status.APPLIED, ())
    assert after(result) == AFTER


def test_its_own_diff_is_a_patch_that_gives_the_same(tmp_path):
    first = patched(V4A)
    second = patched(first.diff)
    assert (second.changes, second.diff) == (first.changes, first.diff)
    assert second.receipt.result_sha256 == first.receipt.result_sha256
    assert second.receipt.request_sha256 != first.receipt.request_sha256
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    subprocess.run(["git", "apply", "-"], input=first.diff, cwd=tmp_path, check=True)
    found = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == AFTER


@pytest.mark.parametrize("rename", [True, False])
def test_what_git_diff_writes_is_applied(tmp_path, rename):
    """Git's own diff, with paths that need quotes, CRLF, no final newline, an empty file and a rename."""
    before = FILES | {"grün\t.txt": b"u\n", "a b": b"1\n2\n3\n4\n5\n"}
    later = AFTER | {
        "grün\t.txt": b"u\nv",
        "b b": b"1\n2\n3\n4\n6\n",
        "win.txt": b"first\r\n2nd\r\nthird\r\n",
    }

    def git(*arguments: str) -> bytes:
        config = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "core.autocrlf=false"]
        done = subprocess.run(["git", *config, *arguments], cwd=tmp_path, check=True, capture_output=True)
        return done.stdout

    git("init", "-q")
    for files in (before, later):
        for path in tmp_path.iterdir():
            if path.name != ".git":
                subprocess.run(["rm", "-r", str(path)], check=True)
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_bytes(content)
        git("add", "-A")
        git("commit", "-qm", "x")
    diff = git("diff", "-M" if rename else "--no-renames", "HEAD~1", "HEAD")
    result = patched(diff, before)
    assert (result.status, result.refusals) == (Status.APPLIED, ())
    assert after(result, before) == later
    mail = git("format-patch", "-1", "--stdout", "-M" if rename else "--no-renames")
    assert after(patched(mail, before), before) == later
    assert set(mentioned_paths(diff, before.__contains__)) >= before.keys() - later.keys()


def test_chat_and_aider_replies_name_their_files():
    reply = """I change two files.

src/app.py
<<<<<<< SEARCH
    return 2
=======
    return 22
>>>>>>> REPLACE

`win.txt`
```
<<<<<<< SEARCH
second
=======
2nd
>>>>>>> REPLACE
```

made/new.txt
<<<<<<< SEARCH
=======
hello
>>>>>>> REPLACE
"""
    assert mentioned_paths(reply.encode(), FILES.__contains__) == ("src/app.py", "win.txt")
    result = patched(reply)
    assert after(result) == FILES | {
        "src/app.py": FILES["src/app.py"].replace(b"return 2", b"return 22"),
        "win.txt": b"first\r\n2nd\r\nthird",
        "made/new.txt": b"hello\n",
    }


def test_the_second_part_of_a_file_is_applied_to_what_the_first_left():
    patch = """*** Begin Patch
*** Add File: n.txt
+one
+two
*** Update File: n.txt
@@
 one
-two
+three
*** Update File: n.txt
*** Move to: m.txt
@@
-one
+1
*** End Patch
"""
    assert after(patched(patch)) == FILES | {"m.txt": b"1\nthree\n"}


def test_every_part_that_fails_is_named_with_its_line():
    patch = V4A.replace("-    return 1\n", "-    return 9\n").replace("gone.txt", "never.txt")
    result = patched(patch.replace("*** Add File: empty.txt", "*** Add File: win.txt\n+x"), allow_model=False)
    found = [(one.path, one.reason, one.patch_line) for one in result.refusals]
    assert found == [
        ("src/app.py", RefusalReason.NO_MODEL, 3),
        ("win.txt", RefusalReason.FILE_EXISTS, 16),
        ("never.txt", RefusalReason.FILE_MISSING, 18),
    ]
    assert (result.status, result.changes, result.diff) == (Status.REFUSED, (), b"")


def test_a_line_in_a_message_is_the_patchs():
    first = "*** Begin Patch\n*** Update File: win.txt\n-second\n+2nd\n"
    patch = first + "*** Update File: gone.txt\n@@\n-g\nstray\n*** End Patch\n"
    one = refusal(patch)
    assert one.patch_line == 8
    assert one.message.startswith("Line 8 of the patch:")


@pytest.mark.parametrize("path", ["../out.txt", "/etc/passwd", "a/../../b", "a/../b"])
def test_paths_lead_nowhere_else(path):
    for patch in (
        f"*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n",
        f"*** Begin Patch\n*** Update File: gone.txt\n*** Move to: {path}\n*** End Patch\n",
        f"--- /dev/null\n+++ {path}\n@@ -0,0 +1 @@\n+x\n",
    ):
        assert refusal(patch).reason is RefusalReason.INVALID_PATH


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        ("diff --git a/a b/a\nold mode 100644\nnew mode 100755\n", "mode 100755 cannot be set"),
        (
            "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+to\n",
            "mode 120000",
        ),
        ("diff --git a/p.png b/p.png\nindex 1..2\nBinary files a/p.png and b/p.png differ\n", "is binary"),
        (
            "diff --git a/gone.txt b/c\nsimilarity index 100%\ncopy from gone.txt\ncopy to c\n",
            "copying a file",
        ),
        ("diff --git a/gone.txt b/gone.txt\nindex 1..2\n", "has no hunk"),
        ("nothing at all", "no edit"),
        ("*** Begin Patch\n*** Update File: gone.txt\n-g\n+h\n", "no '*** End Patch'"),
    ],
)
def test_what_cannot_be_done_is_said(patch, says):
    one = refusal(patch)
    assert one.reason is RefusalReason.UNPARSABLE_EDIT
    assert says in one.message


def test_a_deletion_of_another_files_text_is_refused():
    result = patched("--- a/gone.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-g\n-h\n", allow_model=False)
    assert result.status is Status.REFUSED
    half = patched("--- a/win.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-first\n")
    assert [one.reason for one in half.refusals] == [RefusalReason.NO_MATCH]


def test_a_patch_that_is_there_already_changes_nothing():
    head = "--- a/win.txt\n+++ b/win.txt\n@@ -1,3 +1,3 @@\n"
    result = patched(head + " first\n-2nd\n+second\n third\n\\ No newline at end of file\n")
    assert (result.status, result.changes, result.diff) == (Status.ALREADY_APPLIED, (), b"")


def test_the_receipt_says_all_that_decides_and_nothing_else():
    first = patched(V4A)
    assert patched(V4A).receipt == first.receipt
    assert patched(V4A, dict(reversed(FILES.items()))).receipt == first.receipt
    others = [
        patched(V4A + "\n"),
        patched(V4A, FILES | {"other": b""}),
        patched(V4A, FILES | {"win.txt": b"x"}),
        patched(V4A, syntax_gate=False),
    ]
    assert len({result.receipt.request_sha256 for result in [first, *others]}) == 5
    assert first.receipt.fingerprint == Applier.without_model().fingerprint()


LINE = st.sampled_from(["a", "b", "-- x", "++ y", "", " z", "@@", "\\ q", "--- old", "+++ new", "*** End"])
TEXT = st.lists(LINE, max_size=8).map(lambda lines: "".join(line + "\n" for line in lines).encode())


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3), st.booleans())
def test_a_diff_of_any_lines_is_read_back(pairs, cut):
    """Lines that look like headers of a diff are lines of the file where the hunk says so."""
    files = {f"f{number}.txt": old for number, (old, _) in enumerate(pairs)}
    wanted = {f"f{number}.txt": new[:-1] if cut else new for number, (_, new) in enumerate(pairs)}
    changes = [FileChange(path, files[path], wanted[path]) for path in files if files[path] != wanted[path]]
    found = extract(render(changes).decode(), tuple(files))
    assert [edit.path for edit in found.edits] == [change.path for change in changes]
    for edit, change in zip(found.edits, changes, strict=True):
        assert apply_diff(change.old, edit.text.encode()) == change.new
