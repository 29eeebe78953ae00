"""``reason.load``: a Detector from a folder, or from the Hub."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from reason.bundle import reading
from reason.detector.detector import Detector
from reason.sharing.places import bundle_folder


def load(
    bundle: str | Path,
    *,
    engine: str = "auto",
    device: str = "cpu",
    exact: bool = False,
    network: nn.Module | None = None,
    head: str | None = None,
) -> Detector:
    """Read a bundle.

    Args:
        bundle: its folder; or ``hf://OWNER/NAME`` or ``hf://OWNER/NAME@REVISION``, which is fetched from the Hugging
            Face Hub first, see ``reason.sharing.fetching.fetch``.
        engine: what runs the base classifier, one of ``reason.base.engines.choice.ENGINES``; ``auto`` takes the fastest
            that is installed, that the bundle was proved with and that gives what its signals need.
        device: where PyTorch runs it: ``cpu``, ``cuda``, or ``auto`` for a GPU that is there.
        exact: whether ``auto`` leaves out engines whose verdicts may differ from those of PyTorch by more than 1e-4.
        network: for a bundle of a network of your own (architecture ``custom``), a network of the same shape; it
            is copied and stays as it is.
        head: dotted name of that network's last ``nn.Linear``.

    Raises:
        BundleError: a file is missing, truncated or altered, holds what no bundle holds, or does not fit the others.
        ConfigError: the engine is not installed or may not run this bundle, or the device cannot be used.
        SharingError: the bundle cannot be fetched.
    """
    folder = Path(bundle) if isinstance(bundle, Path) or not bundle.startswith("hf:") else bundle
    return reading.load(bundle_folder(folder), engine=engine, device=device, exact=exact, network=network, head=head)
