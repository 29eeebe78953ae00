"""The engine that runs an exported graph by ONNX Runtime, in single precision on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reason.base.engines.exported import Exported, Run
from reason.base.engines.graph import INPUT


class OnnxRuntime(Exported):
    """ONNX Runtime: folds batch norm into the convolutions, and lays memory out in blocks of channels."""

    name = "onnx"
    precision = "fp32"

    def _open(self, threads: int) -> Run:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what fails is raised, and said by whoever catches it
        # Threads that wait by spinning take the processor from PyTorch, which computes the signals right after.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session: Any = onnxruntime.InferenceSession(self.files.graph, options, providers=["CPUExecutionProvider"])

        def run(images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
            found: list[NDArray[np.float32]] = session.run(self.files.outputs, {INPUT: images})
            return found

        return run

    @property
    def version(self) -> str:
        """Runtime and version."""
        import onnxruntime

        return f"onnxruntime {onnxruntime.__version__}"
