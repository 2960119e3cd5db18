"""Edits made to hurt: no exception, no byte outside the edit, no wrong answer, nothing that takes long, and
no misquoted edit that is answered as made already.

python -m tests.applier.fuzz --edits 100000 --misquoted 10000 [--seed N]
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator

from applier import Applier, EditFormat, EditRequest
from applier.text.unified_diff import apply_diff
from applier.types import EditResult, Status
from tests.applier.generate import Case, cases
from tests.applier.sources import GRAMMARS, Numbers, program

SLOW_SECONDS = 5.0  # of processor time
TOKENS = (
    "=======", "<<<<<<< SEARCH", ">>>>>>> REPLACE", "-------", "+++++++ REPLACE", "@@", "@@ -1,9 +1,9 @@",
    "@@ -" + "9" * 5000 + " +1 @@", "--- a/x", "+++ b/x", "*** Begin Patch", "*** Update File: x",
    "*** End Patch", "*** End of File", "```", "~~~~", "```python", ":start_line: 3", "...",
    ":start_line: " + "9" * 5000, "# ... existing code ...", "// rest of the code", "\ufeff",
    "\\ No newline at end of file", "GIT binary patch", "\x00", "\u2028", "\x85", "\x0c", "\r", "\r\n",
    " ", "\t", "|" * 300, "(" * 300, "[|a" * 60, "file:" + " " * 500, "a." * 300, "$& $1 $`", "\ud7ff",
    "\U0001f469\u200d\U0001f467", "{" * 80 + "}" * 80, "#if A", "#endif", "/*", '"""', "`" * 60 + " " * 60,
)  # fmt: skip


def mutated(rng: random.Random, text: str) -> str:
    """The text with a few lines or letters put in, taken out, doubled or moved."""
    lines = text.split("\n")
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(lines))
        match rng.randrange(7):
            case 0:
                lines.insert(at, rng.choice(TOKENS))
            case 1:
                lines[at] = rng.choice(TOKENS) + lines[at]
            case 2:
                lines[at] += rng.choice(TOKENS)
            case 3 if len(lines) > 1:
                del lines[at]
            case 4:
                lines[at:at] = lines[at : at + rng.randint(1, 8)] * rng.randint(1, 4)
            case 5:
                other = rng.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case _:
                letter = rng.randrange(len(lines[at]) + 1)
                lines[at] = (
                    lines[at][:letter] + chr(rng.choice((32, 45, 43, 64, 61, 955, 9))) + lines[at][letter:]
                )
    return "\n".join(lines)


def requests(seed: int, count: int) -> Iterator[tuple[EditRequest, Case | None]]:
    """Half of the edits as they were made, with what must come back; half of them spoilt."""
    rng = random.Random(seed)
    for case in cases(seed, count):
        if rng.random() < 0.5:
            yield EditRequest(case.original, case.edit, case.path, format=case.format), case
            continue
        edit = mutated(rng, case.edit.decode()).encode("utf-8", "surrogatepass")
        original = case.original
        if rng.random() < 0.3 and b"\x00" not in original:
            original = mutated(rng, original.decode("latin-1")).encode("utf-8", "surrogatepass")
        format = rng.choice((case.format, EditFormat.AUTO, *EditFormat))
        yield EditRequest(original, edit, case.path, format=format), None


def problem(request: EditRequest, result: EditResult, case: Case | None) -> str:
    """What is wrong with an answer, or ""."""
    if result.status is not Status.APPLIED:
        return "" if result.content == request.original and not result.diff else "a refusal with other bytes"
    if apply_diff(request.original, result.diff) != result.content:
        return "the diff does not give the result"
    if result.validation.outside_bytes_changed:
        return "bytes outside the edit"
    if case is not None and result.content != case.expected:
        return "wrong bytes"
    return ""


def misquoted(seed: int, count: int) -> Iterator[EditRequest]:
    """Edits whose old line is not the file's; their new line stands in the file already, or not."""
    rng = random.Random(seed)
    while count:
        source = program(rng, rng.choice(list(GRAMMARS.values())), Numbers(rng))
        lines = source.lines
        rows = [row for row, line in enumerate(lines) if sum(c.isalnum() for c in line) >= 4]
        if len(rows) < 4:
            continue
        row, other = rng.sample(rows, 2)
        old = _misquote(rng, lines[row])
        new = lines[other] if rng.random() < 0.8 else lines[other] + "x"
        if old in lines or new == lines[row] or new == old:
            continue
        above, below = (rng.choice((0, 0, 1, 2)) for _ in "ab")
        low, high = max(row - above, 0), min(row + 1 + below, len(lines))
        yield EditRequest(
            ("\n".join(lines) + "\n").encode(),
            _written(rng, lines, low, high, row, old, new).encode(),
            "a.txt",
        )
        count -= 1


def _misquote(rng: random.Random, line: str) -> str:
    letters = [at for at, letter in enumerate(line) if letter.isalnum()]
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.choice(letters)
        line = line[:at] + rng.choice("qzjx79") + line[at + rng.choice((0, 1)) :]
        letters = [i for i, letter in enumerate(line) if letter.isalnum()]
    return line


def _written(rng: random.Random, lines: list[str], low: int, high: int, row: int, old: str, new: str) -> str:
    above, below = lines[low:row], lines[row + 1 : high]
    if rng.random() < 0.4:
        search, replace = [*above, old, *below], [*above, new, *below]
        return "\n".join(["<<<<<<< SEARCH", *search, "=======", *replace, ">>>>>>> REPLACE", ""])
    body = [*(" " + line for line in above), "-" + old, "+" + new, *(" " + line for line in below)]
    heads = [line.strip() for line in lines[:row] if line and not line[0].isspace()]
    head = heads[-1] if heads else ""
    if rng.random() < 0.5:
        patch = [
            "*** Begin Patch",
            "*** Update File: a.txt",
            f"@@ {head}".rstrip(),
            *body,
            "*** End Patch",
            "",
        ]
        return "\n".join(patch)
    size = high - low
    at = low + 1 + rng.choice((0, 0, 0, -3, 7))
    if lines[at - 1 + len(above) : at + len(above)] == [
        new
    ]:  # a number that is wrong and agrees all the same
        at = low + 1
    number = f" -{max(at, 1)},{size} +{max(at, 1)},{size} @@" if rng.random() < 0.7 else ""
    return "\n".join(
        ["--- a/a.txt", "+++ b/a.txt", f"@@{number} {head if number else ''}".rstrip(), *body, ""]
    )


def run(edits: int, misquotes: int, seed: int) -> Counter[str]:
    """Counts of what was found; keys that begin with "!" are faults. Prints each fault."""
    applier, found = Applier.without_model(), Counter[str]()
    for number, (request, case) in enumerate(requests(seed, edits)):
        begin = time.process_time()
        try:
            result = applier.apply(request)
            fault = problem(request, result, case)
            found[f"edits {result.status}"] += 1
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        if time.process_time() - begin > SLOW_SECONDS:
            fault = fault or "slow"
        if fault:
            found[f"! {fault[:80]}"] += 1
            print(f"edit {number} of seed {seed}: {fault}\n{request.edit[:600]!r}")
    for number, request in enumerate(misquoted(seed, misquotes)):
        result = applier.apply(request)
        found[f"misquoted {result.status}"] += 1
        if result.status is Status.ALREADY_APPLIED:
            found["! a misquoted edit as made already"] += 1
            print(f"misquoted {number} of seed {seed}:\n{request.edit.decode()}")
    return found


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=2000)
    parser.add_argument("--misquoted", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for what, count in sorted(run(options.edits, options.misquoted, options.seed).items()):
        print(f"{count:8} {what}")


if __name__ == "__main__":
    main()
