"""How a bundle on the Hugging Face Hub is named: ``hf://OWNER/NAME`` or ``hf://OWNER/NAME@REVISION``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from reason.errors import SharingError

_START = re.compile(r"hf:/")
_FORM = re.compile(
    r"hf://?"  # one slash is what a Path leaves of two
    r"(?P<owner>[A-Za-z0-9][\w.-]{0,95})/(?P<name>[A-Za-z0-9][\w.-]{0,95})(?:@(?P<revision>[\w./-]{1,200}))?",
    re.ASCII,
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_address(text: str | Path) -> bool:
    """Return whether this names something on the Hub, well formed or not, and no folder."""
    return _START.match(str(text)) is not None


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A repository on the Hub, and which state of it."""

    owner: str
    """User or organisation."""
    name: str
    """Name of the repository."""
    revision: str | None = None
    """Branch, tag or commit; ``None`` for the newest."""

    @classmethod
    def parse(cls, text: str | Path) -> Self:
        """Read an address.

        Raises:
            SharingError: it has another form.
        """
        found = _FORM.fullmatch(str(text))
        if found is None:
            raise SharingError(f"{text}: is no address on the Hub; write hf://OWNER/NAME or hf://OWNER/NAME@REVISION.")
        return cls(**found.groupdict())

    @property
    def repository(self) -> str:
        """Owner and name, as the Hub's own library takes them."""
        return f"{self.owner}/{self.name}"

    @property
    def pinned(self) -> bool:
        """Whether the revision is a commit, which never means another state."""
        return _COMMIT.fullmatch(self.revision or "") is not None

    def at(self, revision: str) -> Self:
        """Return the address of another state of the same repository."""
        return replace(self, revision=revision)

    def __str__(self) -> str:
        return f"hf://{self.repository}" + (f"@{self.revision}" if self.revision else "")
