"""Takes the digests again, after a change that was meant to change results; prints what differs.

python -m tests.pins            # with the shared folder beside the checkout, or SAMEBYTES_SHARED set
python -m tests.pins --check    # only prints
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

from applier import Applier
from tests.pins.pinning import DIGESTS, GROUPS, Pins, differences, load, plan_pins, served_pins


def take() -> dict[str, Any]:
    """The digests of the code as it is. Raises OSError without the shared folder."""
    applier = Applier.from_default()
    if applier.info is None:
        raise SystemExit("the model is not installed: samebytes model fetch")
    taken: dict[str, Any] = {"fingerprint": applier.fingerprint()}
    for name, group in GROUPS.items():
        pins: Pins = plan_pins(group())
        for edit, served in served_pins(group(), applier).items():
            pins[edit] |= served
        taken[name] = pins
    return taken


def main() -> None:
    taken = take()
    kept = load() if DIGESTS.exists() else {}
    changed: Counter[str] = Counter()
    for name in GROUPS:
        lines = differences(kept.get(name, {}), taken[name])
        changed[name] = len(lines)
        print(*(f"{name}/{line}" for line in lines), sep="\n", end="\n" if lines else "")
    print(f"{changed.total()} fields differ in {sum(len(taken[name]) for name in GROUPS)} edits")
    if "--check" not in sys.argv[1:]:
        text = json.dumps(taken, indent=1, sort_keys=True, ensure_ascii=False)
        DIGESTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
