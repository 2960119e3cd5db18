import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from applier import Applier, EditFormat, EditOptions, EditRequest, EditResult, Status
from applier.cancellation import Cancelled, CancelToken, cancel_scope
from applier.merge.model_info import ModelNotFoundError
from applier.merge.prompt import PromptTemplate
from applier.merge.result import DecodeOptions
from applier.text.unified_diff import apply_diff
from applier.types import RefusalReason, Tier
from tests.applier.tiny_applier import tiny_applier

FILE = b"import os\n\n\ndef add(a, b):\n    return a + b\n\n\nclass Thing:\n    value = 0\n"
BLOCK = b"<<<<<<< SEARCH\n    return a + b\n=======\n    return b + a\n>>>>>>> REPLACE\n"
LAZY = b"# ... existing code ...\ndef add(a, b, c):\n    return a + b + c\n# ... existing code ...\n"
ANYTHING = EditOptions(min_confidence=0.0, syntax_gate=False)


def ask(edit: bytes = BLOCK, original: bytes = FILE, path: str = "x.py", **more) -> EditRequest:
    return EditRequest(original=original, edit=edit, path=path, **more)


def refused(result: EditResult, original: bytes = FILE) -> RefusalReason:
    assert result.status is Status.REFUSED
    assert result.content == original
    assert result.diff == b""
    assert result.tier is Tier.NONE
    assert result.refusal is not None
    assert result.refusal.message
    return result.refusal.reason


def test_an_exact_edit_needs_no_model():
    result = Applier.without_model().apply(ask())
    assert result.status is Status.APPLIED
    assert result.tier is Tier.EXACT
    assert result.confidence == 1.0
    assert result.format is EditFormat.SEARCH_REPLACE
    assert result.content == FILE.replace(b"a + b", b"b + a")
    assert apply_diff(FILE, result.diff) == result.content
    assert result.receipt.result_sha256 == hashlib.sha256(result.content).hexdigest()
    assert result.tokens.passes == 0
    shown = BLOCK.replace(b"    return", b"def add(a, b):\n    return")
    again = Applier.without_model().apply(ask(shown, original=result.content))
    assert again.status is Status.ALREADY_APPLIED
    assert again.content == result.content


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (ask(edit=b""), RefusalReason.EMPTY_EDIT),
        (ask(edit=b" \n\t"), RefusalReason.EMPTY_EDIT),
        (ask(expected_sha256="0" * 64), RefusalReason.STALE_ORIGINAL),
        (ask(original=b"\x00\x01\x02" * 9), RefusalReason.BINARY_FILE),
        (ask(original=b"\xff\xfe\x00\xd8"), RefusalReason.UNDECODABLE),
        (ask(edit=b"\xff\xfe\x00\xd8"), RefusalReason.UNPARSABLE_EDIT),
        (ask(edit=b"<<<<<<< SEARCH\nx\n"), RefusalReason.UNPARSABLE_EDIT),
        (ask(edit=b"-x\n+y\n", format=EditFormat.V4A), RefusalReason.UNPARSABLE_EDIT),
        (ask(edit=LAZY), RefusalReason.NO_MODEL),
        (ask(original=FILE + b"    return a + b\n"), RefusalReason.AMBIGUOUS_MATCH),
    ],
)
def test_bad_input_is_a_refusal_with_a_reason(request_, reason):
    assert refused(Applier.without_model().apply(request_), request_.original) is reason


def test_the_model_can_be_switched_off():
    result = tiny_applier().apply(ask(edit=LAZY, options=EditOptions(allow_model=False)))
    assert refused(result) is RefusalReason.NO_MODEL
    assert "switched off" in result.refusal.message


def test_a_huge_file_is_refused_at_once():
    huge = b"x\n" * (33 << 20)
    assert refused(tiny_applier().apply(ask(original=huge)), huge) is RefusalReason.TOO_LARGE


def test_low_confidence_says_where():
    result = tiny_applier().apply(ask(edit=LAZY, options=EditOptions(min_confidence=1.0)))
    assert refused(result) is RefusalReason.LOW_CONFIDENCE
    assert result.refusal.candidates
    assert all(1 <= place.start <= place.end <= 9 for place in result.refusal.candidates)
    assert result.tokens.passes > 0


def test_an_edit_of_something_else_is_refused_before_the_model_runs():
    original = b"".join(b"line_%d = %d\n" % (n, n) for n in range(200))
    result = tiny_applier().apply(ask(b"# ...\nfoo bar baz\nquux quuux\n# ...\n", original))
    assert refused(result, original) is RefusalReason.NO_MATCH
    assert result.tokens.passes == 0


def test_a_window_beyond_the_context_is_refused():
    original = b"".join(b"some_quite_long_name_%d = 'some quite long text %d'\n" % (n, n) for n in range(150))
    edit = original.replace(b" = '", b" = u'") + b"# ... existing code ...\n"
    result = tiny_applier().apply(ask(edit, original))
    assert refused(result, original) is RefusalReason.WINDOW_TOO_LARGE


MIXED = [
    ask(edit=LAZY, options=ANYTHING),
    ask(),
    ask(edit=LAZY, instruction="add c", options=ANYTHING),
    ask(edit=b""),
    ask(edit=BLOCK.replace(b"a + b", b"a+b"), options=ANYTHING),
    ask(edit=LAZY, options=replace(ANYTHING, constrain_to_known_lines=False)),
    ask(edit=BLOCK + BLOCK.replace(b"    return", b"return").replace(b"a + b", b"a +b"), options=ANYTHING),
]


def essence(result: EditResult):
    tokens = replace(result.tokens, passes=0, drafted=0, accepted=0)
    return replace(result, timing=type(result.timing)(), tokens=tokens)


def test_alone_together_in_threads_and_in_pieces_the_answers_are_equal():
    traced = [tiny_applier().trace_many([one], hash_logits=True)[0] for one in MIXED]
    alone = [essence(one.result) for one in traced]
    digests = [[merge.logits_sha256 for merge in one.merges] for one in traced]
    for options in (DecodeOptions(), DecodeOptions(prefill_chunk=9, draft_length=3, batch_tokens=100)):
        together = tiny_applier(options).trace_many(MIXED[::-1], hash_logits=True)[::-1]
        assert [essence(one.result) for one in together] == alone
        assert [[merge.logits_sha256 for merge in one.merges] for one in together] == digests
    shared = tiny_applier()
    with ThreadPoolExecutor(3) as pool:
        assert [essence(result) for result in pool.map(shared.apply, MIXED)] == alone
    assert any(digests)


ends = st.sampled_from(["\n", "\r\n"])
texts = st.sampled_from(["import os", "def add(a, b):", "    return a + b", "", "value = 0", "\tx = 'é'"])
marks = st.sampled_from(["# ... existing code ...", "# ...", "..."])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(texts, max_size=8),
    st.lists(texts | marks, min_size=1, max_size=5),
    ends,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    st.booleans(),
)
def test_whatever_the_model_writes_the_file_is_whole(lines, edit, end, encoding, final):
    original = (end.join(lines) + (end if final and lines else "")).encode(encoding)
    request = ask("\n".join(edit).encode(), original, options=ANYTHING)
    result = tiny_applier().apply(request)
    if result.status is not Status.APPLIED:
        assert result.content == original
        return
    assert apply_diff(original, result.diff) == result.content
    if encoding == "latin-1" and original.isascii():
        encoding = "utf-8"  # nothing in the file says otherwise
    text = result.content.decode(encoding)
    if len(lines) > 1:
        assert text.count("\n") == text.count(end)
        assert result.content[:2] == original[:2] or encoding in ("utf-8", "latin-1")
    assert not any(line.strip().startswith("# ...") for line in text.split("\n"))
    known = {line.strip() for line in lines} | {line.strip() for line in edit}
    assert {line.strip() for line in text.split("\n")} <= known | {""}


def test_fingerprints_name_everything_that_decides():
    base = tiny_applier()
    assert base.fingerprint() == tiny_applier().fingerprint()
    assert base.fingerprint() == tiny_applier(DecodeOptions(prefill_chunk=1)).fingerprint()
    assert base.fingerprint() != tiny_applier(threshold=0.6).fingerprint()
    assert base.fingerprint() != Applier.without_model().fingerprint()
    other = replace(base.info, template=PromptTemplate(gap="<|endoftext|>"))
    assert other.fingerprint() != base.fingerprint()


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ModelNotFoundError, match="samebytes model fetch"):
        Applier.from_default(tmp_path / "nothing")
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ModelNotFoundError, match="no model manifest"):
        Applier.from_model_dir(tmp_path)


def test_without_a_default_model_exact_edits_work(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMEBYTES_HOME", str(tmp_path))
    applier = Applier.from_default()
    assert applier.apply(ask()).status is Status.APPLIED
    assert refused(applier.apply(ask(edit=LAZY))) is RefusalReason.NO_MODEL


def test_a_cancelled_edit_stops():
    token = CancelToken()
    token.cancel()
    with cancel_scope(token), pytest.raises(Cancelled):
        tiny_applier().apply(ask(edit=LAZY))
