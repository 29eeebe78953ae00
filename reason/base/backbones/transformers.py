"""Image classifiers of Transformers, made from their configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from reason.base.backbones.architecture import ARCHITECTURES, Architecture
from reason.base.backbones.arguments import MOST_LAYERS, is_plain

MODEL_TYPE = "model_type"
"""Argument that names the kind of network, such as ``vit``."""

LEFT_OUT = frozenset(
    {
        "architectures",
        "auto_map",
        "attn_implementation",
        "chunk_size_feed_forward",
        "dtype",
        "id2label",
        "is_encoder_decoder",
        "label2id",
        "num_labels",
        "output_attentions",
        "output_hidden_states",
        "problem_type",
        "quantization_config",
        "return_dict",
        "torch_dtype",
        "transformers_version",
        "use_cache",
        "experts_implementation",
    }
)
"""Keys of a configuration that make no other network, or would load something else."""

NOT_HERE = ("timm_wrapper", "timm_backbone")
"""Kinds that load another library's network."""


def plain_config(config: Any) -> dict[str, Any]:
    """Return what a configuration says of the network, as plain JSON.

    Raises:
        ValueError: a part is neither number nor name.
    """
    found = {key: _plain(value) for key, value in config.to_diff_dict().items() if _kept(key)}
    for key, value in found.items():
        if not is_plain(value):
            raise ValueError(f"its configuration says {key} = {value!r:.60}, which a bundle cannot hold")
    return found


def transformers(classes: int, dropout: float, channels: int, arguments: Mapping[str, Any]) -> nn.Module:
    """Return an untrained image classifier; its own rates of dropout stay, which matter in training alone.

    Raises:
        ValueError: Transformers is not installed, has no such classifier, or does not take the arguments.
    """
    try:
        from transformers import AutoModelForImageClassification
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    except ImportError:
        raise ValueError("transformers is not installed, pip install 'reason[transformers]'") from None
    kind = arguments.get(MODEL_TYPE)
    if not isinstance(kind, str) or kind in NOT_HERE or kind not in CONFIG_MAPPING:
        raise ValueError(f"Transformers has no classifier {kind!r:.60}")
    _check(arguments, CONFIG_MAPPING[kind]())
    given = {key: value for key, value in arguments.items() if key != MODEL_TYPE}
    try:
        maker: Any = CONFIG_MAPPING[kind]
        config = maker(**given, num_labels=classes)
        if getattr(config, "num_channels", channels) != channels:
            raise ValueError(f"it takes {config.num_channels} channels, not {channels}")
        made: nn.Module = AutoModelForImageClassification.from_config(
            config, trust_remote_code=False, attn_implementation="eager"
        )
    except Exception as error:  # configurations of other numbers than the library expects fail in many ways
        raise ValueError(f"Transformers' {kind} does not take its arguments ({error!s:.100})") from None
    return made


def _check(arguments: Mapping[str, Any], default: Any) -> None:
    """Compare arguments with what a configuration of the kind may say.

    Raises:
        ValueError: a key is none of the configuration's, or a value is no number or name of sane size.
    """
    known = default.to_dict().keys()
    layers = 0
    for key, value in arguments.items():
        if not (_kept(key) and key in known and is_plain(value)):
            raise ValueError(f"arguments may not say {key[:60]} = {value!r:.60}")
        if "layer" in key or "depth" in key or "repeat" in key:
            layers += sum(item for item in (value if isinstance(value, list) else [value]) if isinstance(item, int))
    if layers > MOST_LAYERS:
        raise ValueError(f"arguments ask for {layers} layers, and may for {MOST_LAYERS}")


def _kept(key: str) -> bool:
    return key not in LEFT_OUT and not key.startswith("_") and "backbone" not in key


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


ARCHITECTURES.register(Architecture("transformers", transformers, from_arguments=True))
