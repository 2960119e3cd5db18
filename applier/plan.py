"""Everything that one merge needs, from the file's lines and one inexact edit.

A lazy snippet is one merge. Search/replace blocks and hunks are placed without the model; only those whose
new lines hold a placeholder are merges, each of its own against the original, so that none depends on what
became of another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .align.parse_check import Soundness
from .align.propose import Proposal, propose
from .locate.locator import locate
from .locate.wrong_file import is_strange
from .merge.constraint import Constraint
from .merge.drafts import Drafter
from .merge.order import MergeOrder
from .merge.prompt import PromptCodec
from .merge.proposal_path import Course, Guide
from .merge.repeats import line_limits, repeats
from .normalise import folded_row, normalise_part, normalise_snippet
from .parse import LazySnippet, ParsedEdit, WholeFile
from .parse.markers import MarkerKind, find_markers, leaks, without_trailing_marker
from .parse.parts import Part, from_block, from_hunk, new_markers
from .parse.readings import readings
from .syntax.source_syntax import SourceSyntax
from .text.file_lines import FileLines
from .text.window import Item, Window
from .types import LineRange, Refusal, RefusalReason

MARGINS = (8, 4, 1)  # the next is taken where a window does not fit into the context; training draws 5 to 15
ANSWER_SLACK = 64
ENOUGH = 3_000  # odds, in thousandths of a logit, of a plan beside which no other reading is tried


@dataclass(frozen=True, slots=True)
class MergePlan:
    """One merge by the model. `new_lines` are the lines of the edit that the window lacks, stripped; `odds`
    those of the proposal, as in `propose.Proposal`; `limits` how often a line may be written.
    """

    window: Window
    items: list[Item]
    proposal: list[Item]
    prompt: list[int]
    max_answer: int
    drafter: Drafter
    constraint: Constraint | None
    new_lines: frozenset[str]
    odds: int = 0
    limits: Mapping[str, int] = field(default_factory=dict)

    def order(self, codec: PromptCodec) -> MergeOrder:
        """What the model needs of it. `codec` is that of the plan."""
        guide = Guide(codec, self.proposal)
        course = Course(self.constraint, guide) if self.constraint else None
        return MergeOrder(
            prompt=self.prompt,
            max_answer=self.max_answer,
            drafter=self.drafter,
            constraint=self.constraint,
            guide=guide,
            course=course,
            first=self.drafter.first(),
            limits=self.limits,
            repeats=repeats(self.proposal, self.limits),
            odds=self.odds,
        )

    def items_between(self, start: int, end: int) -> list[str]:
        """The kept lines `start` to `end` of the file, which hold no gap."""
        numbers = self.window.line_numbers()
        return [
            item
            for item, number in zip(self.items, numbers, strict=True)
            if item is not None and number is not None and start <= number < end
        ]


@dataclass(frozen=True, slots=True)
class Context:
    """What the plans of one request share."""

    codec: PromptCodec
    max_positions: int
    lines: FileLines
    language: str | None
    path: str
    instruction: str
    constrained: bool
    syntax: SourceSyntax | None  # proposals that keep the file parsing come first; None: they need not

    def soundness(self, window: Window) -> Soundness | None:
        """What proposals for a window are checked with."""
        return Soundness(self.syntax, window) if self.syntax else None


def plan_snippet(
    context: Context, edit_lines: Sequence[str], markers: Mapping[int, MarkerKind], doubt: int = 0
) -> MergePlan | Refusal:
    """A lazy snippet, or a whole file with markers. `doubt` is taken from the proposal's odds."""
    language = context.language
    if is_strange(edit_lines, markers, context.lines):
        message = "no line of the edit stands in the file; is it for another one? Show unchanged lines"
        return Refusal(RefusalReason.NO_MATCH, message)

    def make(margin: int) -> MergePlan | Refusal:
        window = locate(context.lines, edit_lines, language, margin=margin, markers=markers)
        if isinstance(window, Refusal):
            return window
        items = window.items(context.lines)
        learnt = context.codec.learn_later([*items, *edit_lines])
        sound = context.soundness(window)
        proposal = propose(items, edit_lines, language, markers=markers, sound=sound, lead=window.lead)
        if not learnt.cancel():  # else it still waits behind other requests' lines
            learnt.result()
        proposal = replace(proposal, odds=proposal.odds - doubt)
        shown = [
            None if i in markers else without_trailing_marker(line, language)
            for i, line in enumerate(edit_lines)
        ]
        return _plan(context, window, items, proposal, edit_lines, shown, ())

    return _fitting(context, make)


def plan_part(context: Context, part: Part) -> MergePlan | Refusal:
    """A search/replace block or a hunk whose new lines hold a placeholder."""
    language = context.language
    if elided := _elided_search(part, context):
        return elided
    markers = new_markers(part, language)
    anchors = [*part.scopes, "", *part.old] if part.scopes else list(part.old)
    cut = {len(part.scopes): MarkerKind.ELIDE} if part.scopes else {}

    def make(margin: int) -> MergePlan | Refusal:
        window = locate(context.lines, anchors, language, margin=margin, markers=cut, anchored=True)
        if isinstance(window, Refusal):
            return replace(window, message=f"The {part.what}: {window.message}", edit_line=part.line)
        items = window.items(context.lines)
        proposal = propose(items, part.new, language, markers=markers, sound=context.soundness(window))
        shown = [None if i in markers else line for i, line in enumerate(part.new)]
        return _plan(context, window, items, proposal, part.text.split("\n"), shown, part.old)

    return _fitting(context, make)


def _elided_search(part: Part, context: Context) -> Refusal | None:
    """A refusal of search text that leaves lines out: what to remove there is not said."""
    kept = {line.strip() for line in part.new}
    for row in find_markers(part.old, context.language):
        text = part.old[row].strip()
        if text not in kept and not context.lines.has(text):
            message = f"The {part.what}: {text!r} stands for lines that it does not show; write them out."
            return Refusal(RefusalReason.NO_MATCH, message, (), part.line)
    return None


def _plan(
    context: Context,
    window: Window,
    items: list[Item],
    proposal: Proposal,
    edit_lines: Sequence[str],
    shown: Sequence[Item],
    references: Sequence[str],
) -> MergePlan:
    codec = context.codec
    prompt = codec.build_prompt(items, edit_lines, context.instruction, context.path)
    lines = [line for line in shown if line is not None]
    constraint = None
    if context.constrained:
        constraint = Constraint.of(codec, items, lines, proposal.items, references)
    had = {item.strip() for item in items if item is not None}
    return MergePlan(
        window=window,
        items=items,
        proposal=proposal.items,
        prompt=prompt,
        max_answer=len(codec.encode_items(items)) + 2 * len(codec.encode_items(lines)) + ANSWER_SLACK,
        drafter=Drafter(codec, proposal.items, items, shown),
        constraint=constraint,
        new_lines=frozenset(text for line in lines if (text := line.strip()) and text not in had),
        odds=proposal.odds,
        limits=line_limits(items, lines),
    )


def _fitting(context: Context, make: Callable[[int], MergePlan | Refusal]) -> MergePlan | Refusal:
    """The plan with the widest margin that fits into the model's context; a refusal where none does."""
    plan: MergePlan | Refusal | None = None
    for margin in MARGINS:
        plan = make(margin)
        if isinstance(plan, Refusal):
            return plan
        room = context.max_positions - len(plan.prompt)
        if room >= len(context.codec.encode_items(plan.proposal)) + ANSWER_SLACK:
            return replace(plan, max_answer=min(plan.max_answer, room))
    assert isinstance(plan, MergePlan)
    return Refusal(
        RefusalReason.WINDOW_TOO_LARGE,
        f"The edit touches {plan.window.size} lines, {len(plan.prompt)} tokens with the edit itself; "
        f"the model reads and writes {context.max_positions} together. Split the edit, or send "
        "a diff that matches exactly.",
        tuple(LineRange(start + 1, max(start + 1, end)) for start, end in plan.window.ranges[:8]),
    )


def plan_edit(context: Context, edit: ParsedEdit, pending: Collection[int]) -> list[MergePlan] | Refusal:
    """`pending` are the lines of the edit at which the parts begin that the exact tier left over."""
    if isinstance(edit, LazySnippet):
        made = [_plan_lazy(context, edit)]
    elif isinstance(edit, WholeFile):
        made = [plan_snippet(context, edit.lines, edit.markers)]
    else:
        parts = [from_block(block, context.language)[0] for block in getattr(edit, "blocks", ())]
        parts += [from_hunk(hunk, context.language) for hunk in getattr(edit, "hunks", ())]
        left = [part for part in parts if part.line in pending]
        made = [plan_part(context, normalise_part(part, context.lines, context.language)) for part in left]
    plans: list[MergePlan] = []
    for plan in made:
        if isinstance(plan, Refusal):
            return plan
        plans.append(plan)
    return plans


def _plan_lazy(context: Context, edit: LazySnippet) -> MergePlan | Refusal:
    """The plan of the likeliest reading of a snippet's lines; where its odds leave room, of the reading whose
    odds are best.
    """
    stub = context.path.endswith(".pyi")
    best: MergePlan | Refusal | None = None
    for reading in readings(edit, context.lines, context.language, stub=stub):
        plan = _plan_reading(context, reading.edit, reading.penalty)
        if best is None or (_is_better(plan, best) and not _leaves_placeholder(plan, context.language)):
            best = plan
        if isinstance(best, MergePlan) and best.odds >= ENOUGH:
            break
    if best is None:
        message = "There is nothing but placeholders and talk. Show the code that changes."
        return Refusal(RefusalReason.UNPARSABLE_EDIT, message, (), edit.line)
    return best


def _leaves_placeholder(plan: MergePlan | Refusal, language: str | None) -> bool:
    """Whether a proposal writes a placeholder, for which it would be refused in the end."""
    if isinstance(plan, Refusal):
        return False
    before, after = ([line for line in side if line is not None] for side in (plan.items, plan.proposal))
    return bool(leaks(before, after, language))


def _is_better(plan: MergePlan | Refusal, best: MergePlan | Refusal) -> bool:
    if isinstance(plan, Refusal):
        return False
    return isinstance(best, Refusal) or plan.odds > best.odds


def _plan_reading(context: Context, edit: LazySnippet, penalty: int) -> MergePlan | Refusal:
    stub = context.path.endswith(".pyi")
    edit, doubt = normalise_snippet(edit, context.lines, context.language, stub=stub)
    row = folded_row(edit.lines, edit.markers, context.lines, context.language)
    if row is not None:
        message = f"{edit.lines[row].strip()!r} folds code that the file does not have so, or has twice; "
        return Refusal(
            RefusalReason.PLACEHOLDER_LEAK, message + "write it out, or leave it out", (), edit.line
        )
    return plan_snippet(context, edit.lines, edit.markers, doubt + penalty)
