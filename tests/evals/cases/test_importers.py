import json

import pytest

from applier.types import EditFormat
from evals.cases.importers import load_folder
from evals.cases.importers.sections import block_sections, v4a_sections


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def test_triples_in_folders_and_json_lines(tmp_path):
    write(
        tmp_path,
        {
            "one/before.py": "x = 1\n",
            "one/snippet.py": "x = 2\n",
            "one/after.py": "x = 2\n",
            "half/before.py": "x = 1\n",
            "more.jsonl": json.dumps(
                {"original_code": "a\r\n", "update_snippet": "b\n", "final_code": "b\r\n"}
            )
            + "\n\n",
        },
    )
    cases = {case.id: case for case in load_folder(tmp_path)}
    assert set(cases) == {"one", "more.jsonl:1"}
    assert (cases["one"].language, cases["one"].format) == ("python", EditFormat.AUTO)
    assert cases["one"].expected == b"x = 2\n"
    assert cases["more.jsonl:1"].original == b"a\r\n"


PATCH = """*** Begin Patch
*** Update File: a.py
@@
-x = 1
+x = 2
*** Update File: dir/b.txt
@@
 keep
-old
+new
*** End Patch
"""


def test_v4a_scenario_gives_one_case_a_file(tmp_path):
    write(
        tmp_path,
        {
            "001_two/input/a.py": "x = 1\n",
            "001_two/input/dir/b.txt": "keep\nold\n",
            "001_two/patch.txt": PATCH,
            "001_two/expected/a.py": "x = 2\n",
            "001_two/expected/dir/b.txt": "keep\nnew\n",
            "002_rejected/input/a.py": "y = 1\n",
            "002_rejected/patch.txt": PATCH.split("*** Update File: dir")[0] + "*** End Patch\n",
            "002_rejected/expected/a.py": "y = 1\n",
            "003_adds/input/keep": "",
            "003_adds/patch.txt": "*** Begin Patch\n*** Add File: new\n+x\n*** End Patch\n",
            "003_adds/expected/new": "x\n",
        },
    )
    cases = load_folder(tmp_path)
    assert [case.id for case in cases] == ["001_two/a.py", "001_two/dir/b.txt", "002_rejected/a.py"]
    assert cases[1].expected == b"keep\nnew\n"
    assert b"a.py" not in cases[1].edit
    assert cases[2].refusals
    assert not cases[0].refusals


REPLY = """I will change two files.

a.py
```python
<<<<<<< SEARCH
x = 1
=======
x = 2
>>>>>>> REPLACE
```

And then `b.py`:

`b.py`
```python
<<<<<<< SEARCH
y = 1
=======
y = 2
>>>>>>> REPLACE

<<<<<<< SEARCH
z = 1
=======
>>>>>>> REPLACE
```
"""


def test_aider_reply_is_split_by_file(tmp_path):
    sections = block_sections(REPLY)
    assert list(sections) == ["a.py", "b.py"]
    assert sections["b.py"].count("<<<<<<< SEARCH") == 2
    write(tmp_path, {"t/before/b.py": "y = 1\nz = 1\n", "t/reply.md": REPLY, "t/after/b.py": "y = 2\n"})
    (case,) = load_folder(tmp_path)
    assert (case.id, case.format, case.expected) == ("t/b.py", EditFormat.SEARCH_REPLACE, b"y = 2\n")


def test_patches_that_add_or_move_files_are_not_cases():
    assert v4a_sections("*** Begin Patch\n*** Delete File: x\n*** End Patch\n") is None
    assert v4a_sections("*** Begin Patch\n*** Update File: x\n*** Move to: y\n*** End Patch\n") is None
    assert v4a_sections("no patch") == {}


def test_a_folder_without_cases_names_the_shapes(tmp_path):
    with pytest.raises(ValueError, match="Known shapes: before/snippet/after"):
        load_folder(tmp_path)
