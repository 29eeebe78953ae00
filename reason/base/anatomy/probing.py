"""Passes of made-up images through a classifier, and what must hold of its answers."""

from __future__ import annotations

import torch
from torch import nn

from reason.base.outputs import OutputError, logits_of
from reason.base.views import VIEWS
from reason.errors import ClassifierError, first_line

IMAGES = 2
"""How many made-up images are looked at together."""

TOLERANCE = 1e-4
"""Largest difference between answers that count as equal, as a share of the largest logit."""

RESHAPING = ("View", "Squeeze", "Reshape", "Alias")
"""Beginnings of the names of operations that change no number."""

Shape = tuple[int, int, int]


class Probe:
    """A classifier in evaluation mode, and made-up standardised images that are shown to it.

    Args:
        network: the classifier.
        shape: channels, height and width of its input.
    """

    def __init__(self, network: nn.Module, shape: Shape) -> None:
        self.network, self.shape = network, shape
        where = next(network.parameters(), torch.empty(0))
        draws = torch.Generator().manual_seed(0)
        self.images = torch.randn(IMAGES, *shape, generator=draws).to(where.device)

    def __call__(self, images: torch.Tensor | None = None) -> torch.Tensor:
        """Return the logits ``[n, classes]`` of images, of the probe's own by default.

        Raises:
            ClassifierError: they cannot be told from what else comes out, or are no such tensor.
            Exception: whatever the network raises.
        """
        images = self.images if images is None else images
        try:
            logits = logits_of(self.network(images))
        except OutputError as error:
            raise ClassifierError(f"the classifier {error}; let it return its logits alone.") from None
        if logits.dim() != 2 or len(logits) != len(images):
            raise ClassifierError(
                f"the classifier puts out {list(logits.shape)} for {len(images)} images, and must put out "
                "[n, classes]; let it return one row of logits an image."
            )
        return logits.float()

    @torch.no_grad()
    def answers(self) -> torch.Tensor:
        """Return the logits of the probe's images, when everything holds that must hold of them.

        Raises:
            ClassifierError: the network does not take such images, or puts out what no classifier may.
        """
        try:
            logits = self()
        except ClassifierError:
            raise
        except Exception as error:  # networks refuse what they do not take each in its own way
            raise ClassifierError(self._refused(error)) from error
        self._check_values(logits)
        self._check_repeatable(logits)
        return logits

    def equal(self, one: torch.Tensor, other: torch.Tensor) -> bool:
        """Return whether logits are the same but for rounding."""
        return one.shape == other.shape and bool(
            (one - other).abs().max() <= TOLERANCE * one.abs().max().clamp(min=1e-6)
        )

    def _refused(self, error: Exception) -> str:
        channels, height, width = self.shape
        said = f"{type(error).__name__}: {first_line(error)}".rstrip(".")
        for other in {1, 3} - {channels}:
            if self._takes(torch.randn(IMAGES, other, height, width).to(self.images)):
                mode = {1: "L", 3: "RGB"}[other]
                return (
                    f"the classifier takes images of {other} channels, and its preprocessing makes {channels}; "
                    f"set the mode to {mode}."
                )
        return (
            f"the classifier does not take images [{IMAGES}, {channels}, {height}, {width}] ({said}); "
            "check the size and mode of its preprocessing."
        )

    def _takes(self, images: torch.Tensor) -> bool:
        try:
            return bool(torch.isfinite(self(images)).all())
        except Exception:  # as above
            return False

    def _check_values(self, logits: torch.Tensor) -> None:
        if logits.shape[1] < 2:
            raise ClassifierError(
                "the classifier puts out one number an image, and needs one for each class; of two classes, "
                "let it put out both logits."
            )
        if not torch.isfinite(logits).all():
            raise ClassifierError("the classifier puts out NaN or infinity for made-up images; check its weights.")
        sums = bool(((logits.sum(dim=1) - 1).abs() < 1e-3).all())
        if (sums and bool(((logits >= 0) & (logits <= 1)).all())) or self._ends_in_sigmoid():
            raise ClassifierError(
                "the classifier puts out probabilities instead of logits; remove the softmax or sigmoid at its end."
            )

    def _ends_in_sigmoid(self) -> bool:
        """Return whether the last operation is a sigmoid, as the record for gradients says."""
        try:
            with torch.enable_grad():
                step = logits_of(self.network(self.images[:1].detach().requires_grad_())).grad_fn
        except Exception:  # a network without gradients
            return False
        for _ in range(4):
            if step is None or "Sigmoid" in step.name():
                return step is not None
            step = (
                step.next_functions[0][0] if step.name().startswith(("View", "Squeeze", "Reshape", "Alias")) else None
            )
        return False

    def _check_repeatable(self, logits: torch.Tensor) -> None:
        if not self.equal(logits, self()):
            raise ClassifierError(
                "the classifier answers otherwise when it sees the same images again; switch off what draws at random "
                "in evaluation mode, such as dropout by a function that is not told of the mode."
            )
        if not self.equal(logits[:1], self(self.images[:1])):
            raise ClassifierError(
                "the classifier's answer to an image depends on the other images of the batch; give batch norms "
                "running statistics, and normalise nothing over the batch."
            )

    @torch.no_grad()
    def takes_views(self) -> bool:
        """Return whether the smaller views of the images pass."""
        return all(self._takes(view(self.images)) for view in VIEWS.values())

    def has_gradient(self) -> bool:
        """Return whether the gap between the two largest logits has a finite gradient at the input."""
        images = self.images.detach().requires_grad_()
        try:
            with torch.enable_grad():
                top = self(images).topk(2, dim=1).values
                (slopes,) = torch.autograd.grad((top[:, 0] - top[:, 1]).sum(), images)
        except Exception:  # an operation without a derivative, or a network that cuts the graph
            return False
        return bool(torch.isfinite(slopes).all())
