"""The tables of an evaluation, for the terminal and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reason.data.labels import CLEAN
from reason.evaluation.acceptance import TARGETS, checks
from reason.evaluation.report import OWN, Interval, Metric, Report, ScoreResult


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a heading."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: Report) -> Iterator[Table]:
    """Yield the tables of a report."""
    yield _acceptance(report)
    yield _splits(report)
    yield _ranking(report, "AUROC, larger is better", lambda score: number(score.auroc))
    yield _ranking(report, "AUGRC x 1000, smaller is better", lambda score: number(score.augrc, 1000))
    yield _differences(
        report,
        "REASON's AUROC minus the baseline's, paired bootstrap 95% interval",
        {name: split.auroc_difference_95 for name, split in report.splits.items()},
    )
    yield _differences(
        report,
        "REASON's AUGRC minus the baseline's, x 1000, paired bootstrap 95% interval; below 0 is better",
        {name: split.augrc_difference_95 for name, split in report.splits.items()},
        scale=1000,
    )
    yield _clean(report)
    if report.importance:
        yield _importance(report)
    yield _by_type(report)


SHOWN_METRICS: dict[Metric, tuple[str, float]] = {"auroc": ("AUROC", 1), "augrc": ("AUGRC x 1000", 1000)}
"""Name of a metric in tables, and what its figures are multiplied by."""


def _acceptance(report: Report) -> Table:
    return Table(
        "Acceptance: does REASON's score win?",
        ("split", "metric", "against", "target", "its advantage, 95% interval by seed", "result"),
        tuple(
            (
                check.split,
                name,
                check.rival,
                TARGETS[check.target],
                "; ".join(interval(ends, scale) for ends in check.differences_95),
                _result(check.passed),
            )
            for check in checks(report)
            for name, scale in [SHOWN_METRICS[check.metric]]
        ),
    )


def _result(passed: Sequence[bool]) -> str:
    return "pass" if all(passed) else f"MISS ({sum(passed)} of {len(passed)} seeds pass)"


def _splits(report: Report) -> Table:
    header = (
        *("split", "images", "base accuracy", "coverage", "error rate among the accepted"),
        *("ECE of the reliability", "its Brier score", "ECE of the confidence", "its Brier score"),
    )
    return Table(
        f"Splits, at the threshold {report.splits[CLEAN].threshold.value:.3f}",
        header,
        tuple(
            (
                name,
                str(split.n),
                number(split.accuracy),
                number(split.threshold.coverage),
                number(split.threshold.selective_risk),
                *(
                    number(figure)
                    for part in (split.reliability, split.confidence)
                    for figure in (part.ece_15, part.brier)
                ),
            )
            for name, split in report.splits.items()
        ),
    )


def _ranking(report: Report, title: str, shown: Callable[[ScoreResult], str]) -> Table:
    splits = report.splits
    return Table(
        title,
        ("score", *splits),
        tuple((score, *(shown(split.scores[score]) for split in splits.values())) for score in splits[CLEAN].scores),
    )


def _differences(
    report: Report, title: str, differences: Mapping[str, Mapping[str, Interval]], scale: float = 1
) -> Table:
    return Table(
        title,
        ("baseline", *report.splits),
        tuple(
            (score, *(interval(split[score], scale) for split in differences.values())) for score in differences[CLEAN]
        ),
    )


def _importance(report: Report) -> Table:
    splits = next(iter(report.importance.values()))
    return Table(
        "What leaving out a signal family costs: AUROC with all minus without, 95% interval",
        ("family", *splits),
        tuple(
            (family, *(_signed(row.auroc_drop, row.interval_95) for row in rows.values()))
            for family, rows in report.importance.items()
        ),
    )


def _clean(report: Report) -> Table:
    clean = report.splits[CLEAN]
    differences = clean.auroc_difference_95
    return Table(
        "The clean images in detail",
        ("score", "AUROC", "AP-success", "AP-error", "REASON's AUROC minus this one's, 95% interval"),
        tuple(
            (
                score,
                *(number(figure) for figure in (row.auroc, row.ap_success, row.ap_error)),
                interval(differences[score]) if score in differences else "",
            )
            for score, row in clean.scores.items()
        ),
    )


def _signed(value: float, ends: Interval) -> str:
    return "-" if math.isnan(value) else f"{value:+.4f} ({interval(ends)})"


def _by_type(report: Report) -> Table:
    return Table(
        "By corruption, severities drawn uniformly",
        ("corruption", "family", "kind", "images", "base accuracy", "AUROC of REASON", "of MSP", "best baseline"),
        tuple(
            (
                name,
                row.family,
                row.kind,
                str(row.n),
                number(row.accuracy),
                number(row.auroc[OWN]),
                number(row.auroc["MSP"]),
                _best(row.auroc),
            )
            for name, row in report.by_type.items()
        ),
    )


def _best(auroc: Mapping[str, float]) -> str:
    others = {name: value for name, value in auroc.items() if name != OWN and not math.isnan(value)}
    if not others:
        return "-"
    name = max(others, key=lambda score: others[score])
    return f"{number(others[name])} ({name})"


def number(value: float, scale: float = 1) -> str:
    """Return a figure with as many digits as the tables show; a dash where it is undefined."""
    return "-" if math.isnan(value) else f"{value * scale:.4f}" if scale == 1 else f"{value * scale:.2f}"


def interval(ends: Interval, scale: float = 1) -> str:
    """Return an interval as the tables show it; a dash where it is undefined."""
    low, high = ends
    if math.isnan(low):
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
        f"# Evaluation of {report.bundle}\n",
        f"Written by `reason evaluate {report.bundle}`; the engine {report.engine} ran the base classifier, see "
        "docs/engines.md. docs/metrics.md explains metrics and splits. Corruptions that the fit saw: "
        f"{', '.join(report.seen) or 'none'}; of the families of these it saw no member: "
        f"{', '.join(report.unseen) or 'none'}.\n",
    ]
    for table in tables(report):
        lines = [table.header, tuple("---" for _ in table.header), *table.rows]
        parts.append(f"## {table.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n")
    missing = {"training": report.training, "importance": report.importance}
    shown = [(name, caption) for name, caption in FIGURES if missing.get(name, True)]
    parts.append(
        "## Figures\n\n" + "\n\n".join(f"![{caption}]({figures}/{name}.png)" for name, caption in shown) + "\n"
    )
    return "\n".join(parts)
