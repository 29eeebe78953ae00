"""Where a bundle is named on the command line or to the service, an address on the Hub will do."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

import reason
from reason.bundle import reading
from reason.cli import main
from reason.serving import Settings
from reason.serving.models import Models

from .fake_hub import TOKEN, FakeHub


def run(*arguments: str | Path) -> tuple[int, str, str]:
    found = CliRunner().invoke(main, list(map(str, arguments)))
    return found.exit_code, found.stdout, found.stderr


def test_push_info_and_predict(hub: FakeHub, bundle_folder: Path, tmp_path: Path, shape_image: Image.Image) -> None:
    code, out, _ = run("push", bundle_folder, "hf://us/tiny", "--license", "mit", "--private")
    commit = hub.repositories["us/tiny"].commits[-1][0]
    digest = reason.load(bundle_folder).digest
    assert (code, out) == (0, f"hf://us/tiny@{commit}: digest {digest}\n")
    assert hub.repositories["us/tiny"].private
    code, out, _ = run("info", "hf://us/tiny")
    rows = {line[:14].strip(): line[14:] for line in out.splitlines()}
    assert (rows["source"], rows["digest"]) == (f"hf://us/tiny@{commit}", digest)
    shape_image.save(tmp_path / "circle.png")
    code, out, _ = run("predict", tmp_path / "circle.png", "--json", "--bundle", "hf://us/tiny")
    assert json.loads(out)["digest"] == digest
    code, out, _ = run("threshold", f"hf://us/tiny@{commit}", "--risk", "0.2", "--json")
    assert json.loads(out)["threshold"] == pytest.approx(reason.load(bundle_folder).policy(risk=0.2).threshold)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("info", "hf://us/none"), "hf://us/none: there is no such repository"),
        (("info", "hf://us"), "hf://us: is no address on the Hub"),
        (("push", "no/where", "hf://us/tiny"), "no/where: no such bundle folder"),
        (("export", "hf://us/tiny"), "hf://us/tiny: is only read; copy it by `reason push hf://us/tiny FOLDER`"),
    ],
)
def test_faults_are_one_sentence(hub: FakeHub, arguments: tuple[str, ...], sentence: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: {sentence}")
    assert err.count("\n") == 1


def test_the_service_takes_an_address(hub: FakeHub, bundle_folder: Path) -> None:
    reason.push(bundle_folder, "hf://us/tiny")
    models = Models(Settings.from_environment({"REASON_BUNDLES": "hf://us/tiny"}))
    models.load()
    assert models.get(None).detector.digest == reason.load(bundle_folder).digest


def test_a_process_of_its_own(hub: FakeHub, bundle_folder: Path, tmp_path: Path) -> None:
    """As users run it: what the Hub's library is told comes from the environment."""
    home = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}

    def reason_command(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "reason", *arguments]
        return subprocess.run(command, env=os.environ | home | more, capture_output=True, text=True, check=False)

    pushed = reason_command("push", str(bundle_folder), "hf://us/tiny")
    assert pushed.returncode == 0, pushed.stderr
    shown = reason_command("info", "hf://us/tiny")
    assert shown.stdout.splitlines()[0].split() == ["source", pushed.stdout.split(": ")[0]]
    asked = len(hub.requests)
    assert reason_command("info", "hf://us/tiny", HF_HUB_OFFLINE="1").stdout == shown.stdout
    assert len(hub.requests) == asked
    failed = reason_command("info", "hf://us/other", HF_HUB_OFFLINE="1")
    assert failed.returncode == 1
    assert failed.stderr.startswith("Error: hf://us/other: is not whole in the cache")


def test_both_ways_to_load_take_the_same() -> None:
    front, folder = (list(inspect.signature(way).parameters.values())[1:] for way in (reason.load, reading.load))
    assert front == folder


def test_naming_a_bundle_imports_nothing_slow() -> None:
    program = (
        "import sys, reason.sharing.places as places; places.bundle_folder('mnist'); "
        "print([n for n in ('torch', 'huggingface_hub', 'mlflow', 'pandas') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
