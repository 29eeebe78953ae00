"""A base classifier with taps: a forward pass gives its logits and its inside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from reason.base.evidence import Evidence
from reason.base.views import VIEWS
from reason.errors import FitError

POOLINGS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "mean": lambda maps: maps.mean(dim=(2, 3)),
    "max": lambda maps: maps.amax(dim=(2, 3)),
    "std": lambda maps: maps.flatten(2).std(dim=2, correction=0),
}
"""How activation maps ``[n, channels, h, w]`` become ``[n, channels]``, by name."""


@dataclass(frozen=True, slots=True)
class Tap:
    """A layer inside the base classifier whose output is kept, pooled over space."""

    name: str
    """Short name, the stem of its keys and columns."""
    module: str
    """Dotted name of the layer."""
    channels: int
    """Number of channels of its output."""
    maps: bool = True
    """Whether it puts out maps ``[n, channels, h, w]``; otherwise vectors ``[n, channels]``, kept as they are."""

    def keys(self, poolings: Sequence[str]) -> tuple[str, ...]:
        """Return the keys of this tap in ``Evidence.activations``, for these poolings."""
        return tuple(f"{self.name}_{pooling}" for pooling in poolings) if self.maps else (self.name,)

    def pool(self, output: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the pooled output by key, each ``[n, channels]``."""
        if not self.maps:
            return {self.name: output}
        return {f"{self.name}_{name}": pooling(output) for name, pooling in POOLINGS.items()}


class Tapped(nn.Module):
    """Any classifier whose last layer is linear, with hooks that read its inside as it runs.

    The wrapped network is not changed: hooks keep the embedding that enters the head, and what the taps ask for.

    Args:
        network: maps images ``[n, channels, h, w]`` to logits ``[n, classes]``.
        head: dotted name of the last ``nn.Linear``.
        dropout: rate of the dropout before the head, in [0, 1); 0 when the network has none.
        taps: further layers to keep.
    """

    def __init__(self, network: nn.Module, *, head: str, dropout: float = 0.0, taps: Sequence[Tap] = ()) -> None:
        super().__init__()
        self.network = network
        self.dropout = dropout
        self.taps = tuple(taps)
        # A plain attribute: registering the head again would store its weights twice.
        self._head = (network.get_submodule(head),)
        if not isinstance(self.head, nn.Linear):
            raise TypeError(f"{head} must be an nn.Linear, not {type(self.head).__name__}.")
        self._kept = threading.local()  # predictions of several threads must not mix
        self.head.register_forward_pre_hook(self._keep_embedding)
        for item in self.taps:
            network.get_submodule(item.module).register_forward_hook(self._keeper(item))

    @property
    def head(self) -> nn.Linear:
        """The last layer; weight ``[classes, features]``."""
        return self._head[0]  # type: ignore[return-value]

    def _keep_embedding(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        self._kept.embedding = inputs[0]

    def _keeper(self, item: Tap) -> Callable[[nn.Module, tuple[Any, ...], torch.Tensor], None]:
        def keep(_: nn.Module, __: tuple[Any, ...], output: torch.Tensor) -> None:
            wanted: dict[str, torch.Tensor] | None = getattr(self._kept, "activations", None)
            if wanted is not None:  # a bare forward pass does not pay for what only judging reads
                wanted.update(item.pool(output.detach()))

        return keep

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

    def extract(self, images: torch.Tensor, *, gradient: bool, views: bool = False) -> Evidence:
        """Run the network and return what happened inside.

        With ``gradient``, one backward to the input follows: the gradient of the gap between the two largest
        logits, summed over the batch, so that each image gets its own gradient. With ``views``, one smaller forward
        follows for each view.

        Args:
            images: standardised float32 ``[n, channels, h, w]``.
            gradient: whether to measure the input gradient.
            views: whether to look at the views too.

        Raises:
            RuntimeError: the network is in training mode.
            FitError: it takes pictures of one size only, and the views are smaller.
        """
        evidence = self._look(images, gradient, {})
        return replace(evidence, views={name: self.view(images, name) for name in VIEWS}) if views else evidence

    def view(self, images: torch.Tensor, name: str) -> Evidence:
        """Return logits and embeddings of standardised square images as this view shows them.

        Args:
            images: float32 ``[n, channels, side, side]``.
            name: key of ``reason.base.views.VIEWS``.

        Raises:
            RuntimeError: the network is in training mode.
            FitError: it takes pictures of one size only.
        """
        self._check()
        smaller = VIEWS[name](images)
        try:
            return self._look(smaller, False, None)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, ValueError, AssertionError) as error:  # how networks refuse a size differs
            raise FitError(
                f"the views signals show the network pictures of {smaller.shape[2]} x {smaller.shape[3]} pixels, "
                "which it does not take; leave views out of its signals."
            ) from error

    def _check(self) -> None:
        if self.training:
            raise RuntimeError("the base classifier is in training mode; call freeze() first.")

    def _look(self, images: torch.Tensor, gradient: bool, activations: dict[str, torch.Tensor] | None) -> Evidence:
        """Run the network; ``activations`` is filled by the taps, unless it is ``None``."""
        self._check()
        self._kept.activations = activations
        images = images.detach().contiguous(memory_format=torch.channels_last).requires_grad_(gradient)
        with torch.set_grad_enabled(gradient):
            logits = self(images)
            norms = None
            if gradient:
                top = logits.topk(2, dim=1).values
                (slopes,) = torch.autograd.grad((top[:, 0] - top[:, 1]).sum(), images)
                norms = slopes.flatten(1).norm(dim=1)
        embedding = self._kept.embedding
        del self._kept.embedding, self._kept.activations
        return Evidence(
            logits=logits.detach(), embedding=embedding.detach(), gradient_norm=norms, activations=activations or {}
        )
