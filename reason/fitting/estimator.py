"""REASON for classifiers of anything: a scikit-learn estimator over logits and embeddings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from reason.base import arrays
from reason.base.arrays import NO_PICTURES, ArrayBase
from reason.base.evidence import Labelled
from reason.bundle.reading import load
from reason.bundle.writing import save
from reason.data.image_set import split
from reason.detector.calibration import Platt
from reason.detector.certificate import Certificate
from reason.detector.detector import Detector, Judgement
from reason.detector.heads.choice import ChoiceSettings
from reason.detector.heads.record import ChoiceRecord
from reason.errors import BundleError, FitError
from reason.fitting import fit_parts as fitting
from reason.fitting.arrays import Arrays, ArraySource, check_outcomes, check_part, class_numbers, read_arrays
from reason.fitting.arrays_report import ArraysReport, measure
from reason.metrics import auroc
from reason.signals import Requirement, SignalSettings
from reason.signals.registry import FAMILIES

FAMILIES_OF_LOGITS = ("scores", "softmax")
"""What needs no embedding."""

FAMILIES_OF_EMBEDDINGS = ("neighbours", "layers")
"""What compares embeddings with those of the bank."""

FEWEST_ERRORS = 50
"""Wrong rows for choosing a head below which only scores of the literature stand: nothing says how heads do on shifted
rows, so they must be surer than with corrupted copies."""


class ReliabilityEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Judges each prediction of any classifier from its logits and, where there is one, its embedding.

    It follows scikit-learn's conventions: parameters are set in the constructor, and what was learned ends in an
    underscore. ``X`` is an array of logits ``[n, classes]``, or a mapping, an ``.npz`` or a Parquet file that holds
    ``logits`` and, if there is one, ``embedding`` ``[n, features]``. The rows must be of images, texts or whatever the
    classifier did **not** train on: on those that it did it makes almost no errors.

    The rows are split three ways: a *bank*, which embeddings are compared with (only where there are any), *meta* rows,
    on which the head is chosen and fitted, and *calibration* rows, for calibration, threshold and certificate.

    Args:
        classes: names of the classes in the order of the logits; their numbers by default.
        families: signals, by their names in ``reason.signals.registry.FAMILIES``; by default what the arrays allow.
        head: kind of the reliability head: ``auto``, ``score``, ``logistic`` or ``metanet``, see ``reason.fit``.
        risk: error rate among accepted predictions that the threshold shall guarantee, in (0, 1).
        delta: allowed chance that the guarantee fails, in (0, 1).
        bank_share: share of the rows in the bank, in (0, 1); none without embeddings or with a bank of one's own.
        calibration_share: share of the other rows that calibrates, in (0, 1).
        random_state: seed of the splits and of the fit.
        name: name of the detector, and of its bundle.

    Attributes:
        detector_: the ``Detector``, as ``reason.load`` returns it.
        classes_: what the columns of ``predict_proba`` stand for: wrong, and correct.
        threshold_: reliability from which a prediction is accepted.
        certificate_: what the threshold guarantees; ``None`` when nothing could be guaranteed.
        choice_: which head judges, and why.
        n_features_in_: number of classes of the logits.
    """

    def __init__(
        self,
        *,
        classes: Sequence[str] | None = None,
        families: Sequence[str] | None = None,
        head: str = "auto",
        risk: float = 0.05,
        delta: float = 0.05,
        bank_share: float = 0.3,
        calibration_share: float = 0.4,
        random_state: int = 0,
        name: str = "arrays",
    ) -> None:
        self.classes = classes
        self.families = families
        self.head = head
        self.risk = risk
        self.delta = delta
        self.bank_share = bank_share
        self.calibration_share = calibration_share
        self.random_state = random_state
        self.name = name

    def fit(self, X: ArraySource, y: ArrayLike | None = None, *, bank: ArraySource | None = None) -> Self:  # noqa: N803
        """Fit everything that judges predictions.

        Args:
            X: logits, and embeddings, of rows that the classifier did not train on.
            y: their true classes, as numbers or names ``[n]``; by default the array ``labels`` of X.
            bank: logits, embeddings and ``labels`` of rows that it did train on, to compare others with.

        Raises:
            FitError: the arrays cannot be used, there are right or wrong predictions only, or too few for a part.
            SettingsError: a parameter is out of range.
        """
        for key, share in (("bank_share", self.bank_share), ("calibration_share", self.calibration_share)):
            if not 0 < share < 1:
                raise FitError(f"{key} must be in (0, 1), not {share}.")
        if type(self.random_state) is not int:
            raise FitError(f"random_state must be a whole number, not {self.random_state!r}.")
        given = read_arrays(X)
        names = self._names(given)
        rows = _labelled(given, y, names)
        check_outcomes(rows)
        parts = self._parts(rows, given.embedded, bank)
        families = self._families(given.embedded, parts[0], len(names))
        base = ArrayBase(rows.evidence.embedding.shape[1], len(names))
        detector = fitting.fit_parts(
            self.name,
            base,
            NO_PICTURES,
            names,
            bank=parts[0],
            meta=parts[1],
            calibration=parts[2],
            signals=SignalSettings(families=families, seed=self.random_state),
            head=ChoiceSettings(kind=self.head, fewest_errors=FEWEST_ERRORS, shifted=False),  # type: ignore[arg-type]
            risk=self.risk,
            delta=self.delta,
            seed=self.random_state,
            calibrate=Platt.fit_or_shift,
            architecture=arrays.ARCHITECTURE,
            arguments={"features": base.features},
        )
        return self._learned(detector)

    def _learned(self, detector: Detector) -> Self:
        self.detector_ = detector
        self.classes_ = np.array([False, True])
        self.n_features_in_ = len(detector.classes)
        return self

    def _names(self, given: Arrays) -> tuple[str, ...]:
        width = given.evidence.logits.shape[1]
        names = tuple(map(str, self.classes)) if self.classes is not None else tuple(map(str, range(width)))
        if len(names) != width:
            raise FitError(f"classes are {len(names)}, and the logits have {width} columns; name each in their order.")
        return names

    def _parts(self, rows: Labelled, embedded: bool, bank: ArraySource | None) -> tuple[Labelled, Labelled, Labelled]:
        """Return bank, meta and calibration rows; without embeddings the bank is read by nothing."""
        seed, known = self.random_state, rows
        if bank is not None:
            given = read_arrays(bank)
            known = _labelled(given, None, self._names(given))
            if known.evidence.embedding.shape[1] != rows.evidence.embedding.shape[1]:
                raise FitError("bank has embeddings of another width than X; give those of the same layer.")
        elif embedded:
            banked, rest = split(rows.labels, (self.bank_share,), seed)
            known, rows = rows.take(banked), rows.take(rest)
        # Few wrong rows are dealt out evenly; the split looks at nothing else.
        calibration, meta = split(rows.correct.long(), (self.calibration_share,), seed + 1)
        found = known, rows.take(meta), rows.take(calibration)
        for title, part in zip(("meta", "calibration"), found[1:], strict=True):
            check_part(title, part)
        return found

    def _families(self, embedded: bool, bank: Labelled, classes: int) -> tuple[str, ...]:
        if self.families is not None:
            return tuple(self.families)
        families = FAMILIES_OF_LOGITS + (FAMILIES_OF_EMBEDDINGS if embedded else ())
        if len(bank.labels.unique()) == classes:
            return families
        # Distances to a class that the bank lacks are no signal.
        return tuple(name for name in families if Requirement.TAPS not in FAMILIES[name].requires)

    @property
    def threshold_(self) -> float:
        """Reliability from which a prediction is accepted, in [0, 1]."""
        return self._detector().threshold

    @property
    def certificate_(self) -> Certificate | None:
        """What the threshold guarantees."""
        return self._detector().certificate

    @property
    def choice_(self) -> ChoiceRecord | None:
        """Which head judges, and why."""
        return self._detector().provenance.choice

    def predict_proba(self, X: ArraySource) -> NDArray[np.float64]:  # noqa: N803
        """Return the probability of being wrong and that of being correct, the reliability ``[n, 2]``."""
        reliability = self._judge(X).reliability.double().numpy()
        return np.column_stack([1 - reliability, reliability])

    def decision_function(self, X: ArraySource) -> NDArray[np.float64]:  # noqa: N803
        """Return the logit of the head ``[n]``, not calibrated; it ranks as the reliability, and does not saturate."""
        logits: NDArray[np.float64] = self._judge(X).logits.double().numpy()
        return logits

    def predict(self, X: ArraySource) -> NDArray[np.bool_]:  # noqa: N803
        """Return whether each prediction is accepted ``[n]``: its reliability is at least ``threshold_``."""
        accepted: NDArray[np.bool_] = self._judge(X).reliability.numpy() >= np.float32(self.threshold_)
        return accepted

    def score(self, X: ArraySource, y: ArrayLike | None = None) -> float:  # noqa: N803
        """Return the AUROC of the reliability: how well it tells right predictions from wrong ones, in [0, 1]."""
        rows = self._rows(X, y)
        return auroc(self._detector().judge(rows.evidence).logits.double().numpy(), rows.correct.numpy())

    def evaluate(self, X: ArraySource, y: ArrayLike | None = None) -> ArraysReport:  # noqa: N803
        """Return AUROC, AUGRC and calibration on rows that nothing was fitted to, beside the literature's scores."""
        return measure(self._detector(), self._rows(X, y))

    def save(self, folder: str | os.PathLike[str]) -> str:
        """Write a bundle that ``reason.load`` and ``ReliabilityEstimator.load`` read, and return its digest."""
        return save(self._detector(), Path(folder))

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Return the estimator that wrote a bundle, as far as a bundle keeps it.

        Raises:
            BundleError: it cannot be read, or is one of a network.
        """
        detector = load(Path(folder))
        if not isinstance(detector.base, ArrayBase):
            raise BundleError(f"{folder}: is the bundle of a network; read it by reason.load.")
        return cls(classes=detector.classes, families=detector.signal_settings.families, name=detector.name)._learned(
            detector
        )

    def _detector(self) -> Detector:
        check_is_fitted(self, "detector_")
        return self.detector_

    def _judge(self, source: ArraySource) -> Judgement:
        return self._detector().judge(self._fitting(read_arrays(source)).evidence)

    def _rows(self, source: ArraySource, y: ArrayLike | None) -> Labelled:
        return _labelled(self._fitting(read_arrays(source)), y, self._detector().classes)

    def _fitting(self, given: Arrays) -> Arrays:
        """Refuse arrays of other widths than those of the fit."""
        base, evidence = self._detector().base, given.evidence
        for name, width, found in (
            ("logits", base.classes, evidence.logits.shape[1]),
            ("embedding", base.features, evidence.embedding.shape[1]),
        ):
            if found != width:
                raise FitError(f"X has {found} columns of {name}, and the fit had {width}; give the same arrays again.")
        return given


def _labelled(given: Arrays, y: ArrayLike | None, classes: Sequence[str]) -> Labelled:
    """Return arrays with their true classes, which are theirs where none are given."""
    n = len(given.evidence)
    labels = class_numbers(given.labels if y is None else y, classes, n)
    return Labelled(given.evidence, labels=labels, sources=tuple(f"row {row}" for row in range(n)))


def fit_arrays(
    source: ArraySource, y: ArrayLike | None = None, *, bank: ArraySource | None = None, **parameters: Any
) -> Detector:
    """Fit a detector to logits and embeddings, as ``ReliabilityEstimator`` does, in one call.

    Args:
        source: arrays, or the file that holds ``logits``, ``labels`` and maybe ``embedding``.
        y: true classes, where the source does not hold them.
        bank: of rows that the classifier trained on.
        parameters: those of ``ReliabilityEstimator``.

    Raises:
        FitError, SettingsError: see ``ReliabilityEstimator.fit``.
    """
    return ReliabilityEstimator(**parameters).fit(source, y, bank=bank).detector_
