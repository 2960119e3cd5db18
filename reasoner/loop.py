"""The two-model loop: a model proposes, the applier applies, refusals go back, files are written at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from applier.patches.types import Action, Problem, ProposedEdit, SourceFile
from applier.types import EditOptions, EditRequest, EditResult, Refusal, RefusalReason, Status
from applier.workspace.errors import NotEditableError
from applier.workspace.journal import Change
from applier.workspace.transaction import Workspace
from reasoner.apply import ApplyClient
from reasoner.backends.base import Backend
from reasoner.credentials import contains_secret
from reasoner.errors import BackendError, LedgerError, UsageError
from reasoner.extract.tools import EDIT_TOOL
from reasoner.prompts import build_question, says_yes
from reasoner.recording.record import Recorder
from reasoner.types import ChatRequest, Completion, Proposal, ProposeOptions, Task, Turn


class Outcome(StrEnum):
    """How a run ended."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"  # every edit was there already
    DRY_RUN = "dry_run"
    REFUSED = "refused"  # something could not be applied; no file was touched


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """`rounds` bounds the calls of the reasoning model, for edits and for a yes or no to an offer; everything
    else decides single edits.
    """

    propose: ProposeOptions = field(default_factory=ProposeOptions)
    edit: EditOptions = field(default_factory=EditOptions)
    rounds: int = 3
    dry_run: bool = False
    allow_create: bool = True
    allow_delete: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One edit and what came of it: a result, or a problem where there was nothing to apply.

    `answer` is what the reasoning model said to an offer, None where it was asked nothing.
    """

    edit: ProposedEdit
    result: EditResult | None
    problem: str | None = None
    answer: Completion | None = None

    @property
    def accepted(self) -> bool:
        """Whether the edit stands."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Round:
    """One reply of the reasoning model with the edits that came from it."""

    number: int
    proposal: Proposal
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did. `changes` are the files as they were and as they are, or would be after a dry run."""

    outcome: Outcome
    rounds: tuple[Round, ...]
    changes: tuple[Change, ...]
    unresolved: tuple[str, ...] = ()


class Run:
    """One task on the files of one workspace."""

    def __init__(
        self,
        workspace: Workspace,
        backend: Backend,
        applier: ApplyClient,
        recorder: Recorder,
        options: LoopOptions,
        on_round: Callable[[Round], None] = lambda _: None,
    ) -> None:
        self.workspace = workspace
        self.backend = backend
        self.applier = applier
        self.recorder = recorder
        self.options = options
        self.on_round = on_round
        self.before: dict[str, bytes | None] = {}
        self.now: dict[str, bytes | None] = {}
        self.calls_left = 0

    async def edit(self, instruction: str, paths: Sequence[str]) -> RunResult:
        """Do the task and write the files, all or none.

        An edit that applied is kept in later rounds; one that was refused is asked for again, with the
        reason. Where a refusal offers what it would have made, the model is shown the diff and asked yes or
        no first. When some are still refused after the last call, nothing is written.

        Raises UsageError, WorkspaceError, BackendError or LedgerError; no file is touched then.
        """
        self._open(paths)
        task = Task(instruction)
        self.recorder.run(task, self.backend.name, self.backend.model, self._files())
        rounds: list[Round] = []
        unresolved: list[str] = []
        self.calls_left = self.options.rounds
        while self.calls_left:
            current = await self._round(len(rounds) + 1, task)
            rounds.append(current)
            self.on_round(current)
            unresolved = [problem.message for problem in current.proposal.problems]
            unresolved += [f"{step.edit.path}: {step.problem}" for step in current.steps if step.problem]
            if not unresolved:
                break
            feedback = self._feedback(current)
            task = replace(
                task, turns=(*task.turns, Turn(_reply_text(current.proposal.completion), feedback))
            )
        return await self._finish(tuple(rounds), tuple(unresolved))

    def _open(self, paths: Sequence[str]) -> None:
        if not paths:
            raise UsageError("name the files to edit, with --files")
        for path in dict.fromkeys(paths):
            content = self.workspace.read(path)
            if content is None:
                raise UsageError(f"there is no file {path} under {self.workspace.root}")
            if b"\0" in content[:8192]:
                raise UsageError(f"{path} is a binary file")
            if contains_secret(content):
                raise UsageError(f"{path} contains one of the keys in use; it is not sent to a model")
            self.before[path] = self.now[path] = content

    def _files(self) -> list[SourceFile]:
        return [SourceFile(path, content) for path, content in self.now.items() if content is not None]

    async def _round(self, number: int, task: Task) -> Round:
        self.calls_left -= 1
        try:
            # The files are shown as they were when the conversation began; feedback tells what changed since.
            first = [
                SourceFile(path, content) for path, content in self.before.items() if content is not None
            ]
            proposal = await self.backend.propose(task, first, self.options.propose)
        except BackendError as error:
            self.recorder.failed_call(self.backend.name, self.backend.model, error)
            raise
        self.recorder.call(proposal.request, proposal.completion)
        steps = [await self._step(edit, proposal) for edit in proposal.edits]
        return Round(number, proposal, tuple(steps))

    async def _ask(self, question: ChatRequest) -> Completion:
        self.calls_left -= 1
        try:
            answer = await self.backend.complete(question)
        except BackendError as error:
            self.recorder.failed_call(self.backend.name, self.backend.model, error)
            raise
        self.recorder.call(question, answer)
        return answer

    async def _apply(self, request: EditRequest) -> EditResult:
        result = await self.applier.apply(request)
        self.recorder.edit(request, result)
        return result

    async def _step(self, edit: ProposedEdit, proposal: Proposal) -> Step:
        if problem := self._not_allowed(edit):
            return Step(edit, None, problem)
        if edit.action is Action.DELETE:
            self.now[edit.path] = None
            return Step(edit, None)
        if edit.action is Action.CREATE and not edit.text.strip():
            self.now[edit.path] = b""  # an empty new file leaves nothing to apply
            return Step(edit, None)
        request = EditRequest(
            original=self.now.get(edit.path) or b"",
            edit=edit.text.encode("utf-8", "replace"),
            path=edit.path,
            format=edit.format,
            options=self.options.edit,
        )
        result, answer = await self._apply(request), None
        offer = result.refusal.offer if result.refusal else None
        if offer is not None and self.calls_left:
            reply = _reply_text(proposal.completion)
            answer = await self._ask(build_question(proposal.request, reply, edit.path, offer))
            if says_yes(answer.text):
                accepting = replace(request.options, accept=offer.result_sha256)
                result = await self._apply(replace(request, options=accepting))
        if problem := _why_not(result):
            if answer is not None:
                problem += (
                    f" You were shown the change that it would make, and said: {answer.text.strip()[:60]}"
                )
            return Step(edit, result, problem, answer)
        self.now[edit.path] = result.content
        return Step(edit, result, answer=answer)

    def _not_allowed(self, edit: ProposedEdit) -> str | None:
        path = edit.path
        if edit.moved_to is not None:
            return f"moving files is not supported in this run; edit it in place (not at {edit.moved_to})"
        if path in self.now and self.now[path] is not None:
            if edit.action is Action.CREATE and self.before.get(path) is not None:
                return "the file exists; edit it rather than create it"
            if edit.action is Action.DELETE and not self.options.allow_delete:
                return "deleting files is not allowed in this run"
            return None
        if edit.action is not Action.CREATE:
            return f"is not one of the files given: {', '.join(self.before)}"
        if not self.options.allow_create:
            return "creating files is not allowed in this run"
        try:
            exists = self.workspace.read(path) is not None
        except NotEditableError as error:
            return str(error)
        if exists:
            return "the file exists and was not given; it cannot be edited unseen"
        self.before.setdefault(path, None)
        return None

    def _feedback(self, last: Round) -> str:
        """What the model is told: what stands, what does not and why, and the files where they changed."""
        stands = sorted({step.edit.path for step in last.steps if step.accepted})
        failed = [step for step in last.steps if not step.accepted]
        lines = []
        if stands:
            lines.append(f"Applied: {', '.join(stands)}. Do not repeat these edits.")
        lines += [f"Not usable: {_place(problem)}{problem.message}" for problem in last.proposal.problems]
        for step in failed:
            lines.append(f"Refused: {step.edit.path}: {step.problem}{_candidates(step.result, self.now)}")
        for path in dict.fromkeys(step.edit.path for step in failed if step.edit.path in stands):
            content = self.now.get(path)
            if content is not None:
                shown = content.decode("utf-8", "replace")
                lines.append(f"{path} is now:\n{shown}")
        lines.append("Write the edits that are missing, and only those, in the same format.")
        return "\n".join(lines)

    async def _finish(self, rounds: tuple[Round, ...], unresolved: tuple[str, ...]) -> RunResult:
        changes = tuple(
            Change(path, self.before[path], self.now.get(path))
            for path in self.before
            if self.before[path] != self.now.get(path)
        )
        if unresolved:
            return RunResult(Outcome.REFUSED, rounds, changes, unresolved)
        if not changes:
            return RunResult(Outcome.UNCHANGED, rounds, ())
        if self.options.dry_run:
            return RunResult(Outcome.DRY_RUN, rounds, changes)
        await asyncio.to_thread(self.workspace.write, changes)
        try:
            self.recorder.written({change.path: change.new for change in changes})
        except LedgerError as error:
            raise LedgerError(f"the files were written, but not recorded: {error}") from None
        return RunResult(Outcome.WRITTEN, rounds, changes)


def _why_not(result: EditResult) -> str | None:
    """Why an edit does not stand, in words for the model; None where it does."""
    if result.status is not Status.REFUSED:
        return None
    refusal = result.refusal or Refusal(RefusalReason.NO_MATCH, "refused without a reason")
    line = f" (line {refusal.edit_line} of the edit)" if refusal.edit_line else ""
    return f"{refusal.reason}: {refusal.message}{line}"


def _candidates(result: EditResult | None, now: Mapping[str, bytes | None]) -> str:
    refusal = result.refusal if result else None
    if refusal is None or not refusal.candidates:
        return ""
    places = ", ".join(f"{place.start}-{place.end}" for place in refusal.candidates)
    return f" It could be at lines {places}."


def _place(problem: Problem) -> str:
    where = f"{problem.path}: " if problem.path else ""
    return f"{where}line {problem.line} of your reply: " if problem.line else where


def _reply_text(completion: Completion) -> str:
    """The reply as text, so that a later round can show it where the call was by tools."""
    calls = [
        f"{EDIT_TOOL}({call.arguments.get('path')}):\n{call.arguments.get('edit')}"
        for call in completion.tool_calls
    ]
    return "\n\n".join(part for part in [completion.text, *calls] if part) or "(no reply)"
