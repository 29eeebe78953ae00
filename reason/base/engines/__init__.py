"""Who runs the base classifier: PyTorch, or a runtime that runs its exported graph.

An engine takes standardised images and returns `Evidence`. Hooks and gradients live in `pytorch` only.
"""

from reason.base.engines.engine import Engine
from reason.base.engines.pytorch import Tapped

__all__ = ["Engine", "Tapped"]
