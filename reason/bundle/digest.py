"""A bundle's identity: one digest over its card and, through the card's seals, over all its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEY = "digest"
"""Key of the card that holds the digest, which does not cover itself."""


def digest_of(card: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a card's values: of its JSON with sorted keys, without spaces and without the digest.

    Args:
        card: plain JSON; its ``files`` hold the SHA-256 of each file, so that the digest covers them too.
    """
    covered = {key: value for key, value in card.items() if key != KEY}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
