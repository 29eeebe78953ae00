"""Where trained classifiers come from: libraries, folders, and code of one's own."""

from __future__ import annotations

from reason.base.sources.registry import SOURCES, Source, resolve

__all__ = ["SOURCES", "Source", "resolve"]
