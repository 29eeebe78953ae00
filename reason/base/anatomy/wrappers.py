"""What classifiers are often wrapped in, and the modes that they are left in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from reason.errors import ClassifierError

_INSIDE = ("module", "_orig_mod")
"""Attributes under which ``DataParallel`` and ``torch.compile`` keep the network."""


def unwrapped(network: nn.Module) -> nn.Module:
    """Return the network inside ``DataParallel``, ``DistributedDataParallel`` and ``torch.compile``.

    Raises:
        ClassifierError: it is a TorchScript module, whose layers cannot be read.
    """
    wrappers = ("DataParallel", "DistributedDataParallel", "OptimizedModule")
    while type(network).__name__ in wrappers:
        network = next(getattr(network, name) for name in _INSIDE if name in network._modules)
    if isinstance(network, torch.jit.ScriptModule):
        raise ClassifierError("the classifier is a TorchScript module whose layers cannot be read; give the nn.Module.")
    return network


@contextmanager
def evaluating(network: nn.Module) -> Iterator[bool]:
    """Have a network in evaluation mode inside the block; then each module is in the mode it was in.

    Yields:
        Whether a module of it was in training mode.
    """
    modes = {module: module.training for module in network.modules()}
    try:
        network.eval()
        yield any(modes.values())
    finally:
        for module, mode in modes.items():
            module.training = mode
