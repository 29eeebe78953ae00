"""The bundles that the service holds, each with the batcher that feeds it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from reason.base.arrays import ArrayBase
from reason.bundle.folders import find_all
from reason.bundle.reading import load
from reason.detector.detector import Detector
from reason.detector.policy import AcceptancePolicy
from reason.detector.verdict import Verdict
from reason.errors import BundleError, ConfigError
from reason.serving.batcher import Batcher
from reason.serving.problems import LOADING, UNKNOWN_MODEL, Problem
from reason.serving.settings import Settings
from reason.sharing.places import bundle_folder
from reason.threads import torch_threads

_log = logging.getLogger("reason.service")


@dataclass(frozen=True, slots=True)
class Model:
    """One loaded bundle, ready to judge."""

    detector: Detector
    batcher: Batcher


class Models:
    """All bundles of the configured folder."""

    def __init__(self, settings: Settings) -> None:
        """Find the bundles without loading them.

        Raises:
            BundleError: there is no bundle to serve.
            SharingError: the one on the Hub that the settings name cannot be fetched.
        """
        self._settings = settings
        self._folders = folders_of(settings)
        self._models: dict[str, Model] = {}
        self._loaded = threading.Event()

    @property
    def loaded(self) -> bool:
        """Whether every bundle has been loaded."""
        return self._loaded.is_set()

    @property
    def default(self) -> str:
        """Name of the model that judges when a request names none."""
        return self._settings.model or (next(iter(self._models)) if self._settings.bundle else min(self._models))

    def load(self) -> None:
        """Load every bundle.

        Raises:
            BundleError: a bundle is incomplete, altered or inconsistent, or judges no pictures.
            ConfigError: two bundles have one name, or the default model is not among them.
        """
        models: dict[str, Model] = {}
        for folder in self._folders:
            detector = _load(folder, self._settings)
            if detector.name in models:
                raise ConfigError(f"{folder}: a second bundle named {detector.name}; remove one of the two.")
            _log.info("loaded %s from %s, digest %s", detector.name, folder, detector.digest)
            models[detector.name] = Model(detector, self._batcher(detector))
        if self._settings.model and self._settings.model not in models:
            raise ConfigError(
                f"REASON_MODEL: no bundle named {self._settings.model!r} among those served; "
                f"there is {', '.join(sorted(models))}."
            )
        self._models = models
        self._loaded.set()

    def get(self, name: str | None) -> Model:
        """Return a model by name, the default one for ``None``.

        Raises:
            Problem: the models are not loaded yet, or there is none of this name.
        """
        models = self.all()
        name = self.default if name is None else name
        if name not in models:
            raise Problem(UNKNOWN_MODEL, f"No model named {name[:80]!r}; there is {', '.join(models)}.")
        return models[name]

    def all(self) -> dict[str, Model]:
        """Return every model by name, in the order of names.

        Raises:
            Problem: the models are not loaded yet.
        """
        if not self.loaded:
            raise Problem(LOADING, "The models are still being loaded; try again.", {"Retry-After": "1"})
        return dict(sorted(self._models.items()))

    def _batcher(self, detector: Detector) -> Batcher:
        return Batcher(
            partial(_predict, detector),
            size=self._settings.batch_size,
            window_s=self._settings.batch_window_ms / 1000,
            limit=self._settings.queue_size,
            engine_threads=self._settings.engine_threads,
        )


def _predict(
    detector: Detector, policy: AcceptancePolicy, images: Sequence[Image.Image], names: Sequence[str | None]
) -> list[Verdict]:
    return detector.predict_by(policy, images, sources=names, batch_size=len(images))


def folders_of(settings: Settings) -> list[Path]:
    """Return the folders of the bundles that the settings name; addresses are fetched.

    Raises:
        BundleError: one is not there, or there is none.
        SharingError: one on the Hub cannot be fetched.
    """
    named: Sequence[str | Path] = settings.bundle or [settings.bundles]
    return [folder for one in named for folder in find_bundles(bundle_folder(one))]


def find_bundles(folder: Path) -> list[Path]:
    """Return the bundles in a folder, by name; the folder itself when it is one.

    Raises:
        BundleError: there is none.
    """
    found = find_all(folder)
    if not found:
        raise BundleError(
            f"{folder}: no bundle to serve; train one with `reason train`, "
            "or set REASON_BUNDLES to a folder of bundles."
        )
    return found


def _load(folder: Path, settings: Settings) -> Detector:
    # On one thread, because a pool of OpenMP threads that exists when a server forks its workers
    # would leave them waiting for ever for threads that they do not have.
    with torch_threads(1):
        detector = load(folder, engine=settings.engine, device=settings.device)
    if isinstance(detector.base, ArrayBase):
        raise BundleError(f"{folder}: judges arrays and no pictures; use ReliabilityEstimator.load, or take it away.")
    return detector
