"""What of a classifier can be read, and what it can give: found by running it on made-up images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from reason.base.anatomy.calls import Call, Recorder
from reason.base.anatomy.depths import find_taps, named_taps
from reason.base.anatomy.heads import dropout_before, find_head, is_linear, named_head
from reason.base.anatomy.probing import Probe
from reason.base.anatomy.wrappers import evaluating, unwrapped
from reason.base.engines import Tapped
from reason.base.outputs import embedding_of
from reason.base.taps import POOLINGS, Tap
from reason.errors import ClassifierError, first_line


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Where to read a classifier, and what it can give."""

    head: str
    """Dotted name of the last module with weights on the way to the logits; its input is the embedding."""
    linear: bool
    """Whether the logits are weight times embedding plus bias."""
    features: int
    """Width of the embedding."""
    classes: int
    """Number of logits."""
    dropout: float
    """Rate of a dropout directly before the head, else 0."""
    taps: tuple[Tap, ...]
    """At most four layers evenly over the depth: stages of CNNs, blocks of transformers."""
    any_size: bool
    """Whether the smaller views pass."""
    gradient: bool
    """Whether the gradient at the input is there, and finite."""
    notes: tuple[str, ...]
    """Sentences on what the classifier cannot give, and why."""


def discover(
    network: nn.Module,
    shape: tuple[int, int, int],
    *,
    head: str | None = None,
    taps: Sequence[str] | None = None,
) -> Anatomy:
    """Find head, embedding and layers of a classifier, and check its answers.

    It runs on made-up images in evaluation mode; the modes that its modules were left in, and its parameters, stay as
    they are.

    Args:
        network: maps standardised images ``[n, channels, h, w]`` to logits, see ``reason.base.outputs.logits_of``.
        shape: channels, height and width of its input.
        head: dotted name of the head, where another than the one found shall be taken.
        taps: dotted names of the layers to tap, where others than those found shall be; their outputs have one row an
            image.

    Raises:
        ClassifierError: it does not take such images; puts out probabilities, NaN, or anything but ``[n, classes]``;
            answers otherwise when it is asked again; is a TorchScript module; or has no module of a name given here.
    """
    network = unwrapped(network)
    with evaluating(network) as trained, torch.random.fork_rng(devices=[]):
        return _discover(Probe(network, shape), head, taps, trained=trained)


def check_tapped(base: Tapped, shape: tuple[int, int, int]) -> bool:
    """Return whether the logits of a tapped classifier are linear in its embedding, after a look at made-up images.

    Raises:
        ClassifierError: it does not take them.
        ValueError: embedding, logits or a tap are not as wide as it says, or do not come out at all.
    """
    probe = Probe(base.network, shape)
    with torch.no_grad():
        logits, embedding, activations = _inside(base, probe.images)
    expected: dict[str, tuple[torch.Tensor | None, int]] = {
        "the embedding": (embedding, base.features),
        "the logits": (logits, base.classes),
    }
    for tap in base.taps:
        for key in tap.keys(tuple(POOLINGS)):
            expected[f"tap {tap.name}"] = (activations.get(key), tap.channels)
    for name, (found, width) in expected.items():
        if found is None or found.shape != (len(probe.images), width):
            raise ValueError(f"{name} is {None if found is None else list(found.shape)} and not {width} wide")
    head = base.classifier_head()
    if head.weight is None or head.bias is None:
        return False
    return probe.equal(logits.cpu(), (embedding.cpu() @ head.weight.T + head.bias))


def _inside(base: Tapped, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    try:
        return base.inside(images)
    except Exception as error:  # a layer that puts out another layout fails in its own way
        raise ValueError(f"the classifier cannot be run ({type(error).__name__}: {first_line(error, 80)})") from None


def _discover(probe: Probe, head: str | None, taps: Sequence[str] | None, *, trained: bool) -> Anatomy:
    logits = probe.answers()
    modules = dict(probe.network.named_modules())
    calls = _follow(probe)[0]
    found = find_head(probe, logits, calls) if head is None else named_head(calls, head, len(logits))
    taken = _follow(probe, found.name)[1]
    module = modules[found.name]
    linear = is_linear(module, taken, logits, probe)
    tapped = find_taps(probe, logits, calls, found) if taps is None else named_taps(calls, taps, len(logits))
    any_size, gradient = probe.takes_views(), probe.has_gradient()
    return Anatomy(
        head=found.name,
        linear=linear,
        features=embedding_of(module, taken).shape[1],
        classes=logits.shape[1],
        dropout=dropout_before(found, calls, modules) if linear else 0.0,
        taps=tapped,
        any_size=any_size,
        gradient=gradient,
        notes=_notes(found.name, trained=trained, linear=linear, taps=tapped, any_size=any_size, gradient=gradient),
    )


@torch.no_grad()
def _follow(probe: Probe, keep: str | None = None) -> tuple[list[Call], torch.Tensor]:
    """Return the calls of one pass, and the input of the module that is kept."""
    recorder = Recorder(probe.network, keep)
    with recorder.following():
        probe()
    if not recorder.calls:
        raise ClassifierError("the classifier calls no modules of its own, so nothing can be read inside it.")
    return recorder.calls, torch.empty(0) if recorder.kept is None else recorder.kept


def _notes(
    head: str, *, trained: bool, linear: bool, taps: Sequence[Tap], any_size: bool, gradient: bool
) -> tuple[str, ...]:
    said = {
        "The classifier was in training mode; it is judged in evaluation mode.": trained,
        f"The logits are not linear in the input of {head}: signals that read its weights drop out.": not linear,
        "No layers were found to tap: signals of the layers drop out.": not taps,
        "The classifier takes images of one size only: the views signals drop out.": not any_size,
        "The classifier has no finite gradient at its input: the gradient signals drop out.": not gradient,
    }
    return tuple(sentence for sentence, holds in said.items() if holds)
