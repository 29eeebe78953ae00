"""Choose among MetaNets and sets of signals without touching test data.

python -m reason.evaluation.compare train/imagenette.toml --base reason_saved/imagenette --data-root data

For each seed, two thirds of the meta-fit images are learned from and the others judged. Folds are cut by source image,
so that no copy of a judged image is learned from. For each group of corruption families everything is fitted once more
without its copies and judged on them alone. For speed, MetaNets have two members at most and PyTorch one thread.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import torch
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from reason import progress
from reason.base.head import Head, head_of
from reason.cli.jobs import data_root_option
from reason.cli.output import UNBOUNDED
from reason.detector import metanet
from reason.detector.metanet import MetaNetSettings
from reason.errors import ReasonError
from reason.evaluation import baselines
from reason.evaluation.baselines import Baseline, MaxLogitPNorm, RelU, TemperatureScaledMsp
from reason.evaluation.folds import Contender, Row, Score, folds, judge
from reason.fitting import pipeline
from reason.fitting import recipe as recipes
from reason.fitting.fitting_data import FittingData, gather
from reason.signals import Requirement, SignalSet
from reason.signals.standardise import Standardisation
from reason.threads import torch_threads

SEEDS = 3
"""Folds, each cut and learned from with its own seed."""

MEMBERS = 2
"""Most networks in a MetaNet."""

FITTED_ON_META = (TemperatureScaledMsp, MaxLogitPNorm, RelU)
"""Baselines that learn from meta-fit; the others come out alike in every fold, and are fitted once."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A model on some of the columns of the meta-vector."""

    name: str
    families: tuple[str, ...]
    """Names of the signal families that it sees."""
    settings: MetaNetSettings | None
    """Of the MetaNet; ``None`` for logistic regression."""


def compare(
    material: FittingData, head: Head, signals: SignalSet, settings: MetaNetSettings, seeds: int = SEEDS
) -> list[Row]:
    """Judge all baselines and all variants of a MetaNet on meta-fit.

    Args:
        material: evidence of the recipe; calibration is not read.
        head: head of the base classifier.
        signals: fitted on the bank.
        settings: the recipe's MetaNet.
        seeds: number of folds, each from its own seed.
    """
    vectors, correct = signals.compute(material.meta.evidence), material.meta.correct
    literature = baselines.literature(views=Requirement.VIEWS in signals.requires)
    contenders = [_baseline(one, head, material) for one in literature]
    for variant in variants({family.name: family.raw for family in signals.families}, settings):
        contenders.append(_model(variant, signals, vectors, correct))
    cut = folds(material.meta, seeds)
    with progress.bar("compare", unit="contenders") as bar:
        return [judge(contender, cut, correct) for contender in bar.over(contenders)]


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


def _baseline(baseline: Baseline, head: Head, material: FittingData) -> Contender:
    meta = material.meta

    def fit(rows: torch.Tensor, _: int) -> Score:
        fitted = copy.copy(baseline).fit(head, material.bank, meta.take(rows))
        return lambda judged: fitted.score(meta.evidence[judged])

    @functools.cache
    def every_score() -> torch.Tensor:
        return baseline.fit(head, material.bank, meta).score(meta.evidence)

    if isinstance(baseline, FITTED_ON_META):
        return Contender(baseline.name, fit)
    return Contender(baseline.name, lambda _, __: lambda judged: every_score()[judged])


def _model(variant: Variant, signals: SignalSet, vectors: torch.Tensor, correct: torch.Tensor) -> Contender:
    columns = torch.tensor([number for number, group in enumerate(signals.groups) if group in variant.families])
    raw = [signals.raw[column] for column in columns.tolist()]

    def fit(rows: torch.Tensor, seed: int) -> Score:
        learned = vectors[rows[:, None], columns]
        if variant.settings is None:
            model = _logistic(learned, correct[rows])
        else:
            model = metanet.fit(learned, correct[rows], raw, variant.settings, seed)
        return lambda judged: model(vectors[judged[:, None], columns])

    return Contender(variant.name, fit)


def _logistic(vectors: torch.Tensor, correct: torch.Tensor) -> Score:
    standard = Standardisation.fit(vectors)
    model = LogisticRegression(C=0.1, max_iter=2000).fit(standard(vectors).numpy(), correct.numpy())
    return lambda raw: torch.from_numpy(model.decision_function(standard(raw).numpy()))


def run(recipe_path: Path, base: Path, data_root: Path) -> list[Row]:
    """Extract what the recipe learns from with a bundle's base classifier, and compare on it."""
    recipe = recipes.read(recipe_path)
    parts = pipeline.split(recipe, pipeline.read_images(recipe, data_root, False))
    network, _ = pipeline.base_of(recipe, parts, base)
    extract = pipeline.extractor(recipe, network)
    material = gather(extract, parts, recipe.meta_fit, recipe.target, recipe.seed)
    head, settings = head_of(network), dataclasses.replace(recipe.signals, seed=recipe.seed)
    with torch_threads(1):
        signals = SignalSet.fit(settings, head, network.taps, material.bank)
        return compare(material, head, signals, recipe.metanet)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--base",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of a bundle of the same [base], seed and data, whose base classifier is judged.",
)
@data_root_option
def main(recipe: Path, base: Path, data_root: Path) -> None:
    """Compare baselines, variants of RECIPE's MetaNet and its signals by AUROC, on train images alone."""
    try:
        rows = run(recipe, base, data_root)
    except ReasonError as error:
        raise click.ClickException(str(error)) from error
    table = Table("AUROC, mean of seeds", *rows[0].values, "spread of left out")
    for row in rows:
        table.add_row(row.name, *(f"{value:.4f}" for value in (*row.values.values(), row.spread)))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else UNBOUNDED).print(table)


if __name__ == "__main__":
    main()
