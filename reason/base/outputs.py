"""What networks put out and take in, beyond plain tensors, and how their embedding is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from reason.base.taps import Layout, as_maps


class OutputError(ValueError):
    """It is not clear which the logits are; its message is a sentence without subject and full stop."""


def first_tensor(value: Any) -> torch.Tensor | None:
    """Return the first tensor of floats in what a module took or put out: a tensor, or one within it."""
    return next(tensors(value), None)


def output_tensor(output: Any) -> torch.Tensor | None:
    """Return what a layer puts out: a tensor of floats, or the first of a tuple of such."""
    return None if isinstance(output, Mapping) else first_tensor(output)


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors of floats in nested tuples, lists and mappings, in order."""
    if isinstance(value, torch.Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors(item)


def logits_of(output: Any) -> torch.Tensor:
    """Return the logits ``[n, classes]`` in what a classifier put out.

    A tensor is taken as it is, of an object or a mapping its ``logits``, of other tuples, lists and mappings the only
    tensor ``[n, classes]``.

    Raises:
        OutputError: it is not clear which the logits are.
    """
    if isinstance(output, torch.Tensor):
        return _flat(output)
    named = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    if isinstance(named, torch.Tensor):
        return _flat(named)
    found = [tensor for tensor in tensors(output) if tensor.dim() == 2]
    if len(found) != 1:
        kind = type(output).__name__
        raise OutputError(f"puts out a {kind} with {len(found)} tensors of [n, classes], of which one must be `logits`")
    return found[0]


def _flat(logits: torch.Tensor) -> torch.Tensor:
    """Return ``[n, classes]`` where maps of one pixel came out."""
    return logits.flatten(1) if logits.dim() == 4 and logits.shape[2:] == (1, 1) else logits


def layout_of(module: nn.Module, tensor: torch.Tensor) -> Layout:
    """Return how the input of a head lies; vectors, tokens, or maps of which the channels come first or last."""
    if tensor.dim() == 2:
        return "vectors"
    if tensor.dim() == 3:
        return "tokens"
    width = weight_of(module)
    last = not isinstance(module, nn.Conv2d) and width is not None and tensor.shape[-1] == width.shape[1]
    return "channels_last" if last else "maps"


def embedding_of(module: nn.Module, tensor: torch.Tensor) -> torch.Tensor:
    """Return the input of a head as the embedding ``[n, features]``, averaged over space or tokens."""
    layout = layout_of(module, tensor)
    return tensor if layout == "vectors" else as_maps(tensor, layout).mean(dim=(2, 3))


def weight_of(module: nn.Module) -> torch.Tensor | None:
    """Return the weight ``[outputs, inputs, ...]`` of a layer; ``None`` where it has none of two dimensions or more."""
    weight = getattr(module, "weight", None)
    if isinstance(weight, torch.Tensor) and weight.dim() >= 2:
        return weight
    own = [tensor for tensor in module.parameters(recurse=False) if tensor.dim() >= 2]
    return own[0] if len(own) == 1 else None


def matrix_of(module: nn.Module) -> torch.Tensor | None:
    """Return the weight as ``[outputs, inputs]`` where it is applied to each place alike; ``None`` where it is not."""
    weight = weight_of(module)
    if weight is None or weight.shape[2:].numel() != 1:
        return None
    return weight.flatten(1)
