"""``reason push``: share a bundle on the Hugging Face Hub, or as a folder."""

from __future__ import annotations

import click


@click.command()
@click.argument("bundle")
@click.argument("target", metavar="hf://OWNER/NAME|FOLDER")
@click.option("--license", metavar="ID", help="License that the bundle is given, such as mit; none by default.")
@click.option(
    "--private/--public",
    default=None,
    help="Who may see a repository that is made; as its owner set it by default.",
)
@click.option("--allow-paths", is_flag=True, help="Share even what looks like a path of the machine that made it.")
def push(bundle: str, target: str, license: str | None, private: bool | None, allow_paths: bool) -> None:  # noqa: A002
    """Share BUNDLE on the Hugging Face Hub, with its model card as README; or write the same into a folder.

    BUNDLE is the name of one that ships with REASON, the path of a bundle's folder, or hf://OWNER/NAME. What is
    printed names exactly this state of it, and `reason predict --bundle` takes it. Log in by `hf auth login`, or set
    HF_TOKEN. A bundle that names paths of this machine is refused.
    """
    from reason.sharing import pushing

    pushed = pushing.push(bundle, target, license=license, private=private, paths_allowed=allow_paths)
    click.echo(f"{pushed.address}: digest {pushed.digest}")
