"""Bundles by name or folder, and the command that says what is in one."""

from __future__ import annotations

import json
from pathlib import Path

import click

SAVED = Path(__file__).resolve().parents[2] / "reason_saved"
"""Where the bundles that ship lie."""


def bundle_folder(text: str) -> Path:
    """Return the folder that a bundle's name or a path means; what ships goes before what lies here."""
    folder, shipped = Path(text), SAVED / text
    is_name = folder.name == text and text != ".."
    return shipped if is_name and (shipped.exists() or not folder.exists()) else folder


@click.command()
@click.argument("bundle", default="imagenette")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def info(bundle: str, as_json: bool) -> None:
    """Show a bundle's classes, signals, threshold and figures.

    BUNDLE is the name of one that ships with REASON, or the path of a bundle's folder.
    """
    import reason

    facts = reason.load(bundle_folder(bundle)).describe()
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        from reason.cli.output import print_facts

        print_facts(facts)
