"""Each written case is checked by something that shares no code with the applier: git, or a few lines."""

import re
import subprocess
from collections import Counter, defaultdict

import pytest

from applier.parse import markers
from applier.types import EditFormat
from evals.cases import Case, Category
from evals.cases.written import load_jsonl, load_written

CASES = load_written()
ENCODINGS = ("utf-8-sig", "utf-16", "latin-1")


def decode(data: bytes) -> str:
    """Text with LF line ends, whatever the file has."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    return text.replace("\r\n", "\n")


def format_of(case: Case) -> EditFormat:
    if case.format is not EditFormat.AUTO:
        return case.format
    return {
        "lazy": EditFormat.LAZY,
        "search-replace": EditFormat.SEARCH_REPLACE,
        "unified-diff": EditFormat.UNIFIED_DIFF,
        "v4a": EditFormat.V4A,
    }[case.id.split("/")[1]]


def cases_with_result(wanted: EditFormat) -> list[Case]:
    """Cases that must be applied; those that only resemble the file have tests of their own instead."""
    return [
        c
        for c in CASES
        if c.expected is not None and not c.refusals and not c.not_exact and format_of(c) is wanted
    ]


def test_ids_are_unique_and_every_category_is_covered():
    assert len(CASES) > 400
    assert max(Counter(case.id for case in CASES).values()) == 1
    covered = {case.category for case in CASES}
    assert covered == set(Category) - {Category.HELD_OUT, Category.IMPORTED}
    assert len({case.language for case in CASES}) > 20


def test_unified_diffs_by_git_apply(tmp_path):
    for case in cases_with_result(EditFormat.UNIFIED_DIFF):
        if case.category is Category.APPLIED_TWICE:
            continue
        file = tmp_path / case.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(decode(case.original), encoding="utf-8", newline="")
        diff = decode(case.edit).encode()
        strip = "-p1" if re.search(rb"^(--- a/|\+\+\+ b/)", diff, re.MULTILINE) else "-p0"
        command = ["git", "apply", "--recount", "--whitespace=nowarn", strip, "-"]
        run = subprocess.run(command, input=diff, cwd=tmp_path, capture_output=True, check=False)
        assert run.returncode == 0, (case.id, run.stderr)
        assert file.read_bytes().decode() == decode(case.expected), case.id


BLOCK = re.compile(
    r"^(?:<{7} SEARCH|-{7} SEARCH)\n(.*?)^={7}\n(.*?)^(?:>{7} REPLACE|\+{7} REPLACE)$",
    re.MULTILINE | re.DOTALL,
)


def test_search_replace_blocks_by_plain_replacement():
    for case in cases_with_result(EditFormat.SEARCH_REPLACE):
        if case.category is Category.APPLIED_TWICE:
            continue
        text, last_line_open = decode(case.original), not decode(case.original).endswith("\n")
        text += "\n" if last_line_open else ""
        blocks = BLOCK.findall(decode(case.edit))
        assert blocks, case.id
        for search, replace in blocks:
            assert text.count(search) == 1, (case.id, search)
            text = text.replace(search, replace)
        text = text[:-1] if last_line_open else text
        assert text == decode(case.expected), case.id


def apply_v4a(text: str, patch: str) -> str:
    body = patch.split("*** Update File: ", 1)[1].split("\n", 1)[1].split("*** End Patch")[0]
    position = 0
    for chunk in re.split(r"^@@", body, flags=re.MULTILINE)[1:]:
        scope, _, rest = chunk.partition("\n")
        if scope.strip():
            position = text.index(scope.strip(), position)
        lines = rest.split("\n")[:-1]
        old = "".join(line[1:] + "\n" for line in lines if line[:1] in (" ", "-"))
        new = "".join(line[1:] + "\n" for line in lines if line[:1] in (" ", "+"))
        at = text.index(old, position)
        assert scope.strip() or text.count(old) == 1
        text = text[:at] + new + text[at + len(old) :]
        position = at + len(new)
    return text


def test_v4a_patches_by_plain_replacement():
    for case in cases_with_result(EditFormat.V4A):
        if case.category is Category.APPLIED_TWICE:
            continue
        assert apply_v4a(decode(case.original), decode(case.edit)) == decode(case.expected), case.id


def test_whole_files():
    for case in cases_with_result(EditFormat.WHOLE_FILE):
        fenced = re.fullmatch(r"```\w+\n(.*)```\n", decode(case.edit), re.DOTALL)
        assert (fenced[1].encode() if fenced else case.edit) == case.expected, case.id


def test_lazy_snippets_say_what_the_result_holds():
    by_original = defaultdict(set)
    for case in CASES:
        if case.expected is not None and format_of(case) is not EditFormat.LAZY:
            by_original[decode(case.original)].add(decode(case.expected))
    for case in cases_with_result(EditFormat.LAZY):
        original, expected = decode(case.original), decode(case.expected)
        # The same result as an exact format gives for the same original, or one that tests confirm.
        confirmed = case.category is Category.APPLIED_TWICE or case.tests is not None
        assert expected in by_original[original] or confirmed, case.id
        # Every line written out in the snippet is in the result, in order, and no marker is.
        lines = iter(line.strip() for line in expected.split("\n"))
        snippet = [
            line for line in decode(case.edit).split("\n") if not line.startswith("```") or "md" in case.path
        ]
        code = [s.strip() for s in snippet if s.strip() and not markers.is_marker(s, case.language)]
        for line in code:
            assert any(line == have for have in lines), (case.id, line)
        leaked = [s for s in expected.split("\n") if markers.is_marker(s, case.language)]
        assert set(leaked) <= set(original.split("\n")), (case.id, leaked)


def test_encodings_round_trip():
    """The bytes of a case are what its encoding makes of its text, byte-order mark included."""
    utf16 = [c for c in CASES if c.id.split("/")[-1].startswith("utf16")]
    assert len(utf16) >= 8
    assert all(c.original[:2] == b"\xff\xfe" and c.expected[:2] == b"\xff\xfe" for c in utf16)
    bom = [c for c in CASES if c.id.split("/")[-1].startswith("utf8-bom")]
    assert bom
    assert all(c.original.startswith(b"\xef\xbb\xbf") and c.expected.startswith(b"\xef\xbb\xbf") for c in bom)
    latin = [c for c in CASES if "/latin1" in c.id]
    for case in latin:
        with pytest.raises(UnicodeDecodeError):
            case.original.decode("utf-8")


def test_a_bad_record_is_named_by_line():
    with pytest.raises(ValueError, match=r"mine\.jsonl, line 2: not a case"):
        list(load_jsonl('\n{"id": "x"}\n', "mine.jsonl"))
