"""Choose among MetaNets without touching test: cross-validation on the meta-fit images of a finished run.

python -m train.compare train/imagenette.toml

Folds are cut by source image, so that no copy of a judged image is learned from; the first copy of each alone is
judged, which is the clean one where the recipe learns from it.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from reason import metanet, metrics
from reason.backbones import ARCHITECTURES
from reason.baselines import PARAMETER_FREE
from reason.fit import fit_signals
from reason.metanet import MetaNetSettings
from reason.signals import SignalSet
from train import recipe as recipes
from train.pipeline import RUNS, load_evidence
from train.recipe import Recipe

FOLDS = 5
SEEDS = 3

Fit = Callable[[torch.Tensor, torch.Tensor, int], Callable[[torch.Tensor], torch.Tensor]]
"""``fit(vectors, correct, seed)`` returns a function from vectors to scores, larger = more trustworthy."""


def main(recipe_path: Path) -> None:
    """Print the cross-validated AUROC of each variant and of the baselines."""
    recipe = recipes.read(recipe_path)
    torch.set_num_threads(1)  # the networks are so small that threads only wait for each other
    evidence = load_evidence(RUNS / recipe.name)
    widest = dataclasses.replace(recipe.signals, pca_columns=recipe.signals.pca_components, seed=recipe.seed)
    signals, _ = fit_signals(evidence.head, ARCHITECTURES[recipe.base.architecture].taps, evidence.bank, widest)
    images = len(evidence.meta) // recipe.meta_fit.blocks
    table = Table("variant", "AUROC on the first block of meta-fit, mean of seeds", "spread")
    vectors = signals.compute(evidence.meta.evidence)
    judged = evidence.meta.evidence[slice(0, images)]
    correct = evidence.meta.correct[:images].numpy()
    for baseline in PARAMETER_FREE:
        table.add_row(baseline.name, f"{metrics.auroc(baseline.score(judged).numpy(), correct):.4f}", "")
    for name, columns, fit in variants(recipe, signals):
        scores = [
            cross_validate(vectors[:, columns], evidence.meta.correct, fit, images, seed) for seed in range(SEEDS)
        ]
        values = [metrics.auroc(score, correct) for score in scores]
        table.add_row(name, f"{np.mean(values):.4f}", f"{np.ptp(values):.4f}")
    Console().print(table)


def variants(recipe: Recipe, signals: SignalSet) -> list[tuple[str, torch.Tensor, Fit]]:
    """Return name, columns (indices into the meta-vector) and fit of each variant."""
    embedding = torch.tensor([group == "embedding" for group in signals.groups])
    scalars = (~embedding).nonzero().flatten()
    pca = embedding.nonzero().flatten()
    found: list[tuple[str, torch.Tensor, Fit]] = []
    for count in (0, 16, 40):
        columns = torch.cat([scalars, pca[:count]])
        groups = [signals.groups[column] for column in columns]
        found.append((f"logistic regression, {count} PCA columns", columns, _logistic))
        for label, settings in _settings(recipe.metanet):
            found.append((f"MetaNet {label}, {count} PCA columns", columns, _metanet(groups, settings)))
    return found


def _settings(own: MetaNetSettings) -> list[tuple[str, MetaNetSettings]]:
    return [
        ("as in the recipe", own),
        ("with the embedding columns at full size", dataclasses.replace(own, embedding_scale=1.0, group_dropout=0.5)),
        ("with hidden layers of 16", dataclasses.replace(own, hidden=(16,))),
    ]


def _logistic(vectors: torch.Tensor, correct: torch.Tensor, _: int) -> Callable[[torch.Tensor], torch.Tensor]:
    mean, deviation = vectors.mean(dim=0), vectors.std(dim=0).clamp(min=1e-6)

    def standard(raw: torch.Tensor) -> NDArray[np.float32]:
        clipped: NDArray[np.float32] = ((raw - mean) / deviation).clamp(-metanet.CLIP, metanet.CLIP).numpy()
        return clipped

    model = LogisticRegression(C=0.1, max_iter=2000).fit(standard(vectors), correct.numpy())
    return lambda raw: torch.from_numpy(model.decision_function(standard(raw)))


def _metanet(groups: list[str], settings: MetaNetSettings) -> Fit:
    def fit(vectors: torch.Tensor, correct: torch.Tensor, seed: int) -> Callable[[torch.Tensor], torch.Tensor]:
        return metanet.fit(vectors, correct, groups, settings, seed)

    return fit


def cross_validate(
    vectors: torch.Tensor, correct: torch.Tensor, fit: Fit, images: int, seed: int
) -> NDArray[np.float64]:
    """Return out-of-fold scores ``[images]`` of the first block of meta-fit images."""
    image = torch.arange(len(vectors)) % images
    scores = np.zeros(images)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for _, held in folds.split(np.zeros(images), correct[:images].numpy()):
        learn = ~torch.isin(image, torch.from_numpy(held))
        score = fit(vectors[learn], correct[learn], seed)
        with torch.no_grad():
            scores[held] = score(vectors[held]).double().numpy()
    return scores


if __name__ == "__main__":
    main(Path(sys.argv[1]))
