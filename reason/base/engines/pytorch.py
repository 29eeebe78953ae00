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

    def __call__(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        self.kept.embedding = inputs[0]


class _KeepActivations:
    """Hook of a tapped layer. A bare forward pass does not pay for what only judging reads."""

    def __init__(self, kept: _Kept, tap: Tap) -> None:
        self.kept, self.tap = kept, tap

    def __call__(self, _: nn.Module, __: tuple[Any, ...], output: torch.Tensor) -> None:
        if self.kept.activations is not None:
            self.kept.activations.update(self.tap.pool(output.detach()))


class Tapped(nn.Module, Engine):
    """Any classifier whose last layer is linear, with hooks that read its inside as it runs.

    The wrapped network is not changed: hooks keep the embedding that enters the head, and what the taps ask for.
    It runs where its parameters are; evidence comes back to the CPU.

    Args:
        network: maps images ``[n, channels, h, w]`` to logits ``[n, classes]``.
        head: dotted name of the last ``nn.Linear``.
        dropout: rate of the dropout before the head, in [0, 1); 0 when the network has none.
        taps: further layers to keep.
    """

    name = "torch"
    precision = "fp32"

    def __init__(self, network: nn.Module, *, head: str, dropout: float = 0.0, taps: Sequence[Tap] = ()) -> None:
        super().__init__()
        self.network = network
        self.dropout = dropout
        self.taps = tuple(taps)
        # A plain attribute: registering the head again would store its weights twice.
        self._head = (network.get_submodule(head),)
        if not isinstance(self.head, nn.Linear):
            raise TypeError(f"{head} must be an nn.Linear, not {type(self.head).__name__}.")
        self._kept = _Kept()  # predictions of several threads must not mix
        self.head.register_forward_pre_hook(_KeepEmbedding(self._kept))
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
    def head(self) -> nn.Linear:
        """The last layer; weight ``[classes, features]``."""
        return self._head[0]  # type: ignore[return-value]

    @property
    def features(self) -> int:
        """Width of the embedding."""
        return self.head.in_features

    @property
    def classes(self) -> int:
        """Number of logits."""
        return self.head.out_features

    def classifier_head(self) -> Head:
        """Return the head as the signals read it: on the CPU, where evidence is."""
        bias = torch.zeros(self.classes) if self.head.bias is None else self.head.bias.detach().cpu()
        return Head.linear(self.head.weight.detach().cpu(), bias, self.dropout)

    def arrays(self) -> Mapping[str, torch.Tensor]:
        """Return the network's parameters and buffers by name."""
        state: Mapping[str, torch.Tensor] = self.network.state_dict()
        return state

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits ``[n, classes]`` of standardised images ``[n, channels, h, w]``."""
        logits: torch.Tensor = self.network(images)
        return logits

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
        images = images.detach().to(self.head.weight.device)
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
        digest = hashlib.sha256(f"{torch.__version__} {self.head.weight.device.type} {self.taps}".encode())
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()
