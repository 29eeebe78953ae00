"""What a bundle of a network of one's own asks of the network that load is given, and what it leaves as it is."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import torch

import reason
from reason.base.backbones import ARCHITECTURES, make
from reason.bundle.folders import CARD, SAMPLE
from reason.detector.detector import Detector
from reason.errors import BundleError
from reason.registry import Registry
from reason.signals.registry import FAMILIES
from reason.signals.texts import from_bytes

from .forging import edit_arrays, edit_card


@pytest.fixture
def own(detector: Detector, tmp_path: Path) -> Path:
    reason.save(Detector(**{**vars(detector), "architecture": "custom"}), tmp_path / "own")
    return tmp_path / "own"


def hooks(network: torch.nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in network.modules())


@pytest.mark.parametrize("whole", [True, False], ids=["loads", "fails"])
def test_the_callers_network_stays_as_it_is(own: Path, whole: bool) -> None:
    network = make("cnn", 3, 0.2).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    if whole:
        reason.load(own, network=network, head="head")
    else:
        edit_arrays(own, SAMPLE, lambda arrays: arrays.update(correct=~arrays["correct"]))
        with pytest.raises(BundleError, match="its certificate does not follow"):
            reason.load(own, network=network, head="head")
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert hooks(network) == 0
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("dtype", [torch.int16, torch.complex64])
def test_a_network_with_numbers_that_no_bundle_holds(own: Path, dtype: torch.dtype) -> None:
    network = make("cnn", 3, 0.2)
    network.register_buffer("steps", torch.zeros(2, dtype=dtype))
    with pytest.raises(BundleError, match=f"the network has steps in {dtype}, which bundles do not hold"):
        reason.load(own, network=network, head="head")


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("channels", 10**9, "taps have no channels, or more than 100000 outputs"),
        ("channels", -1, "taps have no channels, or more than 100000 outputs"),
        ("name", "x" * 1000, "taps have a name that is too long"),
    ],
)
def test_taps_that_would_make_too_many_columns(own: Path, key: str, value: Any, fault: str) -> None:
    edit_card(own, lambda card: card["taps"][0].update({key: value}))
    with pytest.raises(BundleError, match=fault):
        reason.load(own, network=make("cnn", 3, 0.2), head="head")


@pytest.mark.parametrize(
    ("registry", "change"),
    [
        (FAMILIES, lambda card: card["signals"]["families"].append("plugged")),
        (ARCHITECTURES, lambda card: card.update(architecture="plugged")),
    ],
    ids=["family", "architecture"],
)
def test_a_plugin_that_cannot_be_imported(
    own: Path, registry: Registry[Any], change: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = EntryPoint("plugged", "no_such_module:Thing", registry.group)
    monkeypatch.setattr(registry, "_offers", {"plugged": offer})
    edit_card(own, change)
    with pytest.raises(BundleError, match=rf"{CARD}: plugged: a package offers this .* cannot be imported"):
        reason.load(own, network=make("cnn", 3, 0.2), head="head")


def test_texts_that_are_too_wide_are_no_texts() -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        from_bytes(torch.zeros(1, 1, dtype=torch.uint8).expand(1, 2**31))
