"""The exact tier against a few lines of obvious code, on files where almost every line repeats."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from applier.exact.apply_exact import AlreadyApplied, Applied, NeedsModel, Refused, apply_exact
from applier.parse import parse_edit
from applier.text.source_text import SourceText
from applier.types import RefusalReason

LINE = st.sampled_from(["alpha", "beta", "", "  alpha", "}"])
FILE = st.lists(LINE, min_size=1, max_size=9).filter(lambda lines: lines[-1] != "")
BLOCK = st.lists(LINE, min_size=1, max_size=3).filter(any)
NEW = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "}"]), max_size=3)


def places(lines: list[str], block: list[str]) -> list[int]:
    return [i for i in range(len(lines) - len(block) + 1) if lines[i : i + len(block)] == block]


def source_of(lines: list[str]) -> SourceText:
    return SourceText.decode(("\n".join(lines) + "\n").encode())


@settings(max_examples=400)
@given(FILE, BLOCK, NEW)
def test_a_block_is_applied_where_it_stands_once(lines: list[str], old: list[str], new: list[str]) -> None:
    text = "\n".join(["<<<<<<< SEARCH", *old, "=======", *new, ">>>>>>> REPLACE", ""])
    source = source_of(lines)
    outcome = apply_exact(source, parse_edit(text))
    found = places(lines, old)
    if old == new:
        assert isinstance(outcome, Refused)
    elif len(found) > 1:
        assert isinstance(outcome, Refused)
        assert outcome.refusal.reason is RefusalReason.AMBIGUOUS_MATCH
        assert [candidate.start - 1 for candidate in outcome.refusal.candidates] == found
    elif not found:
        assert isinstance(outcome, NeedsModel | AlreadyApplied | Refused)
        if not isinstance(outcome, NeedsModel):
            assert places(lines, new)
    elif isinstance(outcome, AlreadyApplied):
        assert any(top <= found[0] <= top + len(new) - len(old) for top in places(lines, new))
    else:
        assert isinstance(outcome, Applied)
        expected = lines[: found[0]] + new + lines[found[0] + len(old) :]
        assert source.replace(outcome.replacements).decode() == "".join(line + "\n" for line in expected)


@settings(max_examples=400)
@given(FILE, BLOCK, NEW, st.integers(1, 10), st.booleans())
def test_a_hunk_is_applied_where_its_lines_stand(
    lines: list[str], old: list[str], new: list[str], stated: int, numbered: bool
) -> None:
    header = f"@@ -{stated},{len(old)} +{stated},{len(new)} @@" if numbered else "@@"
    text = "\n".join([header, *(f"-{line}" for line in old), *(f"+{line}" for line in new), ""])
    source = source_of(lines)
    outcome = apply_exact(source, parse_edit(text))
    found = places(lines, old)
    if not isinstance(outcome, Applied):
        assert len(found) != 1 or old == new or isinstance(outcome, AlreadyApplied)
        return
    chosen = found if len(found) == 1 else sorted(found, key=lambda i: abs(i - stated + 1))[: int(numbered)]
    assert len(chosen) == 1
    expected = lines[: chosen[0]] + new + lines[chosen[0] + len(old) :]
    assert source.replace(outcome.replacements).decode() == "".join(line + "\n" for line in expected)


@settings(max_examples=300)
@given(FILE, st.lists(st.tuples(BLOCK, NEW), min_size=2, max_size=3))
def test_hunks_in_order_never_land_where_their_lines_do_not_stand(
    lines: list[str], pairs: list[tuple[list[str], list[str]]]
) -> None:
    body: list[str] = []
    for old, new in pairs:
        body += ["@@", *(f"-{line}" for line in old), *(f"+{line}" for line in new)]
    source = source_of(lines)
    outcome = apply_exact(source, parse_edit("\n".join([*body, ""])))
    if not isinstance(outcome, Applied):
        return
    # Every replaced line was asked for by one hunk, and as many lines as the hunks that were applied.
    removed = [line for part in outcome.replacements for line in lines[part.start : part.end]]
    asked = [line for old, _ in pairs for line in old]
    for line in set(removed):
        assert removed.count(line) <= asked.count(line)
