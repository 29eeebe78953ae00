"""Fits REASON to classifiers that nobody shaped for it, as a user would, and measures what comes out.

    python -m benchmarks.any_classifier --data-root data
    python -m benchmarks.any_classifier --data-root data --models resnet18,onnx --quick

Classifiers of torchvision, timm and Transformers, own code, an ONNX file and programs of torch.export are trained
briefly on Imagenette (or MNIST) by plain cross-entropy and saved as users have them; one with few errors is among them.
Then each goes the way of a user, every step a process of its own: `reason fit` on images that it did not train on,
`reason predict`, `reason serve` and one `POST /predict`, `reason evaluate` on the data set's test images. Printed are
Markdown tables; the exit code is 1 when the score that ships is worse than the maximum softmax probability somewhere.

All is kept in the work folder: what was trained or measured before is not done again. A classifier whose library is not
installed is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks.any_classifier import steps
from benchmarks.any_classifier.classifiers import Case, cases
from benchmarks.any_classifier.preparing import images_of, prepare
from benchmarks.any_classifier.steps import Sizes
from benchmarks.any_classifier.tables import holds, tables
from reason import progress
from reason.errors import ReasonError

QUICK = Sizes(fit=600, test=400)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; return 1 when a classifier failed, or its head is worse than MSP."""
    options = _parser().parse_args(arguments)
    sizes = QUICK if options.quick else Sizes(options.fit_images, options.test_images)
    outcomes = [_outcome(case, options, sizes) for case in _chosen(options.models)]
    print(tables(outcomes))
    day = datetime.now(UTC).date().isoformat()
    print(f"\n{day}; {os.cpu_count()} cores, {platform.machine()}; PyTorch {torch.__version__}")
    held = ["failed" not in one and all(map(holds, one["splits"].values())) for one in outcomes]
    return 0 if all(held) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.any_classifier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root = Path(os.environ.get("REASON_DATA", "data"))
    parser.add_argument("--data-root", type=Path, default=root, help="folder of the data sets (REASON_DATA)")
    parser.add_argument("--work", type=Path, default=Path("runs/any_classifier"), help="folder of everything made")
    parser.add_argument("--models", default="", help="parts of names, with commas between them; all by default")
    parser.add_argument("--fit-images", type=int, help="most images to fit on; all by default")
    parser.add_argument("--test-images", type=int, help="most images to test on; all by default")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK.fit} images to fit on, {QUICK.test} to test on")
    parser.add_argument("--train-only", action="store_true", help="make the classifiers, and no more")
    parser.add_argument("--again", action="store_true", help="measure again what was measured before")
    return parser


def _chosen(models: str) -> list[Case]:
    wanted = [part.strip() for part in models.split(",") if part.strip()]
    chosen = [case for case in cases().values() if not wanted or any(part in case.name for part in wanted)]
    for case in chosen:
        if not case.is_installed():
            progress.say(f"{case.name}: left out, since {case.needs} is not installed.")
    return [case for case in chosen if case.is_installed()]


def _outcome(case: Case, options: argparse.Namespace, sizes: Sizes) -> dict[str, Any]:
    work = options.work.absolute()
    images = images_of(case, options.data_root.absolute(), work)
    prepared = prepare(case, images, work)
    kept = prepared.folder / f"outcome-{sizes.fit}-{sizes.test}.json"
    if options.train_only:
        return {"name": case.name, "failed": "only trained"}
    if not kept.is_file() or options.again:
        progress.say(f"{case.name}: fit, predict, serve, evaluate")
        try:
            kept.write_text(json.dumps(steps.run(prepared, images, sizes)))
        except ReasonError as error:
            return {"name": case.name, "failed": str(error)}
    outcome: dict[str, Any] = json.loads(kept.read_text())
    return outcome


if __name__ == "__main__":
    sys.exit(main())
