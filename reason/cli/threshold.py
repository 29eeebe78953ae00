"""``reason threshold``: the threshold that guarantees another risk, from the calibration images alone."""

from __future__ import annotations

import json

import click

from reason.cli.options import OPEN_SHARE
from reason.sharing.places import bundle_folder


@click.command()
@click.argument("bundle")
@click.option("--risk", type=OPEN_SHARE, required=True, help="Largest allowed error rate among the accepted.")
@click.option(
    "--delta",
    type=OPEN_SHARE,
    help="Allowed chance that the guarantee fails, instead of that of BUNDLE's own certificate.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def threshold(bundle: str, risk: float, delta: float | None, as_json: bool) -> None:
    """Find the threshold of largest coverage that keeps the error rate among the accepted at most at a risk.

    BUNDLE is the name of one that ships with REASON, the path of a bundle's folder, or hf://OWNER/NAME. The guarantee
    holds with confidence 1 - delta, for images drawn like the calibration images and for no others.
    """
    import reason
    from reason.cli.output import print_facts

    policy = reason.load(bundle_folder(bundle)).policy(risk=risk, delta=delta)
    certificate = {} if policy.certificate is None else policy.certificate.to_dict()
    facts = {"threshold": policy.threshold, **certificate}
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        print_facts(facts)
