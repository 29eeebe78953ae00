"""Prints what a verdict of a bundle costs beside a bare forward of the classifier that it was fitted to, as JSON.

    python -m benchmarks.any_classifier.cost BUNDLE SPEC PREPROCESSING

PREPROCESSING is JSON, as cards have it. Both are timed in turn in one process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import reason
from benchmarks.verdict import interleaved
from reason.base.sources import resolve
from reason.data.images import Preprocessing

BATCHES = (1, 8)


def main(bundle: Path, spec: str, given: str) -> None:
    """Print the engine that judged, and the milliseconds an image of both by batch size."""
    image = json.loads(given)
    bare = _bare(resolve(spec, preprocessing=Preprocessing(**image) if image else None).network)
    detector = reason.load(bundle)
    random = np.random.default_rng(0)
    side = detector.preprocessing.size
    batches = {}
    for batch in BATCHES:
        squares = [Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8)) for _ in range(batch)]
        pixels = torch.stack([detector.preprocessing.pixels(square) for square in squares])
        images = detector.preprocessing.normalise(pixels)

        def forward(images: torch.Tensor = images) -> None:
            with torch.inference_mode():
                bare(images)

        def verdict(squares: list[Image.Image] = squares) -> None:
            detector.predict(squares)

        seconds = interleaved({"forward": forward, "verdict": verdict})
        batches[batch] = {what: took * 1000 / batch for what, took in seconds.items()}
    print(json.dumps({"engine": detector.engine.name, "ms": batches}))


def _bare(network: nn.Module | Path) -> Callable[[torch.Tensor], object]:
    """Return what runs the classifier as its user would without REASON."""
    if isinstance(network, nn.Module):
        return network.eval()
    if network.suffix == ".pt2":
        return torch.export.load(network).module()
    import onnxruntime

    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images.numpy()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
