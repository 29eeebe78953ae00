"""The classifier as its owner runs it, which its graph is compared with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reason.base.graphs.reading import Images
from reason.base.outputs import logits_of

Reference = Callable[[torch.Tensor], torch.Tensor]
"""Standardised images ``[n, channels, h, w]`` to what the classifier puts out, ``[n, classes]``."""


def of_network(network: nn.Module) -> Reference:
    """Return a network as it is; it must be in evaluation mode."""
    device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))

    def run(images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return logits_of(network(images.to(device))).flatten(1).float().cpu()

    return run


def of_file(path: Path, images: Images) -> Reference:
    """Return an ONNX file as ONNX Runtime runs it."""
    opened: list[Any] = []

    def run(batch: torch.Tensor) -> torch.Tensor:
        if not opened:  # the first time: what the graph lacks is said better by who reads it
            opened.append(_session(path))
        names = [item.name for item in opened[0].get_outputs()]
        wanted = names if len(names) == 1 else ["logits"]
        turned = batch.permute(0, 2, 3, 1) if images.channels_last else batch
        count = images.batch or len(turned)
        rest = turned.new_zeros(-len(turned) % count, *turned.shape[1:])
        parts = torch.cat([turned, rest]).split(count)
        found = [opened[0].run(wanted, {images.name: part.contiguous().numpy()})[0] for part in parts]
        return torch.cat([torch.from_numpy(part) for part in found])[: len(batch)].flatten(1)

    return run


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
