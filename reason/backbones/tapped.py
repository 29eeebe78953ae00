"""A base classifier with taps: one forward pass gives its logits and its inside."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import nn

from reason.evidence import Evidence


class Tapped(nn.Module):
    """Any classifier whose last layer is linear, with hooks that read its inside as it runs.

    The wrapped network is not changed: a hook on the head keeps the embedding that enters it.

    Args:
        network: maps images ``[n, channels, h, w]`` to logits ``[n, classes]``.
        head: dotted name of the last ``nn.Linear``.
        dropout: rate of the dropout before the head, in [0, 1); 0 when the network has none.
    """

    def __init__(self, network: nn.Module, *, head: str, dropout: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self.dropout = dropout
        # A plain attribute: registering the head again would store its weights twice.
        self._head = (network.get_submodule(head),)
        if not isinstance(self.head, nn.Linear):
            raise TypeError(f"{head} must be an nn.Linear, not {type(self.head).__name__}.")
        self._kept = threading.local()  # predictions of several threads must not mix
        self.head.register_forward_pre_hook(self._keep_embedding)

    @property
    def head(self) -> nn.Linear:
        """The last layer; weight ``[classes, features]``."""
        return self._head[0]  # type: ignore[return-value]

    def _keep_embedding(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        self._kept.embedding = inputs[0]

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

    def extract(self, images: torch.Tensor, *, gradient: bool) -> Evidence:
        """Run the network once and return what happened inside.

        With ``gradient``, one backward to the input follows: the gradient of the gap between the two largest
        logits, summed over the batch, so that each image gets its own gradient.

        Args:
            images: standardised float32 ``[n, channels, h, w]``.
            gradient: whether to measure the input gradient.

        Raises:
            RuntimeError: the network is in training mode.
        """
        if self.training:
            raise RuntimeError("the base classifier is in training mode; call freeze() first.")
        images = images.detach().contiguous(memory_format=torch.channels_last).requires_grad_(gradient)
        with torch.set_grad_enabled(gradient):
            logits = self(images)
            norms = None
            if gradient:
                top = logits.topk(2, dim=1).values
                (slopes,) = torch.autograd.grad((top[:, 0] - top[:, 1]).sum(), images)
                norms = slopes.flatten(1).norm(dim=1)
        embedding = self._kept.embedding
        del self._kept.embedding
        return Evidence(logits=logits.detach(), embedding=embedding.detach(), gradient_norm=norms)
