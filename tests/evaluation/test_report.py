"""A report is written to JSON and read back without loss, also one that the version before wrote."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import made_up_report
import pytest

from reason.errors import ReasonError
from reason.evaluation.output import read_report
from reason.evaluation.report import Report

SHIPPED = sorted((Path(__file__).parents[2] / "eval_plots").glob("*/metrics.json"))


def test_a_report_comes_back_as_it_was() -> None:
    report = made_up_report.report()
    text = json.dumps(report.to_json(), allow_nan=False)
    read = Report.from_json(json.loads(text))
    assert repr(read) == repr(report)  # NaN is not equal to itself
    assert json.dumps(read.to_json()) == text


def test_what_is_undefined_is_null_in_json_and_nan_here() -> None:
    plain = made_up_report.report().to_json()
    assert plain["splits"]["clean"]["scores"]["MSP"]["augrc"] is None
    assert plain["severity_sweep"]["fog"][0]["auroc_msp"] is None
    read = Report.from_json(plain)
    assert math.isnan(read.splits["clean"].scores["MSP"].augrc)
    assert math.isnan(read.splits["clean"].threshold.selective_risk)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.parent.name)
def test_the_shipped_reports_come_back_byte_for_byte(file: Path) -> None:
    assert json.dumps(read_report(file).to_json(), indent=1) + "\n" == file.read_text(encoding="utf-8")


def test_the_words_of_the_version_before_are_read() -> None:
    now = made_up_report.report(
        **{"clean": made_up_report.split(), "target distribution": made_up_report.split("seen")},
        letters=made_up_report.split("ood"),
    ).to_json()
    now["target"] = "target distribution"
    before = json.loads(json.dumps(now).replace('"target distribution"', '"home mix"').replace('"ood"', '"outside"'))
    before = {{"target": "home", "severity_sweep": "ladder"}.get(key, key): item for key, item in before.items()}
    assert list(before) != list(now)
    assert json.dumps(Report.from_json(before).to_json()) == json.dumps(now)


def drop(plain: dict[str, Any]) -> None:
    del plain["splits"]["clean"]["n"]


def reverse(plain: dict[str, Any]) -> None:
    plain["splits"]["clean"]["kind"] = "dirty"


@pytest.mark.parametrize(
    ("change", "place"), [(drop, "splits.clean.n: Field required"), (reverse, "splits.clean.kind: Input should be")]
)
def test_what_is_no_report_is_one_sentence(change: Any, place: str) -> None:
    plain = made_up_report.report().to_json()
    change(plain)
    with pytest.raises(ReasonError, match=f"not a report of `reason evaluate`: {place}"):
        Report.from_json(plain)
    with pytest.raises(ReasonError, match="the file: Input should be"):
        Report.from_json([])
