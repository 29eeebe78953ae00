"""``reason train``, ``evaluate`` and ``snapshot``: the jobs that read whole data sets."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from reason.cli.options import engine_options
from reason.resources import recipe_file, recipe_names
from reason.sharing.places import bundle_folder, own_folder

data_root_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    envvar="REASON_DATA",
    default=Path("data"),
    show_default=True,
    show_envvar=True,
    help="Folder that holds the data sets.",
)


def as_recipe(_context: click.Context, _parameter: click.Parameter, value: str) -> Path:
    """Return the file of a recipe that is named or pointed to, as a callback."""
    file = recipe_file(value)
    if not file.is_file():
        raise click.BadParameter(
            f"there is no recipe {value!r}; name one that ships ({', '.join(recipe_names())}), or a TOML file."
        )
    return file


def as_bundle(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Path | None:
    """Return the folder of a bundle that is named or pointed to, as a callback."""
    return None if value is None else bundle_folder(value)


@click.command()
@click.argument("recipe", callback=as_recipe)
@data_root_option
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to train; auto takes a GPU that is there.",
)
@click.option("--seed", type=click.IntRange(0), help="Seed instead of the recipe's.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the bundle, instead of reason_saved/<name>.")
@click.option("--download", is_flag=True, help="Download the data set first when it is missing.")
@click.option("--resume", is_flag=True, help="Go on where the last run of this recipe stopped.")
@click.option(
    "--base",
    metavar="NAME|FOLDER",
    callback=as_bundle,
    help="Bundle of the same recipe whose base classifier is taken instead of training one.",
)
@click.option("--weights", type=click.Choice(["none", "imagenet"]), help="Start of the base, instead of the recipe's.")
def train(recipe: Path, **options: Any) -> None:
    """Make a bundle as RECIPE says.

    RECIPE is the name of one that ships with REASON, such as imagenette, or the path of a TOML file.
    """
    from reason.evaluation.card import measure
    from reason.fitting import pipeline

    folder = pipeline.run(recipe, measure=measure, **options)
    click.echo(f"The bundle is in {folder}.")


@click.command()
@click.argument("bundle")
@data_root_option
@click.option("--data", metavar="FOLDER|TABLE", help="What reason fit made BUNDLE of; of arrays, any others.")
@click.option("--bank", metavar="FOLDER|TABLE", help="The bank that it was fitted with, where one was given.")
@click.option("--test", metavar="FOLDER|TABLE", help="Images to test on, instead of those that the fit kept for it.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the figures, instead of eval_plots/.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="MetaNets to compare, BUNDLE's own among them.",
)
@click.option(
    "--score",
    "scores",
    multiple=True,
    metavar="NAME|MODULE:CLASS",
    help="A confidence score of your own to compare with; repeat it for more.",
)
@engine_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def evaluate(
    bundle: str,
    data_root: Path,
    data: str | None,
    bank: str | None,
    test: str | None,
    output: Path | None,
    seeds: int,
    scores: tuple[str, ...],
    engine: str,
    device: str,
    as_json: bool,
) -> None:
    """Measure BUNDLE on test images, beside all baselines.

    BUNDLE is the name of one that ships with REASON, the path of a bundle's folder, or hf://OWNER/NAME. With auto, an
    engine in single precision runs the base classifier, which judges as torch does.
    """
    from reason.base.arrays import ARCHITECTURE
    from reason.bundle.reading import architecture_of
    from reason.cli.report import print_report
    from reason.evaluation import evaluate as evaluations
    from reason.evaluation.baselines import SCORES
    from reason.evaluation.output import write

    folder = bundle_folder(bundle)
    if architecture_of(folder) == ARCHITECTURE:
        _evaluate_arrays(folder, data, as_json)
        return
    if scores:
        sys.path.append(str(Path.cwd()))  # the installed command, unlike python -m, does not look there for modules
    more = [SCORES.resolve(text) for text in scores]
    evaluation = evaluations.run(folder, data_root, seeds, more, engine, device, data, bank, test)
    write(evaluation, output)
    if as_json:
        click.echo(json.dumps(evaluation.report.to_json(), ensure_ascii=False, indent=2))
    else:
        print_report(evaluation.report)


def _evaluate_arrays(folder: Path, data: str | None, as_json: bool) -> None:
    from reason.fitting.estimator import ReliabilityEstimator

    if data is None:
        raise click.UsageError("--data: the bundle judges arrays; name an .npz or .parquet file of logits and labels.")
    report = ReliabilityEstimator.load(folder).evaluate(Path(data))
    click.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) if as_json else str(report))


@click.command()
@click.argument("bundle")
@data_root_option
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="PNG, instead of eval_plots/.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Which test images are looked at.")
def snapshot(bundle: str, data_root: Path, output: Path | None, seed: int) -> None:
    """Draw a confident mistake that BUNDLE sent to review.

    BUNDLE is the name of one that ships with REASON, the path of a bundle's folder, or hf://OWNER/NAME.
    """
    from reason.evaluation import snapshot as snapshots

    found, path = snapshots.run(bundle_folder(bundle), data_root, output, seed)
    click.echo(
        f"{path}: says {found.predicted}, is {found.truth}; {found.corruption}, severity {found.severity:.2f}; "
        f"confidence {found.confidence:.3f}, reliability {found.reliability:.3f}: review."
    )


@click.command()
@click.argument("bundle")
@data_root_option
@click.option("--engine", type=click.Choice(["onnx", "openvino"]), default="onnx", show_default=True, help="Runtime.")
@click.option(
    "--precision", type=click.Choice(["fp32", "bf16"]), default="fp32", show_default=True, help="Its arithmetic."
)
def export(bundle: str, data_root: Path, engine: str, precision: str) -> None:
    """Let another engine run BUNDLE, once it was proved to judge alike.

    The base classifier is exported as a graph that lies in the bundle, and the engine judges the calibration images
    beside PyTorch. In fp32 all decisions must be equal and reliabilities within 1e-4. In bf16, which openvino alone
    has, 99.5% of the decisions must be equal, and the threshold is certified again for this engine.
    """
    from reason.fitting import export as exports

    if (engine, precision) == ("onnx", "bf16"):
        raise click.UsageError("--engine onnx computes in fp32 only; take --engine openvino for bf16.")
    name = engine if precision == "fp32" else f"{engine}-{precision}"
    proof = exports.run(own_folder(bundle), data_root, name)
    click.echo(
        f"{name} may run {bundle}: on {proof.n} calibration images {proof.agreement:.2%} of the decisions are equal, "
        f"and reliabilities differ by at most {proof.largest_difference:.1e}."
    )
