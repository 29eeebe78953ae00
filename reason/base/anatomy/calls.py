"""What each module of a network takes and puts out during one pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from reason.base.outputs import first_tensor, output_tensor


@dataclass(frozen=True, slots=True)
class Call:
    """The last call of a module."""

    name: str
    """Dotted name."""
    start: int
    """Place of its start among the starts and ends of all calls."""
    end: int
    """Place of its end."""
    taken: tuple[int, ...]
    """Shape of the first tensor that it took; empty where it took none."""
    given: tuple[int, ...]
    """Shape of the tensor that it put out, see ``output_tensor``; empty where it put out none."""
    addresses: tuple[int, int]
    """Where the two lie in memory, which tells what is handed on unchanged; 0 for none."""


class Recorder:
    """Follows a pass through a network by hooks.

    Args:
        network: the network.
        keep: dotted name of a module whose input is copied to ``kept``.
    """

    def __init__(self, network: nn.Module, keep: str | None = None) -> None:
        self._names = {
            module: name for name, module in network.named_modules() if name and "parametrizations" not in name
        }
        self._keep = keep
        self._clock = 0
        self._starts: dict[str, list[tuple[int, torch.Tensor | None]]] = {}
        self._ended: dict[str, Call] = {}
        self.kept: torch.Tensor | None = None

    @property
    def calls(self) -> list[Call]:
        """The last call of each module, in the order in which they ended."""
        return sorted(self._ended.values(), key=lambda call: call.end)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow what passes inside the block."""
        handles = []
        for module in self._names:
            handles.append(module.register_forward_pre_hook(self._before, with_kwargs=True))
            handles.append(module.register_forward_hook(self._after, with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _before(self, module: nn.Module, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        name, taken = self._names[module], first_tensor((inputs, keywords))
        if name == self._keep and taken is not None:
            self.kept = taken.detach().clone()
        self._clock += 1
        self._starts.setdefault(name, []).append((self._clock, taken))

    def _after(self, module: nn.Module, _: tuple[Any, ...], __: dict[str, Any], output: Any) -> None:
        name, given = self._names[module], output_tensor(output)
        self._clock += 1
        start, taken = self._starts[name].pop()
        shapes = [() if tensor is None else tuple(tensor.shape) for tensor in (taken, given)]
        addresses = [0 if tensor is None else tensor.data_ptr() for tensor in (taken, given)]
        self._ended[name] = Call(name, start, self._clock, shapes[0], shapes[1], (addresses[0], addresses[1]))


def has_weights(module: nn.Module) -> bool:
    """Return whether a module itself holds a parameter of two dimensions or more, parametrised ones included."""
    own = list(module.parameters(recurse=False))
    if parametrize.is_parametrized(module):
        own += list(module.parametrizations.parameters())  # type: ignore[union-attr]
    return any(parameter.dim() >= 2 for parameter in own)


@contextmanager
def disturbed(module: nn.Module) -> Iterator[None]:
    """Have noise on the output of a module inside the block."""

    def disturb(_: nn.Module, __: tuple[Any, ...], output: Any) -> Any:
        return _noisy(output)

    handle = module.register_forward_hook(disturb)
    try:
        yield
    finally:
        handle.remove()


def _noisy(output: Any) -> Any:
    if isinstance(output, torch.Tensor):
        if not output.is_floating_point():
            return output
        noise = torch.randn(output.shape, generator=torch.Generator().manual_seed(1)).to(output)
        return output + noise * (1 + output.abs().mean())
    if type(output) in (tuple, list) and output:
        return type(output)((_noisy(output[0]), *output[1:]))
    return output
