"""Which engine runs a base classifier: the one that was asked for, or the fastest that may."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType

from reason.base.engines.exported import Exported
from reason.base.engines.onnx_runtime import OnnxRuntime
from reason.base.engines.openvino import OpenVino, OpenVinoBf16, has_bf16
from reason.errors import ConfigError
from reason.suggestions import did_you_mean

TORCH, AUTO = "torch", "auto"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime of exported graphs."""

    engine: type[Exported]
    extra: str
    """Extra of the package that installs it, as in ``pip install 'reason[onnx]'``."""
    modules: tuple[str, ...]
    """What must be importable."""

    @property
    def installed(self) -> bool:
        """Whether all that it takes is installed."""
        return all(find_spec(module) is not None for module in self.modules)


RUNTIMES: Mapping[str, Runtime] = MappingProxyType(
    {
        "openvino-bf16": Runtime(OpenVinoBf16, "openvino", ("onnx", "openvino")),
        "onnx": Runtime(OnnxRuntime, "onnx", ("onnx", "onnxruntime")),
        "openvino": Runtime(OpenVino, "openvino", ("onnx", "openvino")),
    }
)
"""By name, the fastest first; see docs/engines.md."""

ALONE = ("onnx", "openvino")
"""Engines that need no proof for a base classifier of which only the graph is there: in single precision."""

ENGINES = (AUTO, TORCH, *sorted(RUNTIMES))
"""What ``engine`` may be."""


def choose(
    wanted: str,
    device: str,
    *,
    bundle: str,
    proved: Collection[str],
    gradient: bool,
    exact: bool = False,
) -> str:
    """Return the name of the engine that shall run a bundle's base classifier.

    Args:
        wanted: one of ``ENGINES``; ``auto`` takes the fastest that is installed, that the bundle was proved with, that
            gives what its signals need and that this processor can run.
        device: ``cpu`` or ``cuda``; exported graphs run on the CPU.
        bundle: the bundle's name, for messages.
        proved: engines that the bundle was proved with.
        gradient: whether its signals need the input gradient.
        exact: whether ``auto`` leaves out engines whose verdicts may differ from those of PyTorch.

    Raises:
        ConfigError: the engine is unknown, not installed, or cannot run this bundle on this device.
    """
    if wanted not in ENGINES:
        raise ConfigError(f"engine: no engine {wanted!r:.80}; {did_you_mean(wanted, ENGINES)}")
    if wanted == AUTO:
        may = (name for name in RUNTIMES if not (exact and RUNTIMES[name].engine.precision != "fp32"))
        return next((name for name in may if not _obstacle(name, device, bundle, proved, gradient)), TORCH)
    if wanted != TORCH and (obstacle := _obstacle(wanted, device, bundle, proved, gradient)):
        raise ConfigError(f"engine {wanted}: {obstacle}")
    return wanted


def choose_for_graph(wanted: str, device: str, *, bundle: str, gradient: bool) -> str:
    """Return the name of the engine that shall run a base classifier of which only the graph is there.

    Args:
        wanted: one of ``ENGINES``; ``auto`` takes the first of ``onnx`` and ``openvino`` that is installed.
        device: ``cpu`` or ``cuda``.
        bundle: the bundle's name, for messages.
        gradient: whether its signals need the input gradient.

    Raises:
        ConfigError: the engine is unknown, not installed, or cannot run a graph by itself.
    """
    if wanted not in ENGINES:
        raise ConfigError(f"engine: no engine {wanted!r:.80}; {did_you_mean(wanted, ENGINES)}")
    if gradient:
        raise ConfigError(f"{bundle}: its signals need the input gradient, which a graph does not have; fit it again.")
    if device != "cpu":
        raise ConfigError(f"{bundle}: is carried by a graph, and graphs run on the CPU; use device cpu.")
    if wanted not in (AUTO, *ALONE):
        raise ConfigError(f"engine {wanted}: {bundle} is carried by a graph; use onnx, openvino or auto.")
    found = next((name for name in ALONE if wanted in (AUTO, name) and RUNTIMES[name].installed), None)
    if found is None:
        extra = RUNTIMES[wanted if wanted in ALONE else ALONE[0]].extra
        raise ConfigError(f"{bundle}: is carried by a graph, which takes a runtime; pip install 'reason[{extra}]'.")
    return found


def require(name: str) -> Runtime:
    """Return a runtime that is installed.

    Raises:
        ConfigError: there is none of this name, or it is not installed.
    """
    if name not in RUNTIMES:
        raise ConfigError(f"engine: no graph is exported for {name!r:.80}; {did_you_mean(name, RUNTIMES)}")
    if not RUNTIMES[name].installed:
        raise ConfigError(f"engine {name}: {_missing(name)}")
    return RUNTIMES[name]


def _missing(name: str) -> str:
    return f"it is not installed; pip install 'reason[{RUNTIMES[name].extra}]'."


def _obstacle(name: str, device: str, bundle: str, proved: Collection[str], gradient: bool) -> str:
    """Return why a runtime cannot run the bundle, as the rest of a sentence; empty when it can."""
    if gradient:
        return needs_torch(bundle)
    if name not in proved:
        return f"{bundle} was not proved with it; run `reason export {bundle} {_arguments(name)}`, or use torch."
    if device != "cpu":
        return f"exported graphs run on the CPU; use device cpu, or the torch engine on {device}."
    if not RUNTIMES[name].installed:
        return _missing(name)
    if name == "openvino-bf16" and not has_bf16():
        return "this processor has no bfloat16 arithmetic; use openvino, onnx or torch."
    return ""


def needs_torch(bundle: str) -> str:
    """Return why no runtime can run a bundle whose signals read the input gradient, as the rest of a sentence."""
    return f"the signals of {bundle} need the input gradient, which the torch engine alone has."


def _arguments(name: str) -> str:
    runtime, _, precision = name.partition("-")
    return f"--engine {runtime}" + (f" --precision {precision}" if precision else "")
