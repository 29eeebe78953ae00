"""The engines that run an exported graph by OpenVINO on the CPU: in single precision, and in bfloat16."""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reason.base.engines.exported import Exported, Run
from reason.errors import ConfigError


class OpenVino(Exported):
    """OpenVINO in single precision, said outright: left to itself it takes bfloat16 where the processor has it."""

    name = "openvino"
    precision: Literal["fp32", "bf16"] = "fp32"
    _hint = "f32"

    def _open(self, threads: int) -> Run:
        import openvino

        core = openvino.Core()
        # No cache on disk: a compiled model is code, and would be trusted without a check.
        settings = {
            "INFERENCE_PRECISION_HINT": self._hint,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "CACHE_DIR": "",
        }
        compiled = core.compile_model(core.read_model(self.files.graph), "CPU", settings)
        self._check_precision(compiled)
        outputs = [compiled.output(name) for name in self.files.outputs]
        idle: deque[Any] = deque()  # a request holds the results of one pass: threads must not share one

        def run(images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
            request = idle.pop() if idle else compiled.create_infer_request()
            results = request.infer([images], share_inputs=True)
            copies = [np.array(results[output]) for output in outputs]
            idle.append(request)
            return copies

        return run

    def _check_precision(self, compiled: Any) -> None:
        found = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if found != self._hint:
            raise ConfigError(f"{self.name}: this processor computes in {found} instead; use another engine.")

    @property
    def version(self) -> str:
        """Runtime and version."""
        import openvino

        return f"openvino {openvino.__version__}"


class OpenVinoBf16(OpenVino):
    """OpenVINO in bfloat16, on processors that have its arithmetic."""

    name = "openvino-bf16"
    precision = "bf16"
    _hint = "bf16"


def has_bf16() -> bool:
    """Return whether this processor has the arithmetic of bfloat16."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
