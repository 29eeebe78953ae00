"""The head of a classifier: the last module with weights on the way to the logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from reason.base.anatomy.calls import Call, disturbed, has_weights
from reason.base.anatomy.probing import Probe
from reason.base.outputs import embedding_of, matrix_of
from reason.errors import ClassifierError
from reason.suggestions import did_you_mean


@torch.no_grad()
def find_head(probe: Probe, logits: torch.Tensor, calls: list[Call]) -> Call:
    """Return the call of the last module with weights whose output the logits depend on.

    Raises:
        ClassifierError: there is none.
    """
    modules = dict(probe.network.named_modules())
    for call in _with_weights(calls, modules):
        if matters(probe, logits, modules[call.name]) and call.taken[:1] == (len(logits),):
            return call
    raise ClassifierError(
        "the classifier has no module with weights whose input has one row an image; name its last layer by head."
    )


def named_head(calls: list[Call], name: str, images: int) -> Call:
    """Return the call of the module of this name.

    Raises:
        ClassifierError: there is none, it is not called, or its input has not one row an image.
    """
    call = named_call(calls, name, "head")
    if call.taken[:1] != (images,):
        raise ClassifierError(f"head {name}: its input is {list(call.taken)} for {images} images; name another layer.")
    return call


def named_call(calls: list[Call], name: str, what: str) -> Call:
    """Return the call of the module of this name; ``what`` is what it shall be, for messages.

    Raises:
        ClassifierError: the network has no such module, or does not call it.
    """
    found = {call.name: call for call in calls}
    if name not in found:
        hint = did_you_mean(name, found, "print the classifier to see its modules.")
        raise ClassifierError(f"{what} {name[:200]}: the classifier calls no module of this name; {hint}")
    return found[name]


def matters(probe: Probe, logits: torch.Tensor, module: nn.Module) -> bool:
    """Return whether noise on a module's output reaches the logits."""
    try:
        with disturbed(module):
            return not torch.equal(probe(), logits)
    except Exception:  # a network that does not take the noise depends on it
        return True


def is_linear(module: nn.Module, taken: torch.Tensor, logits: torch.Tensor, probe: Probe) -> bool:
    """Return whether the logits are weight times embedding plus bias."""
    matrix = matrix_of(module)
    embedding = embedding_of(module, taken).float()
    if matrix is None or matrix.shape != (logits.shape[1], embedding.shape[1]):
        return False
    bias = getattr(module, "bias", None)
    made = embedding @ matrix.float().T + (bias if isinstance(bias, torch.Tensor) else 0)
    return probe.equal(logits, made)


def dropout_before(head: Call, calls: list[Call], modules: Mapping[str, nn.Module]) -> float:
    """Return the rate of the dropout whose output is the head's input; 0 where there is none."""
    for call in reversed(calls):
        if call.end >= head.start or call.start <= head.start <= call.end:
            continue
        module = modules[call.name]
        if isinstance(module, nn.Dropout) and call.addresses[1] == head.addresses[0]:
            return module.p if module.p < 1 else 0.0
        if has_weights(module):
            break
    return 0.0


def _with_weights(calls: list[Call], modules: Mapping[str, nn.Module]) -> Iterator[Call]:
    """Yield the calls of modules with weights of their own and of no module that they call, the last first."""
    holders = [call for call in calls if has_weights(modules[call.name])]
    for call in reversed(holders):
        if not any(call.start < other.start and other.end < call.end for other in holders):
            yield call
