"""``reason corrupt``: corrupt one picture, to see how its verdict changes."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reason.cli.inputs import ImageFile
from reason.cli.predict import SOME_UNREADABLE
from reason.data.search import SUFFIXES
from reason.errors import BrokenImageError, CorruptionError, UnsupportedImageError
from reason.sharing.places import bundle_folder

if TYPE_CHECKING:
    from PIL import Image

    from reason.data.corruptions import CorruptionRequest


def _list(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    from rich.console import Console
    from rich.table import Table

    from reason.cli.output import UNBOUNDED
    from reason.data.corruptions import CORRUPTIONS

    table = Table("type", "family", "what severity 0 to 1 does", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for corruption in CORRUPTIONS.values():
        table.add_row(corruption.name, corruption.family, corruption.summary)
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else UNBOUNDED).print(table)
    context.exit()


def _writable(_context: click.Context, _option: click.Parameter, path: Path) -> Path:
    if path.suffix.lower() not in SUFFIXES:
        raise click.BadParameter(f"{path}: pictures are written as {', '.join(SUFFIXES)}; end the name so.")
    return path


@click.command()
@click.argument("image", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--type", "name", metavar="TYPE", required=True, help="Corruption; --list shows all.")
@click.option("--severity", type=float, default=0.5, show_default=True, help="How strong, 0 to 1.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random in it.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    callback=_writable,
    help="File of the corrupted picture; only some formats, such as PNG, keep every pixel.",
)
@click.option("--bundle", metavar="NAME|FOLDER", help="Squash the picture to this bundle's input first.")
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="Show all corruptions.")
@click.pass_context
def corrupt(
    context: click.Context, image: Path, name: str, severity: float, seed: int, output: Path, bundle: str | None
) -> None:
    """Corrupt IMAGE, the same way for the same seed.

    IMAGE is a picture, or - for one on standard input. Its size stays as it is; with --bundle the result is exactly
    the picture that this bundle would judge.
    """
    from reason.data.corruptions import CorruptionRequest

    try:
        request = CorruptionRequest(name, severity, seed)
        picture = ImageFile(None if image == Path("-") else image).decode()
    except CorruptionError as error:
        raise click.UsageError(str(error)) from error
    except (UnsupportedImageError, BrokenImageError) as error:
        click.echo(str(error), err=True)
        context.exit(SOME_UNREADABLE)
    _write(_corrupted(picture, request, bundle), output)


def _corrupted(picture: Image.Image, request: CorruptionRequest, bundle: str | None) -> Image.Image:
    if bundle is None:
        return request.full_size(picture)
    import reason

    return request.picture(picture, reason.load(bundle_folder(bundle)).preprocessing)


def _write(picture: Image.Image, path: Path) -> None:
    from PIL import Image

    encoded = io.BytesIO()
    picture.save(encoded, Image.registered_extensions()[path.suffix.lower()])
    try:
        path.write_bytes(encoded.getvalue())
    except OSError as error:
        raise click.UsageError(f"-o {path}: cannot be written ({error.strerror}).") from error
