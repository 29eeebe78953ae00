"""The ``README.md`` of a shared bundle: metadata that the Hub reads, and a text that people read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reason.bundle.card import Card

README = "README.md"
MODEL_CARD = "MODEL_CARD.md"
"""What people wrote of a bundle, beside its card."""

TAGS = (
    "reason",
    "failure-detection",
    "selective-classification",
    "uncertainty-estimation",
    "calibration",
    "image-classification",
)

METRICS = (
    ("accuracy", "Accuracy", ("accuracy",)),
    ("roc_auc", "AUROC of correctness, REASON", ("scores", "REASON", "auroc")),
    ("roc_auc_msp", "AUROC of correctness, MSP", ("scores", "MSP", "auroc")),
    ("augrc", "AUGRC, REASON", ("scores", "REASON", "augrc")),
    ("augrc_msp", "AUGRC, MSP", ("scores", "MSP", "augrc")),
    ("ece", "ECE of the reliability, 15 bins", ("reliability", "ece_15")),
    ("coverage", "Coverage at the threshold", ("threshold", "coverage")),
    ("selective_risk", "Selective risk at the threshold", ("threshold", "selective_risk")),
)
"""Type and name of each figure on the Hub, and the keys that lead to it in a split of ``Provenance.metrics``."""

_RELATIVE = re.compile(r"(!?)\[([^\[\]]*)\]\((?!\w+:|#)[^)\s]*\)")
_SHOWN_CLASSES = 50


def readme(card: Card, text: str | None, where: str, license: str | None = None) -> str:  # noqa: A002
    """Return the README of a bundle.

    A model card that starts with metadata of its own is taken as it is.

    Args:
        card: the bundle's card.
        text: its ``MODEL_CARD.md``; ``None`` where it has none.
        where: how the bundle is loaded, such as ``hf://OWNER/NAME``.
        license: identifier of its license, where one is known.
    """
    if text is not None and text.startswith("---\n"):
        return text
    head = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in _metadata(card, license))
    body = _generated(card) if text is None else _RELATIVE.sub(r"\2", text)
    return f"---\n{head}---\n\n{body.strip()}\n\n{_use(card, where)}"


def _metadata(card: Card, license: str | None) -> Iterator[tuple[str, Any]]:  # noqa: A002
    """Yield keys and values of the front matter; JSON is YAML."""
    yield "library_name", "reason"
    yield "pipeline_tag", "image-classification"
    if license is not None:
        yield "license", license
    yield "tags", list(TAGS)
    if results := list(_results(card)):
        yield "model-index", [{"name": card.name, "results": results}]


def _results(card: Card) -> Iterator[dict[str, Any]]:
    dataset = card.provenance.dataset or "test images"
    for split, measured in card.provenance.metrics.items():
        found = [
            {"type": kind, "name": name, "value": value}
            for kind, name, keys in METRICS
            if (value := _number(measured, keys)) is not None
        ]
        if found:
            yield {
                "task": {"type": "image-classification"},
                "dataset": {"name": f"{dataset}, {split}", "type": dataset, "split": split},
                "metrics": found,
            }


def _number(measured: Any, keys: tuple[str, ...]) -> float | None:
    """Return a figure of a card, which may say anything there."""
    for key in keys:
        measured = measured.get(key) if isinstance(measured, Mapping) else None
    return measured if isinstance(measured, int | float) and not isinstance(measured, bool) else None


def _generated(card: Card) -> str:
    """Return what the card says, for a bundle of which nobody wrote."""
    image = card.preprocessing
    classes = ", ".join(map(_plain, card.classes[:_SHOWN_CLASSES]))
    more = ", …" if len(card.classes) > _SHOWN_CLASSES else ""
    paragraphs = [
        f"# {_plain(card.title or card.name)}",
        "Judges each prediction of an image classifier from what happens inside it: how likely the prediction is to be "
        "correct, and whether to accept it or to send it to review.",
        f"**Classifier**: {_plain(card.architecture)}, pictures of {image.size} x {image.size} ({image.mode}).",
        f"**Classes** ({len(card.classes)}): {classes}{more}.",
        _guarantee(card),
    ]
    return "\n\n".join([*paragraphs, *_table(card)])


def _guarantee(card: Card) -> str:
    certificate = card.certificate
    if certificate is None:
        return f"**Threshold** {card.threshold:.4g}, without a guarantee."
    return (
        f"**Threshold** {card.threshold:.4g}: at most {certificate.risk:.1%} of what it accepts is wrong, with "
        f"confidence {1 - certificate.delta:.0%}, for images drawn like the {certificate.n} calibration images and for "
        f"no others. Of those it accepts {certificate.coverage:.1%}."
    )


def _table(card: Card) -> Iterator[str]:
    """Yield the figures that were measured when the bundle was made, as a table."""
    rows = [(result["dataset"]["split"], metric) for result in _results(card) for metric in result["metrics"]]
    if rows:
        lines = [f"| {_plain(split)} | {metric['name']} | {metric['value']:.4f} |" for split, metric in rows]
        yield "\n".join(["| test images | figure | |", "| --- | --- | --- |", *lines])


def _use(card: Card, where: str) -> str:
    return f"""## Use

```sh
reason predict photo.jpg --bundle {where}
```

```python
import reason

verdict = reason.load("{where}").predict(["photo.jpg"])[0]
print(verdict.class_, verdict.reliability, verdict.decision)
```

The bundle holds no code. `reason info` shows its digest, which is `{card.digest}`.
"""


def _plain(text: str) -> str:
    """Return a text of the card without what Markdown would read as its own."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text)
