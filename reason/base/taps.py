"""Taps: the layers inside a base classifier whose outputs are kept, and how their maps are pooled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from reason.structure import build, require_options

POOLINGS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "mean": lambda maps: maps.mean(dim=(2, 3)),
    "max": lambda maps: maps.amax(dim=(2, 3)),
    "std": lambda maps: maps.flatten(2).std(dim=2, correction=0),
}
"""How activation maps ``[n, channels, h, w]`` become ``[n, channels]``, by name."""

Layout = Literal["maps", "channels_last", "tokens", "vectors"]
"""How a layer's output lies: ``[n, channels, h, w]``, ``[n, h, w, channels]``, ``[n, tokens, channels]`` or
``[n, channels]``.
"""


def as_maps(output: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Return an output as maps ``[n, channels, h, w]``; tokens become a column, and vectors maps of one pixel."""
    if layout == "channels_last":
        return output.permute(0, 3, 1, 2)
    if layout == "tokens":
        return output.transpose(1, 2).unsqueeze(3)
    return output[:, :, None, None] if layout == "vectors" else output


@dataclass(frozen=True, slots=True)
class Tap:
    """A layer inside the base classifier whose output is kept, pooled over space.

    Raises:
        SettingsError: the layout is unknown.
    """

    name: str
    """Short name, the stem of its keys and columns."""
    module: str
    """Dotted name of the layer."""
    channels: int
    """Number of channels of its output."""
    layout: Layout = "maps"
    """How its output lies; ``vectors`` are kept as they are, all others are pooled."""

    def __post_init__(self) -> None:
        """Check the layout."""
        require_options(self)

    @property
    def spread(self) -> bool:
        """Whether its output is spread over space or tokens, and pooled."""
        return self.layout != "vectors"

    def keys(self, poolings: Sequence[str]) -> tuple[str, ...]:
        """Return the keys of this tap in ``Evidence.activations``, for these poolings."""
        return tuple(f"{self.name}_{pooling}" for pooling in poolings) if self.spread else (self.name,)

    def pool(self, output: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the pooled output by key, each ``[n, channels]``."""
        if not self.spread:
            return {self.name: output}
        maps = as_maps(output, self.layout)
        return {f"{self.name}_{name}": pooling(maps) for name, pooling in POOLINGS.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON; cards have said ``maps`` since before there were more than two layouts."""
        table = asdict(self)
        if self.layout in ("maps", "vectors"):
            table["maps"] = table.pop("layout") == "maps"
        return table

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Tap:
        """Make a tap from what ``to_dict`` returned.

        Raises:
            SettingsError: a key is missing, unknown or of a wrong type.
        """
        if isinstance(table, dict) and isinstance(table.get("maps"), bool) and "layout" not in table:
            rest = {key: value for key, value in table.items() if key != "maps"}
            table = {**rest, "layout": "maps" if table["maps"] else "vectors"}
        return build(cls, table)
