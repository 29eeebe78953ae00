"""Engines that run an exported graph: what is common to all runtimes."""

from __future__ import annotations

import hashlib
import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reason.base.engines.engine import Engine
from reason.base.engines.graph import EMBEDDING, LOGITS
from reason.base.evidence import Evidence
from reason.errors import BundleError, ReasonError, first_line
from reason.files import Stamp, open_regular, sha256_of, stamp_of

Run = Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]]
"""Takes images ``[n, channels, h, w]`` and returns every output of the graph, arrays of their own."""


@dataclass(frozen=True, slots=True)
class ExportedFiles:
    """The checked files of an exported graph."""

    graph: Path
    graph_digest: str
    """SHA-256 of the graph."""
    weights: Path
    weights_digest: str
    """SHA-256 of the weights' file beside it, which the graph points into."""
    outputs: tuple[str, ...]
    """Names of the graph's outputs, in their order."""
    batch: int | None = None
    """Number of images that the graph takes together; ``None`` for any."""

    def check(self) -> tuple[Stamp, ...]:
        """Compare the files with what was loaded: they may have been replaced since.

        Returns:
            Their stamps, to compare with ``stamps`` once a runtime has opened them by their names.

        Raises:
            BundleError: they were.
        """
        return tuple(map(_unchanged, (self.graph, self.weights), (self.graph_digest, self.weights_digest)))

    def stamps(self) -> tuple[Stamp, ...]:
        """Return the stamps of the files that lie there now.

        Raises:
            OSError: one is missing.
        """
        return stamp_of(self.graph), stamp_of(self.weights)


def _unchanged(path: Path, digest: str) -> Stamp:
    try:
        with open_regular(path) as file:
            stamp = stamp_of(file)
            if sha256_of(file) == digest:
                return stamp
    except OSError:
        pass
    raise BundleError(f"{path}: is not the file that was loaded any more; load the bundle again.")


class Exported(Engine):
    """Runs an exported graph by a runtime, which is opened by the first pass in each process.

    So a copy in another process opens its own, a server may fork after loading, and the runtime takes as many
    threads as PyTorch is set to where it is used.
    """

    def __init__(self, files: ExportedFiles) -> None:
        self.files = files
        self._opened: tuple[int, Run] | None = None

    @abstractmethod
    def _open(self, threads: int) -> Run:
        """Open the runtime on the checked files."""

    def look(self, images: torch.Tensor, *, gradient: bool, taps: bool) -> Evidence:
        """Pass images through the graph once, see ``Engine.look``; it has no gradient."""
        if gradient:
            raise ValueError(f"{self.name}: an exported graph has no gradient; use the torch engine.")
        found = self._parts(images.detach().cpu().contiguous().numpy())
        outputs = dict(zip(self.files.outputs, map(torch.from_numpy, found), strict=True))
        logits, embedding = outputs.pop(LOGITS), outputs.pop(EMBEDDING)
        return Evidence(logits=logits, embedding=embedding, activations=outputs if taps else {})

    def _parts(self, images: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        """Return the outputs for any number of images; a graph that takes a fixed one gets black ones beside them."""
        run, together = self._run(), self.files.batch
        if together is None:
            return run(images)
        rest = np.zeros((-len(images) % together, *images.shape[1:]), np.float32)
        whole = np.concatenate([images, rest])
        parts = [run(whole[start : start + together]) for start in range(0, len(whole), together)]
        return [np.concatenate(part)[: len(images)] for part in zip(*parts, strict=True)]

    def identity(self) -> str:
        """Return a digest of the runtime with its version and precision, and of graph and weights."""
        facts = (self.name, self.precision, self.version, self.files.graph_digest, self.files.weights_digest)
        return hashlib.sha256(" ".join(facts).encode()).hexdigest()

    def _run(self) -> Run:
        """Return the runtime of this process. One of the parent's has threads that a fork does not have."""
        opened = self._opened
        if opened is None or opened[0] != os.getpid():
            checked = self.files.check()
            try:
                run = self._open(torch.get_num_threads())
                if self.files.stamps() != checked:
                    raise BundleError(f"{self.files.graph}: was replaced while it was opened; load the bundle again.")
            except ReasonError:
                raise
            except Exception as error:  # runtimes have errors of their own
                raise BundleError(f"{self.files.graph}: {self.name} cannot run it ({first_line(error)}).") from error
            _ABANDONED.append(opened)
            self._opened = opened = (os.getpid(), run)
        return opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}


_ABANDONED: list[object] = []
"""Runtimes of a parent process: to close one in its child would wait for threads that are not there."""
