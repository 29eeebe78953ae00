"""One choice of a device, for everything that runs the base classifier."""

from __future__ import annotations

import pytest
import torch

from reason.base import device
from reason.errors import ConfigError


def test_auto_takes_a_gpu_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, expected in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert device.choose("auto").type == expected
        assert device.choose("cpu").type == "cpu"


def test_a_gpu_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="device cuda: PyTorch finds no usable GPU; use auto or cpu"):
        device.choose("cuda")


def test_convolutions_are_in_fp32_inside_the_block_only() -> None:
    before = torch.backends.cudnn.allow_tf32
    with device.full_precision():
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before


def test_training_is_in_bf16_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for has in (True, False):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda has=has: {"avx512_bf16": has})
        with device.mixed_precision(torch.device("cpu")):
            assert torch.is_autocast_enabled("cpu") == has
