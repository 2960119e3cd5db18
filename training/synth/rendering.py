"""The text of an edit with what each of its lines is, line by line."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.synth.labels import EditLabels, Label


@dataclass(slots=True)
class EditText:
    """Lines of an edit with their labels and sources (`training.synth.labels`)."""

    lines: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)

    def add(self, line: str, label: Label, source: int = -1) -> None:
        """Appends one line."""
        self.lines.append(line)
        self.labels.append(int(label))
        self.sources.append(source)

    def say(self, text: str) -> None:
        """Appends lines of talk."""
        for line in text.split("\n"):
            self.add(line, Label.TALK)

    def drop(self, start: int, end: int) -> None:
        """Takes lines away."""
        del self.lines[start:end], self.labels[start:end], self.sources[start:end]

    def extend(self, other: EditText) -> None:
        """Appends all lines of another."""
        self.lines += other.lines
        self.labels += other.labels
        self.sources += other.sources

    def with_removed(self, removed: list[int], unshown: list[int]) -> EditLabels:
        """The labels alone."""
        return EditLabels(list(self.labels), list(self.sources), removed, unshown)
