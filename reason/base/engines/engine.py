"""What every engine offers: one pass over images, and the passes over their views."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Literal

import torch

from reason.base.evidence import Evidence
from reason.base.views import VIEWS
from reason.errors import FitError


class Engine(ABC):
    """Runs one base classifier. Calls from several threads are safe; it can be copied and sent to other processes."""

    name: str
    """What ``engine=`` calls it."""
    precision: Literal["fp32", "bf16"]
    """Arithmetic of its passes: ``fp32`` or ``bf16``."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Runtime and version, such as ``onnxruntime 1.20.0``."""

    @abstractmethod
    def look(self, images: torch.Tensor, *, gradient: bool, taps: bool) -> Evidence:
        """Pass images through the network once and return what happened inside, on the CPU.

        Args:
            images: standardised float32 ``[n, channels, h, w]``.
            gradient: whether to measure the input gradient.
            taps: whether to keep the activations of the tapped layers.
        """

    @abstractmethod
    def identity(self) -> str:
        """Return a digest of all that decides what it computes: runtime, precision, weights, taps."""

    def extract(self, images: torch.Tensor, *, gradient: bool, views: bool = False) -> Evidence:
        """Run the network and return what happened inside, taps and all.

        With ``gradient``, one backward to the input follows: the gradient of the gap between the two largest
        logits, summed over the batch, so that each image gets its own gradient. With ``views``, one smaller forward
        follows for each view.

        Args:
            images: standardised float32 ``[n, channels, h, w]``.
            gradient: whether to measure the input gradient.
            views: whether to look at the views too.

        Raises:
            FitError: the network takes pictures of one size only, and the views are smaller.
        """
        evidence = self.look(images, gradient=gradient, taps=True)
        return replace(evidence, views={name: self.view(images, name) for name in VIEWS}) if views else evidence

    def view(self, images: torch.Tensor, name: str) -> Evidence:
        """Return logits and embeddings of standardised square images as this view shows them.

        Args:
            images: float32 ``[n, channels, side, side]``.
            name: key of ``reason.base.views.VIEWS``.

        Raises:
            FitError: the network takes pictures of one size only.
        """
        smaller = VIEWS[name](images)
        try:
            return self.look(smaller, gradient=False, taps=False)
        except Exception as error:
            if not self._takes(images) or self._takes(smaller):
                raise  # it has nothing to do with the size
            raise FitError(
                f"the views signals show the network pictures of {smaller.shape[2]} x {smaller.shape[3]} pixels, "
                "which it does not take; leave views out of its signals."
            ) from error

    def _takes(self, images: torch.Tensor) -> bool:
        """Return whether a black image of this size passes; how networks refuse a size differs."""
        try:
            self.look(torch.zeros_like(images[:1]), gradient=False, taps=False)
        except torch.OutOfMemoryError:
            raise
        except Exception:
            return False
        return True
