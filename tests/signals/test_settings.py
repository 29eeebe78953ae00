"""Settings of the signals refuse what cannot work, whoever makes them."""

from __future__ import annotations

from typing import Any

import pytest

from reason.errors import SettingsError
from reason.signals import SignalSettings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"families": ()}, "families must name one of softmax,"),
        ({"families": ("neighbours", "tpyo")}, r"families\[1\] is 'tpyo', which is no signal family; there are "),
        ({"families": ("softmx",)}, r"families\[0\] is 'softmx', .* did you mean softmax\?"),
        ({"families": ("views", "softmax", "views")}, r"families\[2\] names 'views' a second time"),
        ({"pca_columns": 9, "pca_components": 8}, "pca_columns must not exceed pca_components, 8"),
        ({"top_logits": 0}, "top_logits must be at least 1, not 0"),
        ({"dropout_samples": 0}, "dropout_samples must be"),
        ({"pca_columns": 0}, "pca_columns must be at least 1"),
        ({"bank_images": 0}, "bank_images must be"),
        ({"neighbours": 0}, "neighbours must be"),
        ({"layer_components": -1}, "layer_components must be at least 1, not -1"),
        ({"poolings": ()}, "poolings must be some of mean, max, std"),
        ({"poolings": ("median",)}, "poolings must be some of mean, max, std"),
        ({"poolings": ("mean", "mean")}, "poolings must name each pooling once"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        SignalSettings(**{"families": ("softmax",), **changes})
