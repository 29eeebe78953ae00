"""Labelled images from anywhere, decoded when they are read: opened, split by content, copied, worked on, resumed."""

from reason.data.labelled.classes import read_classes
from reason.data.labelled.copies import Copied, Copies
from reason.data.labelled.images import Batch, LabelledImages, Pictures
from reason.data.labelled.opening import open_labelled
from reason.data.labelled.progress_store import Chunk, ProgressStore
from reason.data.labelled.splits import contradictory, duplicates, overlapping, split_labelled

__all__ = [
    "Batch",
    "Chunk",
    "Copied",
    "Copies",
    "LabelledImages",
    "Pictures",
    "ProgressStore",
    "contradictory",
    "duplicates",
    "open_labelled",
    "overlapping",
    "read_classes",
    "split_labelled",
]
