"""A whole run: it ships a bundle, can be killed at any moment, and goes on where it stopped."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import reason
from reason.base.backbones import make, tap
from reason.base.engines import Tapped
from reason.data.corruptions import CORRUPTIONS
from reason.data.datasets.imagenette import read_imagenette
from reason.data.image_set import ImageSet
from reason.errors import RecipeError
from reason.evaluation import evaluate, output, snapshot
from reason.evaluation.card import measure
from reason.fitting import pipeline
from reason.fitting import recipe as recipes
from reason.fitting.trainer import Trainer, learning_rate
from reason.signals import SignalSettings
from reason.threads import torch_threads


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in an empty folder, on one thread, so that sums come in one order."""
    monkeypatch.chdir(tmp_path)
    with torch_threads(1):
        yield


def test_a_run_ships_a_bundle_that_evaluates_as_its_card_says(recipe_file: Path, data_root: Path) -> None:
    folder = pipeline.run(recipe_file, data_root=data_root, device="cpu", measure=measure)
    detector = reason.load(folder)
    assert folder == Path("reason_saved/stripes")
    made, recorded = detector.provenance, detector.provenance.split
    assert made.recipe == recipes.read(recipe_file)
    assert [report.size for report in made.history] == [24, 24, 32, 32]
    assert recorded is not None
    # Nine classes of 40 give 20 + 12 + 8 each, the one with a damaged photo 20 + 11 + 8.
    assert [part.n for part in (recorded.base, recorded.meta, recorded.calibration)] == [200, 119, 80]
    assert "n01440764_000.JPEG" in recorded.skipped[0]
    evaluation = evaluate.run(folder, data_root)
    output.write(evaluation)
    report = evaluation.report
    clean, target = report.splits["clean"], report.splits["target distribution"]
    assert clean.n == 120
    assert clean.accuracy == made.metrics["clean"]["accuracy"]
    for metric in ("auroc", "ap_success", "ap_error"):
        expected = made.metrics["clean"]["scores"]["REASON"][metric]
        assert getattr(clean.scores["REASON"], metric) == pytest.approx(expected, abs=0.01)
    written = output.read_report(Path("eval_plots/stripes/metrics.json"))
    assert written.to_json() == report.to_json()
    figures = {path.name for path in Path("eval_plots/stripes").glob("*.png")}
    assert figures == {
        f"{name}.png"
        for name in (
            *("roc", "risk_coverage", "reliability_diagram", "reliability_by_outcome", "confidence_by_outcome"),
            *("confusion", "training", "latent_map", "auroc_by_corruption", "severity", "auroc_by_severity"),
            *("precision_recall", "importance", "mistakes"),
        )
    }
    seeds = target.seeds.auroc
    assert seeds.value[0] == target.scores["REASON"].auroc
    assert len(set(seeds.value)) == 3  # another seed is another MetaNet
    assert set(report.importance) == set(detector.signal_settings.families)
    for picture in re.findall(r"\]\((\S+\.png)\)", Path("docs/evaluation/stripes.md").read_text()):
        assert Path("docs/evaluation", picture).is_file()
    assert "| target distribution | AUROC |" in Path("docs/evaluation/stripes.md").read_text()
    assert list(report.splits) == ["clean", "target distribution", "seen corruptions", "unseen corruptions"]
    assert report.target == "target distribution"
    assert target.accuracy == made.metrics["target distribution"]["accuracy"]
    assert set(report.seen) == {"noise", "occlude", "jpeg"}
    assert not {CORRUPTIONS[name].family for name in report.unseen} & {"noise", "occlusion", "digital"}
    found, picture = snapshot.run(folder, data_root)
    assert found.predicted != found.truth
    assert found.reliability < detector.threshold
    assert found.picture.size == (32, 32)
    assert picture == Path("eval_plots/stripes/snapshot.png")
    assert picture.is_file()


def test_a_run_that_goes_on_reads_the_evidence_that_it_has(
    recipe_file: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reason.load(pipeline.run(recipe_file, data_root=data_root, device="cpu"))

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("evidence was extracted again")

    monkeypatch.setattr(Tapped, "extract", refused)
    monkeypatch.setattr(Tapped, "view", refused)
    again = reason.load(pipeline.run(recipe_file, data_root=data_root, device="cpu", resume=True))
    assert again.threshold == first.threshold
    weights = again.head.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in first.head.state_dict().items())


@pytest.mark.parametrize(("family", "gradient", "views"), [("gradient", True, False), ("views", False, True)])
def test_evidence_has_what_the_recipes_signals_need(
    recipe_file: Path, family: str, gradient: bool, views: bool
) -> None:
    recipe = recipes.read(recipe_file)
    recipe = dataclasses.replace(recipe, signals=SignalSettings(families=("softmax", family)))
    network = tap(make("cnn", 2, 0.0), "cnn", 0.0).freeze()
    size = recipe.data.size
    images = ImageSet(
        torch.zeros(2, 3, size, size, dtype=torch.uint8), ("x", "y"), labels=torch.zeros(2).long(), sources=("a", "b")
    )
    evidence = pipeline.extractor(recipe, network)(images, "test").evidence
    assert (evidence.gradient_norm is not None, bool(evidence.views)) == (gradient, views)


def test_the_parts_are_disjoint(recipe_file: Path, data_root: Path) -> None:
    recipe = recipes.read(recipe_file)
    images = read_imagenette(data_root, "train", recipe.data.preprocessing)
    parts = pipeline.split(recipe, images)
    names = [set(part.sources) for part in (parts.base, parts.meta, parts.calibration)]
    assert sum(map(len, names)) == len(set.union(*names)) == len(images)


def trainer(recipe_file: Path, data_root: Path, checkpoint: Path) -> Trainer:
    recipe = recipes.read(recipe_file)
    parts = pipeline.split(recipe, read_imagenette(data_root, "train", recipe.data.preprocessing))
    return Trainer(recipe, parts.base, parts.meta, checkpoint, torch.device("cpu"))


def test_a_stopped_and_resumed_training_ends_where_a_whole_one_does(
    recipe_file: Path, data_root: Path, tmp_path: Path
) -> None:
    whole = trainer(recipe_file, data_root, tmp_path / "whole")
    reports = list(whole.run(lambda done, total: None))
    stopped = trainer(recipe_file, data_root, tmp_path / "stopped")
    next(stopped.run(lambda done, total: None))
    resumed = trainer(recipe_file, data_root, tmp_path / "stopped")
    assert resumed.resume()
    assert list(resumed.run(lambda done, total: None)) == reports[1:]
    expected, found = (one.trained().state_dict() for one in (whole, resumed))
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert reports[-1].loss < reports[0].loss


def test_the_learning_rate_rises_and_falls_in_each_cycle(recipe_file: Path) -> None:
    """Cycles of 3 and 1 epochs, peaks 2e-3 and 1e-3, 30% rising: a tenth, the peak, half-way down, a thousandth."""
    base = recipes.read(recipe_file).base
    assert learning_rate(base, 0) == pytest.approx(2e-4)
    assert learning_rate(base, 0.9) == pytest.approx(2e-3)
    assert learning_rate(base, 1.95) == pytest.approx((2e-3 + 2e-6) / 2)
    assert learning_rate(base, 3) == pytest.approx(1e-4)
    assert learning_rate(base, 3.3) == pytest.approx(1e-3)
    assert learning_rate(base, 4) == pytest.approx(1e-6)
    assert learning_rate(base, 5) == pytest.approx(1e-6)


@pytest.mark.parametrize(("blow", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_stopped_run_leaves_the_old_bundle_whole_and_resumes(
    recipe_file: Path, data_root: Path, bundle_folder: Path, tmp_path: Path, blow: signal.Signals, code: int
) -> None:
    reason.save(reason.load(bundle_folder), tmp_path / "shipped")
    command = [sys.executable, "-m", "train", str(recipe_file), "--data-root", str(data_root), "--device", "cpu"]
    command += ["--resume", "--output", "shipped"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    first = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    checkpoint = tmp_path / "runs/stripes/base.checkpoint"
    while not checkpoint.exists():
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.05)
    first.send_signal(blow)
    first.communicate()
    assert first.returncode == code
    assert reason.load(tmp_path / "shipped").name == "tiny"
    second = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert "epochs were done already" in second.stderr
    assert second.stdout == "The bundle is in shipped.\n"
    shipped = reason.load(tmp_path / "shipped")
    assert shipped.name == "stripes"
    assert list(shipped.provenance.metrics) == ["clean", "target distribution"]


def test_the_base_of_a_bundle_is_taken_for_another_metanet(recipe_file: Path, data_root: Path) -> None:
    first = pipeline.run(recipe_file, data_root=data_root, device="cpu")
    recipe_file.write_text(recipe_file.read_text().replace("hidden = [8]", "hidden = [4]"))
    again = reason.load(pipeline.run(recipe_file, data_root=data_root, base=first, output=Path("again")))
    assert again.head.shape["hidden"] == (4,)
    kept = reason.load(first).tapped.state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in again.tapped.state_dict().items())
    assert again.provenance.history == reason.load(first).provenance.history


def test_options_that_exclude_each_other_are_refused(recipe_file: Path, data_root: Path) -> None:
    with pytest.raises(RecipeError, match="drop one of the two"):
        pipeline.run(recipe_file, data_root=data_root, base=Path("some"), resume=True)
    recipe_file.write_text(recipe_file.read_text().replace("size = 32\nmean", 'size = 32\nmode = "L"\nmean', 1))
    grey = recipe_file.read_text().replace("[0.5, 0.5, 0.5]", "[0.5]").replace("[0.25, 0.25, 0.25]", "[0.25]")
    recipe_file.write_text(grey)
    with pytest.raises(RecipeError, match="of colour photos"):
        pipeline.run(recipe_file, data_root=data_root, weights="imagenet")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("seed = 3", "seed = 4", "trained on other images"), ("batch_size = 16", "batch_size = 8", "another .base.")],
)
def test_the_base_of_another_training_is_refused(
    recipe_file: Path, data_root: Path, old: str, new: str, words: str
) -> None:
    folder = pipeline.run(recipe_file, data_root=data_root, device="cpu")
    recipe_file.write_text(recipe_file.read_text().replace(old, new))
    with pytest.raises(RecipeError, match=words):
        pipeline.run(recipe_file, data_root=data_root, base=folder)


def test_a_batch_larger_than_base_train_is_one_sentence(recipe_file: Path, data_root: Path) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("batch_size = 16", "batch_size = 512"))
    with pytest.raises(RecipeError, match=r"base\.batch_size is 512, and base-train has 200 images"):
        pipeline.run(recipe_file, data_root=data_root, device="cpu")


def test_another_recipe_does_not_resume(recipe_file: Path, data_root: Path) -> None:
    recipe = recipes.read(recipe_file)
    images = read_imagenette(data_root, "train", recipe.data.preprocessing)
    pipeline._claim(Path("work"), recipe, images, resume=False)
    pipeline._claim(Path("work"), recipe, images, resume=True)
    other = recipes.read(recipe_file)
    with pytest.raises(RecipeError, match="another recipe, seed or data set"):
        pipeline._claim(Path("work"), pipeline._override(other, seed=99, weights=None), images, resume=True)


def test_imagenet_weights_take_torchvisions_architecture(recipe_file: Path) -> None:
    recipe = pipeline._override(recipes.read(recipe_file), seed=None, weights="imagenet")
    assert (recipe.base.architecture, recipe.base.weights) == ("resnet50", "imagenet")
