"""Importing the evaluation changes nothing in the process."""

from __future__ import annotations

import subprocess
import sys

IMPORT = """
import importlib, pkgutil, sys, warnings
import matplotlib, torch, torchvision, sklearn.linear_model, scipy.stats, pydantic
import reason.data.images

def state():
    # Looking at the backend itself would choose one.
    style = {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}
    return matplotlib.get_backend(auto_select=False), style, list(warnings.filters)

before = state()
import reason.evaluation
for module in pkgutil.walk_packages(reason.evaluation.__path__, "reason.evaluation."):
    importlib.import_module(module.name)
assert state() == before
assert "matplotlib.pyplot" not in sys.modules
"""


def test_importing_the_library_leaves_backend_style_and_warnings_alone() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
