"""What is refused, or said aloud, of a classifier and its data: on evidence made up for it."""

from __future__ import annotations

import pytest
import torch

from reason.base.evidence import Evidence, Labelled
from reason.errors import FitError
from reason.fitting import checks

NAMES = ("ant", "bee", "cat", "dog")


def seen(labels: torch.Tensor, predicted: torch.Tensor, confidence: torch.Tensor | float = 0.999) -> Labelled:
    """Evidence of a classifier that gives its prediction this probability, and the rest to the others alike."""
    top = torch.as_tensor(confidence).expand(len(labels))
    rest = ((1 - top) / (len(NAMES) - 1)).log()
    logits = rest[:, None].expand(-1, len(NAMES)).clone()
    logits[torch.arange(len(labels)), predicted] = top.log()
    sources = tuple(map(str, range(len(labels))))
    return Labelled(Evidence(logits, torch.zeros(len(labels), 2)), labels=labels, sources=sources)


LABELS = torch.arange(200) % 4


def test_classes_in_another_order_are_refused_with_what_is_mistaken_for_what() -> None:
    moved = torch.tensor([1, 2, 3, 0])[LABELS]
    message = r"right on 0\.0% of the images, and would be on 100\.0%.*labelled ant it mostly calls bee.*--classes"
    with pytest.raises(FitError, match=message):
        checks.check_order(seen(LABELS, moved), NAMES)


def test_a_classifier_that_is_merely_bad_is_not_refused_for_the_order() -> None:
    generator = torch.Generator().manual_seed(0)
    checks.check_order(seen(LABELS, torch.randint(0, 4, (200,), generator=generator)), NAMES)
    checks.check_order(seen(LABELS, LABELS), NAMES)


def test_accuracy_near_chance_is_suspected_aloud() -> None:
    generator = torch.Generator().manual_seed(0)
    (doubt,) = checks.doubts(seen(LABELS, torch.randint(0, 4, (200,), generator=generator)), NAMES)
    assert "hardly more than by chance (25.0%)" in doubt


def test_label_smoothing_is_seen_in_right_predictions_that_are_all_about_as_sure() -> None:
    generator = torch.Generator().manual_seed(0)
    smoothed = 0.925 + 0.01 * torch.rand(200, generator=generator)
    (doubt,) = checks.doubts(seen(LABELS, LABELS, smoothed), NAMES)
    assert "label smoothing" in doubt
    assert "2403.14715" in doubt


@pytest.mark.parametrize("confidence", [0.9999, torch.linspace(0.5, 1 - 1e-5, 200), torch.linspace(0.9, 0.999, 200)])
def test_confidence_that_reaches_one_or_varies_raises_no_doubt(confidence: torch.Tensor | float) -> None:
    assert list(checks.doubts(seen(LABELS, LABELS, confidence), NAMES)) == []


def test_few_errors_make_figures_rough() -> None:
    assert list(checks.rough("test", 100, 30)) == []
    assert list(checks.rough("test", 100, 29)) == [
        "test: 29 of 100 predictions are wrong, so its figures are rough; more images would help."
    ]
