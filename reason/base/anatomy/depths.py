"""Which layers to tap: the last of each resolution, or blocks evenly over the depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import torch
from torch import nn

from reason.base.anatomy.calls import Call, has_weights
from reason.base.anatomy.heads import matters, named_call
from reason.base.anatomy.probing import Probe
from reason.base.taps import Layout, Tap
from reason.errors import ClassifierError

MOST = 4
"""How many layers are tapped at most."""

STAGES = 3
"""A network of so many resolutions is tapped at the end of each; one of fewer, at its blocks."""

PADDING = 6
"""Widest rim, of both sides together, by which padding changes height and width within a layer."""

FEWEST_CHANNELS = 4
"""Outputs of fewer channels are pictures, not features."""


def find_taps(probe: Probe, logits: torch.Tensor, calls: list[Call], head: Call) -> tuple[Tap, ...]:
    """Return at most ``MOST`` layers, evenly over the depth; none where a network has none."""
    modules = dict(probe.network.named_modules())
    before = _between(calls, modules, head)
    chosen = _stages(before) if before else []
    if len(chosen) < STAGES:
        chosen = _blocks(before, modules) or chosen
    with torch.no_grad():
        chosen = [call for call in chosen if matters(probe, logits, modules[call.name])] if logits.any() else chosen
    return _taps([(call, layout_of_output(call.given)) for call in chosen[-MOST:]])


def named_taps(calls: list[Call], names: Sequence[str], images: int) -> tuple[Tap, ...]:
    """Return taps at the modules of these names, in their order.

    Raises:
        ClassifierError: the network does not call one, or its output has not one row an image.
    """
    found = []
    for name in names:
        call = named_call(calls, name, "tap")
        if call.given[:1] != (images,) or len(call.given) not in (2, 3, 4):
            shape = list(call.given) if call.given else "no tensor"
            raise ClassifierError(f"tap {name}: it puts out {shape} for {images} images; name another layer.")
        found.append((call, layout_of_output(call.given)))
    return _taps(found)


def layout_of_output(shape: tuple[int, ...]) -> Layout:
    """Return how an output lies; of four dimensions the two equal ones are height and width."""
    if len(shape) == 4:
        return "channels_last" if shape[1] == shape[2] != shape[3] else "maps"
    return "tokens" if len(shape) == 3 else "vectors"


def _taps(found: Sequence[tuple[Call, Layout]]) -> tuple[Tap, ...]:
    names = _short([call.name for call, _ in found])
    return tuple(
        Tap(name, call.name, call.given[1] if layout == "maps" else call.given[-1], layout=layout)
        for name, (call, layout) in zip(names, found, strict=True)
    )


def _short(names: Sequence[str]) -> list[str]:
    """Return dotted names without the parts that all begin with, joined by underscores."""
    parts = [name.split(".") for name in names]
    while len({path[0] for path in parts}) == 1 and all(len(path) > 1 and not path[1].isdigit() for path in parts):
        parts = [path[1:] for path in parts]
    return ["_".join(path) for path in parts]


def _between(calls: list[Call], modules: Mapping[str, nn.Module], head: Call) -> list[Call]:
    """Return the calls after the first weights and before the head that put out features, one row an image."""
    first = min((call.end for call in calls if has_weights(modules[call.name])), default=0)
    images = head.taken[0]
    return [
        call
        for call in calls
        if first <= call.end < head.start and call.given[:1] == (images,) and _is_features(call, head)
    ]


def _is_features(call: Call, head: Call) -> bool:
    layout = layout_of_output(call.given) if len(call.given) in (2, 3, 4) else None
    if layout is None or (layout == "vectors" and call.addresses[1] == head.addresses[0]):
        return False
    if layout in ("maps", "channels_last") and len(set(_places(call.given))) > 1:
        return False  # of a square picture maps are square: it is parts of pictures, or attention
    channels = call.given[1] if layout == "maps" else call.given[-1]
    return channels >= FEWEST_CHANNELS and (layout == "vectors" or prod(_places(call.given)) > 1)


def _places(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sizes of an output without images and channels: height and width, number of tokens, or nothing."""
    layout = layout_of_output(shape)
    return shape[2:] if layout == "maps" else shape[1:-1]


def _stages(calls: list[Call]) -> list[Call]:
    """Return the last call of each resolution, in the layout that has enough of them and spans most of the depth."""
    ends: dict[Layout, dict[tuple[int, ...], Call]] = {}
    for call in calls:
        if not _inside_step(call, calls):
            ends.setdefault(layout_of_output(call.given), {})[_places(call.given)] = call
    spread = {layout: found for layout, found in ends.items() if layout != "vectors"}
    if not spread:
        return _segments(calls)
    rows = [_shrinking(sorted(found.values(), key=lambda call: call.end)) for found in spread.values()]
    return max(rows, key=lambda row: (min(len(row), STAGES), row[-1].end - row[0].end))


def _shrinking(calls: Sequence[Call]) -> list[Call]:
    """Return those of fewer places than all before: what grows again is no further stage."""
    kept: list[Call] = []
    for call in calls:
        if not kept or prod(_places(call.given)) < prod(_places(kept[-1].given)):
            kept.append(call)
    return kept


def _inside_step(call: Call, calls: list[Call]) -> bool:
    """Return whether a call lies within one that leads from its resolution to the next."""
    outer = [item for item in calls if item.start < call.start and call.end < item.end]
    return any(_is_step(item, calls) for item in outer)


def _is_step(call: Call, calls: list[Call]) -> bool:
    if len(call.taken) != len(call.given) or len(call.given) < 3:
        return False
    before, after = _places(call.taken), _places(call.given)
    if before == after:
        return False
    inner = {_places(item.given) for item in calls if call.start < item.start and item.end < call.end}
    return before in inner and all(places == after or _near(places, before) for places in inner)


def _near(places: tuple[int, ...], others: tuple[int, ...]) -> bool:
    """Return whether they are equal but for a rim of padding."""
    same = len(places) == len(others)
    return same and all(abs(one - other) <= PADDING for one, other in zip(places, others, strict=True))


def _segments(calls: list[Call]) -> list[Call]:
    """Return the last vectors of each width in a row, of a network without maps."""
    found: list[Call] = []
    for call in calls:
        if layout_of_output(call.given) != "vectors":
            continue
        if found and found[-1].given == call.given:
            found.pop()
        found.append(call)
    return found


def _blocks(calls: list[Call], modules: Mapping[str, nn.Module]) -> list[Call]:
    """Return up to ``MOST`` of the longest row of siblings whose outputs have one shape, evenly; nothing below two."""
    rows: dict[tuple[str, type[nn.Module], tuple[int, ...]], list[Call]] = {}
    for call in calls:
        if len(call.given) > 2 and _is_composite(call, calls):
            parent, kind = call.name.rpartition(".")[0], type(modules[call.name])
            rows.setdefault((parent, kind, call.given), []).append(call)
    row = max(rows.values(), key=len, default=[])
    if len(row) < 2:
        return []
    count = min(MOST, len(row))
    return [row[round((number + 1) * len(row) / count) - 1] for number in range(count)]


def _is_composite(call: Call, calls: list[Call]) -> bool:
    return any(call.start < other.start and other.end < call.end for other in calls)
