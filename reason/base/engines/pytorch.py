"""The engine that runs the network itself, by PyTorch: hooks read its inside, and it alone has the gradient."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from reason.base.engines.engine import Engine
from reason.base.evidence import Evidence
from reason.base.head import Head
from reason.base.outputs import embedding_of, first_tensor, logits_of, matrix_of, output_tensor, weight_of
from reason.base.taps import POOLINGS, Tap


class _Kept(threading.local):
    """What the hooks keep during a pass: each thread has its own, and a copy starts empty."""

    embedding: torch.Tensor
    activations: dict[str, torch.Tensor] | None = None

    def __reduce__(self) -> tuple[type[_Kept], tuple[()]]:
        return _Kept, ()


class _KeepEmbedding:
    """Hook of the head."""

    def __init__(self, kept: _Kept) -> None:
        self.kept = kept

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        taken = first_tensor((inputs, keywords))
        if taken is not None:
            self.kept.embedding = embedding_of(module, taken)


class _KeepActivations:
    """Hook of a tapped layer. A bare forward pass does not pay for what only judging reads."""

    def __init__(self, kept: _Kept, tap: Tap) -> None:
        self.kept, self.tap = kept, tap

    def __call__(self, _: nn.Module, __: tuple[Any, ...], output: Any) -> None:
        tensor = output_tensor(output) if self.kept.activations is not None else None
        if self.kept.activations is not None and tensor is not None:
            self.kept.activations.update(self.tap.pool(tensor.detach()))


HOOKS = (_KeepEmbedding, _KeepActivations)
"""Kinds of hooks that a tapped network has."""


class Tapped(nn.Module, Engine):
    """Any classifier, with hooks that read its inside as it runs.

    The wrapped network is not changed: hooks keep the embedding that enters the head, and what the taps ask for.
    It runs where its parameters are; evidence comes back to the CPU.

    Args:
        network: maps images ``[n, channels, h, w]`` to logits ``[n, classes]``, see ``reason.base.outputs.logits_of``.
        head: dotted name of the last layer with weights ``[classes, features, ...]``; its input, averaged over space or
            tokens, is the embedding. ``reason.base.anatomy.discover`` finds it.
        dropout: rate of the dropout before the head, in [0, 1); 0 when the network has none.
        taps: further layers to keep.
        linear: whether the logits are the head's weight times the embedding plus its bias.

    Raises:
        AttributeError: the network has no module of a name given here.
        TypeError: the head has no weights of two dimensions.
    """

    name = "torch"
    precision = "fp32"

    def __init__(
        self,
        network: nn.Module,
        *,
        head: str,
        dropout: float = 0.0,
        taps: Sequence[Tap] = (),
        linear: bool = True,
    ) -> None:
        super().__init__()
        self.network = network
        self.dropout = dropout
        self.taps = tuple(taps)
        self.head_module = head
        # A plain attribute: registering the head again would store its weights twice.
        self._head = (network.get_submodule(head),)
        weight = weight_of(self.head)
        if weight is None:
            raise TypeError(f"{head} must be a layer with weights, not {type(self.head).__name__}.")
        self._widths = weight.shape[0], weight.shape[1]
        self.linear = linear and matrix_of(self.head) is not None
        self._kept = _Kept()  # predictions of several threads must not mix
        self.head.register_forward_pre_hook(_KeepEmbedding(self._kept), with_kwargs=True)
        for item in self.taps:
            network.get_submodule(item.module).register_forward_hook(_KeepActivations(self._kept, item))

    @property
    def version(self) -> str:
        """Runtime and version."""
        return f"torch {torch.__version__}"

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of ``Evidence.activations``, in their order."""
        return tuple(key for item in self.taps for key in item.keys(tuple(POOLINGS)))

    @property
    def head(self) -> Any:
        """The last layer, a module; its weight is ``[classes, features, ...]``."""
        return self._head[0]

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device

    @property
    def features(self) -> int:
        """Width of the embedding."""
        return self._widths[1]

    @property
    def classes(self) -> int:
        """Number of logits."""
        return self._widths[0]

    def classifier_head(self) -> Head:
        """Return the head as the signals read it: on the CPU, where evidence is."""
        matrix, bias = matrix_of(self.head), getattr(self.head, "bias", None)
        if not self.linear or matrix is None:
            return Head(None, None, self.dropout, self.features, self.classes)
        shift = bias.detach().cpu() if isinstance(bias, torch.Tensor) else torch.zeros(self.classes)
        return Head.linear(matrix.detach().cpu(), shift, self.dropout)

    def arrays(self) -> Mapping[str, torch.Tensor]:
        """Return the network's parameters and buffers by name."""
        state: Mapping[str, torch.Tensor] = self.network.state_dict()
        return state

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits ``[n, classes]`` of standardised images ``[n, channels, h, w]``."""
        return logits_of(self.network(images))

    def freeze(self) -> Tapped:
        """Switch to evaluation mode and stop all parameters from taking gradients."""
        self.eval()
        self.requires_grad_(False)
        return self

    def round_weights(self) -> Tapped:
        """Round all floating weights to half precision in place, as bundles store them.

        Do it before anything is fitted, so that what is fitted is what is loaded.
        """
        with torch.no_grad():
            for tensor in self.network.state_dict().values():
                if tensor.is_floating_point():
                    tensor.copy_(tensor.half())
        return self

    def look(self, images: torch.Tensor, *, gradient: bool, taps: bool) -> Evidence:
        """Pass images through the network once, see ``Engine.look``.

        Raises:
            RuntimeError: the network is in training mode.
        """
        if self.training:
            raise RuntimeError("the base classifier is in training mode; call freeze() first.")
        images = images.detach().to(self._device)
        images = images.contiguous(memory_format=torch.channels_last).requires_grad_(gradient)
        with torch.set_grad_enabled(gradient):
            logits, embedding, activations = self.inside(images, taps=taps)
            norms = None
            if gradient:
                top = logits.topk(2, dim=1).values
                (slopes,) = torch.autograd.grad((top[:, 0] - top[:, 1]).sum(), images)
                norms = slopes.flatten(1).norm(dim=1).cpu()
        return Evidence(
            logits=logits.detach().cpu(),
            embedding=embedding.detach().cpu(),
            gradient_norm=norms,
            activations={key: values.cpu() for key, values in activations.items()},
        )

    def inside(
        self, images: torch.Tensor, *, taps: bool = True
    ) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        """Return logits, embedding and, by key, the pooled activations of what ``forward`` takes."""
        activations: dict[str, torch.Tensor] = {}
        self._kept.activations = activations if taps else None
        try:
            logits = self(images)
            return logits, self._kept.embedding, activations
        finally:
            self._kept.activations = None
            self._kept.__dict__.pop("embedding", None)

    def identity(self) -> str:
        """Return a digest of the version of PyTorch, the device, the taps and the weights."""
        digest = hashlib.sha256(f"{torch.__version__} {self._device.type} {self.taps}".encode())
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()
