"""What a user gets from the wheel: it is built, installed into a new environment and used in an empty folder."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import pytest
import requests
import torch
from PIL import Image
from skimage import data as pictures

import reason

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = "reason/_shipped/"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds the sdist, and the wheel that was built from it alone."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def names(built: Path) -> set[str]:
    """Return what the wheel holds."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


@pytest.fixture(scope="module")
def scripts(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the scripts of a new environment that holds the wheel, and borrows what it needs from the present one."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    wheel = next(built.glob("*.whl"))
    install = ["install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True, capture_output=True)
    packages = next(venv.glob("lib/python*/site-packages"))
    # Last on the path, so that the wheel goes before an editable installation that may be there.
    (packages / "borrowed.pth").write_text(str(Path(torch.__file__).parents[1]) + "\n")
    return python.parent


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, the current one, without settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("REASON_", "PYTHON"))]:
        monkeypatch.delenv(name)
    return tmp_path


def run(*command: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done


def test_the_wheel_holds_one_package_and_nothing_beside_it(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {"reason", f"reason-{reason.__version__}.dist-info"}
    assert "reason/py.typed" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pkl", ".pth", ".pyc"))]


def test_the_wheel_holds_all_that_ships(names: set[str]) -> None:
    for inside, beside, pattern in (
        ("bundles", "reason_saved", "*/*"),
        ("recipes", "train", "*.toml"),
        ("page", ".", "index.html"),
        ("page/static", "static", "*"),
    ):
        wanted = {file.relative_to(ROOT / beside).as_posix() for file in (ROOT / beside).glob(pattern)}
        prefix = f"{SHIPPED}{inside}/"
        found = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
        assert found >= wanted
        assert inside == "page" or found == wanted


def test_files_are_small_enough_for_an_index(built: Path) -> None:
    assert max(file.stat().st_size for file in built.iterdir()) < 100e6  # PyPI's limit


def test_the_source_archive_holds_no_tests_and_no_figures(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        folders = {name.split("/")[1] for name in archive.getnames()}
    assert folders >= {"reason", "reason_saved", "train", "static", "index.html", "LICENSE", "README.md"}
    assert not folders & {"tests", "eval_plots", "benchmarks", "docs"}


def test_both_ways_to_start_it_know_the_version(scripts: Path, empty: Path) -> None:
    for command in ([scripts / "reason"], [scripts / "python", "-m", "reason"]):
        assert run(*command, "--version").stdout == f"reason, version {reason.__version__}\n"


def test_it_judges_a_photo(scripts: Path, empty: Path) -> None:
    Image.fromarray(pictures.coffee()).save("photo.png")
    verdict = json.loads(run(scripts / "reason", "predict", "photo.png", "--json").stdout)
    assert verdict["source"] == "photo.png"
    assert verdict["decision"] in ("accept", "review")


def test_three_lines_of_python_judge_a_photo(scripts: Path, empty: Path) -> None:
    Image.fromarray(pictures.coffee()).save("photo.png")
    lines = (
        "import reason, reason.resources as r",
        "verdict = reason.load(r.bundle_folder('mnist')).predict(['photo.png'])[0]",
        "print(verdict.class_, verdict.decision, reason.__file__)",
    )
    label, decision, file = run(scripts / "python", "-c", "\n".join(lines)).stdout.split()
    assert (label.isdigit(), decision in ("accept", "review")) == (True, True)
    assert Path(file).is_relative_to(scripts.parent)


@pytest.fixture
def service(scripts: Path, empty: Path) -> Iterator[str]:
    """Serve from the installed package, and return its address."""
    command = [str(scripts / "reason"), "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found
        while requests.get(urljoin(found[0], "health/ready"), timeout=60).status_code != 200:
            time.sleep(0.2)
        yield found[0]
        server.terminate()


def test_it_serves_its_page_and_verdicts(service: str, empty: Path) -> None:
    page = requests.get(service, timeout=60)
    files = re.findall(r'(?:href|src)="(static/[^"]+)"', page.text)
    assert (page.status_code, len(files) > 10) == (200, True)
    assert {requests.get(urljoin(service, file), timeout=60).status_code for file in files} == {200}
    Image.fromarray(pictures.coffee()).save("photo.png")
    with (empty / "photo.png").open("rb") as photo:
        answer = requests.post(urljoin(service, "predict"), files={"image": photo}, timeout=600)
    assert answer.status_code == 200, answer.text
    assert answer.json()["decision"] in ("accept", "review")


def draw_digits(folder: Path, stem: str, n: int) -> None:
    """Write MNIST's pair of files, with noisy stripes for digits: the direction tells the class."""
    random = np.random.default_rng(n)
    labels = np.arange(n, dtype=np.uint8) % 10
    x, y = np.meshgrid(np.arange(28), np.arange(28))
    angles = labels[:, None, None] * np.pi / 10
    waves = 120 + 60 * np.sin((x * np.cos(angles) + y * np.sin(angles)) / 2) + random.normal(0, 60, (n, 28, 28))
    folder.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">IIII", 0x803, n, 28, 28)
    (folder / f"{stem}-images-idx3-ubyte").write_bytes(header + waves.clip(0, 255).astype(np.uint8).tobytes())
    (folder / f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, n) + labels.tobytes())


def test_it_trains_a_recipe_by_its_name(scripts: Path, empty: Path) -> None:
    missing = run(scripts / "reason", "train", "mnist", code=1)
    assert re.fullmatch(r"Error: .* was not found; `reason train --download` .*\n", missing.stderr)
    before = sorted(scripts.parent.rglob("*.toml"))
    draw_digits(Path("data/MNIST/raw"), "train", 300)
    draw_digits(Path("data/MNIST/raw"), "t10k", 50)
    run(scripts / "reason", "train", "mnist")
    assert sorted(path.name for path in empty.iterdir()) == ["data", "reason_saved", "runs"]
    assert (empty / "reason_saved/mnist/dataset_meta.json").is_file()
    assert sorted(scripts.parent.rglob("*.toml")) == before
