"""The model-free half of the applier in one call, for tests: parse, apply exactly, verify."""

from __future__ import annotations

from dataclasses import dataclass

from applier.exact.apply_exact import AlreadyApplied, Applied, NeedsModel, Refused, apply_exact
from applier.parse import EditParseError, parse_edit
from applier.syntax.languages import language_for_path
from applier.text.source_text import SourceText, TextError, decode_edit
from applier.types import EditFormat, Refusal, RefusalReason, Status
from applier.verify.verify import verify


@dataclass(frozen=True)
class Outcome:
    """`needs_model` with status REFUSED: the exact tier passed it on."""

    status: Status
    content: bytes
    diff: bytes = b""
    refusal: Refusal | None = None
    needs_model: bool = False
    touched: tuple[tuple[int, int], ...] = ()

    @property
    def reason(self) -> RefusalReason | None:
        return self.refusal.reason if self.refusal else None


def run(
    original: bytes,
    edit: bytes,
    format: EditFormat = EditFormat.AUTO,
    path: str = "x.py",
    language: str | None = None,
    syntax_gate: bool = True,
) -> Outcome:
    language = language or language_for_path(path)
    try:
        source = SourceText.decode(original)
        parsed = parse_edit(decode_edit(edit, source.encoding), format, path, language)
    except TextError as error:
        return Outcome(Status.REFUSED, original, refusal=Refusal(error.reason, error.message))
    except EditParseError as error:
        refusal = Refusal(RefusalReason.UNPARSABLE_EDIT, str(error), edit_line=error.line)
        return Outcome(Status.REFUSED, original, refusal=refusal)
    outcome = apply_exact(source, parsed, language)
    if isinstance(outcome, AlreadyApplied):
        return Outcome(Status.ALREADY_APPLIED, original)
    if isinstance(outcome, Refused):
        return Outcome(Status.REFUSED, original, refusal=outcome.refusal)
    if isinstance(outcome, NeedsModel):
        refusal = Refusal(RefusalReason.NO_MODEL, outcome.why, outcome.candidates)
        return Outcome(Status.REFUSED, original, refusal=refusal, needs_model=True)
    assert isinstance(outcome, Applied)
    try:
        result = source.replace(outcome.replacements, outcome.final_newline)
    except TextError as error:
        return Outcome(Status.REFUSED, original, refusal=Refusal(error.reason, error.message))
    touched = outcome.touched(source)
    verdict = verify(
        source,
        original,
        result,
        touched,
        parsed,
        path=path,
        language=language,
        syntax_gate=syntax_gate,
        final_newline=outcome.final_newline,
    )
    if verdict.refusal:
        return Outcome(Status.REFUSED, original, refusal=verdict.refusal)
    return Outcome(Status.APPLIED, result, verdict.diff, touched=touched)
