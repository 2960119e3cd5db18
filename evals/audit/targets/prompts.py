"""The workload of targets that continue text."""

from __future__ import annotations

from evals.audit.prompts import AUDITED, TRAFFIC, neighbour


class PromptWorkload:
    """Prompts from `evals.audit.prompts`; payloads are strings."""

    def __init__(self, audited: str = AUDITED[0]) -> None:
        self._audited = audited

    def audited(self) -> str:
        return self._audited

    def traffic(self, index: int) -> str:
        return f"Request {index}. {TRAFFIC[index % len(TRAFFIC)]}"

    def neighbour(self, long: bool, index: int) -> str:
        return neighbour(300 if long else 5, index)

    def fresh(self, index: int) -> str:
        # The number comes first: a prefix cache can reuse nothing of it the first time.
        return f"Case {index}. {neighbour(150, index)} {self._audited}"
