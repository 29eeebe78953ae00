"""Data sets of torchvision by name, as ``torchvision:CIFAR10@FOLDER``; nothing is downloaded."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from reason.data.labelled.datasets import read_dataset
from reason.data.labelled.images import LabelledImages
from reason.errors import DatasetError, first_line
from reason.suggestions import did_you_mean

PREFIX = "torchvision:"

HELD_OUT = ("test", "val", "valid")
"""Names of the part that classifiers are not trained on, in the order in which they are tried."""


def read_torchvision(spec: str, classes: Sequence[str] | None = None) -> LabelledImages:
    """Open a data set of torchvision that lies on disk.

    Args:
        spec: ``torchvision:NAME@FOLDER`` or ``torchvision:NAME/PART@FOLDER``, as ``torchvision:CIFAR10/train@data``;
            the part is the one to test on by default.
        classes: names in the order of the classifier's outputs; the data set's own by default.

    Raises:
        DatasetError: there is no such data set or part, it is not in the folder, or it is not one of labelled images.
    """
    name, part, root = _parsed(spec)
    dataset = _open(_kind(name, spec), name, part, root)
    return read_dataset(dataset, classes)


def _parsed(spec: str) -> tuple[str, str, str]:
    named, separator, root = spec.removeprefix(PREFIX).partition("@")
    name, _, part = named.partition("/")
    if not (separator and root and name):
        raise DatasetError(f"{spec}: write {PREFIX}NAME@FOLDER, as {PREFIX}CIFAR10@data.")
    return name, part, root


def _kind(name: str, spec: str) -> Any:
    from torchvision import datasets  # imported here: it takes longer to import than a bundle to load

    if name not in datasets.__all__ or name in ("FakeData", "ImageFolder", "DatasetFolder", "VisionDataset"):
        hint = did_you_mean(name, datasets.__all__, "its documentation lists them.")
        raise DatasetError(f"{spec}: torchvision has no data set {name}; {hint}")
    return getattr(datasets, name)


def _open(kind: Any, name: str, part: str, root: str) -> Any:
    problem = "it has no such part"
    for arguments in _arguments(kind, part):
        try:
            return kind(root, **arguments)
        except ValueError as error:  # so it refuses a part
            problem = first_line(error)
        except (RuntimeError, OSError) as error:
            raise DatasetError(
                f"{name} was not found in {root} ({first_line(error)}); nothing is downloaded by itself: run "
                f"`torchvision.datasets.{name}({root!r}, download=True)` once."
            ) from None
        except (ImportError, TypeError) as error:
            raise DatasetError(
                f"{name}: cannot be opened by name ({first_line(error)}); give it as an object."
            ) from None
    raise DatasetError(f"{name}: {problem}; name a part it has, as {PREFIX}{name}/train@{root}.")


def _arguments(kind: Any, part: str) -> list[dict[str, Any]]:
    """Return what to call the data set with: one try after the other."""
    takes = inspect.signature(kind).parameters
    fixed = {"download": False} if "download" in takes else {}
    if "train" in takes:
        known = part in ("", "train", *HELD_OUT)
        return [{"train": part == "train", **fixed}] if known else []
    if "split" in takes:
        return [{"split": each, **fixed} for each in ((part,) if part else HELD_OUT)]
    return [] if part else [fixed]
