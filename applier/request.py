"""One request on its way through the pipeline, in the order in which things happen to it."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from . import receipt
from .exact.aligned import align_part
from .exact.apply_exact import AlreadyApplied, Applied, NeedsModel, Pending, Refused, apply_exact
from .merge.confidence import Kind, Signal
from .merge.model_info import ModelInfo
from .merge.result import count_tokens
from .outcome import Outcome, Written, find_overlap, gather, proposed_instead, written
from .parse import ParsedEdit
from .parse.read import read, unreadable
from .syntax.languages import canonical, language_for_path
from .syntax.source_syntax import SourceSyntax
from .text.source_text import SourceText, TextError, merge_adjacent
from .types import (
    EditRequest,
    EditResult,
    LineRange,
    Offer,
    Refusal,
    RefusalReason,
    Status,
    Tier,
    Validation,
)
from .verify.verify import verify

if TYPE_CHECKING:
    from .engine.engine import Engine
    from .merge.result import DecodeError, Merge
    from .merge.task import MergeTask
    from .plan import Context, MergePlan


from time import perf_counter

from .types import Timing

_BARE_LF = re.compile(rb"(?<!\r)\n")
Merges = list["MergeTask"]
Steps = Generator[Merges, "list[Merge | DecodeError] | None", EditResult]


class Owner(Protocol):
    """What a request needs of the Applier."""

    @property
    def info(self) -> ModelInfo | None: ...

    @property
    def engine(self) -> Engine | None: ...

    def fingerprint(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Traced:
    """A result with the merges by the model behind it, and the (margin, kind) of each that was usable."""

    result: EditResult
    merges: tuple[Merge, ...]
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of a result: the signals of its merges, how sure it is, and what the checks say of it."""

    signals: tuple[Signal, ...] = ()
    confidence: float = 0.0
    validation: Validation = field(default_factory=Validation)


class _Refuse(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class _Unsure(_Refuse):
    """The merge may be right, but is not sure enough, or is not the one that was accepted."""


class Run:
    """One request. `steps` yields the merges it needs, takes what they gave, and returns the result."""

    here = True  # it holds the interpreter's lock of this process

    def __init__(self, request: EditRequest, owner: Owner, hash_logits: bool = False) -> None:
        self.request, self.owner, self.hash_logits = request, owner, hash_logits
        self.merges: list[Merge] = []
        self._found = _Found()
        self._format = request.format
        self._language: str | None = None
        self._syntax: SourceSyntax | None = None
        self._clock = Clock()
        self._original_sha256 = receipt.sha256_later(request.original)
        self._content_sha256: Future[str] | None = None

    @property
    def signals(self) -> tuple[Signal, ...]:
        """As `Traced.signals`."""
        return self._found.signals

    def hand_in(self, merged: list[Merge | DecodeError]) -> None:
        """Hears what `steps` is sent next."""

    def steps(self) -> Steps:
        """Runs the request; see the class."""
        try:
            return (yield from self._steps())
        except _Refuse as refused:
            return self._answer(Status.REFUSED, self.request.original, Tier.NONE, refusal=refused.refusal)

    def _steps(self) -> Steps:
        request = self.request
        source, edit = self._read()
        self._clock.lap("parse_ms")
        outcome = apply_exact(source, edit, self._language)
        if isinstance(outcome, Refused):
            raise _Refuse(outcome.refusal)
        if isinstance(outcome, AlreadyApplied):
            self._check_nothing_goes(source, edit, outcome)
            self._found = replace(self._found, confidence=1.0)
            return self._answer(Status.ALREADY_APPLIED, request.original, Tier.EXACT)
        if isinstance(outcome, Applied):
            self._found = replace(self._found, confidence=1.0)
            done = Outcome(outcome.replacements, outcome.touched(source))
            return self._finish(source, edit, done, Tier.EXACT, outcome.final_newline)
        if isinstance(outcome, NeedsModel) and self.request.options.allow_model:
            aligned = self._aligned(source, edit, outcome)
            if not isinstance(aligned, NeedsModel):
                return aligned
            outcome = aligned
        plans = self._plan(source, edit, outcome)
        self._clock.lap("locate_ms")
        engine = self.owner.engine
        assert engine is not None
        merged = yield [engine.task(plan, self.hash_logits) for plan in plans]
        self._clock.lap("merge_ms")
        return self._merged(source, edit, outcome, plans, merged or [])

    def _aligned(self, source: SourceText, edit: ParsedEdit, needs: NeedsModel) -> EditResult | NeedsModel:
        """The result, where every part that the exact tier left over has one place; else what is left."""
        ready, left = list(needs.ready), [each for each in needs.pending if each.part is None]
        confidence = 1.0
        for pending in needs.pending:
            if pending.part is None:
                continue
            if pending.part.elided:
                left.append(pending)
                continue
            found = align_part(source, pending.part, self._language, pending.within)
            if isinstance(found, Refusal):
                raise _Refuse(_with_result(found, pending))
            ready += found.replacements
            confidence = min(confidence, found.confidence)
        if conflict := find_overlap(ready):
            raise _Refuse(conflict)
        if left:
            return replace(needs, ready=tuple(ready), pending=tuple(left))
        self._found = replace(self._found, confidence=confidence)
        self._clock.lap("locate_ms")
        wanted = self.request.options.min_confidence
        merged = merge_adjacent(ready)
        outcome = Outcome(merged, tuple((part.start, part.end) for part in merged))
        doubt = None if wanted is None or confidence >= wanted else _unsure(confidence, wanted, outcome)
        return self._conclude_with(source, edit, outcome, Tier.ALIGNED, doubt)

    def _read(self) -> tuple[SourceText, ParsedEdit]:
        request = self.request
        if refusal := unreadable(request, self._original_sha256.result):
            raise _Refuse(refusal)
        self._language = canonical(request.language) or language_for_path(request.path)
        self._found = _Found(validation=Validation(language=self._language))
        read_ = read(request, self._language)
        if isinstance(read_, Refusal):
            raise _Refuse(read_)
        self._format = read_[1].format
        if not read_[0].has_line_end and b"\r\n" in request.edit and not _BARE_LF.search(request.edit):
            read_ = read_[0].with_newline("\r\n"), read_[1]
        if request.options.syntax_gate:
            self._syntax = SourceSyntax(read_[0], self._language)
        return read_

    def _plan(self, source: SourceText, edit: ParsedEdit, needs: NeedsModel) -> list[MergePlan]:
        if not self.request.options.allow_model or self.owner.info is None:
            absent = "is not installed: `samebytes model fetch` gets it"
            what = "is switched off for this request" if self.owner.info else absent
            line = needs.pending[0].line if needs.pending else None
            message = f"{needs.why} The model that could place it {what}."
            raise _Refuse(Refusal(RefusalReason.NO_MODEL, message, needs.candidates, line))
        from .plan import plan_edit

        plans = plan_edit(self._context(source), edit, {pending.line for pending in needs.pending})
        if isinstance(plans, Refusal):
            raise _Refuse(plans)
        return plans

    def _context(self, source: SourceText) -> Context:
        self._clock.lap("locate_ms")
        engine = self.owner.engine
        assert engine is not None
        self._clock.lap("load_ms")
        from .plan import Context

        return Context(
            codec=engine.codec,
            max_positions=engine.max_positions,
            lines=source.lines,
            language=self._language,
            path=self.request.path,
            instruction=self.request.instruction,
            constrained=self.request.options.constrain_to_known_lines,
            syntax=self._syntax,
        )

    def _check_nothing_goes(self, source: SourceText, edit: ParsedEdit, outcome: AlreadyApplied) -> None:
        """Refuses an edit whose lines all stand in the file, where it may still mean to remove others."""
        if not outcome.unshown or not self.request.options.allow_model or self.owner.info is None:
            return
        from .plan import plan_edit

        plans = plan_edit(self._context(source), edit, ())
        self._clock.lap("locate_ms")
        if isinstance(plans, Refusal) or all(plan.proposal == plan.items for plan in plans):
            return
        first, last = outcome.unshown[0].start, outcome.unshown[0].end
        message = (
            f"The file has every line of the edit. Is it applied, or are lines {first} to {last} to go, "
            "which it does not show? Put a marker in their place, or remove them with a diff."
        )
        raise _Refuse(Refusal(RefusalReason.AMBIGUOUS_MATCH, message, outcome.unshown))

    def _merged(
        self,
        source: SourceText,
        edit: ParsedEdit,
        needs: NeedsModel,
        plans: Sequence[MergePlan],
        merged: Sequence[Merge | DecodeError],
    ) -> EditResult:
        """What the model wrote, or, where that does not stand the checks, what the alignment proposed."""
        info, engine = self.owner.info, self.owner.engine
        assert info is not None
        assert engine is not None
        self.merges += [merge for merge in merged if not isinstance(merge, Exception)]
        windows: list[Written] = []
        for plan, merge in zip(plans, merged, strict=True):
            window = written(plan, merge, engine.codec, info.head_start)
            if isinstance(window, Refusal):
                raise _Refuse(window)
            windows.append(window)
        try:
            return self._conclude(source, edit, needs, plans, windows)
        except _Unsure:
            raise
        except _Refuse as refused:
            first = self._found
            instead = proposed_instead(plans, windows)
            if instead is None:
                raise
            try:
                return self._conclude(source, edit, needs, plans, instead)
            except _Refuse:
                self._found = first
                raise refused from None

    def _conclude(
        self,
        source: SourceText,
        edit: ParsedEdit,
        needs: NeedsModel,
        plans: Sequence[MergePlan],
        windows: Sequence[Written],
    ) -> EditResult:
        info = self.owner.info
        assert info is not None
        gathered = gather(plans, windows, needs.ready)
        if isinstance(gathered, Refusal):
            raise _Refuse(gathered)
        if not gathered.replacements and all(signal.kind is Kind.AGREES for signal in gathered.signals):
            self._found = replace(self._found, confidence=1.0)
            return self._answer(Status.ALREADY_APPLIED, self.request.original, Tier.MODEL)
        confidence = min(info.confidence(signal) for signal in gathered.signals)
        self._found = replace(self._found, signals=gathered.signals, confidence=confidence)
        wanted = self.request.options.min_confidence
        threshold = info.threshold if wanted is None else wanted
        doubt = None if confidence >= threshold else _unsure(confidence, threshold, gathered)
        return self._conclude_with(source, edit, gathered, Tier.MODEL, doubt)

    def _conclude_with(
        self, source: SourceText, edit: ParsedEdit, outcome: Outcome, tier: Tier, doubt: Refusal | None
    ) -> EditResult:
        if outcome.replacements:
            return self._finish(source, edit, outcome, tier, None, doubt)
        if doubt is not None:
            raise _Unsure(_of_other_state(doubt) if self.request.options.accept else doubt)
        return self._answer(Status.ALREADY_APPLIED, self.request.original, tier)

    def _finish(
        self,
        source: SourceText,
        edit: ParsedEdit,
        outcome: Outcome,
        tier: Tier,
        final_newline: bool | None,
        doubt: Refusal | None = None,
    ) -> EditResult:
        """The result, checked. What is in doubt is given out where it was accepted, and else offered."""
        request = self.request
        try:
            content = source.replace(outcome.replacements, final_newline)
        except TextError as error:
            raise _Refuse(Refusal(error.reason, error.message)) from error
        self._content_sha256 = receipt.sha256_later(content)
        verdict = verify(
            source,
            request.original,
            content,
            outcome.touched,
            edit,
            path=request.path,
            language=self._language,
            syntax_gate=request.options.syntax_gate,
            syntax=self._syntax,
            final_newline=final_newline,
        )
        self._clock.lap("verify_ms")
        accept = request.options.accept
        if verdict.refusal is not None and doubt is not None:
            raise _Unsure(_of_other_state(doubt) if accept else doubt)
        self._found = replace(self._found, validation=verdict.validation)
        if verdict.refusal is not None:
            raise _Refuse(verdict.refusal)
        result_sha256 = self._content_sha256.result()
        if accept:
            doubt = None if accept == result_sha256 else _of_other_state(doubt)
        if doubt is not None:
            offer = Offer(verdict.diff, result_sha256, self._found.confidence)
            raise _Unsure(replace(doubt, offer=offer))
        return self._answer(Status.APPLIED, content, tier, diff=verdict.diff)

    def _answer(
        self, status: Status, content: bytes, tier: Tier, diff: bytes = b"", refusal: Refusal | None = None
    ) -> EditResult:
        applied = status is Status.APPLIED
        return EditResult(
            status=status,
            content=content,
            diff=diff,
            tier=tier,
            confidence=self._found.confidence,
            validation=self._found.validation,
            receipt=receipt.make(
                self.request,
                content,
                self.owner.fingerprint(),
                self._original_sha256.result(),
                self._content_sha256.result() if applied and self._content_sha256 else None,
            ),
            refusal=refusal,
            format=self._format,
            timing=self._clock.timing(),
            tokens=count_tokens(self.merges),
        )


def _unsure(confidence: float, threshold: float, gathered: Outcome) -> Refusal:
    kinds = {signal.kind for signal in gathered.signals}
    what = "The model is not sure"
    if Kind.FALLBACK in kinds:
        what = "The model's merge cannot be used, and what the alignment proposes is not sure"
    missing = " and would leave out new lines of the edit" if Kind.INCOMPLETE in kinds else ""
    return Refusal(
        RefusalReason.LOW_CONFIDENCE,
        f"{what}: confidence {confidence:.4f}, needed {threshold:.4f}{missing}. Show more unchanged lines "
        "around the change, or send a diff that matches exactly.",
        tuple(find() for find in gathered.weakest),
    )


def _of_other_state(doubt: Refusal | None) -> Refusal:
    """The refusal of a result that is not the accepted one, whether it is in doubt by itself or not."""
    message = (
        "The accepted offer is of another state: this file and edit, by this model and version, give another "
        "result now."
    )
    if doubt is None:
        return Refusal(RefusalReason.LOW_CONFIDENCE, message)
    return replace(doubt, message=f"{message} {doubt.message}")


def _with_result(refusal: Refusal, pending: Pending) -> Refusal:
    """A refusal that also says where the part's new lines seem to stand already."""
    if pending.shown is None or pending.part is None:
        return refusal
    line = pending.shown + 1
    return replace(
        refusal,
        message=f"{refusal.message} Its new lines stand at line {line} already; if that is the change, "
        "nothing is left to do.",
        candidates=(LineRange(line, line + len(pending.part.new) - 1), *refusal.candidates),
    )


class Clock:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._begin = self._last = perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Ends a part of the step that `Timing` calls `name`."""
        now = perf_counter()
        self._laps[name] = self._laps.get(name, 0.0) + 1e3 * (now - self._last)
        self._last = now

    def timing(self) -> Timing:
        """The steps so far, and the time since the beginning."""
        return replace(Timing(**self._laps), total_ms=1e3 * (perf_counter() - self._begin))
