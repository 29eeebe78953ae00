"""The table that ``reason evaluate`` prints."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def print_report(report: dict[str, Any]) -> None:
    """Print what ``reason.evaluate.run`` measured."""
    clean = report["clean"]
    console = Console(highlight=False)
    console.print(f"{report['bundle']}: {clean['n']} test images, base accuracy {clean['accuracy']:.4f}\n")
    console.print(_scores(clean))
    for name in ("reliability", "confidence"):
        console.print(f"{name:<11}  ECE {clean[name]['ece_15']:.4f}  Brier {clean[name]['brier']:.4f}")
    threshold = clean["threshold"]
    risk = "none accepted" if threshold["selective_risk"] is None else f"{threshold['selective_risk']:.4f}"
    console.print(
        f"threshold {threshold['value']:.3f}: coverage {threshold['coverage']:.4f}, "
        f"error rate among the accepted {risk}"
    )


def _scores(clean: dict[str, Any]) -> Table:
    table = Table("score", "AUROC", "AP-success", "AP-error", "REASON's AUROC minus this one's, 95% interval")
    for name, numbers in clean["scores"].items():
        interval = clean["auroc_difference_95"].get(name)
        table.add_row(
            name,
            *(f"{numbers[metric]:.4f}" for metric in ("auroc", "ap_success", "ap_error")),
            "" if interval is None else f"{interval[0]:+.4f} to {interval[1]:+.4f}",
        )
    return table
