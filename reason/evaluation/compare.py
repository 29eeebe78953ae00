"""Choose among MetaNets and sets of signals without touching test data.

reason compare imagenette --base imagenette --data-root data

For each seed, two thirds of the meta-fit images are learned from and the others scored. Folds are cut by source image,
so that no copy of a scored image is learned from. For each group of corruption families everything is fitted once more
without its copies and scored on them alone. For speed, MetaNets have two members at most and PyTorch one thread.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from reason import progress
from reason.base.head import Head
from reason.detector.heads import metanet
from reason.detector.heads.metanet import MetaNetSettings
from reason.evaluation import baselines
from reason.evaluation.baselines import ConfidenceScore, ScoreContext
from reason.evaluation.baselines.meta_vector import LinearModel
from reason.evaluation.folds import Contender, Row, ScoreRows, folds, rank
from reason.fitting import pipeline
from reason.fitting import recipe as recipes
from reason.fitting.fitting_data import FittingData, gather
from reason.signals import SignalSet
from reason.threads import torch_threads

SEEDS = 3
"""Folds, each cut and learned from with its own seed."""

MEMBERS = 2
"""Most networks in a MetaNet."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A model on some of the columns of the meta-vector."""

    name: str
    families: tuple[str, ...]
    """Names of the signal families that it sees."""
    settings: MetaNetSettings | None
    """Of the MetaNet; ``None`` for logistic regression."""


def compare(
    data: FittingData, head: Head, signals: SignalSet, settings: MetaNetSettings, seeds: int = SEEDS
) -> list[Row]:
    """Compare all baselines and all variants of a MetaNet on meta-fit.

    Args:
        data: evidence of the recipe; calibration is not read.
        head: head of the base classifier.
        signals: fitted on the bank.
        settings: the recipe's MetaNet.
        seeds: number of folds, each from its own seed.
    """
    vectors, correct = signals.compute(data.meta.evidence), data.meta.correct
    context = ScoreContext(head, data.bank, data.meta, signals)
    contenders = [_contender(score, context) for score in baselines.literature(baselines.offered(signals, head))]
    for variant in variants({family.name: family.raw for family in signals.families}, settings):
        contenders.append(_model(variant, signals, vectors, correct))
    cut = folds(data.meta, seeds)
    with progress.bar("compare", unit="contenders") as bar:
        return [rank(contender, cut, correct) for contender in bar.over(contenders)]


def variants(raw: Mapping[str, bool], own: MetaNetSettings) -> list[Variant]:
    """Return the recipe's MetaNet and what might replace it; of those that come to the same, the first alone.

    Args:
        raw: by the name of each family, whether its columns are raw features.
        own: the recipe's MetaNet.
    """
    own, families = own.small(MEMBERS), tuple(raw)
    scalars = tuple(family for family in families if not raw[family])
    every = [
        Variant("MetaNet of the recipe", families, own),
        Variant("MetaNet, no scalar members", families, dataclasses.replace(own, scalar_members=0)),
        Variant("MetaNet, scalar members only", families, dataclasses.replace(own, scalar_members=own.members)),
        Variant("MetaNet without raw families", scalars, own),
    ]
    for left in scalars:
        every.append(Variant(f"MetaNet without {left}", tuple(one for one in families if one != left), own))
    every.append(Variant("logistic regression", families, None))
    every.append(Variant("logistic regression, scalars", scalars, None))
    different: dict[object, Variant] = {}
    for variant in every:
        settings = variant.settings
        if settings and not any(raw[family] for family in variant.families):
            settings = dataclasses.replace(settings, scalar_members=0)  # all members see the same
        if variant.families:
            different.setdefault((variant.families, settings), variant)
    return list(different.values())


def _contender(score: ConfidenceScore, context: ScoreContext) -> Contender:
    meta = context.meta

    def fit(rows: torch.Tensor, _: int) -> ScoreRows:
        fitted = copy.copy(score).fit(dataclasses.replace(context, meta=meta.take(rows)))
        return lambda rows: fitted.score(meta.evidence[rows])

    @functools.cache
    def every_row() -> torch.Tensor:
        return score.fit(context).score(meta.evidence)

    if "meta" in score.learns_from:
        return Contender(score.name, fit)
    # It comes out alike in every fold.
    return Contender(score.name, lambda _, __: lambda rows: every_row()[rows])


def _model(variant: Variant, signals: SignalSet, vectors: torch.Tensor, correct: torch.Tensor) -> Contender:
    columns = torch.tensor([number for number, group in enumerate(signals.groups) if group in variant.families])
    raw = [signals.raw[column] for column in columns.tolist()]

    def fit(rows: torch.Tensor, seed: int) -> ScoreRows:
        learned = vectors[rows[:, None], columns]
        if variant.settings is None:
            model: ScoreRows = LinearModel.fit(learned, correct[rows])
        else:
            model = metanet.fit(learned, correct[rows], raw, variant.settings, seed)
        return lambda rows: model(vectors[rows[:, None], columns])

    return Contender(variant.name, fit)


def run(recipe_path: Path, base: Path, data_root: Path) -> list[Row]:
    """Extract what the recipe learns from with a bundle's base classifier, and compare on it."""
    recipe = recipes.read(recipe_path)
    parts = pipeline.split(recipe, pipeline.read_images(recipe, data_root, False))
    network, _ = pipeline.base_of(recipe, parts, base)
    extractor = pipeline.extractor(recipe, network)
    data = gather(extractor, parts, recipe.meta_fit, recipe.target, recipe.seed)
    head, settings = network.classifier_head(), dataclasses.replace(recipe.signals, seed=recipe.seed)
    with torch_threads(1):
        signals = SignalSet.fit(settings, head, network.taps, data.bank)
        return compare(data, head, signals, recipe.metanet)
