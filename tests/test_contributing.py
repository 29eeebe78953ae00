"""What CONTRIBUTING.md shows is run as it stands: as modules of an installed package, found by its entry points."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from flask import Blueprint
from PIL import Image

from reason.base.backbones import ARCHITECTURES, make, tap
from reason.base.evidence import Labelled
from reason.cli import main
from reason.data import datasets
from reason.data.corruptions import CORRUPTIONS
from reason.data.corruptions.base import Dice
from reason.data.datasets import DATASETS
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing
from reason.detector.detector import Detector
from reason.evaluation.baselines import SCORES, ScoreContext
from reason.registry import Registry
from reason.serving import Settings, create_app, openapi, responses, routes
from reason.serving.responses import reference
from reason.signals import FAMILIES, SignalSet, SignalSettings

GUIDE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^## (.+?)\n[^#]*?```python\n(.*?)```", GUIDE, re.MULTILINE | re.DOTALL))
"""Python of each section by its title."""
MODULES = {
    "A signal family": "typicality",
    "A score": "centroid",
    "A corruption": "solarise",
    "An architecture": "mobilenet",
    "A data set": "pets",
}
(DESCRIPTION,) = re.findall(r"```python\n(def _list_classes.*?)```", GUIDE, re.DOTALL)
"""What the section of the endpoint adds to ``openapi.py``."""
REGISTRIES: tuple[Registry[Any], ...] = (FAMILIES, SCORES, CORRUPTIONS, ARCHITECTURES, DATASETS)
(POINTS,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package of the guide for the time of a test."""
    package = tmp_path / "packages" / "mypackage"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for title, module in MODULES.items():
        (package / f"{module}.py").write_text(BLOCKS[title], encoding="utf-8")
        monkeypatch.delitem(sys.modules, f"mypackage.{module}", raising=False)
    metadata = package.with_name("mypackage-1.0.dist-info")
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mypackage\nVersion: 1.0\n")
    points = tomllib.loads(POINTS)["project"]["entry-points"]
    lines = [f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in offers.items()) for group, offers in points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(package.parent))
    for registry in REGISTRIES:
        registry.load()
        monkeypatch.setattr(registry, "_items", dict(registry._items))
        monkeypatch.setattr(registry, "_offers", None)


def test_each_takes_fewer_than_30_lines() -> None:
    assert set(BLOCKS) == {*MODULES, "An endpoint"}
    lengths = {title: sum(1 for line in code.splitlines() if line.strip()) for title, code in BLOCKS.items()}
    assert {title: length for title, length in lengths.items() if length >= 30} == {}


def test_every_kind_has_its_group_of_entry_points() -> None:
    assert set(tomllib.loads(POINTS)["project"]["entry-points"]) == {registry.group for registry in REGISTRIES}


@pytest.fixture
def evidence(detector: Detector, shapes: ImageSet) -> Labelled:
    return detector.extractor()(shapes.take(torch.arange(60)), "shapes")


def test_the_signal_family_is_fitted_stored_and_made_again(detector: Detector, evidence: Labelled) -> None:
    settings = SignalSettings(families=("softmax", "typicality"))
    head, taps = detector.base.classifier_head(), detector.base.taps
    fitted = SignalSet.fit(settings, head, taps, evidence)
    column = fitted.compute(evidence.evidence)[:, -1]
    mean = evidence.evidence.embedding.mean(dim=0)
    expected = evidence.evidence.embedding @ mean / evidence.evidence.embedding.norm(dim=1) / mean.norm()
    torch.testing.assert_close(column, expected)
    again = SignalSet.from_state(settings, head, taps, fitted.state())
    assert torch.equal(again.compute(evidence.evidence)[:, -1], column)
    assert again.diagnostics[-1] == "typicality"


def test_the_score_learns_and_ranks(detector: Detector, evidence: Labelled) -> None:
    context = ScoreContext(detector.base.classifier_head(), evidence, evidence, detector.signals)
    found = SCORES["nearest centroid"]().fit(context).score(evidence.evidence)
    assert SCORES.resolve("mypackage.centroid:Centroid") is SCORES["nearest centroid"]
    predicted = int(evidence.evidence.logits[7].argmax())
    centre = evidence.evidence.embedding[evidence.labels == predicted].mean(dim=0)
    assert found[7].item() == pytest.approx(-torch.dist(evidence.evidence.embedding[7], centre).item(), rel=1e-5)


def test_the_corruption_is_known_by_its_name(tmp_path: Path) -> None:
    solarise = CORRUPTIONS["solarise"]
    picture = torch.tensor([0.2, 0.6, 0.9], dtype=torch.float64).view(1, 1, 1, 3)
    dice = Dice(torch.tensor([0]), torch.device("cpu"))
    for severity, expected in ((0.0, [0.2, 0.6, 0.9]), (1.0, [0.2, 0.4, 0.1])):
        changed = solarise.apply(picture, torch.tensor([severity]), dice)
        assert changed.flatten().tolist() == pytest.approx(expected)
    assert "solarise" in CliRunner().invoke(main, ["corrupt", "--list"]).stdout


def test_the_architecture_makes_a_network_that_can_be_tapped() -> None:
    network = make("mobilenet", classes=5, dropout=0.2)
    found = tap(network, "mobilenet", dropout=0.2).freeze().extract(torch.rand(2, 3, 64, 64), gradient=False)
    assert found.logits.shape == (2, 5)
    assert found.activations["early_mean"].shape == (2, 24)
    with pytest.raises(ValueError, match="colour"):
        make("mobilenet", classes=5, dropout=0.2, channels=1)


def test_the_data_set_is_read(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / "test" / name).mkdir(parents=True)
        Image.new("RGB", (9, 9), (name == "cat" and "red") or "blue").save(tmp_path / f"pets/test/{name}/1.png")
    images = datasets.read("pets", tmp_path, "test", Preprocessing(8, "RGB", (0.5,) * 3, (0.5,) * 3))
    assert images.classes == ("cat", "dog")
    assert images.labels.tolist() == [0, 1]


def test_the_endpoint_answers(bundle_folder: Path) -> None:
    names = {**vars(responses), **vars(routes), "api": Blueprint("contributed", __name__), "__name__": "contributed"}
    exec(BLOCKS["An endpoint"], names)
    app = create_app(Settings(bundles=bundle_folder))
    app.register_blueprint(names["api"])
    answer = app.test_client().get("/models/tiny/classes")
    assert answer.get_json() == {"model": "tiny", "classes": ["circle", "cross", "square"]}
    described = {**vars(openapi), "ClassList": names["ClassList"]}
    exec(DESCRIPTION, described)
    operation = described["_list_classes"]()
    assert operation["responses"]["200"]["content"]["application/json"]["schema"] == reference(names["ClassList"])
    assert set(operation["responses"]) == {"200", "404", "500", "503"}
