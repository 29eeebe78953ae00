"""The tables of an evaluation, for the terminal and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reason.data.labels import CLEAN
from reason.evaluation.acceptance import TARGETS, checks

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a heading."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: Report) -> Iterator[Table]:
    """Yield the tables of what ``reason.evaluation.evaluate.run`` measured."""
    yield _acceptance(report)
    yield _splits(report)
    yield _ranking(report, "auroc", "AUROC, larger is better")
    yield _ranking(report, "augrc", "AUGRC x 1000, smaller is better", scale=1000)
    yield _differences(report, "auroc", "REASON's AUROC minus the baseline's, paired bootstrap 95% interval")
    yield _differences(
        report,
        "augrc",
        "REASON's AUGRC minus the baseline's, x 1000, paired bootstrap 95% interval; below 0 is better",
        scale=1000,
    )
    yield _clean(report)
    if report["importance"]:
        yield _importance(report)
    yield _by_type(report)


def _acceptance(report: Report) -> Table:
    seeds = len(report["splits"][CLEAN]["seeds"]["auroc"]["value"])
    return Table(
        "Acceptance: does REASON's score win?",
        ("split", "metric", "against", "target", "its advantage, 95% interval by seed", "result"),
        tuple(
            (
                check.split,
                "AUGRC x 1000" if check.metric == "AUGRC" else check.metric,
                check.rival,
                TARGETS[check.target],
                "; ".join(interval(ends, 1000 if check.metric == "AUGRC" else 1) for ends in check.differences_95),
                "pass" if all(check.passed) else f"MISS ({sum(check.passed)} of {seeds} seeds pass)",
            )
            for check in checks(report)
        ),
    )


def _splits(report: Report) -> Table:
    header = (
        *("split", "images", "base accuracy", "coverage", "error rate among the accepted"),
        *("ECE of the reliability", "its Brier score", "ECE of the confidence", "its Brier score"),
    )
    return Table(
        f"Splits, at the threshold {report['splits'][CLEAN]['threshold']['value']:.3f}",
        header,
        tuple(
            (
                name,
                str(split["n"]),
                number(split["accuracy"]),
                number(split["threshold"]["coverage"]),
                number(split["threshold"]["selective_risk"]),
                *(number(split[kind][key]) for kind in ("reliability", "confidence") for key in ("ece_15", "brier")),
            )
            for name, split in report["splits"].items()
        ),
    )


def _ranking(report: Report, metric: str, title: str, scale: float = 1) -> Table:
    splits = report["splits"]
    return Table(
        title,
        ("score", *splits),
        tuple(
            (score, *(number(split["scores"][score][metric], scale) for split in splits.values()))
            for score in splits[CLEAN]["scores"]
        ),
    )


def _differences(report: Report, metric: str, title: str, scale: float = 1) -> Table:
    splits = report["splits"]
    key = f"{metric}_difference_95"
    return Table(
        title,
        ("baseline", *splits),
        tuple(
            (score, *(interval(split[key][score], scale) for split in splits.values())) for score in splits[CLEAN][key]
        ),
    )


def _importance(report: Report) -> Table:
    families = report["importance"]
    splits = next(iter(families.values()))
    return Table(
        "What leaving out a signal family costs: AUROC with all minus without, 95% interval",
        ("family", *splits),
        tuple(
            (
                family,
                *(_signed(row["auroc_drop"], row["interval_95"]) for row in rows.values()),
            )
            for family, rows in families.items()
        ),
    )


def _clean(report: Report) -> Table:
    clean = report["splits"][CLEAN]
    return Table(
        "The clean images in detail",
        ("score", "AUROC", "AP-success", "AP-error", "REASON's AUROC minus this one's, 95% interval"),
        tuple(
            (
                score,
                *(number(numbers[metric]) for metric in ("auroc", "ap_success", "ap_error")),
                interval(clean["auroc_difference_95"][score]) if score in clean["auroc_difference_95"] else "",
            )
            for score, numbers in clean["scores"].items()
        ),
    )


def _signed(value: float | None, ends: Sequence[float]) -> str:
    return "-" if value is None else f"{value:+.4f} ({interval(ends)})"


def _by_type(report: Report) -> Table:
    return Table(
        "By corruption, severities drawn uniformly",
        ("corruption", "family", "kind", "images", "base accuracy", "AUROC of REASON", "of MSP", "best baseline"),
        tuple(
            (
                name,
                row["family"],
                row["kind"],
                str(row["n"]),
                number(row["accuracy"]),
                number(row["auroc"]["REASON"]),
                number(row["auroc"]["MSP"]),
                _best(row["auroc"]),
            )
            for name, row in report["by_type"].items()
        ),
    )


def _best(auroc: Mapping[str, float | None]) -> str:
    others = {name: value for name, value in auroc.items() if name != "REASON" and value is not None}
    if not others:
        return "-"
    name = max(others, key=lambda score: others[score])
    return f"{number(others[name])} ({name})"


def number(value: float | None, scale: float = 1) -> str:
    """Return a figure with as many digits as the tables show; a dash where it is undefined."""
    return "-" if value is None else f"{value * scale:.4f}" if scale == 1 else f"{value * scale:.2f}"


def interval(ends: Sequence[float], scale: float = 1) -> str:
    """Return an interval as the tables show it."""
    low, high = ends
    if low is None or math.isnan(low):
        return "-"
    return f"{low:+.4f} to {high:+.4f}" if scale == 1 else f"{low * scale:+.2f} to {high * scale:+.2f}"


FIGURES = (
    ("roc", "ROC curves"),
    ("precision_recall", "Precision and recall, of right and of wrong predictions"),
    ("risk_coverage", "Error rate among the accepted against coverage"),
    ("reliability_diagram", "Stated probability against share correct"),
    ("reliability_by_outcome", "Reliability of right and of wrong predictions"),
    ("confidence_by_outcome", "Softmax confidence of right and of wrong predictions"),
    ("auroc_by_corruption", "AUROC of every score on every corruption"),
    ("severity", "Accuracy, confidence and reliability by severity"),
    ("auroc_by_severity", "AUROC by severity"),
    ("importance", "What leaving out each signal family costs"),
    ("confusion", "Confusion of the base classifier"),
    ("latent_map", "Latent map"),
    ("training", "Training of the base classifier"),
)
"""File and caption of the figures of a report."""


def markdown(report: Report, figures: str) -> str:
    """Return all tables as a Markdown page, with the figures in the folder ``figures`` as seen from the page."""
    parts = [
        f"# Evaluation of {report['bundle']}\n",
        f"Written by `reason evaluate {report['bundle']}`; docs/metrics.md explains metrics and splits. Corruptions "
        f"that the fit saw: {', '.join(report['seen']) or 'none'}; of the families of these it saw no member: "
        f"{', '.join(report['unseen']) or 'none'}.\n",
    ]
    for table in tables(report):
        lines = [table.header, tuple("---" for _ in table.header), *table.rows]
        parts.append(f"## {table.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n")
    missing = {"training": report["training"], "importance": report["importance"]}
    shown = [(name, caption) for name, caption in FIGURES if missing.get(name, True)]
    parts.append(
        "## Figures\n\n" + "\n\n".join(f"![{caption}]({figures}/{name}.png)" for name, caption in shown) + "\n"
    )
    return "\n".join(parts)
