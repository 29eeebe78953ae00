"""``reason predict``: what it prints of which images, and its exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from rich.cells import cell_len
from rich.text import Text

from reason.cli import main
from reason.cli.inputs import ImageFile
from reason.cli.output import VerdictTable
from reason.detector.detector import Detector
from reason.detector.verdict import Verdict

Run = Callable[..., Result]


@pytest.fixture
def broken(photos: Path) -> Path:
    """Return a truncated PNG in the folder of photos."""
    path = photos / "broken.png"
    path.write_bytes((photos / "a.png").read_bytes()[:100])
    return path


@pytest.fixture
def predict(bundle_folder: Path) -> Run:
    """Return a function that runs `reason predict` with the tiny bundle."""

    def run(*arguments: object, **options: Any) -> Result:
        words = ["predict", "--bundle", str(bundle_folder), *map(str, arguments)]
        return CliRunner().invoke(main, words, **options)

    return run


def verdicts(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


# What is printed


def test_json_lines_are_the_verdicts_of_the_library(predict: Run, photos: Path, detector: Detector) -> None:
    result = predict("--json", photos)
    files = [photos / "a.png", photos / "b.jpg", photos / "deep/c.png"]
    expected = [verdict.to_dict() for verdict in detector.predict(files, sources=list(map(str, files)))]
    assert result.exit_code == 0
    assert result.stderr == ""
    printed = verdicts(result)
    assert [list(verdict) for verdict in printed] == [list(verdict) for verdict in expected]
    for ours, theirs in zip(printed, expected, strict=True):
        for key in ("model", "source", "class", "class_index", "decision", "threshold", "meta_names"):
            assert ours[key] == json.loads(json.dumps(theirs[key]))
        assert ours["probabilities"] == pytest.approx(theirs["probabilities"], abs=1e-5)
        assert ours["meta_vector"] == pytest.approx(theirs["meta_vector"], rel=1e-3, abs=1e-4)
        assert ours["reliability"] == pytest.approx(theirs["reliability"], abs=1e-5)


def test_batches_do_not_change_the_verdicts(predict: Run, photos: Path) -> None:
    one, all_at_once = (verdicts(predict("--json", "--batch-size", size, photos)) for size in (1, 16))
    assert [verdict["source"] for verdict in one] == [verdict["source"] for verdict in all_at_once]
    for alone, together in zip(one, all_at_once, strict=True):
        assert alone["reliability"] == pytest.approx(together["reliability"], abs=1e-4)


def test_the_table_has_a_row_for_each_image(predict: Run, photos: Path, detector: Detector) -> None:
    result = predict(photos)
    (expected,) = detector.predict([photos / "a.png"])
    header, first, *_, blank, summary = result.stdout.splitlines()
    assert header.split() == ["image", "class", "confidence", "reliability", "decision"]
    numbers = [f"{expected.confidence:.3f}", f"{expected.reliability:.3f}"]
    assert first.split() == [str(photos / "a.png"), expected.class_, *numbers, expected.decision]
    assert len(result.stdout.splitlines()) == 1 + 3 + 2
    assert blank == ""
    assert summary.startswith("3 judged: ")


def test_csv_has_a_row_for_each_image(predict: Run, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "verdicts.csv"
    result = predict("--csv", target, "--batch-size", 2, photos)
    assert (result.exit_code, result.stdout) == (0, "")
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    lines = verdicts(predict("--json", photos))
    assert [row["source"] for row in rows] == [verdict["source"] for verdict in lines]
    for row, verdict in zip(rows, lines, strict=True):
        assert row["class"] == verdict["class"]
        assert float(row["reliability"]) == pytest.approx(verdict["reliability"], abs=1e-4)
        columns = [float(row[f"meta.{name}"]) for name in verdict["meta_names"]]
        assert columns == pytest.approx(verdict["meta_vector"], rel=1e-3, abs=1e-3)


def test_csv_goes_to_the_output_when_its_file_is_a_dash(predict: Run, photos: Path) -> None:
    result = predict("--csv", "-", photos / "a.png")
    assert [row["source"] for row in csv.DictReader(io.StringIO(result.stdout))] == [str(photos / "a.png")]


@pytest.mark.parametrize(("threshold", "decision"), [(0, "accept"), (1, "review")])
def test_threshold_decides(predict: Run, photos: Path, threshold: int, decision: str) -> None:
    for verdict in verdicts(predict("--json", "--threshold", threshold, photos)):
        assert (verdict["threshold"], verdict["decision"]) == (threshold, decision)
        assert verdict["certificate"] is None


def test_a_dash_reads_an_image_from_standard_input(predict: Run, photos: Path) -> None:
    (piped,) = verdicts(predict("--json", "-", input=(photos / "b.jpg").read_bytes()))
    (read,) = verdicts(predict("--json", photos / "b.jpg"))
    assert piped["source"] == "stdin"
    assert piped["meta_vector"] == read["meta_vector"]


# What goes wrong


def test_an_unreadable_image_is_named_and_the_others_are_judged(predict: Run, photos: Path, broken: Path) -> None:
    (photos / "notes.png").write_text("no image")
    result = predict("--json", photos)
    assert result.exit_code == 3
    assert [Path(verdict["source"]).name for verdict in verdicts(result)] == ["a.png", "b.jpg", "c.png"]
    first, second = result.stderr.splitlines()
    assert first.startswith(f"{broken}: damaged or truncated")
    assert second.startswith(f"{photos / 'notes.png'}: not an image in a format REASON reads")


def test_only_unreadable_images_give_code_3(predict: Run, broken: Path) -> None:
    result = predict(broken)
    assert (result.exit_code, result.stdout) == (3, "")


def test_a_missing_file_beside_a_good_one_is_named(predict: Run, photos: Path) -> None:
    result = predict("--json", photos / "a.png", photos / "gone.png")
    assert result.exit_code == 3
    assert len(verdicts(result)) == 1
    assert result.stderr == f"{photos / 'gone.png'}: there is no such file or folder; check the path.\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "Missing argument 'PATH...'"),
        (["gone.png"], "gone.png: there is no such file or folder"),
        (["gone/*.png"], "gone/*.png: there is no such file or folder"),
        (["--threshold", "1.5", "a.png"], "--threshold is 1.5; give a number from 0 to 1."),
        (["--threshold", "nan", "a.png"], "--threshold is nan; give a number from 0 to 1."),
        (["--batch-size", "0", "a.png"], "--batch-size"),
        (["--json", "--csv", "-", "a.png"], "--json and --csv exclude each other"),
        (
            ["--csv", "gone/verdicts.csv", "a.png"],
            "gone/verdicts.csv: cannot be written (No such file or directory)",
        ),
        (["--colour", "a.png"], "--colour"),
        (["empty"], "empty: holds no file that ends in .jpg"),
    ],
)
def test_wrong_use_gives_code_2_and_says_why(
    predict: Run, photos: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], complaint: str
) -> None:
    monkeypatch.chdir(photos)
    (photos / "empty").mkdir()
    result = predict(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr


@pytest.mark.parametrize("command", [["predict", "a.png", "--bundle"], ["info"], ["evaluate"]])
def test_a_missing_bundle_gives_code_1_and_one_sentence(
    photos: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(photos)
    result = CliRunner().invoke(main, [*command, "deep/nothing"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: deep/nothing: no such bundle folder")
    assert len(result.stderr.splitlines()) == 1


def test_a_name_that_is_no_text_is_shown_all_the_same(predict: Run, photos: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(photos) + b"/\xff.png"))
    os.rename(photos / "a.png", odd)  # noqa: PTH104 (the surrogate in the name is the point)
    (verdict,) = verdicts(predict("--json", odd))
    assert verdict["source"] == f"{photos}/\ufffd.png"


def verdict_named(name: str, template: Verdict) -> Verdict:
    values = {field.name: getattr(template, field.name) for field in fields(Verdict)}
    return Verdict(**values | {"source": name})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_table_keeps_to_the_terminal_and_shows_the_end_of_long_names(
    detector: Detector, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("TERM", "xterm")
    (verdict,) = detector.predict([photos / "a.png"])
    names = ["long/" * 30 + "0001.png", "tab\tand [red]markup[/red]", "\N{CJK UNIFIED IDEOGRAPH-4E8C}" * 40]
    terminal = Terminal()
    VerdictTable(terminal, names, detector.classes).write(verdict_named(name, verdict) for name in names)
    plain = [Text.from_ansi(line).plain for line in terminal.getvalue().splitlines()]
    # Of 70 columns, 43 belong to the other fields: class 6, numbers 10 and 11, decision 8, and 4 gaps of 2.
    shown = ["\N{HORIZONTAL ELLIPSIS}" + ("long/" * 30 + "0001.png")[-26:], "tab?and [red]markup[/red]  "]
    assert [line[:27] for line in plain[1:3]] == shown
    assert plain[3].startswith("\N{HORIZONTAL ELLIPSIS}" + names[2][:13] + "  " + verdict.class_)
    assert {cell_len(line) for line in plain[:4]} == {70}


def test_a_large_photo_is_prepared_before_it_waits(photos: Path, detector: Detector) -> None:
    from reason.cli.judging import _prepare

    Image.new("RGB", (3000, 2000), "teal").save(photos / "large.jpg")
    prepared = _prepare(ImageFile(photos / "large.jpg"), detector.preprocessing)
    assert prepared.shape == (3, 32, 32)
