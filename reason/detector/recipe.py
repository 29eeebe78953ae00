"""The settings that make a bundle: what a recipe file says, as dataclasses that check themselves.

They check ranges, not names: a bundle is loaded where a corruption or data set that made it is not known.
``reason.fitting.recipe`` reads them from TOML; a bundle's card keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from reason.data.images import Preprocessing
from reason.detector.heads.metanet import MetaNetSettings
from reason.detector.policy_request import is_risk
from reason.signals import SignalSettings
from reason.structure import FORMER, require, require_options


@dataclass(frozen=True, slots=True)
class Data:
    """The data set and its split."""

    dataset: str
    """Name in ``reason.data.datasets.DATASETS``."""
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

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.base_share > 0, "base_share", f"must be positive, not {self.base_share}.")
        require(self.meta_share > 0, "meta_share", f"must be positive, not {self.meta_share}.")
        total = self.base_share + self.meta_share
        require(total < 1, "base_share", f"and meta_share must leave some images to calibrate; their sum is {total:g}.")
        _ = self.preprocessing  # which checks size, mode, mean and std

    @property
    def preprocessing(self) -> Preprocessing:
        """The one preprocessing that training, fitting and serving share."""
        return Preprocessing(size=self.size, mode=self.mode, mean=self.mean, std=self.std)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of base training at one resolution."""

    epochs: int
    """Number of passes over base-train."""
    size: int
    """Side of the training crops, in pixels."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.epochs > 0, "epochs", f"must be positive, not {self.epochs}.")
        require(self.size > 0, "size", f"must be positive, not {self.size}.")


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

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(self.learning_rate > 0, "learning_rate", f"must be positive, not {self.learning_rate}.")
        require(0 < self.crop_area <= 1, "crop_area", f"must be in (0, 1], not {self.crop_area}.")
        require(0 <= self.colour_jitter <= 1, "colour_jitter", f"must be in [0, 1], not {self.colour_jitter}.")
        require(bool(self.phases), "phases", "needs at least one phase.")
        require(0 <= self.erased_area < 1, "erased_area", f"must be in [0, 1), not {self.erased_area}.")


@dataclass(frozen=True, slots=True)
class Base:
    """How the base classifier is trained."""

    architecture: str
    """Network; a name in ``reason.base.backbones.ARCHITECTURES``."""
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

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(0 <= self.dropout < 1, "dropout", f"must be in [0, 1), not {self.dropout}.")
        require(bool(self.cycles), "cycles", "needs at least one cycle.")
        require(self.batch_size > 0, "batch_size", f"must be positive, not {self.batch_size}.")
        require(self.weight_decay >= 0, "weight_decay", f"must not be negative, as {self.weight_decay} is.")
        require(0 <= self.warmup_share < 1, "warmup_share", f"must be in [0, 1), not {self.warmup_share}.")
        require(0 <= self.average_decay < 1, "average_decay", f"must be in [0, 1), not {self.average_decay}.")
        require_options(self)
        fits = self.weights == "none" or self.architecture == "resnet50"
        require(fits, "weights", f"= {self.weights!r} needs architecture = 'resnet50', not {self.architecture!r}.")


@dataclass(frozen=True, slots=True)
class CorruptionMix:
    """Which share of images is corrupted, and how; by default none is."""

    types: tuple[str, ...] = ()
    """Names of corruptions, drawn uniformly, each with a severity uniform in [0, 1]."""
    chance: float = 0.0
    """Share of the images that are corrupted, in [0, 1]."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        require(0 <= self.chance <= 1, "chance", f"must be in [0, 1], not {self.chance}.")
        require(bool(self.types) or self.chance == 0, "types", "must name at least one corruption.")


@dataclass(frozen=True, slots=True)
class MetaFit:
    """What the MetaNet is fitted on: blocks of copies of the meta-fit images, together."""

    clean: bool = True
    """Whether the images themselves are a block."""
    augmented: int = 0
    """Blocks of randomly cropped, mirrored and jittered copies: more errors to learn from."""
    crop_area: float = 1.0
    """Smallest share of the picture that such a copy keeps, in (0, 1]."""
    colour_jitter: float = 0.0
    """Largest relative change of brightness, contrast and saturation in such a copy, in [0, 1]."""
    on_target: int = field(default=0, metadata={FORMER: "at_home"})
    """Blocks of copies corrupted as the target distribution is."""
    corrupted: int = 0
    """Blocks in which every copy has one of ``corruptions``."""
    corruptions: tuple[str, ...] = ()
    """Names of corruptions, drawn uniformly, each with a severity uniform in [0, 1]."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for key in ("augmented", "on_target", "corrupted"):
            require(getattr(self, key) >= 0, key, f"must not be negative, as {getattr(self, key)} is.")
        require(self.blocks > 0, "clean", "= false needs another block of copies, or there is nothing to learn from.")
        require(0 < self.crop_area <= 1, "crop_area", f"must be in (0, 1], not {self.crop_area}.")
        require(0 <= self.colour_jitter <= 1, "colour_jitter", f"must be in [0, 1], not {self.colour_jitter}.")
        fits = bool(self.corruptions) or self.corrupted == 0
        require(fits, "corruptions", "must name at least one corruption.")

    @property
    def blocks(self) -> int:
        """How many times each meta-fit image is learned from."""
        return self.clean + self.augmented + self.on_target + self.corrupted


@dataclass(frozen=True, slots=True)
class GuaranteeSettings:
    """What the bundle's threshold guarantees."""

    risk: float
    """Upper limit of the error rate among accepted predictions."""
    delta: float
    """Chance, over calibration draws, that the guarantee fails."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for key, value in (("risk", self.risk), ("delta", self.delta)):
            require(is_risk(value), key, f"must be in (0, 1), not {value}.")


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
    threshold: GuaranteeSettings
    target: CorruptionMix = field(default_factory=CorruptionMix, metadata={FORMER: "home"})
    """The target distribution, which the threshold is made for: calibration images are corrupted so."""

    def __post_init__(self) -> None:
        """Check what concerns more than one table."""
        fits = self.meta_fit.on_target == 0 or self.target.chance > 0
        require(fits, "meta_fit.on_target", "needs a [target] with a positive chance.")
        fits = self.base.weights == "none" or self.data.mode == "RGB"
        require(fits, "base.weights", f"= {self.base.weights!r} needs data.mode = 'RGB', as they are of colour photos.")
