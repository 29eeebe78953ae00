"""The commands besides ``predict``: what they pass on and print, and their help."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import made_up_report
import pytest
from click.testing import CliRunner

from reason import resources
from reason.cli import main
from reason.evaluation.baselines import ConfidenceScore
from reason.evaluation.card import measure
from reason.serving import Settings


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
        bundle: Path,
        data_root: Path,
        seeds: int,
        more: Sequence[type[ConfidenceScore]],
        engine: str,
        device: str,
        data: str | None,
        bank: str | None,
        test: str | None,
    ) -> SimpleNamespace:
        assert (data, bank, test) == (None, None, None)
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


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys, reason.cli as cli; cli.main(standalone_mode=False); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "predict" in done.stdout
