"""``package.module:factory``: a classifier that code of one's own returns."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from reason.base.classifier import GRAPH, Classifier
from reason.base.sources.registry import CODE, SOURCES
from reason.data.images import Preprocessing
from reason.errors import ClassifierError, first_line


@SOURCES.register(name=CODE)
def own_classifier(text: str, preprocessing: Preprocessing | None) -> Classifier:
    """Return what a function of one's own returns: a ``Classifier``, or a network in evaluation mode or not.

    The folder that the command runs in is searched for the module too. How pictures are prepared is said by the
    caller, by the ``Classifier``, or by an attribute ``preprocessing`` of the network.

    Raises:
        ClassifierError: see ``resolve``; or the function raises, needs arguments, or returns something else.
    """
    module, _, name = text.partition(":")
    made = _called(text, module, name)
    if isinstance(made, Classifier):
        return made if preprocessing is None else _with(made, preprocessing)
    if not isinstance(made, nn.Module):
        raise ClassifierError(f"{text}: returns a {type(made).__name__}, and must return an nn.Module or a Classifier.")
    said = preprocessing or getattr(made, "preprocessing", None)
    if not isinstance(said, Preprocessing):
        raise ClassifierError(
            f"{text}: nothing says how pictures are prepared; give --size, --mean and --std, or return a Classifier."
        )
    names = getattr(made, "classes", ())
    classes = tuple(map(str, names)) if isinstance(names, tuple | list) else ()
    return Classifier(made, said, classes, GRAPH)


def _with(made: Classifier, preprocessing: Preprocessing) -> Classifier:
    return Classifier(made.network, preprocessing, made.classes, made.architecture, made.arguments)


def _called(text: str, module: str, name: str) -> Any:
    with _searching(Path.cwd()):
        try:
            found: Any = import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
        except Exception as error:  # whatever the module raises as it is imported
            said = f"{type(error).__name__}: {first_line(error)}"
            raise ClassifierError(f"{text}: cannot be imported ({said}); check module and name.") from error
        try:
            return found() if callable(found) and not isinstance(found, nn.Module) else found
        except Exception as error:  # whatever the function raises
            said = f"{type(error).__name__}: {first_line(error)}"
            raise ClassifierError(f"{text}: cannot be called without arguments ({said}).") from error


@contextmanager
def _searching(folder: Path) -> Iterator[None]:
    """Have a folder searched for modules inside the block."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
