"""What an assistant says around its code: before, between and after the blocks."""

from __future__ import annotations

import random

LEADS = (
    "Here is the updated code:",
    "Here's the change:",
    "Updated `{file}`:",
    "Sure! Here is what I would change:",
    "The fix is small:",
    "I changed `{name}` as follows:",
    "This is the new version of `{name}`:",
    "Only these lines change:",
    "{subject}:",
    "Done. {subject}.",
    "I'd do it like this:",
    "In `{file}`, change this part:",
    "`{name}` becomes:",
    "{subject}. The relevant part of `{file}`:",
    "You need to update `{name}`:",
    "Got it, this should do:",
    "The new code for `{file}`:",
    "I have made the change in `{name}`. Everything else stays as it is.",
    "Here you go:",
    "Below is the edit.",
    "That is easy to fix, see below.",
    'This is what is needed for "{subject}":',
    "Let's adjust `{name}`:",
    "I've updated `{file}` accordingly:",
    "Replace the current version with this one:",
    "Two things happen here.",
    "The old code did not cover this case; now it does:",
    "**{file}**",
    "**{path}**",
    "`{path}`",
    "### {file}",
    "{path}",
    "Edit for {path}:",
    "Small update:",
    "Here's the relevant section:",
)
CLOSERS = (
    "Nothing else in the file changes.",
    "The rest of the file stays the same.",
    "Let me know if you have questions.",
    "All other code is unchanged.",
    "You may want to run the tests afterwards.",
    "This keeps the behaviour otherwise.",
    "I left everything else untouched.",
    "With that, `{name}` should work as expected.",
    "That's all.",
    "Note that callers of `{name}` need no change.",
    "The other parts are as before.",
    "I have not touched the remaining functions.",
    "Please double-check the names, I wrote this from memory.",
    "No other changes are needed in `{file}`.",
    "This only affects `{name}`.",
    "Hope that helps!",
    "- `{name}` is the only thing that changed\n- the rest is as it was",
    "The unused parts are gone.",
    "Run the test suite to be sure.",
    "If you want I can also update the documentation.",
)
BETWEEN = (
    "Then in `{name}`:",
    "And in `{name}`:",
    "**`{name}`**",
    "### `{name}`",
    "{n}. `{name}`:",
    "Next, `{name}`:",
    "{n}. In `{name}`:",
    "Further down:",
    "And:",
    "Then:",
    "Also adjust `{name}`:",
    "**{n}. {name}**",
    "Further down in the same file:",
    "`{name}` needs the same:",
    "### {n}. {name}",
    "The other place is `{name}`:",
    "**In `{name}`:**",
    "",
)
FIRST = (
    "First `{name}`:",
    "**`{name}`**",
    "### `{name}`",
    "{n}. `{name}`:",
    "In `{name}`:",
    "### {n}. {name}",
    "{n}. In `{name}`:",
    "**In `{name}`:**",
    "",
)
IMPORTS = (
    "First the import:",
    "The import:",
    "### Imports",
    "**Imports**",
    "{n}. Imports:",
    "At the top of the file:",
    "Add the import at the top:",
    "With this import:",
)
AFTER = (
    "Add this right after `{other}`:",
    "Put this after `{other}`:",
    "Insert it below `{other}`:",
    "Goes right below `{other}`:",
    "After `{other}`, add:",
    "New, following `{other}`:",
)
BEFORE = (
    "Add this right before `{other}`:",
    "Put this above `{other}`:",
    "Insert it before `{other}`:",
    "Just above `{other}`, add:",
)
FILE_END = (
    "Append this at the end of the file:",
    "At the very end of `{file}`, add:",
    "And at the bottom of the file:",
    "Add at the end:",
    "The new code goes at the bottom of `{file}`:",
)
SCOPE_END = (
    "Add this at the end of `{other}`:",
    "As the last member of `{other}`:",
    "New at the end of `{other}`:",
    "Append to `{other}`:",
    "Inside `{other}`, at the end:",
)


class Talk:
    """Sentences with the names of this edit in them."""

    def __init__(self, path: str, subject: str, rng: random.Random) -> None:
        self._rng = rng
        self._slots = {"path": path, "file": path.rpartition("/")[2], "subject": _plain(subject)}

    def line(self, pool: tuple[str, ...], name: str | None, *, number: int = 1, other: str = "") -> str:
        """One sentence of a pool; those that need a name or a subject are left out where there is none."""
        usable = [
            text
            for text in pool
            if (name or "{name}" not in text) and (self._slots["subject"] or "{subject}" not in text)
        ]
        chosen = self._rng.choice(usable or ("",))
        return chosen.format(name=name or "", n=number, other=other, **self._slots)


def _plain(subject: str) -> str:
    text = subject.strip().split("\n")[0]
    head, colon, rest = text.partition(": ")
    if colon and len(head) < 25 and " " not in head:
        text = rest
    text = text.split(" (#")[0].rstrip(".:")
    return text[:1].upper() + text[1:] if 8 <= len(text) <= 100 else ""
