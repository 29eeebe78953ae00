"""``reason serve``: the REST service and the page; every setting of the service is a flag."""

from __future__ import annotations

from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click


def _split(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return all parts of an option that may be repeated, and may hold several each time; ``None`` without it."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip()) if values else None


def _type(key: Field[Any]) -> Any:
    low, high, choices = key.metadata["low"], key.metadata["high"], key.metadata["choices"]
    if choices:
        return click.Choice(choices)
    if isinstance(key.default, Path):
        return click.Path(path_type=Path)
    if isinstance(key.default, int):
        return click.IntRange(low, high)
    return click.FloatRange(low, high) if isinstance(key.default, float) else str


class _Serve(click.Command):
    """Asks the service for its settings only when it is called: the service imports torch."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        if not self.params:
            from reason.serving.settings import Settings

            self.params = [_flag(key) for key in fields(Settings)]
        return super().get_params(ctx)


def _flag(key: Field[Any]) -> click.Parameter:
    from reason.serving.settings import variable

    shown = key.default.name if isinstance(key.default, Path) else key.default
    shown = ",".join(shown) if isinstance(shown, tuple) else str(shown)
    default = f"default {shown}; " if shown else ""
    return click.Option(
        ["--" + key.name.replace("_", "-")],
        type=_type(key),
        multiple=isinstance(key.default, tuple),
        callback=_split if isinstance(key.default, tuple) else None,
        help=f"{key.metadata['help']} ({default}{variable(key.name)})".replace("`", ""),
    )


@click.command(cls=_Serve)
def serve(**flags: Any) -> None:
    """Serve the REST API and the page until interrupted.

    A flag wins over the environment variable that stands beside it.
    """
    from reason import serving

    serving.serve(serving.Settings.from_environment(**flags))
