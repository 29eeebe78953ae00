"""The Detector: a base classifier with everything that judges its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from PIL import Image

from reason.base.base import BaseClassifier
from reason.base.engines import Engine, Tapped
from reason.base.evidence import Evidence
from reason.base.extraction import Extractor
from reason.data.images import ImageInput, Prepared, Preprocessing
from reason.detector.calibration import Platt
from reason.detector.certificate import Certificate
from reason.detector.heads import ReliabilityHead
from reason.detector.latent import LatentMap, latent_of
from reason.detector.policy import AcceptancePolicy, choose_policy
from reason.detector.policy_request import PolicyRequest
from reason.detector.proof import EngineProof
from reason.detector.provenance import Provenance
from reason.detector.risk import CalibrationSample
from reason.detector.verdict import Neighbour, Verdict
from reason.errors import BundleError
from reason.signals import Nearest, SignalSet, SignalSettings, measured

SHOWN_NEIGHBOURS = 10
"""Neighbours that a verdict names, of those that the signals look at."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the signals and the head say about ``n`` predictions."""

    vectors: torch.Tensor
    """Meta-vectors ``[n, columns]``."""
    logits: torch.Tensor
    """Logits of the head ``[n]``, not calibrated."""
    reliability: torch.Tensor
    """Calibrated P(correct) ``[n]``, in [0, 1]."""


@dataclass(frozen=True)
class Detector:
    """Judges each prediction of one base classifier.

    ``reason.load`` reads one from a bundle, ``reason.fit`` makes one. Calls from several threads
    are safe, and it can be copied and sent to other processes.
    """

    name: str
    title: str
    architecture: str
    """Name in ``reason.base.backbones.ARCHITECTURES``, or ``custom`` for a network of your own."""
    classes: tuple[str, ...]
    """Names of the classes in the order of the logits."""
    base: BaseClassifier
    engine: Engine
    """What runs the base classifier: ``base`` itself, or a runtime that holds its exported graph."""
    preprocessing: Preprocessing
    signal_settings: SignalSettings
    signals: SignalSet
    head: ReliabilityHead
    """From meta-vectors to logits of P(correct)."""
    calibration: Platt
    threshold: float
    """Reliability from which predictions are accepted."""
    certificate: Certificate | None
    """What the threshold guarantees; ``None`` when none could guarantee the risk that was asked for."""
    calibration_sample: CalibrationSample | None
    """What thresholds for other risks are computed from."""
    latent_map: LatentMap | None
    provenance: Provenance
    """How the detector was made and measured."""
    engine_proofs: Mapping[str, EngineProof] = field(default_factory=dict)
    """By name, engines other than PyTorch that may run the base classifier; ``threshold`` and ``certificate`` are those
    of ``engine``."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the architecture makes the network from, beside classes, dropout and channels; plain JSON."""
    head_module: str = ""
    """Dotted name of the network's head; empty where the architecture says it, or there is no network."""
    digest: str = ""
    """Identity of the bundle that it was read from, a SHA-256 over card and files; empty when it was not read."""

    @property
    def tapped(self) -> Tapped:
        """The base classifier as a PyTorch network.

        Raises:
            BundleError: there is none: an exported graph alone is there, or logits and embeddings come from elsewhere.
        """
        if not isinstance(self.base, Tapped):
            raise BundleError(f"{self.name}: holds no PyTorch network, so this cannot be done with it.")
        return self.base

    def policy(
        self, *, threshold: float | None = None, risk: float | None = None, delta: float | None = None
    ) -> AcceptancePolicy:
        """Return what decides: the bundle's own policy, unless a threshold or a risk is named.

        Args:
            threshold: accept from this reliability, in [0, 1]; nothing is guaranteed then.
            risk: accept from the threshold of largest coverage that guarantees this error rate, in (0, 1).
            delta: allowed chance that this guarantee fails, in (0, 1); by default that of the bundle's certificate,
                or 0.05 where it has none.

        Raises:
            GuaranteeError: no threshold can guarantee the risk, or the bundle keeps no calibration sample.
            PolicyError: both a threshold and a risk are named, or a delta without a risk, or a number is out of range.
        """
        own = AcceptancePolicy(self.threshold, self.certificate)
        return choose_policy(own, self.name, self.calibration_sample, PolicyRequest(threshold, risk, delta))

    def predict(
        self,
        images: Sequence[ImageInput | Prepared],
        *,
        threshold: float | None = None,
        risk: float | None = None,
        delta: float | None = None,
        sources: Sequence[str | None] | None = None,
        batch_size: int = 32,
    ) -> list[Verdict]:
        """Judge images.

        Args:
            images: pictures of any size.
            threshold: accept from this reliability instead of the bundle's own; see ``policy``, as for the next two.
            risk: accept from the threshold that guarantees this error rate; verdicts carry its certificate.
            delta: allowed chance that this guarantee fails.
            sources: names to carry in the verdicts; file names by default.
            batch_size: images that pass through the network together.

        Returns:
            One verdict an image, in order.

        Raises:
            UnsupportedImageError: an image is in no format that REASON reads.
            BrokenImageError: an image is damaged, empty or too large.
            GuaranteeError: no threshold can guarantee the risk.
            PolicyError: the numbers do not go together, or one is out of range.
            ValueError: there are not as many sources as images.
        """
        policy = self.policy(threshold=threshold, risk=risk, delta=delta)
        return self.predict_by(policy, images, sources=sources, batch_size=batch_size)

    def predict_by(
        self,
        policy: AcceptancePolicy,
        images: Sequence[ImageInput | Prepared],
        *,
        sources: Sequence[str | None] | None = None,
        batch_size: int = 32,
    ) -> list[Verdict]:
        """Judge images by what ``policy`` returned, found once for many calls; all else as in ``predict``."""
        if isinstance(images, str | bytes | Path | Image.Image):
            raise TypeError("predict takes a list of images; put the single image into a list.")
        named = [_name(image) for image in images] if sources is None else list(sources)
        if len(named) != len(images):
            raise ValueError(f"{len(named)} sources were given for {len(images)} images.")
        verdicts: list[Verdict] = []
        for start in range(0, len(images), batch_size):
            rows = slice(start, start + batch_size)
            verdicts += self._predict_batch(policy, images[rows], named[rows])
        return verdicts

    def _predict_batch(
        self, policy: AcceptancePolicy, images: Sequence[ImageInput | Prepared], sources: Sequence[str | None]
    ) -> list[Verdict]:
        clock = _Clock(len(images))
        pixels = torch.stack([self.preprocessing.prepare(image) for image in images])
        clock.mark("decode")
        evidence = self.extract(pixels)
        clock.mark("forward")
        vectors, nearest = self.signals.explain(evidence)
        neighbours = self._neighbours(nearest, len(evidence))
        clock.mark("signals")
        judgement = self.judge_vectors(vectors)
        if not bool(torch.isfinite(vectors).all() and torch.isfinite(judgement.reliability).all()):
            raise BundleError(f"{self.name}: computes numbers of an image that are not finite; get the bundle again.")
        clock.mark("judge")
        return self._verdicts(policy, evidence, judgement, neighbours, sources, clock.finish())

    def extract(self, pixels: torch.Tensor) -> Evidence:
        """Run the base classifier on uint8 pixels ``[n, channels, size, size]``."""
        return self.engine.extract(self.preprocessing.normalise(pixels), **measured(self.signals.requires))

    def extractor(self, cache: Path | None = None) -> Extractor:
        """Return what extracts, of whole image sets, the evidence that the signals need.

        Args:
            cache: folder to keep evidence in; ``None`` keeps none.
        """
        return Extractor(self.engine, self.preprocessing, **measured(self.signals.requires), cache=cache)

    def judge(self, evidence: Evidence) -> Judgement:
        """Return meta-vectors and reliabilities of evidence, wherever it comes from; it need not be of images."""
        return self.judge_vectors(self.signals.compute(evidence))

    @torch.no_grad()
    def judge_vectors(self, vectors: torch.Tensor) -> Judgement:
        """Return reliabilities of meta-vectors ``[n, columns]``."""
        logits = self.head(vectors)
        return Judgement(vectors, logits, self.calibration(logits))

    def _neighbours(self, nearest: Nearest | None, count: int) -> list[tuple[Neighbour, ...]]:
        if nearest is None:
            return [()] * count
        bank = nearest.bank
        return [
            tuple(
                Neighbour(self.classes[int(bank.labels[row])], distance, bank.sources[row])
                for distance, row in zip(distances, rows, strict=True)
            )
            for distances, rows in zip(
                nearest.distances[:, :SHOWN_NEIGHBOURS].tolist(),
                nearest.rows[:, :SHOWN_NEIGHBOURS].tolist(),
                strict=True,
            )
        ]

    def _verdicts(
        self,
        policy: AcceptancePolicy,
        evidence: Evidence,
        judgement: Judgement,
        neighbours: list[tuple[Neighbour, ...]],
        sources: Sequence[str | None],
        timings_ms: dict[str, float],
    ) -> list[Verdict]:
        places = self._places(evidence)
        names = self.signals.names
        probabilities = evidence.logits.softmax(dim=1).tolist()
        verdicts = []
        for i, index in enumerate(evidence.predicted.tolist()):
            vector = judgement.vectors[i].tolist()
            reliability = float(judgement.reliability[i])
            columns = dict(zip(names, vector, strict=True))
            verdicts.append(
                Verdict(
                    model=self.name,
                    digest=self.digest,
                    source=sources[i],
                    class_=self.classes[index],
                    class_index=index,
                    confidence=probabilities[i][index],
                    probabilities=dict(zip(self.classes, probabilities[i], strict=True)),
                    reliability=reliability,
                    decision=policy.decide(reliability),
                    threshold=policy.threshold,
                    certificate=policy.certificate,
                    diagnostics={name: columns[name] for name in self.signals.diagnostics},
                    meta_names=names,
                    meta_vector=tuple(vector),
                    neighbours=neighbours[i],
                    latent=places[i],
                    timings_ms=timings_ms,
                )
            )
        return verdicts

    def _places(self, evidence: Evidence) -> list[tuple[float, float] | None]:
        if self.latent_map is None:
            return [None] * len(evidence)
        return [(x, y) for x, y in self.latent_map.place(latent_of(evidence, self.signals.read_taps)).tolist()]

    def describe(self) -> dict[str, Any]:
        """Return what the bundle is, how it was made and how good it is, as plain JSON."""
        certificate = self.certificate
        return {
            "name": self.name,
            "title": self.title,
            "digest": self.digest,
            "architecture": self.architecture,
            "classes": list(self.classes),
            "input": {"size": self.preprocessing.size, "mode": self.preprocessing.mode},
            "signals": list(self.signal_settings.families),
            "meta_names": list(self.signals.names),
            "threshold": self.threshold,
            "certificate": None if certificate is None else certificate.to_dict(),
            "engine": self.engine.name,
            "engines": {name: proof.to_dict() for name, proof in self.engine_proofs.items()},
            **self.provenance.to_dict(),
        }


class _Clock:
    """Milliseconds an image of each stage of one batch."""

    def __init__(self, images: int) -> None:
        self._images = images
        self._start = self._last = perf_counter()
        self._marks: dict[str, float] = {}

    def mark(self, stage: str) -> None:
        now = perf_counter()
        self._marks[stage] = (now - self._last) * 1000 / self._images
        self._last = now

    def finish(self) -> dict[str, float]:
        total = (self._last - self._start) * 1000 / self._images
        return {name: round(value, 3) for name, value in {**self._marks, "total": total}.items()}


def _name(image: ImageInput | Prepared) -> str | None:
    return Path(image).name if isinstance(image, str | Path) else None
