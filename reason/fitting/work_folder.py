"""The folder that a fit works in, so that one that was killed goes on where it stopped, and gives the same."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reason.errors import FitError

MARK = "fit.json"
"""What the folder's work is about, and when it was started."""


class WorkFolder:
    """Belongs to one fit: of one classifier, data and settings.

    Args:
        folder: made when it is claimed; ``None`` keeps nothing.
        resume: whether to go on in a folder of the same fit.
    """

    def __init__(self, folder: Path | None, resume: bool = False) -> None:
        self.folder, self._resume = folder, resume
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        """When the fit was started first, ISO 8601."""

    def claim(self, settings: Any, sources: Sequence[str], bank: Sequence[str] | None) -> None:
        """Make the folder this fit's.

        Args:
            settings: of the fit, as plain JSON.
            sources: names of the images.
            bank: those of the bank's; ``None`` without one.

        Raises:
            FitError: it is to be resumed and holds another fit, or cannot be written to.
        """
        if self.folder is None:
            return
        about = hashlib.sha256(json.dumps([settings, list(sources), bank and list(bank)]).encode()).hexdigest()
        file = self.folder / MARK
        try:
            if self._resume and file.is_file():
                self._go_on(json.loads(file.read_text()), about)
                return
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            file.write_text(json.dumps({"about": about, "started": self.started}))
        except (OSError, ValueError) as error:
            raise FitError(f"{self.folder}: cannot be worked in ({error}); remove it, or make room there.") from None

    def _go_on(self, kept: Any, about: str) -> None:
        if kept.get("about") != about:
            raise FitError(f"{self.folder}: holds a fit of other data or settings; drop --resume to start afresh.")
        self.started = str(kept["started"])

    def remove(self) -> None:
        """Remove the folder, once the bundle is written."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
