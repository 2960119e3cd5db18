"""A new member beside one like it."""

from applier.align.costs import SETTINGS
from applier.align.input import Scene
from applier.align.insertions import Insertions, _places
from applier.align.render import Writer
from applier.align.similarity import Likeness
from applier.align.table_native import alignments
from applier.text.window import GAP, Item


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


def test_new_lines_at_the_end_of_an_edit_may_end_the_file():
    file: list[Item] = [*FILE, "", "run('pages')"]
    edit = ["// ... existing code ...", "run('pages')", "run('pages of books')"]

    def places(items: list[Item], edit: list[str]) -> list[tuple[int, int, int]]:
        return _places(Scene.of(items, edit, "javascript"), 1, 2)

    assert places(file, edit) == [(len(file), 1, 0)]
    assert places([*file, ""], edit) == [(len(file), 1, 0)]  # a blank line stays the last one
    assert places(file, [*edit, "// ... rest ..."]) == []
    assert places([*file, "stop()"], edit) == []
    assert places([*file, GAP], edit) == []


def test_an_insertion_is_read_with_all_of_its_context_above_or_below():
    """One that ends as what it follows can be read at several columns, to the same text but for white
    space.
    """
    file: list[Item] = [*member("one", "a = 1"), "end of all pages"]
    edit = ["    a = 1", "  })", "", *member("two", "a = 1"), "end of all pages"]
    places = _places(Scene.of(file, edit, "javascript"), 0, len(edit) - 1)
    assert {above + below for _, above, below in places} == {4}
    assert (5, 3, 1) in places
    assert len(places) == 2


def test_a_chunk_that_fits_everywhere_is_read_at_a_few_places_only():
    """Else the readings of an edit would grow with the file."""

    def readings(members: int) -> int:
        file = [line for n in range(members) for line in member("shows", f"expect(page).toBe({n})")]
        edit = ["  // ...", "  })", "", *member("is new", "grow()"), "  it('shows', () => {", "  // ..."]
        scene = Scene.of(file, edit, "javascript")
        steps, _ = alignments(scene, Likeness.of(scene), SETTINGS)[0]
        return sum(1 for _ in Insertions(scene).of(steps))

    assert 1 < readings(8) == readings(16)
