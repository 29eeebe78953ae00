"""``reason fit``: a bundle from a trained classifier and labelled images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reason.cli.options import OPEN_SHARE

if TYPE_CHECKING:
    from reason.data.images import Preprocessing
    from reason.detector.detector import Detector
    from reason.fitting.fit_run import Fitted
    from reason.fitting.measuring import TestResult


class _Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between them; ``none`` for no name."""

    name = "NAME,NAME,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return () if value == "none" else tuple(name.strip() for name in value.split(",") if name.strip())


NAMES = _Names()

SPECS = """SPEC names the classifier:

\b
  torchvision:resnet18@weights.pth   a torchvision model and its weights
  timm:NAME@weights                  a timm model and its weights
  hf:FOLDER                          a Transformers image classifier in a folder
  package.module:factory             own code that returns a network
  model.pt2                          a network that torch.export saved
  model.onnx                         a network as an ONNX file
"""


@click.command(epilog=SPECS)
@click.option("--classifier", "spec", metavar="SPEC", help="The trained classifier, see below.")
@click.option(
    "--data",
    metavar="FOLDER|TABLE",
    help="Labelled images that it did not train on: one subfolder a class, or a table of path and label.",
)
@click.option(
    "--arrays",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instead of both, an .npz or .parquet file with logits, labels and maybe embedding, of anything.",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="Folder of the bundle.")
@click.option(
    "--bank", metavar="FOLDER|TABLE", help="Images that it trained on; by default a share of the data serves."
)
@click.option(
    "--classes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Names of the classes in the order of its outputs, one a line, or a JSON list.",
)
@click.option(
    "--risk", type=OPEN_SHARE, default=0.05, show_default=True, help="Error rate among the accepted, at most."
)
@click.option("--delta", type=OPEN_SHARE, default=0.05, show_default=True, help="Chance that this guarantee fails.")
@click.option("--title", default="", help="One line that people read.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the split and of every sample.")
@click.option("--families", type=NAMES, help="Signal families; by default all that it gives what they need.")
@click.option("--corruptions", type=NAMES, help="Of the copies that are learned from; none for no copies.")
@click.option("--copies", type=click.IntRange(0), help="Corrupted copies of each image.  [default: 2]")
@click.option("--head", metavar="MODULE", help="Its last layer, by its dotted name; found by itself by default.")
@click.option(
    "--taps", type=NAMES, metavar="MODULE,...", help="Further layers to read; found by themselves by default."
)
@click.option("--size", type=click.IntRange(1), help="Side of its input in pixels, where SPEC does not say it.")
@click.option("--mean", type=NAMES, metavar="NUMBER,...", help="Mean of each channel, of pixels in [0, 1].")
@click.option("--std", type=NAMES, metavar="NUMBER,...", help="Standard deviation of each channel.")
@click.option(
    "--resize",
    metavar="squash|crop|pad[:SIDE]",
    default="squash",
    show_default=True,
    help="Squash pictures to a square; or bring the shorter side to SIDE and crop; or fit the longer one and pad.",
)
@click.option("--interpolation", help="How pictures are resized: bicubic, bilinear, nearest, ...  [default: bicubic]")
@click.option("--grey", is_flag=True, help="Its input is greyscale, with one channel.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where PyTorch runs it; auto takes a GPU that is there.",
)
@click.option("--resume", is_flag=True, help="Go on where a fit of the same to the same folder stopped.")
def fit(spec: str | None, data: str | None, arrays: Path | None, output: Path, **options: Any) -> None:
    """Fit REASON to a trained classifier: makes a bundle.

    The bundle is judged, evaluated, served and shown as those that ship. The classifier is not changed.
    """
    from reason.bundle.folders import claim

    claim(output)  # before minutes of work
    if arrays is not None and spec is None and data is None:
        _fit_arrays(arrays, output, options)
    elif spec is not None and data is not None and arrays is None:
        _fit_images(spec, data, output, options)
    else:
        raise click.UsageError("give --classifier and --data, or --arrays alone, which hold what a classifier said.")


def _fit_arrays(arrays: Path, output: Path, options: dict[str, Any]) -> None:
    from reason.bundle import writing
    from reason.data.labelled import read_classes
    from reason.fitting.estimator import fit_arrays

    detector = fit_arrays(
        arrays,
        bank=options["bank"] and Path(options["bank"]),
        classes=options["classes"] and read_classes(options["classes"]),
        risk=options["risk"],
        delta=options["delta"],
        random_state=options["seed"],
        name=output.absolute().name,
    )
    writing.save(detector, output)
    if detector.provenance.choice is not None:
        click.echo(f"head: {detector.provenance.choice.chosen}; {detector.provenance.choice.why}")
    click.echo(_threshold(detector, options["risk"], options["delta"]))
    click.echo(f"The bundle is in {output}; try: reason evaluate {output} --data {arrays}")


def _fit_images(spec: str, data: str, output: Path, options: dict[str, Any]) -> None:
    from reason.base.sources import resolve
    from reason.bundle import writing
    from reason.fitting.fit_classifier import fit_classifier
    from reason.fitting.work_folder import WorkFolder

    work = WorkFolder(output.absolute().with_name(f".{output.name}.fit"), options["resume"])
    fitted = fit_classifier(
        resolve(spec, preprocessing=_preprocessing(options)),
        data,
        classes=options["classes"],
        bank=options["bank"],
        name=output.absolute().name,
        title=options["title"],
        settings=_settings(options),
        head=options["head"],
        taps=options["taps"],
        device=options["device"],
        work=work,
    )
    writing.save(fitted.detector, output)
    work.remove()
    for line in summary(fitted):
        click.echo(line)
    click.echo(f"The bundle is in {output}; try: reason serve --bundle {output}")


def _settings(options: dict[str, Any]) -> Any:
    from reason.detector.fit_record import FitSettings

    keys = ("risk", "delta", "seed", "families", "corruptions", "copies")
    return FitSettings(**{key: options[key] for key in keys if options[key] is not None})


def _preprocessing(options: dict[str, Any]) -> Preprocessing | None:
    """Return what the options say of the classifier's input; ``None`` where they say nothing."""
    from reason.data.images import Preprocessing

    size, grey = options["size"], options["grey"]
    if size is None:
        if any(options[key] for key in ("mean", "std", "grey")):
            raise click.UsageError(
                "--mean, --std and --grey say how pictures are prepared, and --size must say how large."
            )
        return None
    channels = 1 if grey else 3
    mean, std = (_numbers(options[key], key) for key in ("mean", "std"))
    how, colon, side = options["resize"].partition(":")
    if colon and not side.isdecimal():
        raise click.UsageError("--resize takes squash, crop or pad, and a side in pixels behind a colon: crop:256.")
    return Preprocessing(
        size,
        "L" if grey else "RGB",
        mean or (0.0,) * channels,
        std or (1.0,) * channels,
        fit=how,
        resize=int(side) if colon else None,
        interpolation=options["interpolation"] or "bicubic",
    )


def _numbers(words: tuple[str, ...] | None, key: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, words or ()))
    except ValueError:
        raise click.UsageError(f"--{key} takes numbers with commas between them, such as 0.5,0.5,0.5.") from None


def summary(fitted: Fitted) -> Iterator[str]:
    """Yield what is to be said of a fit, a line each."""
    from reason.fitting.fit_classifier import SHOWN

    detector, record = fitted.detector, fitted.record
    families = ", ".join(detector.signal_settings.families)
    yield f"signals: {len(detector.signals.names)} columns of {families}"
    parts = {"bank": record.bank, "meta-fit": record.meta, "calibration": record.calibration, "test": record.test}
    yield "images: " + ", ".join(f"{title} {part.n} ({part.errors} wrong)" for title, part in parts.items())
    for sentence in (*record.notes, *fitted.skipped[:SHOWN]):
        yield f"note: {sentence}"
    if len(fitted.skipped) > SHOWN:
        yield f"note: {len(fitted.skipped) - SHOWN} more images could not be decoded."
    yield _threshold(detector, record.settings.risk, record.settings.delta)
    for split, result in fitted.tests.items():
        yield f"test, {split}: {_figures(result)}"


def _threshold(detector: Detector, risk: float, delta: float) -> str:
    """Return what the threshold guarantees, or why nothing."""
    from reason.errors import GuaranteeError

    certificate = detector.certificate
    if certificate is not None:
        return (
            f"threshold: {detector.threshold:.3f}; with confidence {1 - certificate.delta:g} at most "
            f"{certificate.risk:g} of the accepted are wrong, for what is like the {certificate.n} calibration ones "
            f"({certificate.coverage:.1%} accepted)"
        )
    try:
        detector.policy(risk=risk, delta=delta)
    except GuaranteeError as error:
        return f"threshold: {detector.threshold:.3f}, which guarantees nothing: {error}"
    return f"threshold: {detector.threshold:.3f}"


def _figures(result: TestResult) -> str:
    (low, high), (less, more) = result.auroc_95, result.difference_95
    ranked = f"AUROC {result.auroc:.4f} ({low:.4f} to {high:.4f}), MSP {result.auroc_msp:.4f}"
    return (
        f"{result.n} images, {result.errors} wrong; {ranked} (difference {less:+.4f} to {more:+.4f}); "
        f"ECE {result.ece:.3f}; accepts {result.coverage:.1%}, of which {result.selective_risk:.1%} are wrong"
    )
