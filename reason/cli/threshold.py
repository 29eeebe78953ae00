"""``reason threshold``: the threshold that promises another risk, from the calibration images alone."""

from __future__ import annotations

import json

import click

from reason.cli.options import OPEN_SHARE
from reason.resources import bundle_folder


@click.command()
@click.argument("bundle")
@click.option("--risk", type=OPEN_SHARE, required=True, help="Largest allowed error rate among the accepted.")
@click.option(
    "--delta", type=OPEN_SHARE, default=0.05, show_default=True, help="Allowed chance that the promise fails."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def threshold(bundle: str, risk: float, delta: float, as_json: bool) -> None:
    """Find the threshold of largest coverage that keeps the error rate among the accepted at most at a risk.

    BUNDLE is the name of one that ships with REASON, or the path of a bundle's folder. The promise holds with
    confidence 1 - delta, for images drawn like the calibration images and for no others.
    """
    import reason
    from reason.cli.output import print_facts
    from reason.detector.policy import guarantee_or_refuse

    detector = reason.load(bundle_folder(bundle))
    promise = guarantee_or_refuse(bundle, detector.calibration_sample, risk, delta)
    facts = {"threshold": promise.threshold, **promise.certificate.to_dict()}
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        print_facts(facts)
