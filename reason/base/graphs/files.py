"""A file that holds a classifier: ``model.onnx`` or ``model.pt2``, as a source of classifiers."""

from __future__ import annotations

from pathlib import Path

import torch

from reason.base.classifier import GRAPH, Classifier
from reason.base.graphs.reading import images_of, read
from reason.data.images import Preprocessing
from reason.errors import ClassifierError, FitError, first_line

ENDINGS = ("onnx", "pt2")
"""Endings of such files."""

Stated = tuple[int | None, int | None, int | None]
"""Channels, height and width; ``None`` for any."""


def file_classifier(text: str, preprocessing: Preprocessing | None) -> Classifier:
    """Return the classifier in a file, which is read whole only when it is fitted.

    Args:
        text: path of the file. A ``.pt2`` file is trusted like code.
        preprocessing: how pictures are prepared, which no such file says.

    Raises:
        ClassifierError: there is no such file, it is none of a classifier, or nothing says how pictures are prepared.
        ConfigError: a package is missing.
    """
    path = Path(text)
    try:
        stated = stated_shape(path)
    except FitError as error:
        raise ClassifierError(str(error)) from None
    if preprocessing is None:
        takes = " x ".join("any" if side is None else str(side) for side in stated)
        raise ClassifierError(
            f"{path}: takes images of {takes} (channels, height, width) and does not say how pictures are prepared; "
            "give --size, --mean and --std."
        )
    return Classifier(path, preprocessing, (), GRAPH)


def stated_shape(path: Path) -> Stated:
    """Return what a file says of the images that its classifier takes.

    Raises:
        ConfigError: a package is missing.
        FitError: it cannot be read, or is none of a classifier of images.
    """
    if path.suffix.lower() != ".pt2":
        images = images_of(read(path), str(path))
        return (images.channels, *images.sides)
    program = load_program(path)
    names = set(program.graph_signature.user_inputs)
    inputs = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(inputs) != 1 or not isinstance(inputs[0], torch.Tensor) or inputs[0].dim() != 4:
        raise FitError(f"{path}: takes {len(inputs)} inputs, and must take images [n, channels, h, w] alone.")
    _, channels, height, width = (int(side) if str(side).isdigit() else None for side in inputs[0].shape)
    return channels, height, width


def load_program(path: Path) -> torch.export.ExportedProgram:
    """Return a program of ``torch.export``; its file is trusted like code.

    Raises:
        FitError: it cannot be read.
    """
    if not path.is_file():
        raise FitError(f"{path}: there is no such file.")
    try:
        return torch.export.load(path)
    except Exception as error:  # it has many errors for what it cannot read
        raise FitError(f"{path}: is no program of torch.export ({first_line(error, 120)}).") from None
