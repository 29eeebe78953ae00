"""The figures of an evaluation: what they show, against hand-worked values and the metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import made_up_report
import matplotlib
import numpy as np
import pytest
import torch
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reason.base.evidence import Evidence, Labelled
from reason.data.image_set import ImageSet
from reason.data.labels import OOD_LABEL
from reason.detector.detector import Detector
from reason.evaluation import plots
from reason.evaluation.plots.style import ACCENT, QUIET, WARN
from reason.evaluation.report import ImportanceResult
from reason.evaluation.scored import ScoredSplit
from reason.metrics import ap_error, ap_success

CLASSES = ("cat", "dog", "a name of far too many letters")

Row = tuple[int, int, float, float]
"""Predicted class, true class, confidence, reliability."""


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    """Draw as reports do; no figure may stay open behind it."""
    with matplotlib.rc_context(plots.STYLE):
        yield
    assert not pyplot.get_fignums()


def split_of(rows: Sequence[Row], corruptions: Sequence[tuple[str, float]] = ()) -> ScoredSplit:
    """Return a split in which exactly this was said."""
    logits = torch.nn.functional.one_hot(torch.tensor([row[0] for row in rows]), len(CLASSES)).float()
    images = Labelled(
        Evidence(logits, torch.zeros(len(rows), 1)),
        labels=torch.tensor([row[1] for row in rows]),
        sources=tuple(f"{row}.png" for row in range(len(rows))),
        corruptions=tuple(name for name, _ in corruptions),
        severities=torch.tensor([severity for _, severity in corruptions]) if corruptions else None,
    )
    reliability = np.array([row[3] for row in rows])
    scores = {"REASON": reliability, "MSP": np.array([row[2] for row in rows])}
    return ScoredSplit("seen", images, torch.zeros(len(rows), 1), reliability, scores)


SIX = (
    (0, 0, 0.99, 0.1),  # right: never shown
    (0, 1, 0.70, 0.2),
    (1, 0, 0.95, 0.5),  # at the threshold: accepted
    (0, 1, 0.90, 0.3),
    (1, 0, 0.96, 0.8),
    (2, 1, 0.90, 0.4),  # as confident as the one before: in row order
)


def test_the_most_confident_mistakes_come_first_the_caught_apart_from_the_missed() -> None:
    caught, missed = plots.most_overconfident(split_of(SIX), threshold=0.5, count=16)
    assert caught.tolist() == [3, 5, 1]
    assert missed.tolist() == [4, 2]
    caught, missed = plots.most_overconfident(split_of(SIX), threshold=0.5, count=1)
    assert caught.tolist() == [3]
    assert missed.tolist() == [4]


def shades(count: int, channels: int, side: int) -> torch.Tensor:
    """Return pictures that tell their row: all pixels of row i have the value i."""
    return torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(count, channels, side, side)


def captions(axes: Axes) -> tuple[str, str]:
    """Return what stands above and below a picture."""
    return axes.get_title(loc="left"), axes.texts[0].get_text()


def headings(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 160)])
def test_the_pictures_are_those_of_the_chosen_rows(channels: int, side: int) -> None:
    figure = plots.mistakes(split_of(SIX), shades(6, channels, side), CLASSES, threshold=0.5)
    images = [axes.get_images()[0] for axes in figure.axes]
    pictures = [np.asarray(image.get_array()) for image in images]
    assert [int(picture.flat[0]) for picture in pictures] == [3, 5, 1, 4, 2]
    assert {picture.shape for picture in pictures} == {(side, side) if channels == 1 else (side, side, 3)}
    assert {image.get_interpolation() for image in images} == {"nearest"}
    assert {image.get_clim() for image in images} == {(0, 255)}
    assert captions(figure.axes[0]) == ("says cat,\nis dog", "confidence 0.900\nreliability 0.300")
    assert captions(figure.axes[1])[0] == "says a name of far too m…,\nis dog"
    assert headings(figure) == [
        "Caught: mistakes sent to review, reliability below 0.500: 3 in all",
        "Missed: mistakes accepted, reliability 0.500 or more: 2 in all",
    ]
    caught, missed = figure.axes[2].get_position(), figure.axes[3].get_position()
    assert missed.y1 < caught.y0
    assert missed.x0 == 0


def test_corruptions_and_images_of_no_class_are_named() -> None:
    rows = ((0, OOD_LABEL, 0.9, 0.1), (1, 0, 0.8, 0.1), (1, 2, 0.7, 0.1))
    corruptions = (("clean", 0.0), ("rotate", 0.25), ("fog", 1.0))
    figure = plots.mistakes(split_of(rows, corruptions), shades(3, 1, 28), CLASSES, threshold=0.5)
    assert [captions(axes)[0].split("\n")[1] for axes in figure.axes] == [
        "is none of the classes",
        "is cat",
        "is a name of far too m…",
    ]
    assert [captions(axes)[1].split("\n")[2:] for axes in figure.axes] == [
        [],
        ["rotate, severity 0.25"],
        ["fog, severity 1.00"],
    ]


@pytest.mark.parametrize(("threshold", "block"), [(0.0, 0), (1.1, 1)])
def test_a_block_without_a_mistake_says_none(threshold: float, block: int) -> None:
    figure = plots.mistakes(split_of(SIX), shades(6, 1, 28), CLASSES, threshold)
    assert headings(figure)[block].endswith(": none")
    assert headings(figure)[1 - block].endswith(": 5 in all")
    assert len(figure.axes) == 5


def test_a_perfect_classifier_has_an_empty_page() -> None:
    figure = plots.mistakes(split_of(SIX[:1]), shades(1, 1, 28), CLASSES, threshold=0.5)
    assert [heading[-6:] for heading in headings(figure)] == [": none", ": none"]
    assert not figure.axes


def test_two_lines_of_eight_are_shown_of_many() -> None:
    rows = [(0, 1, 0.5 + row / 100, 0.1) for row in range(40)]
    figure = plots.mistakes(split_of(rows), shades(40, 1, 28), CLASSES, threshold=0.5)
    assert [int(np.asarray(axes.get_images()[0].get_array()).flat[0]) for axes in figure.axes] == list(
        range(39, 23, -1)
    )
    assert len({round(axes.get_position().x0, 6) for axes in figure.axes}) == 8
    assert len({round(axes.get_position().y0, 6) for axes in figure.axes}) == 2
    assert headings(figure)[0].endswith("the 16 most confident of 40")


def area_under_steps(line: Line2D) -> float:
    """Return the area under a curve of falling recall, each step as high as its right end."""
    recall, precision = (np.asarray(values, dtype=np.float64) for values in line.get_data())
    assert line.get_drawstyle() == "steps-post"
    return float(-(np.diff(recall) * precision[:-1]).sum())


def curves_of(axes: Axes) -> dict[str, Line2D]:
    """Return the curves by what the legend says of them."""
    legend = axes.get_legend()
    assert legend is not None
    named = [text.get_text() for text in legend.get_texts()]
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    return {label: lines[label] for label in named}


def test_precision_and_recall_by_hand() -> None:
    # Accepted from the top: one right; then a tie of one right and one wrong; then one wrong.
    scores, correct = np.array([0.2, 0.9, 0.5, 0.5]), np.array([False, True, True, False])
    figure = plots.precision_recall({"REASON": scores}, correct)
    right, wrong = figure.axes
    (line,) = curves_of(right).values()
    assert np.column_stack(line.get_data()) == pytest.approx(np.array([(1, 0.5), (1, 2 / 3), (0.5, 1), (0, 1)]))
    assert list(curves_of(right)) == ["REASON  AP 0.833"]  # half of 1 and half of 2/3
    (line,) = curves_of(wrong).values()
    assert np.column_stack(line.get_data()) == pytest.approx(np.array([(1, 0.5), (1, 2 / 3), (0.5, 1), (0, 1)]))
    assert list(curves_of(wrong)) == ["REASON  AP 0.833"]


def test_the_legend_and_the_curves_agree_with_the_metrics() -> None:
    random = np.random.default_rng(0)
    correct = random.random(500) < 0.7
    fine = correct + random.normal(size=500)
    scores = {"fine": fine, "ties": np.round(fine), "endless": np.where(fine > 1.5, np.inf, np.round(fine, 1))}
    figure = plots.precision_recall(scores, correct)
    for axes, metric, share in zip(
        figure.axes, (ap_success, ap_error), (correct.mean(), 1 - correct.mean()), strict=True
    ):
        expected = {name: metric(score, correct) for name, score in scores.items()}
        curves = curves_of(axes)
        assert list(curves) == [f"{name}  AP {value:.3f}" for name, value in expected.items()]
        areas = [area_under_steps(line) for line in curves.values()]
        assert areas == pytest.approx(list(expected.values()))
        (level,) = {float(y) for y in np.asarray(axes.get_lines()[-1].get_ydata())}
        assert level == pytest.approx(share)


def test_the_order_of_equal_scores_does_not_show() -> None:
    correct = np.arange(60) % 3 > 0
    scores = {"REASON": np.arange(60) // 20 / 3}
    order = np.random.default_rng(0).permutation(60)
    one = plots.precision_recall(scores, correct)
    two = plots.precision_recall({"REASON": scores["REASON"][order]}, correct[order])
    for first, second in zip(one.axes, two.axes, strict=True):
        assert np.array_equal(first.get_lines()[0].get_xydata(), second.get_lines()[0].get_xydata())


FAMILIES = {
    "dropout": {
        "clean": ImportanceResult(-0.01, (-0.02, -0.005)),
        "textures": ImportanceResult(0.03, (0.01, 0.04)),
    },
    "softmax": {
        "clean": ImportanceResult(0.02, (0.015, 0.03)),
        "textures": ImportanceResult(0.002, (-0.001, 0.004)),
    },
}


def test_bars_show_the_change_and_whiskers_the_interval() -> None:
    clean, textures = plots.importance(FAMILIES).axes
    assert [axes.get_title(loc="left") for axes in (clean, textures)] == ["clean", "textures"]
    # From below; the family that the first split needs most is on top.
    assert [label.get_text() for label in clean.get_yticklabels()] == ["dropout", "softmax"]
    for axes, changes, ends, colours in (
        (clean, [0.01, -0.02], [(0.005, 0.02), (-0.03, -0.015)], [WARN, ACCENT]),
        (textures, [-0.03, -0.002], [(-0.04, -0.01), (-0.004, 0.001)], [ACCENT, QUIET]),
    ):
        bars, errors = axes.containers
        assert [bar.get_width() for bar in bars] == pytest.approx(changes)
        assert [bar.get_facecolor()[:3] for bar in bars] == [pytest.approx(rgb(colour)) for colour in colours]
        assert isinstance(errors, ErrorbarContainer)
        drawn = [segment.tolist() for segment in errors.lines[2][0].get_segments()]
        assert drawn == [[pytest.approx([end, row]) for end in ends[row]] for row in range(2)]


def rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))


def test_a_whisker_keeps_to_its_interval_where_the_estimate_lies_outside() -> None:
    figure = plots.importance({"softmax": {"clean": ImportanceResult(0.5, (0.1, 0.2))}})
    _, errors = figure.axes[0].containers
    assert isinstance(errors, ErrorbarContainer)
    (segment,) = errors.lines[2][0].get_segments()
    assert segment.tolist() == [pytest.approx([-0.2, 0]), pytest.approx([-0.1, 0])]


ALWAYS = {
    *("roc", "precision_recall", "risk_coverage", "reliability_diagram", "reliability_by_outcome"),
    *("confidence_by_outcome", "confusion", "latent_map", "auroc_by_corruption", "severity", "auroc_by_severity"),
}


@pytest.mark.parametrize("everything", [False, True])
def test_pictures_and_importance_are_drawn_when_they_are_given(
    everything: bool, detector: Detector, shapes: ImageSet, tmp_path: Path
) -> None:
    images = shapes.take(torch.arange(0, 900, 9))
    part = detector.extractor()(images)
    said = detector.judge(part.evidence)
    confidence = part.evidence.logits.double().softmax(dim=1).amax(dim=1).numpy()
    scores = {"REASON": said.logits.double().numpy(), "MSP": confidence}
    split = ScoredSplit("clean", part, said.vectors, said.reliability.double().numpy(), scores)
    report = made_up_report.report()
    if everything:
        plots.draw_report(dataclasses.replace(report, importance=FAMILIES), tmp_path)
        plots.draw_predictions(detector, split, split, tmp_path, pixels=images.pixels)
    else:
        plots.draw_report(dataclasses.replace(report, importance={}), tmp_path)
        plots.draw_predictions(detector, split, split, tmp_path)
    extra = {"importance", "mistakes"} if everything else set()
    assert {path.stem for path in tmp_path.iterdir()} == ALWAYS | extra
