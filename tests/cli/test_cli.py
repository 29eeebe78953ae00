"""The command line, in process where that shows the same, and as a process where signals and pipes matter."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import made_up_report
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from rich.cells import cell_len
from rich.text import Text

from reason import resources
from reason.cli import main
from reason.cli.inputs import ImageFile, find_images
from reason.cli.output import VerdictTable
from reason.detector.detector import Detector
from reason.detector.verdict import Verdict
from reason.evaluation.baselines import ConfidenceScore
from reason.evaluation.card import measure
from reason.serving import Settings

Run = Callable[..., Result]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder with three blurred pictures: a.png, b.jpg and deep/c.png."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    random = np.random.default_rng(2)
    for name in ("a.png", "b.jpg", "deep/c.png"):
        spots = Image.fromarray(random.integers(0, 256, (7, 9, 3), dtype=np.uint8))
        spots.resize((90, 70), Image.Resampling.BICUBIC).save(folder / name)
    return folder


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


def start(bundle_folder: Path, *arguments: object, **options: Any) -> subprocess.Popen[Any]:
    words = [sys.executable, "-m", "reason", "predict", "--bundle", bundle_folder, *arguments]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(list(map(str, words)), **options)


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


# Finding images


def names(images: Sequence[ImageFile]) -> list[str]:
    return [image.name for image in images]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of empty files, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.JPG",
        "a.png",
        "notes.txt",
        ".hidden.png",
        "sub/c.webp",
        ".cache/d.png",
        "sub/[x].gif",
        "plain",
    ):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["."], ["a.png", "b.JPG", "sub/[x].gif", "sub/c.webp"]),
        (["sub", "a.png"], ["sub/[x].gif", "sub/c.webp", "a.png"]),
        (["a.png", "a.png", "."], ["a.png", "b.JPG", "sub/[x].gif", "sub/c.webp"]),
        (["*.png"], ["a.png"]),
        (["**/*.webp"], ["sub/c.webp"]),
        (["s*"], ["sub/[x].gif", "sub/c.webp"]),
        (["sub/[x].gif"], ["sub/[x].gif"]),
        (["plain", ".hidden.png"], ["plain", ".hidden.png"]),
    ],
)
def test_find_images(tree: Path, arguments: list[str], found: list[str]) -> None:
    images, problems = find_images(arguments)
    assert names(images) == found
    assert problems == []


def test_a_pattern_may_be_absolute(tree: Path) -> None:
    assert names(find_images([f"{tree}/*.png"])[0]) == [f"{tree}/a.png"]


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


# The other commands


def test_a_shipped_bundle_goes_by_its_name(saved_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "BUNDLES", saved_folder)
    monkeypatch.chdir(tmp_path)
    Path("tiny").mkdir()
    Path("mine").mkdir()
    assert resources.bundle_folder("tiny") == saved_folder / "tiny"
    assert resources.bundle_folder("./tiny/..") == Path("tiny/..")
    assert resources.bundle_folder("mine") == Path("mine")
    assert resources.bundle_folder("none") == saved_folder / "none"
    assert resources.bundle_folder(".") == Path()


def test_train_passes_its_options_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reason.fitting import pipeline

    calls: list[tuple[Path, dict[str, Any]]] = []

    def run(recipe: Path, **options: Any) -> Path:
        calls.append((recipe, options))
        return tmp_path / "bundle"

    monkeypatch.setattr(pipeline, "run", run)
    monkeypatch.setenv("REASON_DATA", "/data")
    recipe = tmp_path / "some.toml"
    recipe.touch()
    words = [
        "--device",
        "cpu",
        "--seed",
        "3",
        "--output",
        "out",
        "--download",
        "--resume",
        "--weights",
        "imagenet",
        "--base",
        "./bundle",
    ]
    assert CliRunner().invoke(main, ["train", str(recipe)]).stdout == f"The bundle is in {tmp_path / 'bundle'}.\n"
    assert CliRunner().invoke(main, ["train", str(recipe), "--data-root", "mine", *words]).exit_code == 0
    plain = {"data_root": Path("/data"), "device": "auto", "seed": None, "output": None, "measure": measure}
    full = {"data_root": Path("mine"), "device": "cpu", "seed": 3, "output": Path("out"), "measure": measure}
    assert calls == [
        (recipe, plain | {"download": False, "resume": False, "weights": None, "base": None}),
        (recipe, full | {"download": True, "resume": True, "weights": "imagenet", "base": Path("bundle")}),
    ]


def test_a_shipped_recipe_goes_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resources.recipe_file("mnist") == resources.RECIPES / "mnist.toml"
    assert resources.recipe_file("mnist.toml") == Path("mnist.toml")
    assert resources.recipe_file("train/mnist") == Path("train/mnist")
    unknown = CliRunner().invoke(main, ["train", "cifar"])
    assert unknown.exit_code == 2
    assert "there is no recipe 'cifar'; name one that ships (imagenette, mnist, mnist_published)" in unknown.stderr


def test_evaluate_prints_the_figures(bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, Path, int, list[str], str, str]] = []
    monkeypatch.setattr(sys, "path", list(sys.path))
    report = made_up_report.report()
    written: list[Path | None] = []

    def run(
        bundle: Path, data_root: Path, seeds: int, more: Sequence[type[ConfidenceScore]], engine: str, device: str
    ) -> SimpleNamespace:
        asked.append((bundle, data_root, seeds, [kind.name for kind in more], engine, device))
        return SimpleNamespace(report=report)

    monkeypatch.setattr("reason.evaluation.output.write", lambda evaluation, output: written.append(output))
    monkeypatch.setattr("reason.evaluation.evaluate.run", run)
    monkeypatch.setenv("REASON_DATA", "/data")
    shown = CliRunner().invoke(main, ["evaluate", str(bundle_folder), "--output", "plots"]).stdout
    lines = [" ".join(line.replace("│", " ").split()) for line in shown.splitlines()]
    assert "clean 3925 0.9313 0.8000 - 0.0111 0.0400 0.0310 0.0450" in lines
    assert "REASON 0.9123 0.9800 0.5000" in lines
    assert "MSP 0.9000 0.9800 0.5000 -0.0012 to +0.0200" in lines
    assert "REASON 12.30" in lines
    assert "MSP -" in lines
    assert any(line.startswith("clean AUROC MSP") and line.endswith("-0.0012 to +0.0200 pass") for line in lines)
    assert "MSP -0.20 to +0.10" in lines
    assert "gradient +0.0010 (-0.0020 to +0.0040)" in lines
    assert "fog weather unseen 70 0.5000 0.8000 0.7000 0.7000 (MSP)" in lines
    monkeypatch.delenv("REASON_DATA")
    own = ("--score", "reason.evaluation.baselines.softmax:Msp", "--score", "energy", "--engine", "torch")
    printed = CliRunner().invoke(main, ["evaluate", str(bundle_folder), "--json", "--seeds", "5", *own]).stdout
    assert json.loads(printed) == report.to_json()
    assert asked == [
        (bundle_folder, Path("/data"), 3, [], "auto", "cpu"),
        (bundle_folder, Path("data"), 5, ["MSP", "energy"], "torch", "cpu"),
    ]
    assert written == [Path("plots"), None]


def test_serve_turns_flags_into_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Settings] = []
    monkeypatch.setattr("reason.serving.serve", served.append)
    monkeypatch.setenv("REASON_HOST", "0.0.0.0")
    words = "serve --port 8000 --bundles elsewhere --cors-origins null,https://example.org --batch-window-ms 0.5"
    assert CliRunner().invoke(main, words.split()).exit_code == 0
    (settings,) = served
    assert (settings.host, settings.port, settings.bundles) == ("0.0.0.0", 8000, Path("elsewhere"))
    assert (settings.cors_origins, settings.batch_window_ms) == (("null", "https://example.org"), 0.5)


def test_serve_has_a_flag_for_every_setting() -> None:
    shown = CliRunner().invoke(main, ["serve", "--help"]).stdout
    assert [key.name for key in fields(Settings) if f"--{key.name.replace('_', '-')} " not in shown] == []


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [(["--port", "70000"], 2, "--port"), (["--cors-origins", "example"], 1, "'example' is not an origin")],
)
def test_serve_refuses_wrong_settings(words: list[str], code: int, complaint: str) -> None:
    result = CliRunner().invoke(main, ["serve", *words])
    assert result.exit_code == code
    assert complaint in result.stderr


def test_every_command_and_option_has_help() -> None:
    context = click.Context(main)
    for command in main.commands.values():
        assert command.help
        options = [option for option in command.get_params(context) if isinstance(option, click.Option)]
        assert [option.name for option in options if not option.help] == []


# As a process


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys, reason.cli as cli; cli.main(standalone_mode=False); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "predict" in done.stdout


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Return a named pipe: who judges it waits there until the test opens it."""
    path = tmp_path / "gate.png"
    os.mkfifo(path)
    return path


@pytest.mark.slow
def test_verdicts_stream_and_a_closed_pipe_ends_quietly(bundle_folder: Path, photos: Path, gate: Path) -> None:
    with start(bundle_folder, "--json", "--batch-size", 1, photos / "a.png", gate, photos / "b.jpg") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["source"] == str(photos / "a.png")
        process.stdout.close()
        gate.write_bytes((photos / "a.png").read_bytes())
        assert process.stderr.read() == b""
    assert process.returncode == 141


@pytest.mark.slow
def test_an_interrupt_gives_code_130_and_no_traceback(bundle_folder: Path, photos: Path, gate: Path) -> None:
    with start(bundle_folder, "--json", "--batch-size", 1, photos / "a.png", gate) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        with gate.open("wb"):
            process.send_signal(signal.SIGINT)
        # The empty image may be complained of before the interrupt is seen, but nothing else.
        errors = process.stderr.read()
        assert errors in (b"", os.fsencode(f"{gate}: the file is empty; send an image.\n")), errors
    assert process.returncode == 130


@pytest.mark.slow
def test_the_bar_is_drawn_on_a_terminal_and_nowhere_else(bundle_folder: Path, photos: Path) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm"}
    with start(bundle_folder, "--json", photos, stderr=theirs, env=environment) as process:
        os.close(theirs)
        drawn = drain(ours)
        output, _ = process.communicate()
    assert b"load tiny" in drawn
    assert [Path(json.loads(line)["source"]).name for line in output.splitlines()] == ["a.png", "b.jpg", "c.png"]


def drain(terminal: int) -> bytes:
    """Read until the other side of the terminal is closed, which Linux reports as an error."""
    drawn = b""
    with open(terminal, "rb", buffering=0) as stream, contextlib.suppress(OSError):
        while chunk := stream.read(4096):
            drawn += chunk
    return drawn


def test_a_large_photo_is_squashed_before_it_waits(photos: Path, detector: Detector) -> None:
    from reason.cli.judging import _squash

    Image.new("RGB", (3000, 2000), "teal").save(photos / "large.jpg")
    squashed = _squash(ImageFile(photos / "large.jpg"), detector.preprocessing)
    assert squashed.size == (32, 32)
