"""Bundles as MLflow models: ``mlflow.pyfunc.load_model(uri).predict(frame)`` judges images.

A model is the bundle's folder and the name of ``reason.sharing.pyfunc``, the module that opens it: nothing is pickled.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from reason import __version__
from reason.bundle import reading
from reason.bundle import writing as bundle_writing
from reason.detector.detector import Detector
from reason.errors import ConfigError
from reason.sharing import pyfunc
from reason.sharing.pushing import push

FOLDER = "bundle"
"""Name of the bundle's folder inside a model."""


def save_model(
    bundle: str | Path | Detector, path: str | Path, *, engine: str = "auto", device: str = "cpu", **options: Any
) -> None:
    """Write a bundle as an MLflow model into a folder.

    Args:
        bundle: name of one that ships, a folder, an address on the Hub, or a detector, which is saved first.
        path: the model's folder, which must not exist.
        engine: what runs the base classifier where the model is loaded, see ``reason.load``; the ``model_config`` of
            ``mlflow.pyfunc.load_model`` may say otherwise.
        device: where PyTorch runs it, likewise.
        options: further arguments of ``mlflow.pyfunc.save_model``, such as ``metadata``.

    Raises:
        ConfigError: MLflow is not installed.
        BundleError: the bundle is missing or damaged, or the detector cannot be saved.
    """
    with _model(bundle, engine, device) as model:
        _mlflow().pyfunc.save_model(str(path), **{**model, **options})


def log_model(
    bundle: str | Path | Detector, name: str = "reason", *, engine: str = "auto", device: str = "cpu", **options: Any
) -> Any:
    """Log a bundle as an MLflow model, in the active run or a run of its own.

    Args:
        bundle: see ``save_model``.
        name: name of the model in the run.
        engine: see ``save_model``.
        device: see ``save_model``.
        options: further arguments of ``mlflow.pyfunc.log_model``, such as ``registered_model_name``.

    Returns:
        What ``mlflow.pyfunc.log_model`` returns; its ``model_uri`` leads to the model.

    Raises:
        ConfigError: MLflow is not installed.
        BundleError: see ``save_model``.
    """
    with _model(bundle, engine, device) as model:
        return _mlflow().pyfunc.log_model(name=name, **{**model, **options})


def load_model(uri: str, *, engine: str = "auto", device: str = "cpu") -> Detector:
    """Return the detector of a model, for what a table of verdicts does not tell.

    Args:
        uri: where the model is, such as ``models:/NAME/1`` or a folder.
        engine: see ``reason.load``.
        device: see ``reason.load``.

    Raises:
        ConfigError: MLflow is not installed, or the engine or the device cannot be used.
        BundleError: the model holds no bundle, or a damaged one.
    """
    _mlflow()
    from mlflow.artifacts import download_artifacts

    place = Path(download_artifacts(artifact_uri=str(uri)))
    return reading.load(place / "data" / FOLDER, engine=engine, device=device)


@contextmanager
def _model(bundle: str | Path | Detector, engine: str, device: str) -> Iterator[dict[str, Any]]:
    """Yield the arguments that MLflow takes; what they name is there until the end."""
    _mlflow()
    with tempfile.TemporaryDirectory() as scratch:
        if isinstance(bundle, Detector):
            bundle_writing.save(bundle, Path(scratch, "saved"))
            bundle = Path(scratch, "saved")
        # The user's own store may hold paths of the user's own machine.
        pushed = push(bundle, Path(scratch, FOLDER), paths_allowed=True)
        yield {
            "loader_module": pyfunc.__name__,
            "data_path": pushed.address,
            "signature": pyfunc.signature(),
            "input_example": pyfunc.example(),
            "model_config": {"engine": engine, "device": device},
            "metadata": {"reason_digest": pushed.digest},
            "pip_requirements": [f"reason[mlflow]=={__version__}", *map(_pinned, ("torch", "torchvision"))],
        }


def _pinned(package: str) -> str:
    """Return the requirement of the version that is installed, whichever build of it."""
    return f"{package}=={version(package).partition('+')[0]}"


def _mlflow() -> Any:
    try:
        import mlflow
        import mlflow.pyfunc
    except ImportError:
        raise ConfigError(
            "mlflow: takes the mlflow (or mlflow-skinny) and pandas packages; pip install 'reason[mlflow]'."
        ) from None
    return mlflow
