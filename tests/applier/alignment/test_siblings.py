"""A new member beside one like it."""

from applier.alignment.alignments import alignments
from applier.alignment.costs import SETTINGS
from applier.alignment.likeness import Likeness
from applier.alignment.scene import Scene
from applier.alignment.siblings import Insertions
from applier.alignment.writing import Writer
from applier.window import GAP, Item


def member(name: str, *body: str) -> list[str]:
    return [
        f"  it('{name}', () => {{",
        "    const page = open()",
        *(f"    {line}" for line in body),
        "  })",
        "",
    ]


FILE: list[Item] = [
    "describe('pages', () => {",
    GAP,
    *member("shows the first page", "expect(page.first).toBe(1)"),
    *member("shows the last page", "expect(page.last).toBe(9)"),
    *member("counts pages", "expect(page.count).toBe(9)"),
    "})",
]
NEW = member("shows the last page of all", "expect(page.last).toBe(99)")
AT = 2 + 2 * 5
EDIT = ["  // ... existing code ...", "  })", "", *NEW, "  it('counts pages', () => {", "  // ... rest ..."]


def added(edit: list[str]) -> list[list[Item]]:
    scene = Scene.of(FILE, edit, "javascript")
    found = alignments(scene, Likeness.of(scene), SETTINGS)
    insertions = Insertions(scene)
    return [Writer(scene, read).write() for steps, _ in found for read in insertions.of(steps)]


def test_it_is_read_as_an_insertion_too():
    wanted = [*FILE[:AT], *NEW, *FILE[AT:]]
    assert wanted in added(EDIT)


def test_every_such_reading_keeps_the_window():
    sparse = [EDIT[0], *EDIT[2:]]
    for edit in (EDIT, sparse, [*EDIT, "})"], EDIT[1:-1]):
        for merged in added(edit):
            lines = iter(merged)
            assert all(any(item == line for line in lines) for item in FILE)
            assert len(merged) > len(FILE)


def test_a_chunk_without_context_on_both_sides_is_not_read_so():
    assert added([EDIT[0], *NEW[:-1], EDIT[-1]]) == []
    assert added([EDIT[0], *FILE[2:6], EDIT[-1]]) == []


def test_a_chunk_stays_between_its_neighbours():
    """The first chunk of this edit stands after the place where the second could be inserted."""
    edit = ["  it('counts pages', () => {", "    const page = open()", "    // ...", *EDIT[1:]]
    for merged in added(edit):
        assert merged.count(GAP) == 1
        assert merged[0] == FILE[0]
