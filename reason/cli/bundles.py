"""``reason info``: what is in a bundle."""

from __future__ import annotations

import json

import click

from reason.resources import bundle_folder


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
