"""The labels of an edit, from (original, edit, result) alone.

The result says what changed, so an edit line is context or new by the line of the result that it stands for.
Which one that is, an alignment decides: the heaviest chain of similar lines, ascending in both, that prefers
runs without a break. Blocks that are not in the order of the file are aligned by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from applier.text.hunks import is_weak, line_hunks
from training.synth.labels import EditLabels, Label

ALIKE = 0.62  # similarity from which an edit line may stand for a line of the result
ALIKE_MARKED = 0.8
NEXT = 1.2  # for going on with the very next line of the result
NEXT_BUT_BLANK = 0.5  # with one line of the result between
FENCE = re.compile(r"^\s*(`{3,}(?=[^`]*$)|~{3,})")
SQUEEZED = re.compile(r"\s+|,(?=\s*[)\]}])")
ELLIPSIS = re.compile(
    r"\.\.\.|…|\b(?:unchanged|existing|stays?|remains?|same as|as before|rest of|no changes?|removed)\b"
)


def labels_of(
    original: Sequence[str], edit: Sequence[str], result: Sequence[str], path: str = ""
) -> EditLabels:
    """Labels for every line of a snippet or chat answer. Lines have no ends. `path` tells a head that names
    the file from a marker.
    """
    hunks = line_hunks(original, result)
    removed = [i for hunk in hunks for i in range(hunk.old_start, hunk.old_end)]
    new = np.zeros(len(result), dtype=bool)
    for hunk in hunks:
        new[hunk.new_start : hunk.new_end] = True
    gone = set(removed)
    kept = [i for i in range(len(original)) if i not in gone]
    origin = np.full(len(result), -1, dtype=np.int64)
    origin[~new] = kept
    blocks = blocks_of(edit)
    if _code_outside(edit, blocks, result):
        blocks = [list(range(len(edit)))]
    texts, minus = _without_signs(edit, blocks, original, result)
    at = _chain(texts, result, new, [k for block in blocks for k in block if k not in minus])
    for block in blocks:
        _again_alone(texts, result, new, [k for k in block if k not in minus], at)
    _joined(texts, result, at, blocks)
    _lone_blanks(texts, at, new)
    labels = EditLabels(removed=removed)
    for k, j in enumerate(at):
        if k in minus:
            labels.add(Label.REMOVED, minus[k])
        elif j < 0:
            labels.add(Label.TALK)
        elif new[j]:
            labels.add(Label.NEW, int(j))
        else:
            labels.add(Label.CONTEXT, int(origin[j]))
    _markers(labels, edit, blocks, path)
    written = {j for label, j in zip(labels.labels, labels.sources, strict=True) if label == Label.NEW}
    labels.unshown = [int(j) for j in np.flatnonzero(new) if j not in written]
    return labels


def blocks_of(edit: Sequence[str]) -> list[list[int]]:
    """The line numbers of each fenced block; of the whole edit where there is none."""
    blocks: list[list[int]] = []
    fence = ""
    current: list[int] = []
    for k, line in enumerate(edit):
        match = FENCE.match(line)
        if not fence and match:
            fence, current = match[1], []
        elif fence and match and match[1].startswith(fence) and line.strip() == match[1]:
            blocks.append(current)
            fence = ""
        elif fence:
            current.append(k)
    if fence:
        blocks.append(current)
    everything = [list(range(len(edit)))]
    return blocks or everything


def _code_outside(edit: Sequence[str], blocks: list[list[int]], result: Sequence[str]) -> bool:
    """Whether the fences are the file's own: what stands outside of them is mostly the file's text."""
    inside = {k for block in blocks for k in block}
    known = {line.strip() for line in result}
    outside = [
        line.strip().lstrip("+- ") for k, line in enumerate(edit) if k not in inside and not FENCE.match(line)
    ]
    outside = [
        line for line in outside if not is_weak(line) and not (ELLIPSIS.search(line) and line not in known)
    ]
    return bool(outside) and 2 * sum(line in known for line in outside) > len(outside)


def _weights(texts: Sequence[str], result: Sequence[str], rows: Sequence[int], new: np.ndarray) -> np.ndarray:
    """float32 [rows, lines of the result]: the worth of the one standing for the other; 0 where it cannot."""
    stripped = [line.strip() for line in result]
    where: dict[str, list[int]] = {}
    for j, text in enumerate(stripped):
        where.setdefault(text, []).append(j)
    weights = np.zeros((len(rows), len(result)), dtype=np.float32)
    unsure = []
    for row, k in enumerate(rows):
        text = texts[k].strip()
        worth = 0.3 if not text else 0.8 if is_weak(text) else 3.0
        for j in where.get(text, ()):
            weights[row, j] = worth + (0.15 if texts[k] == result[j] else 0.0)
        if text and not is_weak(text) and text not in where:
            unsure.append(row)
    if unsure:
        alike = cdist(
            [texts[rows[row]].strip() for row in unsure], stripped,
            scorer=Indel.normalized_similarity, score_cutoff=ALIKE, dtype=np.float32,
        )  # fmt: skip
        # What reads as a marker is taken for a line of the file only if it is nearly that.
        marked = np.array([bool(ELLIPSIS.search(texts[rows[row]])) for row in unsure])
        alike = np.where(marked[:, None] & (alike < ALIKE_MARKED), 0.0, alike)
        weights[unsure] = np.where(alike > 0, 3.0 * (alike - 0.3), 0.0)
    weights[weights > 0] += np.broadcast_to(0.1 * new, weights.shape)[weights > 0]
    return weights


def _chain(texts: Sequence[str], result: Sequence[str], new: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """int64 [lines of the edit]: the line of the result for each of `rows`, -1 for none."""
    at = np.full(len(texts), -1, dtype=np.int64)
    m = len(result)
    if not m or not rows:
        return at
    weights = _weights(texts, result, rows, new)
    best = np.zeros(m + 1, dtype=np.float32)  # best[j]: of chains that end before line j
    owner = np.full(m + 1, -1, dtype=np.int64)  # the last (row * m + line) of that chain
    previous = np.full(m, -np.inf, dtype=np.float32)
    back = np.full((len(rows), m), -1, dtype=np.int64)
    for row in range(len(rows)):
        score = best[:-1].copy()
        link = owner[:-1].copy()
        if row:
            for step, bonus in ((1, NEXT), (2, NEXT_BUT_BLANK)):
                reach = np.full(m, -np.inf, dtype=np.float32)
                reach[step:] = previous[:-step] + bonus
                better = reach > score
                score[better] = reach[better]
                link[better] = (row - 1) * m + np.flatnonzero(better) - step
        ends = np.where(weights[row] > 0, score + weights[row], -np.inf).astype(np.float32)
        back[row] = link
        risen = np.maximum.accumulate(ends)
        peaks = np.maximum.accumulate(np.where(ends == risen, np.arange(m), -1))
        better = risen > best[1:]
        best[1:][better] = risen[better]
        owner[1:][better] = row * m + peaks[better]
        previous = ends
    step = int(owner[m])
    while step >= 0:
        row, j = divmod(step, m)
        at[rows[row]] = j
        step = int(back[row, j])
    return at


def _lone_blanks(texts: Sequence[str], at: np.ndarray, new: np.ndarray) -> None:
    """A blank line that goes on from no line beside it is decoration of a marker."""
    for k in map(int, np.flatnonzero(at >= 0)):
        if texts[k].strip() or new[at[k]]:
            continue
        before = k > 0 and at[k - 1] == at[k] - 1
        after = k + 1 < len(at) and at[k + 1] == at[k] + 1
        if not (before or after):
            at[k] = -1


def _worth(texts: Sequence[str], result: Sequence[str], rows: Sequence[int], at: np.ndarray) -> float:
    """What an alignment explains of some lines."""
    total, last = 0.0, -9
    for k in rows:
        if at[k] >= 0:
            total += (
                0.3
                if is_weak(texts[k])
                else 3.0 * Indel.normalized_similarity(texts[k].strip(), result[at[k]].strip())
            )
            total += NEXT if at[k] == last + 1 else 0.0
        last = int(at[k])
    return total


def _again_alone(
    texts: Sequence[str], result: Sequence[str], new: np.ndarray, rows: list[int], at: np.ndarray
) -> None:
    """A block out of order, or one that repeats what an earlier one shows, is aligned by itself."""
    if not any(at[k] < 0 and not is_weak(texts[k]) and not ELLIPSIS.search(texts[k]) for k in rows):
        return
    alone = _chain(texts, result, new, rows)
    if _worth(texts, result, rows, alone) > _worth(texts, result, rows, at) + 2.0:
        at[rows] = alone[rows]


def _joined(texts: Sequence[str], result: Sequence[str], at: np.ndarray, blocks: list[list[int]]) -> None:
    """Lines that several lines of the result were joined into, or that one was wrapped into."""
    for block in blocks:
        for position, k in enumerate(block):
            if at[k] >= 0 and _squeeze(texts[k]) == _squeeze(result[at[k]]):
                continue
            if not texts[k].strip() or not _is_free(at, block, position, result):
                continue
            low, high = _room(at, block, position, result)
            if not (
                _join_at(texts, result, at, k, low, high)
                or _wrap_at(texts, result, at, block, position, low, high)
            ):
                _shortened(texts, result, at, k, low)


def _is_free(at: np.ndarray, block: list[int], position: int, result: Sequence[str]) -> bool:
    low, high = _room(at, block, position, result)
    return low < high


def _room(at: np.ndarray, block: list[int], position: int, result: Sequence[str]) -> tuple[int, int]:
    """The lines of the result between the neighbours of an edit line."""
    low = next((int(at[k]) + 1 for k in reversed(block[:position]) if at[k] >= 0), 0)
    high = next((int(at[k]) for k in block[position + 1 :] if at[k] >= 0), len(result))
    return low, high


def _join_at(
    texts: Sequence[str], result: Sequence[str], at: np.ndarray, k: int, low: int, high: int
) -> bool:
    wanted = _squeeze(texts[k])
    starts = range(low, high) if high - low < 80 else (low, low + 1, max(low, high - 2), max(low, high - 3))
    for j in starts:
        head = _squeeze(result[j])
        if not head or not wanted.startswith(head.rstrip(",")):
            continue
        joined = result[j]
        for end in range(j + 1, min(j + 8, high)):
            joined = f"{joined} {result[end].strip()}"
            if _squeeze(joined) == wanted:
                at[k] = j
                return True
    return False


def _wrap_at(
    texts: Sequence[str],
    result: Sequence[str],
    at: np.ndarray,
    block: list[int],
    position: int,
    low: int,
    high: int,
) -> bool:
    nearby = range(low, high) if high - low < 80 else [*range(low, low + 3), *range(high - 3, high)]
    for j in nearby:
        wanted = _squeeze(result[j])
        first = _squeeze(texts[block[position]])
        if not first or not wanted.startswith(first.rstrip(",")) or len(first) < 3:
            continue
        joined = texts[block[position]]
        for end in range(position + 1, min(position + 8, len(block))):
            joined = f"{joined} {texts[block[end]].strip()}"
            if _squeeze(joined) == wanted:
                for k in block[position : end + 1]:
                    at[k] = j
                return True
    return False


def _shortened(texts: Sequence[str], result: Sequence[str], at: np.ndarray, k: int, low: int) -> None:
    """A head whose body is an ellipsis on the same line, or a line without its remark."""
    if at[k] >= 0 or low >= len(result):
        return
    head = re.split(r"\s*(?:\.\.\.|…|/\*|//|#)", texts[k].strip())[0].rstrip()
    if len(head) > 5 and result[low].strip().startswith(head):
        at[k] = low


def _squeeze(text: str) -> str:
    return SQUEEZED.sub("", text).rstrip(",;")


def _without_signs(
    edit: Sequence[str], blocks: list[list[int]], original: Sequence[str], result: Sequence[str]
) -> tuple[list[str], dict[int, int]]:
    """The edit without plus and minus signs, where most signed lines are the files' own without theirs;
    and the original line of each line with a minus.
    """
    olds: dict[str, list[int]] = {}
    for i, line in enumerate(original):
        olds.setdefault(line.strip(), []).append(i)
    news = {line.strip() for line in result}
    signed = [k for block in blocks for k in block if edit[k][:1] in "+-" and edit[k][1:].strip()]
    plus = [k for k in signed if edit[k].strip() not in news]
    fit = sum(edit[k][1:].strip() in (news if edit[k][0] == "+" else olds) for k in plus)
    texts = list(edit)
    minus: dict[int, int] = {}
    if not plus or 2 * fit < len(plus):
        return texts, minus
    last = -1
    for block in blocks:
        for k in block:
            sign, body = edit[k][:1], edit[k][1:]
            if sign == "+":
                texts[k] = body
            elif sign == "-":
                places = olds.get(body.strip(), [])
                minus[k] = next((i for i in places if i > last), places[-1] if places else -1)
                last = max(last, minus[k])
    return texts, minus


def _markers(labels: EditLabels, edit: Sequence[str], blocks: list[list[int]], path: str) -> None:
    """Inside a block what stands for no line is a marker, save for the name of the file at its top."""
    fenced = len(blocks) > 1 or len(blocks[0]) < len(edit)
    name = path.rpartition("/")[2]
    for block in blocks:
        placed = [k for k in block if labels.labels[k] != Label.TALK]
        for k in block:
            if labels.labels[k] != Label.TALK or (fenced and k == block[0] and name and name in edit[k]):
                continue
            inside = fenced or (placed and placed[0] < k < placed[-1])
            if inside or ELLIPSIS.search(edit[k]) or not edit[k].strip():
                labels.labels[k] = int(Label.MARKER)
