"""Typed recipes: one declarative TOML file says everything about how a bundle is made."""

from __future__ import annotations

import tomllib
import typing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from reason.data.corruptions import CORRUPTIONS
from reason.detector.metanet import MetaNetSettings
from reason.errors import RecipeError
from reason.fitting.fitting_data import CorruptionMix, MetaFit
from reason.signals import SignalSettings
from reason.suggestions import did_you_mean


@dataclass(frozen=True, slots=True)
class Data:
    """The data set and its split."""

    dataset: Literal["imagenette", "mnist"]
    """Name in ``reason.data.datasets.READERS``."""
    base_share: float
    """Share of the train images that the base classifier, the PCA and the bank learn from."""
    meta_share: float
    """Share that the MetaNet learns from; the rest calibrates."""
    size: int
    """Side in pixels at which images are stored, judged and served."""
    mean: tuple[float, ...]
    """Mean of each channel, of pixels in [0, 1]."""
    std: tuple[float, ...]
    """Standard deviation of each channel, of pixels in [0, 1]."""
    mode: Literal["RGB", "L"] = "RGB"
    """Colour, or greyscale with one channel."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of base training at one resolution."""

    epochs: int
    """Number of passes over base-train."""
    size: int
    """Side of the training crops, in pixels."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A rise and fall of the learning rate, with its augmentation.

    A later cycle starts from the weights of the one before (warm restarts; Loshchilov and Hutter, SGDR, 2017).
    """

    learning_rate: float
    """Peak of the cycle."""
    crop_area: float
    """Smallest share of the picture that a random crop keeps, in (0, 1]."""
    colour_jitter: float
    """Largest relative change of brightness, contrast and saturation, in [0, 1]."""
    phases: tuple[Phase, ...]
    """Resolutions in order, small ones first."""
    mirror: bool = True
    """Whether half of the crops are mirrored."""
    erased_area: float = 0.0
    """Largest share of a crop that one blank rectangle covers, in [0, 1)."""


@dataclass(frozen=True, slots=True)
class Base:
    """How the base classifier is trained."""

    architecture: Literal["resnet50", "resnet50d", "cnn"]
    """Network; a key of ``reason.base.backbones.ARCHITECTURES``."""
    dropout: float
    """Rate of the dropout before the head."""
    cycles: tuple[Cycle, ...]
    """One after the other."""
    batch_size: int
    """Images a step."""
    optimizer: Literal["adamw", "adam", "sgd"]
    """AdamW, Adam with its usual betas, or SGD with Nesterov momentum 0.9."""
    weight_decay: float
    """Decoupled (AdamW) or L2 (Adam, SGD) decay of the weight matrices; none on biases and norms."""
    warmup_share: float
    """Share of each cycle's steps in which the learning rate rises."""
    average_decay: float
    """Decay of the exponential moving average of the weights, per step."""
    schedule: Literal["one_cycle", "constant"] = "one_cycle"
    """Course of the learning rate in each cycle: up and down, or always at the peak."""
    weights: Literal["none", "imagenet"] = "none"
    """Start from scratch, or from torchvision's ImageNet weights (``resnet50`` only)."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What the shipped threshold promises."""

    risk: float
    """Upper limit of the error rate among accepted predictions."""
    delta: float
    """Chance, over calibration draws, that the promise fails."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that makes a bundle."""

    name: str
    """Name of the bundle."""
    title: str
    """One line that people read."""
    seed: int
    """Seed of the split, of the training and of every sample."""
    data: Data
    base: Base
    signals: SignalSettings
    meta_fit: MetaFit
    metanet: MetaNetSettings
    threshold: Threshold
    home: CorruptionMix = field(default_factory=CorruptionMix)
    """What the images are like that the bundle is made for: calibration images are shifted so."""


def read(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        RecipeError: the file is missing, is not TOML, or has an unknown, missing or ill-typed key.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); name a recipe file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not valid TOML ({error}).") from None
    recipe: Recipe = _build(Recipe, table, where="", path=path)
    _check_ranges(recipe, path)
    return recipe


def _build(kind: Any, value: Any, *, where: str, path: Path) -> Any:
    """Turn parsed TOML into ``kind``, naming the dotted key of anything that does not fit."""
    if is_dataclass(kind):
        return _build_table(kind, value, where=where, path=path)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if isinstance(value, list):
            return tuple(_build(arguments[0], item, where=f"{where}[{i}]", path=path) for i, item in enumerate(value))
        raise RecipeError(f"{path}: {where} must be a list.")
    if origin is Literal:
        if value in arguments:
            return value
        raise RecipeError(f"{path}: {where} must be one of {', '.join(map(repr, arguments))}, not {value!r}.")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is kind:
        return value
    raise RecipeError(f"{path}: {where} must be of type {kind.__name__}, not {value!r}.")


def _build_table(kind: Any, value: Any, *, where: str, path: Path) -> Any:
    if not isinstance(value, dict):
        raise RecipeError(f"{path}: {where or 'the file'} must be a table.")
    hints = typing.get_type_hints(kind)
    prefix = f"{where}." if where else ""
    for key in value:
        if key not in hints:
            hint = did_you_mean(key, hints, f"known keys: {', '.join(hints)}.", prefix=prefix)
            raise RecipeError(f"{path}: unknown key {prefix}{key}; {hint}")
    built = {}
    for item in fields(kind):
        if item.name in value:
            built[item.name] = _build(hints[item.name], value[item.name], where=prefix + item.name, path=path)
        elif item.default is MISSING and item.default_factory is MISSING:
            raise RecipeError(f"{path}: key {prefix}{item.name} is missing.")
    return kind(**built)


def _check_ranges(recipe: Recipe, path: Path) -> None:
    data, base, meta_fit = recipe.data, recipe.base, recipe.meta_fit
    checks = {
        "data.base_share and data.meta_share must be positive and leave some images to calibrate": (
            data.base_share > 0 and data.meta_share > 0 and data.base_share + data.meta_share < 1
        ),
        "data.mean and data.std need one number for each channel": (len(data.mean) == len(data.std) == len(data.mode)),
        "base.cycles needs at least one cycle, and each at least one phase with positive epochs and size": (
            len(base.cycles) > 0
            and all(cycle.phases for cycle in base.cycles)
            and all(phase.epochs > 0 and phase.size > 0 for cycle in base.cycles for phase in cycle.phases)
        ),
        "base.dropout must be in [0, 1)": 0 <= base.dropout < 1,
        "base.cycles: crop_area must be in (0, 1]": all(0 < cycle.crop_area <= 1 for cycle in base.cycles),
        "base.cycles: erased_area must be in [0, 1)": all(0 <= cycle.erased_area < 1 for cycle in base.cycles),
        "base.weights = 'imagenet' needs base.architecture = 'resnet50'": (
            base.weights == "none" or base.architecture == "resnet50"
        ),
        "signals.pca_columns must not exceed signals.pca_components": (
            recipe.signals.pca_columns <= recipe.signals.pca_components
        ),
        "threshold.risk and threshold.delta must be in (0, 1)": (
            0 < recipe.threshold.risk < 1 and 0 < recipe.threshold.delta < 1
        ),
        "metanet.members must be at least 1": recipe.metanet.members >= 1,
        "metanet.scalar_members must not exceed metanet.members": (
            0 <= recipe.metanet.scalar_members <= recipe.metanet.members
        ),
        "meta_fit needs a block of copies or the clean images, and no negative number of blocks": (
            meta_fit.blocks > 0 and min(meta_fit.augmented, meta_fit.at_home, meta_fit.corrupted) >= 0
        ),
        "meta_fit.crop_area must be in (0, 1], and meta_fit.colour_jitter in [0, 1]": (
            0 < meta_fit.crop_area <= 1 and 0 <= meta_fit.colour_jitter <= 1
        ),
        "home.chance must be in [0, 1]": 0 <= recipe.home.chance <= 1,
        "meta_fit.at_home needs a [home] with a positive chance": meta_fit.at_home == 0 or recipe.home.chance > 0,
        f"home.types must be among {', '.join(CORRUPTIONS)}, one at least where home.chance is positive": (
            set(recipe.home.types) <= set(CORRUPTIONS) and (recipe.home.chance == 0 or bool(recipe.home.types))
        ),
        f"meta_fit.corruptions must be among {', '.join(CORRUPTIONS)}, one at least where there are corrupted blocks": (
            set(meta_fit.corruptions) <= set(CORRUPTIONS) and (meta_fit.corrupted == 0 or bool(meta_fit.corruptions))
        ),
    }
    for sentence, holds in checks.items():
        if not holds:
            raise RecipeError(f"{path}: {sentence}.")
