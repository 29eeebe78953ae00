"""``reason info``: what a bundle is, what its threshold guarantees, and how good it was when it was made."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from reason.sharing.places import bundle_folder, pinned

if TYPE_CHECKING:
    from reason.detector.detector import Detector

WIDTH = 80
"""Columns that every line fits into, in a terminal and in a pipe."""

MEASURED = (
    ("accuracy", ("accuracy",)),
    ("AUROC", ("scores", "REASON", "auroc")),
    ("of MSP", ("scores", "MSP", "auroc")),
    ("ECE", ("reliability", "ece_15")),
    ("coverage", ("threshold", "coverage")),
    ("risk", ("threshold", "selective_risk")),
)
"""Head of each column of the figures, and the keys that lead to it in ``Provenance.metrics``."""


@click.command()
@click.argument("bundle", default="imagenette")
@click.option("--json", "as_json", is_flag=True, help="Print everything, as JSON.")
def info(bundle: str, as_json: bool) -> None:
    """Show a bundle's identity, classes, signals, threshold and figures.

    BUNDLE is the name of one that ships with REASON, the path of a bundle's folder, or hf://OWNER/NAME.
    """
    import reason

    folder = bundle_folder(bundle)
    detector = reason.load(folder)
    if as_json:
        click.echo(json.dumps(detector.describe(), ensure_ascii=False, indent=2))
        return
    source = [("source", exactly)] if (exactly := pinned(bundle, folder)) != bundle else []
    for name, text in (*source, *_facts(detector)):
        click.echo(textwrap.fill(text or "none", WIDTH, initial_indent=f"{name:14}", subsequent_indent=" " * 14))
    for line in _figures(detector.provenance.metrics):
        click.echo(line)


def _facts(detector: Detector) -> Iterator[tuple[str, str]]:
    image, made, certificate = detector.preprocessing, detector.provenance, detector.certificate
    groups = detector.signals.groups
    yield "name", detector.name
    yield "title", detector.title
    yield "digest", detector.digest
    yield "created", f"{made.created} with {', '.join(f'{name} {text}' for name, text in made.versions.items())}"
    yield "architecture", f"{detector.architecture}, {image.size} x {image.size} {image.mode}"
    yield "classes", f"{len(detector.classes)}: {', '.join(detector.classes)}"
    families = [f"{family.name} ({groups.count(family.name)})" for family in detector.signals.families]
    yield "signals", f"{len(groups)} columns: {', '.join(families)}"
    if made.choice is not None:
        yield "head", f"{detector.head.kind} ({made.choice.chosen}): {made.choice.why}"
    if made.fit is not None:
        parts = {"bank": made.fit.bank, "meta-fit": made.fit.meta, "calibration": made.fit.calibration}
        yield (
            "fitted on",
            ", ".join(f"{part.n} images for {name} ({part.errors} wrong)" for name, part in parts.items()),
        )
        yield from (("note", note) for note in made.fit.notes)
    proved = ", ".join(("torch", *detector.engine_proofs))
    yield "engine", f"{detector.engine.name} in {detector.engine.precision}, which auto takes here, of {proved}"
    yield "threshold", f"{detector.threshold:.4g}"
    if certificate is None:
        yield "guarantee", "none"
    else:
        yield (
            "guarantee",
            f"error rate among the accepted at most {certificate.risk:g} with confidence {1 - certificate.delta:g}, "
            f"for images like the {certificate.n} calibration images, of which it accepts {certificate.coverage:.1%}",
        )


def _figures(metrics: Any) -> Iterator[str]:
    """Yield a table of what was measured on each test split when the bundle was made."""
    if not metrics:
        return
    widths = [max(len(head), 8) for head, _ in MEASURED]
    yield ""
    yield f"{'test images':18}" + "".join(
        f"{head:>{width + 2}}" for (head, _), width in zip(MEASURED, widths, strict=True)
    )
    for split, measured in metrics.items():
        cells = [f"{_found(measured, keys):>{width + 2}}" for (_, keys), width in zip(MEASURED, widths, strict=True)]
        yield f"{split[:18]:18}" + "".join(cells)


def _found(measured: Any, keys: tuple[str, ...]) -> str:
    for key in keys:
        measured = measured.get(key) if isinstance(measured, dict) else None
    return f"{measured:.3f}" if isinstance(measured, int | float) else "-"
