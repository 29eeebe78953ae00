"""What to say to somebody who misspelt a name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 80
"""Characters of a name that are compared; the time grows with their square."""


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "", *, prefix: str = "") -> str:
    """Return the half of an error sentence that helps: ``did you mean fog?``.

    Args:
        name: what was written.
        known: what could have been written.
        otherwise: said where no known name is close; by default all of them are listed.
        prefix: written before the suggested name.
    """
    written = {candidate.lower(): candidate for candidate in known}  # whoever writes msp means MSP
    closest = difflib.get_close_matches(name[:LONGEST].lower(), written, n=1)
    if closest:
        return f"did you mean {prefix}{written[closest[0]]}?"
    return otherwise or _there_are(list(written.values()))


def _there_are(names: list[str]) -> str:
    if not names:
        return "there is none."
    if len(names) == 1:
        return f"there is {names[0]} only."
    return f"there are {', '.join(names[:-1])} and {names[-1]}."
