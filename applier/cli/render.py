"""An EditResult for a person: a coloured diff, what was validated, and the receipt."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from applier.types import EditResult, Offer, Status, Timing

_LINE_STYLES = (
    (b"+++", "bold"),
    (b"---", "bold"),
    (b"@@", "cyan"),
    (b"+", "green"),
    (b"-", "red"),
    (b"\\", "dim"),
)
_STATUS_STYLES = {
    Status.APPLIED: "bold green",
    Status.ALREADY_APPLIED: "bold yellow",
    Status.REFUSED: "bold red",
}


def print_result(console: Console, result: EditResult, written: bool) -> None:
    """Print everything that `result` says, except the content itself."""
    if result.diff:
        console.print(colored_diff(result.diff), soft_wrap=True)
    console.print(_status_line(result, written))
    if result.refusal is not None:
        console.print(_refusal(result), soft_wrap=True)
        if result.refusal.offer is not None:
            _print_offer(console, result.refusal.offer)
    else:
        console.print(_summary(result))
    console.print(_receipt(result))


def colored_diff(diff: bytes) -> Text:
    """The diff with a colour a line.

    Bytes that are not UTF-8 are shown as replacement characters, and control characters other than tabs as
    escapes, so that a file cannot drive the terminal.
    """
    text = Text()
    for line in diff.split(b"\n"):
        style = next((style for prefix, style in _LINE_STYLES if line.startswith(prefix)), "")
        text.append(_visible(line.decode("utf-8", "replace")) + "\n", style)
    text.right_crop(1)
    return text


def _visible(line: str) -> str:
    line = line.removesuffix("\r")
    if line.isprintable():
        return line
    return "".join(
        char if char == "\t" or char.isprintable() else char.encode("unicode_escape").decode()
        for char in line
    )


def _status_line(result: EditResult, written: bool) -> Text:
    line = Text(result.status.value.replace("_", " "), _STATUS_STYLES[result.status])
    if result.status is Status.APPLIED:
        line.append(" and written" if written else " (not written; --write replaces the file)", "default")
    return line


def _refusal(result: EditResult) -> Text:
    refusal = result.refusal
    assert refusal is not None
    text = Text(f"{refusal.reason}: ", "bold")
    text.append(refusal.message, "default")
    if refusal.edit_line is not None:
        text.append(f"\nline of the edit: {refusal.edit_line}", "default")
    for lines in refusal.candidates:
        text.append(f"\ncandidate: lines {lines.start} to {lines.end} of the file", "default")
    return text


def _print_offer(console: Console, offer: Offer) -> None:
    console.print(Text(f"offered, with confidence {offer.confidence:.3f}:", "bold"))
    console.print(colored_diff(offer.diff), soft_wrap=True)
    console.print(f"--accept {offer.result_sha256} applies exactly this", soft_wrap=True)


def _summary(result: EditResult) -> Table:
    validation, tokens = result.validation, result.tokens
    rows = [
        ("format", result.format.value),
        ("tier", f"{result.tier}, confidence {result.confidence:.3f}"),
        ("syntax errors", _syntax(result)),
        ("bytes changed outside the edit", str(validation.outside_bytes_changed)),
        ("diff gives the result", "yes" if validation.diff_round_trips else "no"),
        ("placeholders left", str(validation.placeholder_leaks)),
        ("time", _time(result.timing)),
    ]
    if tokens.prompt:
        rows.append(("tokens", f"{tokens.prompt} read, {tokens.merged} written in {tokens.passes} passes"))
    return _table(rows)


def _syntax(result: EditResult) -> str:
    validation = result.validation
    if validation.syntax_unknown:
        return f"not known: to parse this {validation.language} would take too many steps"
    if validation.syntax_errors_before is None:
        return f"not checked ({validation.language or 'unknown language'})"
    before, after = validation.syntax_errors_before, validation.syntax_errors_after
    return f"{before} before, {after} after ({validation.language})"


def _receipt(result: EditResult) -> Table:
    receipt = result.receipt
    return _table(
        [
            ("request", receipt.request_sha256),
            ("result", receipt.result_sha256),
            ("fingerprint", receipt.fingerprint),
        ]
    )


def _time(timing: Timing) -> str:
    took = f"{timing.total_ms - timing.load_ms:.1f} ms"
    return f"{took}, and {timing.load_ms / 1e3:.1f} s to load the model" if timing.load_ms >= 100 else took


def _table(rows: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value))
    return table
