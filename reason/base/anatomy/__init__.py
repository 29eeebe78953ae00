"""Where the head, the embedding and the layers of a classifier are, found by running it."""

from __future__ import annotations

from reason.base.anatomy.discovery import Anatomy, check_tapped, discover
from reason.base.anatomy.wrappers import unwrapped

__all__ = ["Anatomy", "check_tapped", "discover", "unwrapped"]
