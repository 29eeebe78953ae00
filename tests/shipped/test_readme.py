"""The figures in the texts are those that the commands beside them print."""

from __future__ import annotations

import base64
import io
import re
import shlex
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from PIL import Image
from skimage import data as pictures

from docs import screenshot
from reason.cli import main
from reason.evaluation import splits
from reason.evaluation.baselines import SCORES
from reason.evaluation.output import read_report
from reason.evaluation.report import Report, SplitKind
from reason.evaluation.tables import interval, markdown, number, tables
from reason.serving import Settings, create_app

ROOT = Path(__file__).parents[2]
TEXTS = [(bundle, f"reason_saved/{bundle}/MODEL_CARD.md") for bundle in ("imagenette", "mnist")]
SUBJECTS = {"imagenette": "photos", "mnist": "digits"}
"""What the README calls the bundles' images."""
SOFTMAX = ("REASON", "MSP", "margin", "entropy")
ACROSS = (
    *("REASON", "MSP", "energy", "kNN", "Mahalanobis", "ViM", "SIRC with residual", "Rel-U"),
    *("mean over views", "logistic regression", "logistic regression, scalars", "gradient boosting"),
)
"""Scores that the texts show, where the bundle has them."""


PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
README = re.sub(r"\s+", " ", (ROOT / "README.md").read_text(encoding="utf-8"))


def report_of(bundle: str) -> Report:
    return read_report(ROOT / "eval_plots" / bundle / "metrics.json")


def rows_of(text: str) -> set[str]:
    lines = (ROOT / text).read_text(encoding="utf-8").splitlines()
    return {re.sub(r"\s+", " ", line).strip() for line in lines if line.startswith("|")}


def row(*cells: str) -> str:
    return re.sub(r"\s+", " ", f"| {' | '.join(cells)} |")


@pytest.mark.parametrize(("bundle", "text"), TEXTS)
def test_the_scores_across_splits(bundle: str, text: str) -> None:
    splits = report_of(bundle).splits.values()
    shown = [score for score in ACROSS if all(score in split.scores for split in splits)]
    assert len(shown) == len(ACROSS) - (bundle == "mnist")  # which has no views
    for score in shown:
        expected = row(score, *(number(split.scores[score].auroc) for split in splits))
        assert expected in rows_of(text)


@pytest.mark.parametrize(("bundle", "text"), TEXTS)
def test_what_was_reached_and_what_was_missed(bundle: str, text: str) -> None:
    acceptance = next(tables(report_of(bundle)))
    for split, metric, rival, _, advantage, result in acceptance.rows:
        assert row(split, metric, rival, advantage, result) in rows_of(text)


@pytest.mark.parametrize(("bundle", "subject"), SUBJECTS.items())
def test_the_table_of_the_readme(bundle: str, subject: str) -> None:
    by_kind = {split.kind: split for name, split in report_of(bundle).splits.items() if name != splits.TARGET}
    shown = [by_kind[kind] for kind in get_args(SplitKind)]
    baselines = [name for name in shown[0].scores if name in SCORES and not SCORES[name].on_meta_vector]
    best = [split.seeds.auroc.best.value for split in shown]
    assert best == [max(split.scores[name].auroc for name in baselines) for split in shown]
    for title, figures in (
        ("REASON", [split.scores["REASON"].auroc for split in shown]),
        ("softmax confidence", [split.scores["MSP"].auroc for split in shown]),
        (f"best of {len(baselines)} baselines, on each split", best),
        ("logistic regression on REASON's signals", [split.scores["logistic regression"].auroc for split in shown]),
    ):
        assert row(f"{subject}: {title}", *map(number, figures)) in rows_of("README.md")


def test_what_the_readme_says_of_thresholds() -> None:
    said = []
    for bundle, subject in SUBJECTS.items():
        report = report_of(bundle)
        kept = report.splits[report.target].threshold
        risk = number(kept.selective_risk)
        said.append(f"{subject} coverage {number(kept.coverage)}, error rate among the accepted {risk}")
    assert f"on the target distribution: {'; '.join(said)}." in README


def test_where_the_readme_says_that_others_do_as_well() -> None:
    photos, digits = report_of("imagenette").splits, report_of("mnist").splits
    for split, rival in ((photos["clean"], "gradient boosting"), (digits["clean"], "MSP")):
        low, high = split.auroc_difference_95[rival]
        assert low < 0 < high, rival
    assert digits["letters"].auroc_difference_95["ViM"][1] < 0


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """The service with the bundles that ship, and no data set on this machine."""
    return create_app(Settings(data=tmp_path_factory.mktemp("none"))).test_client()


def test_what_the_readme_says_of_its_picture(client: FlaskClient) -> None:
    sample = client.get("/samples", query_string={"model": "mnist", "index": screenshot.DIGIT}).get_json()
    picture = base64.b64decode(sample["picture"].split(",")[1])
    asked = {"model": "mnist", "corruption": screenshot.CORRUPTION, "severity": screenshot.SEVERITY, "seed": 0}
    verdict = client.post("/predict", query_string=asked, data=picture, content_type="image/png").get_json()
    assert f"A rotated {sample['label']}. The classifier says {verdict['class']}, " in README
    assert f"with a confidence of {verdict['confidence']:.3f}. " in README
    assert f"gives it a reliability of {verdict['reliability']:.3f}: {verdict['decision']}." in README
    assert f"a {verdict['class']} at {verdict['confidence']:.1%} confidence, " in README
    assert f"has a reliability of {verdict['reliability']:.1%} and goes to {verdict['decision']}]" in README


def test_the_rocket_is_accepted_as_a_church(client: FlaskClient) -> None:
    data = io.BytesIO()
    Image.fromarray(np.asarray(pictures.rocket())).save(data, "PNG")
    asked = {"model": "imagenette"}
    verdict = client.post("/predict", query_string=asked, data=data.getvalue(), content_type="image/png").get_json()
    assert (verdict["class"], verdict["decision"]) == ("church", "accept")
    assert "a rocket is accepted as a church" in README


@pytest.mark.parametrize("bundle", ["imagenette", "mnist"])
def test_the_report_is_that_of_the_numbers(bundle: str) -> None:
    page = (ROOT / "docs" / "evaluation" / f"{bundle}.md").read_text(encoding="utf-8")
    assert page == markdown(report_of(bundle), f"../../eval_plots/{bundle}")


@pytest.mark.parametrize("text", ["reason_saved/imagenette/MODEL_CARD.md"])
def test_the_scores_on_clean_photos(text: str) -> None:
    clean = report_of("imagenette").splits["clean"]
    for score in SOFTMAX:
        found = clean.scores[score]
        numbers = [number(figure) for figure in (found.auroc, found.ap_success, found.ap_error)]
        ends = clean.auroc_difference_95.get(score)
        assert row(score, *numbers, "" if ends is None else interval(ends)) in rows_of(text)


@pytest.mark.parametrize("text", ["docs/results.md", "reason_saved/mnist/MODEL_CARD.md"])
def test_the_scores_by_corruption(text: str) -> None:
    by_type = report_of("mnist").by_type
    for name in ("clean", "rotate", "noise", "occlude", "shift"):
        found = by_type[name]
        expected = row(name, *(number(value) for value in (found.auroc["REASON"], found.auroc["MSP"])))
        assert any(line.startswith(expected[:-2]) for line in rows_of(text)), expected


@pytest.mark.parametrize(("bundle", "text"), TEXTS)
def test_the_numbers_in_the_sentences(bundle: str, text: str) -> None:
    report = report_of(bundle)
    words = re.sub(r"\s+", " ", (ROOT / text).read_text(encoding="utf-8"))
    target = report.splits[report.target]
    assert f"accuracy {number(report.splits['clean'].accuracy)}" in words
    assert f"ECE {number(target.reliability.ece_15)}" in words
    assert f"coverage {number(target.threshold.coverage)}" in words
    assert f"accepted {number(target.threshold.selective_risk)}" in words


@pytest.mark.parametrize("text", ["reason_saved/imagenette/MODEL_CARD.md"])
def test_what_the_views_give_and_where_plain_models_come_close(text: str) -> None:
    report = report_of("imagenette")
    words = re.sub(r"\s+", " ", (ROOT / text).read_text(encoding="utf-8"))
    drop = report.importance["views"]["unseen corruptions"].auroc_drop
    assert f"without these views are {number(drop)} lower there" in words
    for split, model in (
        ("clean", "logistic regression, scalars"),
        ("clean", "gradient boosting"),
        ("textures", "logistic regression, scalars"),
        ("seen corruptions", "gradient boosting"),
    ):
        numbers = report.splits[split]
        ends = interval(numbers.auroc_difference_95[model])
        assert re.search(rf"{number(numbers.scores[model].auroc)};[^();]*{re.escape(ends)}", words), (
            split,
            model,
        )


def test_the_python_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (judges,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reason_saved").symlink_to(ROOT / "reason_saved")
    Image.fromarray(np.asarray(pictures.rocket())).save("photo.jpg")
    exec(judges, {})
    assert capsys.readouterr().out.startswith("church ")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_line_is_understood(path: Path) -> None:
    """``--help`` ends a command before it runs, but only after its other options were recognised."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("reason "):
            words = shlex.split(line, comments=True)[1:]
            found = CliRunner().invoke(main, [*words, "--help"])
            assert found.exit_code == 0, (line, found.output)


def test_every_link_leads_somewhere() -> None:
    for path in (*PAGES, *sorted(ROOT.glob("reason_saved/*/MODEL_CARD.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
