"""Weights from files, whatever they are wrapped in; no code in them is run."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from reason.errors import ClassifierError, first_line

WRAPPINGS = ("state_dict", "model", "model_state_dict", "state_dict_ema", "model_ema", "net", "network")
"""Keys under which training loops keep the weights."""

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
"""What wrappers and Lightning put before the names of all weights."""

State = dict[str, torch.Tensor]


def read(path: Path) -> State:
    """Return the weights in a file, ``.safetensors`` or what ``torch.save`` wrote, by name.

    Raises:
        ClassifierError: the file is missing, holds anything but weights, or objects whose code would have to be run.
    """
    if not path.is_file():
        raise ClassifierError(f"{path}: there is no such file of weights.")
    try:
        loaded = load_file(path) if path.suffix == ".safetensors" else _load(path)
    except pickle.UnpicklingError:
        raise ClassifierError(
            f"{path}: holds Python objects, which are not read because that would run code; save the weights alone, "
            "by torch.save(model.state_dict(), path)."
        ) from None
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        raise ClassifierError(f"{path}: cannot be read as weights ({first_line(error)}); save them again.") from None
    return _unwrapped(loaded, path)


def _load(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how the file was written: what cannot be read is refused in a sentence
        return torch.load(path, map_location="cpu", weights_only=True)


def _unwrapped(loaded: Any, path: Path) -> State:
    for _ in range(3):
        inner = next((loaded[key] for key in WRAPPINGS if isinstance(loaded, Mapping) and _holds(loaded, key)), None)
        loaded = loaded if inner is None else inner
    if not isinstance(loaded, Mapping) or not any(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise ClassifierError(f"{path}: holds no weights by name; save those of model.state_dict().")
    return {str(name): value for name, value in loaded.items() if isinstance(value, torch.Tensor)}


def _holds(loaded: Mapping[Any, Any], key: str) -> bool:
    return isinstance(loaded.get(key), Mapping)


def fitting(state: State, network: nn.Module) -> State:
    """Return the weights without the prefixes of wrappers, as far as that makes more of them fit the network."""
    wanted = network.state_dict().keys()
    best = state
    for _ in range(2):
        for prefix in PREFIXES:
            cut = {name.removeprefix(prefix): value for name, value in best.items() if name.startswith(prefix)}
            if len(wanted & cut.keys()) > len(wanted & best.keys()):
                best = cut
    return best


def fill(network: nn.Module, state: State, path: Path, what: str) -> None:
    """Put weights into a network, all of them.

    Raises:
        ClassifierError: names or shapes are not those of the network; the first few are in the message.
    """
    state = fitting(state, network)
    wanted = network.state_dict()
    optional = {name for name in wanted if name.endswith("num_batches_tracked")}
    missing = [name for name in wanted if name not in state and name not in optional]
    surplus = [name for name in state if name not in wanted]
    shaped = [name for name in wanted if name in state and state[name].shape != wanted[name].shape]
    faults = {"lacks": missing, "has besides": surplus}
    said = [f"{verb} {_some(names)}" for verb, names in faults.items() if names]
    for name in shaped[:1]:
        said.append(f"has {name} as {list(state[name].shape)} instead of {list(wanted[name].shape)}")
    if said:
        raise ClassifierError(
            f"{path}: does not fit {what}: it {' and '.join(said)}; name the model it was trained as."
        )
    network.load_state_dict(state, strict=not optional)


def _some(names: list[str]) -> str:
    rest = len(names) - 3
    return ", ".join(names[:3]) + (f" and {rest} more" if rest > 0 else "")


def rows(state: State, network: nn.Module, heads: tuple[str, ...]) -> int | None:
    """Return the number of classes that weights were trained for: the rows of the last of the named layers in them."""
    state = fitting(state, network)
    found = [state[f"{head}.weight"].shape[0] for head in heads if f"{head}.weight" in state]
    return found[-1] if found else None
