"""Whoever loads a bundle and judges a picture does not wait for what fitting, evaluation and exports take."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = (
    "sklearn",
    "scipy",
    "matplotlib",
    "joblib",
    "torchvision",
    "onnx",
    "onnxruntime",
    "openvino",
    "flask",
    "huggingface_hub",
    "mlflow",
    "pandas",
)


@pytest.mark.parametrize("module", ["reason.detector.detector", "reason.cli.judging", "reason.base.backbones.resnet"])
def test_judging_imports_nothing_that_it_does_not_use(module: str) -> None:
    program = f"import sys, reason; import {module}; reason.load; print([n for n in {SLOW!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_reason_works_without_the_extras() -> None:
    """Their modules cannot be imported here, as where they are not installed."""
    program = (
        "import sys\n"
        "extras = 'onnx', 'onnxruntime', 'onnxscript', 'openvino', 'huggingface_hub', 'mlflow', 'pandas'\n"
        "sys.modules.update(dict.fromkeys(extras))\n"
        "import reason, reason.base.engines.choice as choice\n"
        "reason.load, reason.fit, reason.push\n"
        "print(choice.choose('auto', 'cpu', bundle='b', proved=['onnx', 'openvino'], gradient=False))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("torch\n", "")
