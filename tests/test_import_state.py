"""Importing the library leaves the process as it was."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def test_importing_every_module_changes_no_global_state() -> None:
    """What other packages change as they are imported is theirs, so they come first."""
    program = """
        import importlib, logging, pkgutil, random, signal, warnings
        import flask, flask_cors, joblib, matplotlib.figure, PIL.Image, scipy.stats, sklearn.linear_model
        import sklearn.ensemble, torch, torchvision
        import numpy

        def state():
            return {
                "warnings": list(warnings.filters),
                "backend": dict.get(matplotlib.rcParams, "backend"),
                "style": {name: dict.get(matplotlib.rcParams, name) for name in dict.keys(matplotlib.rcParams)},
                "threads": torch.get_num_threads(),
                "dtype": torch.get_default_dtype(),
                "gradients": torch.is_grad_enabled(),
                "handlers": list(logging.getLogger().handlers),
                "signal": signal.getsignal(signal.SIGINT),
                "random": random.getstate(),
                "numpy": numpy.random.get_state()[1].tolist(),
                "torch": torch.get_rng_state().tolist(),
            }

        before = state()
        import reason
        for name in ("load", "fit", "save", "Detector", "Verdict"):
            getattr(reason, name)
        modules = [found.name for found in pkgutil.walk_packages(reason.__path__, "reason.")]
        for name in modules:
            if name != "reason.__main__":
                importlib.import_module(name)
        after = state()
        print(len(modules), [key for key in before if before[key] != after[key]])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    count, _, changed = done.stdout.strip().partition(" ")
    assert int(count) > 80
    assert changed == "[]"


def test_importing_the_front_door_imports_nothing_heavy() -> None:
    program = "import sys, reason; print([name for name in ('torch', 'matplotlib', 'flask') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
