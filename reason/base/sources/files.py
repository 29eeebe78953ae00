"""``model.onnx`` and ``model.pt2``: files that hold a classifier; see ``reason.base.graphs.files``."""

from __future__ import annotations

from reason.base.graphs.files import ENDINGS, file_classifier
from reason.base.sources.registry import SOURCES

for _ending in ENDINGS:
    SOURCES.register(file_classifier, name=_ending)
