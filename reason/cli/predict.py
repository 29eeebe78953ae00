"""``reason predict``: judge images and print a verdict for each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from reason.cli.inputs import ImageFile, find_images
from reason.cli.options import OPEN_SHARE, engine_options, policy_request
from reason.sharing.address import is_address
from reason.sharing.places import bundle_folder, pinned

if TYPE_CHECKING:
    from reason.cli.judging import Batch
    from reason.detector.policy_request import PolicyRequest
    from reason.detector.verdict import Verdict
    from reason.progress import Bar

SOME_UNREADABLE = 3
"""Exit code when some images could not be read; the others were judged."""


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--bundle",
    metavar="NAME|FOLDER|hf://OWNER/NAME",
    default="imagenette",
    show_default=True,
    help="Bundle that judges; one on the Hub may be pinned by @COMMIT.",
)
@click.option("--threshold", type=float, help="Accept from this reliability on, 0 to 1.")
@click.option("--risk", type=OPEN_SHARE, help="Accept from the threshold that guarantees this error rate.")
@click.option("--delta", type=OPEN_SHARE, help="Allowed chance that this guarantee fails; the bundle's own by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON a verdict.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write one CSV row a verdict to FILE, or - for the output.")
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True, help="Images judged at a time.")
@engine_options
@click.pass_context
def predict(
    context: click.Context,
    paths: tuple[str, ...],
    bundle: str,
    threshold: float | None,
    risk: float | None,
    delta: float | None,
    as_json: bool,
    csv_file: str | None,
    batch_size: int,
    engine: str,
    device: str,
) -> None:
    """Judge images: what each shows, and how likely that is right.

    PATH is an image, a folder that is searched with its subfolders, a pattern such as 'photos/*.jpg', or -
    for an image on standard input. Exit code 3 says that some images could not be read; the others are
    judged all the same.
    """
    if as_json and csv_file is not None:
        raise click.UsageError("--json and --csv exclude each other; choose one.")
    asked = policy_request(threshold, risk, delta)
    images, problems = find_images(paths)
    if not images:
        raise click.UsageError(" ".join(problems))
    for problem in problems:
        click.echo(problem, err=True)
    runs = {"engine": engine, "device": device}
    _run(images, problems, bundle, runs, asked, batch_size, _Output(as_json, csv_file))
    if problems:
        context.exit(SOME_UNREADABLE)


@dataclass(frozen=True, slots=True)
class _Output:
    """Where verdicts go, and in which form."""

    as_json: bool
    csv_file: str | None

    def open(self) -> AbstractContextManager[IO[str]]:
        if self.csv_file in (None, "-"):
            return nullcontext(sys.stdout)
        try:
            return Path(self.csv_file).open("w", newline="", encoding="utf-8")
        except OSError as error:
            raise click.UsageError(f"--csv {self.csv_file}: cannot be written ({error.strerror}).") from error

    def write(self, verdicts: Iterable[Verdict], file: IO[str], names: Sequence[str], classes: Sequence[str]) -> None:
        from reason.cli.output import VerdictTable, write_json
        from reason.detector.verdict import write_csv

        if self.csv_file is not None:
            write_csv(verdicts, file)
        elif self.as_json:
            write_json(verdicts, file)
        else:
            VerdictTable(file, names, classes).write(verdicts)


def _run(
    images: Sequence[ImageFile],
    problems: list[str],
    bundle: str,
    runs: dict[str, str],
    asked: PolicyRequest,
    batch_size: int,
    output: _Output,
) -> None:
    """Judge the images and write the verdicts; add a sentence to ``problems`` for each unreadable image."""
    from reason import progress

    folder = bundle_folder(bundle)
    name = pinned(bundle, folder) if is_address(bundle) else folder.name
    with progress.bar(f"load {name}", unit="images", transient=True) as bar:
        import reason
        from reason.cli.judging import judge

        detector = reason.load(folder, engine=runs["engine"], device=runs["device"])
        policy = detector.policy(**asdict(asked))
        bar.set(0, len(images), title="judge")
        batches = judge(detector, images, policy, batch_size)
        with output.open() as file:
            verdicts = _shown(batches, problems, bar, file)
            output.write(verdicts, file, [image.name for image in images], detector.classes)


def _shown(batches: Iterable[Batch], problems: list[str], bar: Bar, file: IO[str]) -> Iterator[Verdict]:
    """Pass the verdicts on while keeping the bar, the error stream and the output in step."""
    for batch in batches:
        with bar.aside():
            for problem in batch.unreadable:
                click.echo(problem, err=True)
            yield from batch.verdicts
            file.flush()
        problems += batch.unreadable
        bar.advance(len(batch.verdicts) + len(batch.unreadable))
    bar.stop()
