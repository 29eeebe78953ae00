"""``reason compare``: which MetaNet and which signals a recipe should have, by its train images alone."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from reason.cli.jobs import as_bundle, as_recipe, data_root_option


@click.command()
@click.argument("recipe", callback=as_recipe)
@click.option(
    "--base",
    metavar="NAME|FOLDER",
    callback=as_bundle,
    required=True,
    help="Bundle of the same [base], seed and data, whose base classifier is taken.",
)
@data_root_option
def compare(recipe: Path, base: Path, data_root: Path) -> None:
    """Compare baselines, variants of RECIPE's MetaNet and its signals by AUROC, on train images alone.

    RECIPE is the name of one that ships with REASON, or the path of a TOML file.
    """
    from rich.console import Console
    from rich.table import Table

    from reason.cli.output import UNBOUNDED
    from reason.evaluation import compare as comparison

    rows = comparison.run(recipe, base, data_root)
    table = Table("AUROC, mean of seeds", *rows[0].values, "spread of left out")
    for row in rows:
        table.add_row(row.name, *(f"{value:.4f}" for value in (*row.values.values(), row.spread)))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else UNBOUNDED).print(table)
