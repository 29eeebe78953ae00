"""Trace a classifier's code into an ONNX graph, by ``torch.export``."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

from reason.base.engines.export import OPSET
from reason.base.engines.graph import INPUT, LOGITS
from reason.base.engines.pytorch import HOOKS, Tapped
from reason.base.outputs import logits_of
from reason.base.taps import Tap
from reason.errors import ConfigError, FitError, first_line

if TYPE_CHECKING:
    from onnx import ModelProto


class _Logits(nn.Module):
    """The network, whose output may be an object with ``logits``."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return logits_of(self.network(images))


class _Raw(Tap):
    """A tap whose output is kept as it is: its poolings become nodes that follow sides of any size."""

    def pool(self, output: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the output by the name of the tap."""
        return {self.name: output}


class Inside(nn.Module):
    """A tapped network that puts out logits, embedding, and what its tapped layers put out, not pooled."""

    def __init__(self, base: Tapped) -> None:
        super().__init__()
        taps = [_Raw(tap.name, tap.module, tap.channels, tap.layout) for tap in base.taps]
        network = copy.deepcopy(base.network)
        _remove_hooks(network, base)
        self.base = Tapped(network, head=base.head_module, taps=taps, linear=base.linear)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return them, the layers in the order of the taps."""
        logits, embedding, activations = self.base.inside(images)
        return (logits, embedding, *(activations[tap.name] for tap in self.base.taps))


def _remove_hooks(network: nn.Module, base: Tapped) -> None:
    """Remove the hooks that a copied network still has of the tapped one."""
    for name in (base.head_module, *(tap.module for tap in base.taps)):
        module = network.get_submodule(name)
        for hooks in (module._forward_hooks, module._forward_pre_hooks):
            for key in [key for key, hook in hooks.items() if isinstance(hook, HOOKS)]:
                del hooks[key]


def trace(network: nn.Module, shape: tuple[int, int, int], outputs: Sequence[str] = ()) -> ModelProto:
    """Return the graph of a network in evaluation mode, for any number of images where it takes that.

    Args:
        network: maps images ``[n, channels, h, w]`` to logits, or to the outputs that are named; stays as it is.
        shape: channels and sides of its images.
        outputs: names of its outputs, where it returns more than the logits.

    Raises:
        ConfigError: the packages that export are not installed.
        FitError: it cannot be traced.
    """
    # A copy with plain strides: channels-last ones would become nodes of the graph.
    plain = copy.deepcopy(network).cpu().to(memory_format=torch.contiguous_format).eval()
    module = plain if outputs else _Logits(plain)
    found, failure = None, None
    for strict in (False, True):  # the strict way is slow, and follows what the other takes for fixed
        try:
            program = _exported(module, torch.zeros(_SOME, *shape), strict)
            model = to_onnx(program, outputs or (LOGITS,))
        except ConfigError:
            raise
        except Exception as error:  # the exporter has many errors for what it cannot trace
            failure = failure or error
            continue
        if _takes_any_number(program):
            return model
        found = found or model
    if found is not None:
        return found
    assert failure is not None
    raise FitError(
        f"the classifier cannot be exported as an ONNX graph ({deepest(failure)}); "
        "fit it in Python by reason.fit, and load it with network=."
    ) from failure


_SOME = 2
"""Images that a network is traced with."""


def deepest(error: Exception) -> str:
    """Return the first line of what an error came from in the end."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return first_line(error, 150)


def _exported(module: nn.Module, images: torch.Tensor, strict: bool) -> torch.export.ExportedProgram:
    """Return a network as a program, of any number of images where that can be told.

    Sides are not free: of networks with windows or tokens, what follows from them takes minutes to be told.
    """
    with _quiet():
        return torch.export.export(module, (images,), dynamic_shapes=({0: torch.export.Dim.AUTO},), strict=strict)


def _takes_any_number(program: torch.export.ExportedProgram) -> bool:
    (name,) = program.graph_signature.user_inputs
    (node,) = (node for node in program.graph.nodes if node.name == name)
    return not str(node.meta["val"].shape[0]).isdigit()  # a number that was found to be fixed is still a symbol


def to_onnx(program: torch.export.ExportedProgram, outputs: Sequence[str] = (LOGITS,)) -> ModelProto:
    """Return a program of ``torch.export`` as an ONNX model with its weights.

    Raises:
        ConfigError: the packages that export are not installed.
        Exception: of the exporter, where the program has what ONNX lacks.
    """
    try:
        import onnx_ir
        import onnxscript  # noqa: F401 - the exporter takes it
    except ImportError:
        raise ConfigError("export: takes the onnx and onnxscript packages; pip install 'reason[onnx]'.") from None
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with _quiet():
        made = torch.onnx.export(
            program,
            (),
            dynamo=True,
            optimize=False,
            verbose=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(outputs),
        )
    assert made is not None
    proto: ModelProto = onnx_ir.to_proto(made.model)
    return proto


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings of the exporter, no gradients, and none of the fused operators that attention has without them."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
