"""The tables of what was measured, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

OWN, MSP = "REASON", "MSP"
TOLERANCE = 0.003
"""How much worse than MSP the head may be, in AUROC, at the lower end of the interval."""

Outcome = Mapping[str, Any]
"""What ``steps.run`` returned, or the name of a classifier and why it ``failed``."""


def tables(outcomes: Sequence[Outcome]) -> str:
    """Return all tables."""
    done = [outcome for outcome in outcomes if "failed" not in outcome]
    failed = [f"- {outcome['name']}: {outcome['failed']}" for outcome in outcomes if "failed" in outcome]
    parts = [
        _table(_CLASSIFIERS, map(_classifier, done)),
        _table(_SPLITS, (row for one in done for row in _splits(one))),
    ]
    parts.append(verdict(done))
    return "\n\n".join([*parts, *(["Failed:", "\n".join(failed)] if failed else [])])


def verdict(done: Sequence[Outcome]) -> str:
    """Say how many splits hold."""
    splits = [(one["name"], name, split) for one in done for name, split in one["splits"].items()]
    missed = [f"{name}, {part}" for name, part, split in splits if not holds(split)]
    better = sum(_difference(split, "auroc", MSP)[0] > 0 for _, _, split in splits)
    worse = sum(_difference(split, "auroc", MSP)[1] < 0 for _, _, split in splits)
    return (
        f"{len(splits) - len(missed)} of {len(splits)} splits pass: AUROC minus that of MSP is above {-TOLERANCE} at "
        f"the lower end of its 95% interval. The interval is above 0 on {better}, below 0 on {worse}."
        + (f" MISS: {'; '.join(missed)}." if missed else "")
    )


def holds(split: Mapping[str, Any]) -> bool:
    """Return whether the head is not worse than MSP on a split."""
    return bool(_difference(split, "auroc", MSP)[0] > -TOLERANCE)


_CLASSIFIERS = (
    *("classifier", "images: train / fit / test", "accuracy", "meta-fit errors", "head", "out of fold: AUROC - MSP"),
    *("fit, s", "forward, ms", "verdict / forward", "signals"),
)


def _classifier(one: Outcome) -> list[str]:
    counts, cost = one["images"], one["cost"]["ms"]["1"]
    meta = one["fit"]["meta"]
    return [
        one["name"],
        f"{counts['train']} / {counts['fit']} / {counts['test']}",
        f"{one['splits']['clean']['accuracy']:.3f}",
        f"{meta['errors']} of {meta['n']}",
        one["choice"]["chosen"],
        _expected(one["choice"]),
        f"{one['seconds']:.0f}",
        f"{cost['forward']:.1f}",
        f"{cost['verdict'] / cost['forward']:.1f}",
        ", ".join(one["families"]),
    ]


def _expected(choice: Mapping[str, Any]) -> str:
    """Return what the choice promised of the chosen head."""
    record = next(one for one in choice["candidates"] if one["name"] == choice["chosen"])
    found = record.get("difference")
    return f"{found['value']:+.4f} [{found['low']:+.4f}, {found['high']:+.4f}]" if found else ""


_SPLITS = (
    *("classifier", "split", "n", "errors", "AUROC", "MSP", "minus MSP, 95%", "best baseline", "minus best, 95%"),
    *("AUGRC x 1000", "MSP", "minus MSP, 95%", ""),
)


def _splits(one: Outcome) -> Iterator[list[str]]:
    for name, split in one["splits"].items():
        scores, best = split["scores"], split["seeds"]["auroc"]["best"]
        yield [
            one["name"],
            name,
            str(split["n"]),
            str(round(split["n"] * (1 - split["accuracy"]))),
            f"{scores[OWN]['auroc']:.4f}",
            f"{scores[MSP]['auroc']:.4f}",
            _interval(_difference(split, "auroc", MSP)),
            f"{best['name']} {best['value']:.4f}",
            _interval(best["difference_95"][0]),
            f"{1000 * scores[OWN]['augrc']:.1f}",
            f"{1000 * scores[MSP]['augrc']:.1f}",
            _interval([1000 * end for end in _difference(split, "augrc", MSP)], 1),
            "pass" if holds(split) else "MISS",
        ]


def _difference(split: Mapping[str, Any], metric: str, other: str) -> Sequence[float]:
    ends: Sequence[float] = split[f"{metric}_difference_95"][other]
    return ends


def _interval(ends: Sequence[float], digits: int = 4) -> str:
    return f"{ends[0]:+.{digits}f} to {ends[1]:+.{digits}f}"


def _table(head: Sequence[str], rows: Iterator[list[str]] | map[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
