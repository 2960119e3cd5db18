"""The weights of an alignment of an edit with a window, and the settings that readings are made with.

One setting is right for about 95 % of mined edits. Those of `SETTINGS` were chosen, of some thousand drawn
at random, for the edits of training repositories that some of them reads as meant; `judge` chooses among
them. To the last ones context is worth more and deletions are dear: they find code between repeated lines.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """Points and prices, in integers; tuned on mined edits of training repositories."""

    match_base: int = 10  # a line of letters that is the same, plus one for each `letters_per_point`
    letters_per_point: int = 4
    match_cap: int = 18
    match_common: int = 0  # taken off for every other line of the window that is the same, up to four
    match_sign: int = 4  # a line of brackets only
    match_blank: int = 0
    other_indent: int = 6  # taken off when the indentation differs
    changed_floor: int = 56  # similarity in % from which a line may be a changed line
    renamed_floor: int = 56  # and when the two define different names
    changed_points: int = 3  # of a changed line, per 100 % of similarity above the floor
    outer_percent: int = 250  # of the points, for the outer lines of a chunk: those are context
    outer_changed: bool = True  # whether that goes for changed lines too
    changed_head: int = 1  # the same name defined or assigned to, or another `return`
    run_bonus: int = 0  # a match right after a match
    insert: int = 0
    delete_open: int = 5
    delete_line: int = 2
    delete_blank: int = 1
    delete_letters: int = 0  # on top of delete_line, for every 16 letters of the line, up to 32
    delete_said: int = 0  # gained where a comment in the edit says that lines are gone
    skip_open: int = 45
    outside_open: int = 0  # keeping lines before the first or after the last chunk with no marker there
    inner_keep: int = 4  # a marker that would keep lines deeper than itself
    idle_marker: int = 0  # a marker that keeps nothing


SETTINGS = (
    Costs(),
    Costs(
        match_common=3,
        other_indent=9,
        changed_points=1,
        outer_percent=400,
        changed_head=10,
        run_bonus=8,
        delete_line=1,
        outside_open=20,
        inner_keep=10,
    ),
    Costs(
        delete_said=15,
        match_common=3,
        match_sign=8,
        match_blank=-1,
        changed_points=6,
        outer_percent=400,
        changed_head=10,
        delete_open=80,
        delete_line=0,
        delete_blank=2,
        skip_open=90,
        outside_open=5,
    ),
    Costs(
        match_common=1,
        match_blank=2,
        other_indent=9,
        changed_floor=90,
        outer_percent=400,
        insert=2,
        delete_open=80,
        delete_line=1,
        delete_letters=1,
        skip_open=1000,
    ),
    Costs(
        delete_said=15,
        match_common=3,
        match_sign=1,
        other_indent=9,
        changed_floor=50,
        changed_points=10,
        changed_head=10,
        insert=2,
        delete_line=0,
        inner_keep=0,
    ),
    Costs(match_blank=-3, renamed_floor=50, changed_head=3, run_bonus=8, delete_open=0, skip_open=1000),
    Costs(match_sign=1, match_blank=-1, renamed_floor=101, outer_percent=150, delete_line=0, inner_keep=30),
    Costs(
        delete_said=15,
        match_common=3,
        match_sign=8,
        match_blank=-1,
        other_indent=3,
        changed_floor=90,
        renamed_floor=101,
        changed_points=1,
        outer_percent=400,
        outer_changed=False,
        delete_open=20,
        delete_line=3,
        delete_letters=4,
        idle_marker=80,
    ),
    Costs(
        delete_said=15,
        match_common=3,
        match_sign=8,
        match_blank=-1,
        other_indent=3,
        changed_floor=75,
        outer_percent=400,
        outer_changed=False,
        delete_line=1,
        outside_open=20,
        idle_marker=80,
    ),
    Costs(
        match_common=3,
        match_sign=2,
        match_blank=-3,
        renamed_floor=90,
        changed_points=6,
        outer_percent=150,
        changed_head=3,
        delete_open=0,
        skip_open=20,
        inner_keep=0,
        idle_marker=30,
    ),
    Costs(
        delete_said=15,
        match_common=3,
        match_sign=2,
        match_blank=2,
        other_indent=9,
        changed_floor=50,
        renamed_floor=90,
        outer_percent=100,
        outer_changed=False,
        run_bonus=8,
        insert=1,
        delete_line=0,
        delete_blank=0,
        skip_open=90,
        outside_open=5,
    ),
    Costs(
        match_cap=40,
        changed_floor=75,
        renamed_floor=101,
        changed_points=6,
        outer_percent=800,
        outer_changed=False,
        changed_head=3,
        delete_open=80,
        delete_letters=1,
        delete_said=15,
        skip_open=1000,
        inner_keep=0,
    ),
    Costs(
        match_common=3,
        match_sign=8,
        changed_floor=90,
        renamed_floor=50,
        changed_points=10,
        outer_percent=800,
        changed_head=10,
        insert=1,
        delete_open=150,
        delete_line=40,
        delete_blank=5,
        delete_letters=4,
        skip_open=1000,
        outside_open=20,
        inner_keep=30,
        idle_marker=80,
    ),
    Costs(
        match_base=20,
        match_cap=40,
        match_common=3,
        match_sign=8,
        match_blank=2,
        changed_floor=75,
        renamed_floor=90,
        changed_points=10,
        outer_percent=800,
        outer_changed=False,
        delete_line=0,
        delete_blank=5,
        delete_letters=4,
        delete_said=15,
        skip_open=1000,
        idle_marker=80,
    ),
    Costs(
        match_base=20,
        match_cap=40,
        match_common=5,
        match_sign=1,
        changed_floor=50,
        renamed_floor=90,
        changed_points=1,
        outer_percent=400,
        insert=1,
        delete_line=0,
        delete_blank=0,
        delete_letters=4,
        delete_said=15,
        skip_open=20,
        outside_open=20,
        idle_marker=30,
    ),
    Costs(
        match_sign=1,
        match_blank=-3,
        changed_floor=75,
        renamed_floor=90,
        changed_points=1,
        outer_percent=800,
        insert=1,
        delete_open=80,
        delete_line=5,
        delete_blank=0,
        delete_letters=4,
        skip_open=1000,
        outside_open=5,
        inner_keep=10,
    ),
    Costs(
        match_common=5,
        match_sign=8,
        match_blank=-3,
        renamed_floor=101,
        changed_points=6,
        outer_percent=800,
        outer_changed=False,
        changed_head=10,
        delete_open=150,
        delete_line=0,
        delete_letters=4,
        delete_said=15,
        skip_open=90,
        inner_keep=10,
        idle_marker=30,
    ),
    Costs(
        match_cap=40,
        match_common=3,
        match_sign=8,
        other_indent=9,
        changed_floor=50,
        renamed_floor=101,
        changed_points=6,
        outer_percent=800,
        changed_head=3,
        insert=2,
        delete_open=20,
        delete_line=0,
        delete_blank=0,
        delete_letters=1,
        skip_open=90,
        outside_open=5,
        inner_keep=10,
        idle_marker=30,
    ),
)
