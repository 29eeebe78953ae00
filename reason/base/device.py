"""Where the base classifier runs, and in which precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

from reason.errors import ConfigError


def choose(name: str) -> torch.device:
    """Turn ``auto``, ``cpu`` or ``cuda`` into a device.

    Raises:
        ConfigError: a GPU was asked for and none can be used.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device cuda: PyTorch finds no usable GPU; use auto or cpu.")
    return torch.device(name)


def mixed_precision(device: torch.device) -> AbstractContextManager[object]:
    """Return the autocast context: bf16 on a GPU, and on a CPU that has bf16 arithmetic; else none."""
    enabled = device.type == "cuda" or _cpu_has_bf16()
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute convolutions on a GPU in fp32, not TF32, so that what is fitted there holds where the CPU judges."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _cpu_has_bf16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
