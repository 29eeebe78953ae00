"""The tool that chooses among MetaNets: folds that leak nothing, and columns that say what they claim to."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from click.testing import CliRunner

from reason.base.evidence import Evidence, Labelled, join
from reason.base.head import Head
from reason.base.views import VIEWS
from reason.cli import main
from reason.data.corruptions import CORRUPTIONS
from reason.detector.heads.metanet import MetaNetSettings
from reason.errors import BundleError
from reason.evaluation import baselines, compare
from reason.evaluation.baselines import ScoreContext
from reason.evaluation.compare import Variant, variants
from reason.evaluation.folds import Contender, Row, ScoreRows, folds, rank
from reason.fitting import pipeline
from reason.fitting.fitting_data import FittingData
from reason.signals import Requirement, SignalSet, SignalSettings

EVERY = frozenset(Requirement)
CLASSES, FEATURES, IMAGES = 3, 8, 90
WEIGHT = torch.randn(CLASSES, FEATURES, generator=torch.Generator().manual_seed(1))
HEAD = Head.linear(WEIGHT, torch.zeros(CLASSES), 0.2)
SMALL = MetaNetSettings(hidden=(4,), epochs=2, members=2, scalar_members=1)
RECIPE = Path(__file__).parents[2] / "train" / "imagenette.toml"


def block(seed: int, *corruptions: str, images: int = IMAGES, name: str = "image") -> Labelled:
    """Copies of the same images, the corruptions in turn, clean without one; a third or so is predicted wrongly."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(images) % CLASSES
    embedding = 2 * WEIGHT[labels] / FEATURES + torch.randn(images, FEATURES, generator=random)
    looks = {view: embedding + torch.randn(images, FEATURES, generator=random) / 4 for view in VIEWS}
    evidence = Evidence(
        embedding @ WEIGHT.T,
        embedding,
        torch.rand(images, generator=random),
        views={view: Evidence(moved @ WEIGHT.T, moved) for view, moved in looks.items()},
    )
    sources = tuple(f"{name}/{row}" for row in range(images))
    names = tuple(corruptions[row % len(corruptions)] for row in range(images)) if corruptions else ()
    return Labelled(evidence, labels=labels, sources=sources, corruptions=names)


@pytest.fixture(scope="module")
def meta() -> Labelled:
    """Clean images, augmented ones, and two corrupted blocks; no copy is of the geometry family."""
    return join([block(0), block(1), block(2, "noise", "jpeg", "fog", "occlude"), block(3, "gamma", "speckle")])


def family(meta: Labelled, row: int) -> str:
    name = meta.corruptions[row]
    return name if name == "clean" else CORRUPTIONS[name].family


def test_no_copy_of_a_scored_image_is_learned_from(meta: Labelled) -> None:
    cut = folds(meta, seeds=3)
    assert len({tuple(fold.learned.tolist()) for fold in cut}) == 3
    for fold in cut:
        pairs = [(fold.learned, fold.clean), (fold.learned, fold.seen), *fold.left_out.values()]
        for learned, scored in pairs:
            assert not {meta.sources[row] for row in learned} & {meta.sources[row] for row in scored}
        images = {meta.sources[row] for row in fold.learned}
        assert len(images) == IMAGES * 2 // 3
        # Every copy of them is there, and the classes have their shares.
        assert len(fold.learned) == 4 * len(images)
        assert meta.labels[fold.clean].bincount().tolist() == [10, 10, 10]


def test_the_clean_images_alone_are_scored_as_clean(meta: Labelled) -> None:
    (fold,) = folds(meta, seeds=1)
    assert len(fold.clean) == IMAGES // 3
    assert fold.clean.max() < IMAGES
    assert sorted(fold.seen.tolist()) == [row for row in fold.seen.tolist() if row >= 2 * IMAGES]
    assert len(fold.seen) == 2 * IMAGES // 3


def test_without_a_clean_block_each_image_is_scored_clean_once() -> None:
    mixed = join([block(0, "noise", "clean"), block(1, "clean", "clean", "noise")])
    (fold,) = folds(mixed, seeds=1)
    scored = [mixed.sources[row] for row in fold.clean]
    assert {mixed.corruptions[row] for row in fold.clean} == {"clean"}
    assert len(set(scored)) == len(scored)
    clean = {mixed.sources[row] for row in range(len(mixed)) if mixed.corruptions[row] == "clean"}
    learned = {mixed.sources[row] for row in fold.learned}
    assert set(scored) == clean - learned


def test_a_left_out_group_is_scored_alone_by_a_fit_that_saw_none_of_it(meta: Labelled) -> None:
    events: list[tuple[str, list[int]]] = []

    def spy(rows: torch.Tensor, seed: int) -> ScoreRows:
        events.append((f"fit {seed}", rows.tolist()))

        def score(scored: torch.Tensor) -> torch.Tensor:
            events.append(("score", scored.tolist()))
            return scored.double()

        return score

    row = rank(Contender("spy", spy), folds(meta, seeds=2), meta.correct)
    # No copy is of the geometry family, so that group is passed over.
    assert list(row.values) == ["clean", "seen", "left out", "noise, occlusion", "lighting, digital"]
    one_seed = ["fit", "score", "score", "fit", "score", "fit", "score"]
    assert [kind.split()[0] for kind, _ in events] == one_seed * 2
    assert [kind for kind, _ in events if kind.startswith("fit")] == ["fit 0"] * 3 + ["fit 1"] * 3
    for start in (0, len(one_seed)):
        everything = set(events[start][1])
        for at, group in ((3, {"noise", "occlusion"}), (5, {"lighting", "digital"})):
            learned, scored = events[start + at][1], events[start + at + 1][1]
            assert {family(meta, row) for row in scored} == group
            assert not {family(meta, row) for row in learned} & group
            # Nothing but the group is missing, and nothing of it is left unscored.
            assert set(learned) == {row for row in everything if family(meta, row) not in group}
            others = set(range(len(meta))) - everything
            assert set(scored) == {row for row in others if family(meta, row) in group}


def by_hand() -> Labelled:
    """60 images, clean, noisy and darkened; predictions are right for the first class and wrong for the second."""
    labels = torch.arange(60) % 2
    evidence = Evidence(torch.tensor([[1.0, 0.0]]).repeat(60, 1), torch.zeros(60, 1))
    sources = tuple(map(str, range(60)))
    return join(
        [
            Labelled(evidence, labels=labels, sources=sources, corruptions=names)
            for names in ((), ("noise",) * 60, ("gamma",) * 60)
        ]
    )


def test_columns_are_the_auroc_of_their_rows() -> None:
    meta = by_hand()
    right = meta.correct.double()
    # Clean: right 1, wrong 0. Noise: right 0, wrong 1. Lighting: all at one half.
    table = torch.cat([right[:60], 1 - right[60:120], torch.full((60,), 0.5, dtype=torch.float64)])
    row = rank(Contender("known", lambda rows, seed: lambda scored: table[scored]), folds(meta, 3), meta.correct)
    # Seen: of the four kinds of pairs one alone, both of lighting, is not lost but tied.
    expected = {"clean": 1.0, "seen": 0.125, "left out": 0.25, "noise, occlusion": 0.0, "lighting, digital": 0.5}
    assert row.values == expected
    assert row.spread == 0.0


def test_values_are_means_and_spreads_over_the_seeds() -> None:
    meta = by_hand()
    right = meta.correct.double()
    # The first seed ranks perfectly, the second not at all.
    row = rank(
        Contender("seeds", lambda rows, seed: lambda scored: right[scored] * (1 - seed)), folds(meta, 2), right > 0
    )
    assert row.values == dict.fromkeys(row.values, 0.75)
    assert row.spread == 0.5


def test_a_column_without_rows_is_nan() -> None:
    row = rank(
        Contender("any", lambda rows, seed: lambda scored: scored.double()), folds(block(0), 2), block(0).correct
    )
    assert list(row.values) == ["clean", "seen"]
    assert math.isfinite(row.values["clean"])
    assert math.isnan(row.values["seen"])
    assert math.isnan(row.spread)


FAMILIES = ("softmax", "dropout", "gradient", "neighbours", "layers", "views", "embedding", "activations")
SCALARS = FAMILIES[:6]
RAW = {family: family not in SCALARS for family in FAMILIES}


def test_variants_change_one_thing_each() -> None:
    found = {variant.name: variant for variant in variants(RAW, MetaNetSettings(members=5, scalar_members=2))}
    own = MetaNetSettings(members=2, scalar_members=1)
    assert found.pop("MetaNet of the recipe") == Variant("MetaNet of the recipe", FAMILIES, own)
    members = {name: v.settings and (v.settings.members, v.settings.scalar_members) for name, v in found.items()}
    assert members.pop("MetaNet, no scalar members") == (2, 0)
    assert members.pop("MetaNet, scalar members only") == (2, 2)
    for name in SCALARS:
        assert members.pop(f"MetaNet without {name}") == (2, 1)
        assert set(FAMILIES) - set(found[f"MetaNet without {name}"].families) == {name}
    assert members == {
        "MetaNet without raw families": (2, 1),
        "logistic regression": None,
        "logistic regression, scalars": None,
    }
    assert found["MetaNet without raw families"].families == found["logistic regression, scalars"].families == SCALARS
    assert found["logistic regression"].families == FAMILIES


def test_variants_that_come_to_the_same_are_listed_once() -> None:
    names = [variant.name for variant in variants({"softmax": False, "dropout": False}, SMALL)]
    assert names == [
        "MetaNet of the recipe",
        "MetaNet without softmax",
        "MetaNet without dropout",
        "logistic regression",
    ]


@pytest.mark.parametrize("members", [(1, 0), (1, 1), (2, 1), (2, 2)])
def test_small_metanets_keep_their_members(members: tuple[int, int]) -> None:
    own = MetaNetSettings(members=members[0], scalar_members=members[1])
    assert variants(RAW, own)[0].settings == own


@pytest.fixture(scope="module")
def data(meta: Labelled) -> FittingData:
    return FittingData(bank=block(9, images=120, name="bank"), meta=meta, calibration=block(8, name="calibration"))


def test_only_the_baselines_said_to_learn_from_meta_fit_do(data: FittingData) -> None:
    evidence = data.calibration.evidence
    some = data.meta.take(torch.arange(IMAGES, 2 * IMAGES))
    for one, other in zip(baselines.literature(EVERY), baselines.literature(EVERY), strict=True):
        if "meta" not in one.learns_from:
            contexts = [ScoreContext(HEAD, data.bank, meta, SignalSet([])) for meta in (data.meta, some)]
            scores = [score.fit(context).score(evidence) for score, context in zip((one, other), contexts, strict=True)]
            assert torch.equal(*scores), one.name


def test_every_baseline_and_variant_gets_a_row(data: FittingData) -> None:
    settings = SignalSettings(
        families=("softmax", "dropout", "gradient", "neighbours", "views", "embedding"), pca_components=4, pca_columns=3
    )
    signals = SignalSet.fit(settings, HEAD, (), data.bank)
    rows, again = (compare.compare(data, HEAD, signals, SMALL, seeds=2) for _ in range(2))
    assert rows == again
    models = [variant.name for variant in variants({family.name: family.raw for family in signals.families}, SMALL)]
    assert [row.name for row in rows] == [baseline.name for baseline in baselines.literature(EVERY)] + models
    for row in rows:
        assert all(0 <= value <= 1 for value in row.values.values()), row.name
    named = {row.name: row for row in rows}
    assert named["MSP"].values["clean"] > 0.6
    assert named["logistic regression"].values["clean"] > 0.55


def test_the_table_names_every_column(data: FittingData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    columns = {"clean": 0.9, "seen": 0.8, "left out": math.nan}
    asked: list[tuple[Path, Path, Path]] = []

    def run(*paths: Path) -> list[Row]:
        asked.append(paths)  # type: ignore[arg-type]
        return [Row("MSP", columns, math.nan), Row("MetaNet of the recipe", columns, 0.0123)]

    monkeypatch.setattr(compare, "run", run)
    done = CliRunner().invoke(main, ["compare", str(RECIPE), "--base", str(tmp_path), "--data-root", "somewhere"])
    assert done.exit_code == 0
    assert asked == [(RECIPE, tmp_path, Path("somewhere"))]
    for text in (*columns, "spread of left out", "MSP", "0.9000", "0.8000", "0.0123"):
        assert text in done.stdout


def test_the_base_of_the_bundle_is_what_is_compared(
    data: FittingData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the recipe's file to the rows, with images, base classifier and evidence made up."""
    base = SimpleNamespace(taps=(), classifier_head=lambda: HEAD)
    seen: list[Path] = []

    def base_of(recipe: object, parts: object, folder: Path) -> tuple[SimpleNamespace, list[object]]:
        seen.append(folder)
        return base, []

    monkeypatch.setattr(pipeline, "read_images", lambda recipe, root, download: (root, download))
    monkeypatch.setattr(pipeline, "split", lambda recipe, images: images)
    monkeypatch.setattr(pipeline, "base_of", base_of)
    monkeypatch.setattr(pipeline, "extractor", lambda recipe, network: (network, recipe))
    monkeypatch.setattr(compare, "gather", lambda extract, *_: data if extract[0] is base else None)
    text = RECIPE.read_text()
    start = text.index("[metanet]")
    recipe = tmp_path / "recipe.toml"
    settings = "[signals]\nfamilies = ['softmax']\n[metanet]\nhidden = [4]\nepochs = 1\nmembers = 1\n"
    recipe.write_text(
        text[: text.index("[signals]")] + "[meta_fit]\n" + settings + text[text.index("[threshold]", start) :]
    )
    rows = compare.run(recipe, tmp_path, tmp_path / "data")
    assert seen == [tmp_path]
    assert [row.name for row in rows[-2:]] == ["MetaNet of the recipe", "logistic regression"]


def test_a_fault_ends_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(*_: Path) -> list[Row]:
        raise BundleError("no such bundle.")

    monkeypatch.setattr(compare, "run", run)
    done = CliRunner().invoke(main, ["compare", str(RECIPE), "--base", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output == "Error: no such bundle.\n"
