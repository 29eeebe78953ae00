"""Compare what a graph puts out with what the classifier puts out that it was made from."""

from __future__ import annotations

import torch

from reason.base.engines.engine import Engine
from reason.base.graphs.outputs import close
from reason.base.graphs.references import Reference
from reason.base.views import VIEWS
from reason.errors import BundleError, first_line


def differs(engine: Engine, reference: Reference, images: torch.Tensor, *, softmax: str, smaller: bool) -> str:
    """Return how a graph and its source differ, as the rest of a sentence; nothing where they are equal.

    Args:
        engine: runs the graph.
        reference: runs the source.
        images: standardised images ``[n, channels, h, w]``; they are shown one by one and together.
        softmax: which softmax of the source the graph has left out: ``Softmax``, ``LogSoftmax`` or none.
        smaller: whether to show the smaller views too.
    """
    shown = [images[:1], images, *((view(images[:2]) for view in VIEWS.values()) if smaller else ())]
    for place, part in enumerate(shown):
        try:
            expected = reference(part)
        except Exception as error:  # whatever the owner's code raises
            if place > 1:
                return "takes images of one size only."
            return f"fails on images of its size ({first_line(error, 150)}); check its shape."
        fault = _differs(engine, part, expected, softmax)
        if fault:
            return fault
    return ""


def _differs(engine: Engine, images: torch.Tensor, expected: torch.Tensor, softmax: str) -> str:
    if not bool(torch.isfinite(expected).all()):
        return "puts out numbers that are not finite for random images; check its weights."
    if not softmax and len(expected) > 1 and _are_probabilities(expected):
        return "puts out probabilities and not logits; leave out its softmax."
    try:
        logits = engine.look(images, gradient=False, taps=True).logits
    except BundleError as error:
        return f"its graph cannot be run ({first_line(error, 200)})."
    except Exception as error:  # runtimes have errors of their own
        return f"its graph fails on images ({first_line(error, 150)})."
    logits = logits.softmax(1) if softmax == "Softmax" else logits.log_softmax(1) if softmax else logits
    if not close(logits.numpy(), expected.numpy()):
        return "its graph puts out other logits than itself; is it in evaluation mode, and the same at each call?"
    return ""


def _are_probabilities(outputs: torch.Tensor) -> bool:
    return bool((outputs >= 0).all()) and torch.allclose(outputs.sum(dim=1), torch.ones(len(outputs)), atol=1e-4)
