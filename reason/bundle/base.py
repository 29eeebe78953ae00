"""The base classifier of a bundle: made without memory for its weights, and filled when they were checked."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from reason.base import arrays
from reason.base.anatomy import check_tapped
from reason.base.arrays import ArrayBase
from reason.base.backbones import ARCHITECTURES, make, tap
from reason.base.engines import Tapped
from reason.bundle.card import Card
from reason.bundle.faults import broken
from reason.bundle.folders import CARD
from reason.errors import BundleError, ReasonError

MOST_FEATURES = 2**20
"""Largest width of an embedding that came from elsewhere."""


MOST_COMPUTED = 2**28
"""Largest size of what a network computes when it is made and no bundle holds, in bytes."""


class _Undrawn(TorchFunctionMode):
    """Draws no first weights: on tensors without memory that does nothing, but imports PyTorch's compiler."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return args[0] if func in (torch.Tensor.normal_, torch.Tensor.uniform_) else func(*args, **(kwargs or {}))


@contextmanager
def without_memory() -> Iterator[None]:
    """Make networks in here whose weights have shapes but no memory, until ``load_state_dict`` assigns some."""
    with torch.device("meta"), _Undrawn():
        yield


def unfilled(folder: Path, card: Card, network: nn.Module | None, head: str | None) -> Tapped | ArrayBase:
    """Return the base classifier that a card names, before its weights are read.

    Args:
        folder: where the card lies, for messages.
        card: the card.
        network: for an architecture that is not built in, a network of the same shape, which is copied.
        head: dotted name of that network's last ``nn.Linear``.

    Raises:
        BundleError: the architecture is not built in and no network is given, it cannot be imported, or it does not
            take such images.
    """
    if card.architecture == arrays.ARCHITECTURE:
        return _of_arrays(folder, card)
    if card.architecture not in ARCHITECTURES:
        if network is None or head is None:
            raise BundleError(
                f"{folder / CARD}: architecture {card.architecture!r} is not built in; give load its network and head, "
                "or fit it again where the extra 'onnx' is installed, so that the bundle holds a graph."
            )
        try:
            # A copy: hooks and weights come before the last check, and what the caller holds stays as it is.
            return Tapped(copy.deepcopy(network), head=head, dropout=card.dropout, taps=card.taps)
        except (AttributeError, TypeError, RuntimeError) as error:
            raise broken(folder / CARD, f"the network that load was given does not fit ({error})") from None
    try:
        ARCHITECTURES[card.architecture]
    except ReasonError as error:  # a package offers it, and cannot be imported
        raise BundleError(f"{folder / CARD}: {error}") from None
    if ARCHITECTURES[card.architecture].from_arguments:
        return _of_library(folder, card)
    made = _made(folder, card)
    base = tap(made, card.architecture, card.dropout)
    if base.taps != card.taps:
        raise broken(folder / CARD, f"taps are not those of architecture {card.architecture!r}")
    return base


def _made(folder: Path, card: Card) -> nn.Module:
    """Return the network of a card without memory for its weights."""
    try:
        with without_memory():
            return _make(card)
    except ValueError as error:
        parts = "arguments do" if card.arguments else "preprocessing does"
        raise broken(folder / CARD, f"{parts} not fit the architecture ({str(error).rstrip('.')})") from None


def _make(card: Card) -> nn.Module:
    channels = card.preprocessing.channels
    return make(card.architecture, len(card.classes), card.dropout, channels, card.arguments)


def _of_library(folder: Path, card: Card) -> Tapped:
    """Return a classifier of a library, whose head and taps the card names."""
    network = _made(folder, card)
    hidden = set(network.state_dict())
    surplus = sum(tensor.nbytes for name, tensor in network.named_buffers() if name not in hidden)
    if surplus > MOST_COMPUTED:
        raise broken(folder / CARD, f"its architecture computes tables of {surplus:,} bytes")
    try:
        return Tapped(network, head=card.head_module, dropout=card.dropout, taps=card.taps)
    except (AttributeError, TypeError) as error:
        raise broken(folder / CARD, f"head_module or taps are no layers of the architecture ({error})") from None


def made_from_arguments(card: Card) -> bool:
    """Return whether the architecture of a card is a library's, see ``Architecture.from_arguments``."""
    return card.architecture in ARCHITECTURES and ARCHITECTURES[card.architecture].from_arguments


def rebuilt(folder: Path, card: Card, tensors: Mapping[str, torch.Tensor]) -> Tapped:
    """Return a classifier of a library with its weights, and with the tables that it computes and no bundle holds.

    Args:
        folder: where the card lies, for messages.
        card: the card.
        tensors: the weights, of the shapes of what ``unfilled`` returned.

    Raises:
        BundleError: head or taps are not what the card says of them.
    """
    with _Undrawn():
        network = _make(card)
    network.load_state_dict({name: _single(tensor) for name, tensor in tensors.items()}, assign=True)
    network.to(memory_format=torch.channels_last)
    base = Tapped(network, head=card.head_module, dropout=card.dropout, taps=card.taps).freeze()
    try:
        base.linear = check_tapped(base, card.preprocessing.shape)
    except (ValueError, ReasonError) as error:
        raise broken(
            folder / CARD, f"head_module or taps do not fit the architecture ({str(error).rstrip('.')})"
        ) from None
    return base


def _of_arrays(folder: Path, card: Card) -> ArrayBase:
    features = card.arguments.get("features")
    if set(card.arguments) != {"features"} or type(features) is not int or not 1 <= features <= MOST_FEATURES:
        raise broken(folder / CARD, f"arguments must say how many features there are, from 1 to {MOST_FEATURES}")
    if card.taps or card.dropout:
        raise broken(folder / CARD, "a classifier that ran elsewhere has no taps and no dropout")
    return ArrayBase(features, len(card.classes))


def fill(base: Tapped | ArrayBase, tensors: Mapping[str, torch.Tensor]) -> Tapped | ArrayBase:
    """Give a base classifier its weights, in single precision, and freeze it.

    Args:
        base: what ``unfilled`` returned.
        tensors: the weights, in half precision and of the network's shapes.
    """
    if isinstance(base, ArrayBase):
        return base
    network = base.network
    # Networks on the meta device take the tensors as they are; one copied from the caller's has parameters.
    network.load_state_dict({name: _single(tensor) for name, tensor in tensors.items()}, assign=_is_empty(network))
    network.to(memory_format=torch.channels_last)
    return base.freeze()


def _single(tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    if tensor.dim() == 4:  # the layout that convolutions want, in the same copy
        return tensor.to(torch.float32, memory_format=torch.channels_last)
    return tensor.float()


def _is_empty(network: nn.Module) -> bool:
    return any(tensor.is_meta for tensor in chain(network.parameters(), network.buffers()))
