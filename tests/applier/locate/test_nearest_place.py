"""Search texts with misspelt lines in files of lookalikes."""

from applier.locate.anchors import Anchor, nearest_place
from applier.locate.locator import locate
from applier.types import Refusal


def cases_of(*names: str) -> list[str]:
    return [
        line
        for name in names
        for line in ("    [Fact]", f"    public void {name}()", "    {", "        Run();", "    }", "")
    ]


NAMES = [f"Case{n}_With{'ABCDEFGHIJKLMNOPQRST'[n]}" for n in range(20)]
FILE = cases_of(*NAMES, "Last_Predicate", "Last_PredicateThrows", *[f"More{n}" for n in range(9)])
AT = 6 * 20


def anchors(text: list[str]) -> list[Anchor]:
    return [Anchor(row, at, 1) for row, line in enumerate(text) for at, it in enumerate(FILE) if line == it]


def test_the_place_with_the_smaller_mistakes_is_meant():
    for name, place in (("Last_Predicate", AT), ("Last_PredicateThrows", AT + 6)):
        text = ["    [Fact]", f"    publi void {name}()", "    {"]
        assert nearest_place(FILE, text, anchors(text)) == place
        window = locate(FILE, text, "csharp", margin=1, anchored=True)
        assert not isinstance(window, Refusal)
        assert any(start <= place and place + 3 <= end for start, end in window.ranges)
        assert window.size < 20


def test_equal_places_and_other_texts_have_none():
    same = ["    {", "        Run();", "    }"]
    assert nearest_place(FILE, same, anchors(same)) is None
    other = [
        "    [Fact]",
        "    private static readonly int x = 3;",
        "    // nothing of it stands here at all",
    ]
    assert nearest_place(FILE, other, anchors(other)) is None
    assert nearest_place(FILE, same, []) is None


def test_a_window_says_how_clear_its_place_is():
    clear = locate(FILE, ["    public void Last_PredicateThrows()", "    {"], "csharp", anchored=True)
    assert not isinstance(clear, Refusal)
    assert clear.lead >= 25
    twins = [*(f"line {n} of the file" for n in range(100)), "alpha = first(1)", "omega()", "-" * 9]
    twins += ["alpha = first(1)", "omega(1)", *(f"row {n}" for n in range(50))]
    near = locate(twins, ["alpha = first(1)", "omega()", "new"], None)
    assert not isinstance(near, Refusal)
    assert near.lead < 100
