"""The files around the code: requirements, Makefile, CI, Dockerfile, licence."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FAKE_PYTHON = """#!/bin/sh
case "$*" in
  *ensurepip*) exit 0 ;;
  "-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/reason ;;
  "-m pip"*) echo "pip $*" >> log; if [ -e pip-fails ]; then exit 1; fi ;;
  *) echo "$(basename "$0") $*" >> log ;;
esac
"""
"""Stands in for an interpreter: makes a virtual environment of copies of itself and logs its calls."""


def executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with the files that `make` reads and an interpreter that installs nothing."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    executable(folder / "fake-python", FAKE_PYTHON)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", f"PYTHON={folder}/fake-python", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def log(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines()


def test_requirements_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == project["dependencies"]


def test_make_serve_sets_up_once(clone: Path) -> None:
    for _ in range(2):
        assert make(clone, "serve", "ARGS=--port 8000").returncode == 0
    pip, *served = log(clone)
    assert pip.endswith("-r requirements.txt -e .")
    assert served == ["reason serve --port 8000"] * 2


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_make_serve_installs_again_when_the_requirements_change(clone: Path, name: str) -> None:
    make(clone, "serve")
    newer = (clone / ".venv/runtime.stamp").stat().st_mtime + 10
    os.utime(clone / name, (newer, newer))
    make(clone, "serve")
    assert [line.split()[0] for line in log(clone)] == ["pip", "reason", "pip", "reason"]


def test_make_serve_installs_again_after_a_failed_installation(clone: Path) -> None:
    (clone / "pip-fails").touch()
    assert make(clone, "serve").returncode != 0
    (clone / "pip-fails").unlink()
    assert make(clone, "serve").returncode == 0
    assert [line.split()[0] for line in log(clone)] == ["pip", "pip", "reason"]


def test_make_passes_pip_arguments_on(clone: Path) -> None:
    make(clone, "serve", "PIP_ARGS=--no-index --find-links wheels")
    assert "--no-index --find-links wheels" in log(clone)[0]


def test_make_says_in_a_sentence_that_no_python_fits(clone: Path) -> None:
    executable(clone / "fake-python", "#!/bin/sh\nexit 1\n")
    done = make(clone, "serve")
    assert done.returncode != 0
    assert f"needs Python 3.11 or newer with its venv module, and found none among: {clone}/fake-python." in done.stderr
    assert not (clone / ".venv").exists()


def test_make_says_in_a_sentence_that_the_page_is_not_checked(clone: Path) -> None:
    tools = clone / "tools"
    tools.mkdir()
    for name in ("make", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    command = ["make", "--dry-run", "test"]
    done = subprocess.run(command, cwd=clone, env={"PATH": str(tools)}, capture_output=True, text=True)
    assert "npm is not installed: ESLint and the type checks of the page's scripts are skipped." in done.stdout
    assert "npm run" not in done.stdout


def test_lock_of_the_page_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert not any("resolved" in package for package in lock["packages"].values())


def test_make_help_lists_every_target(clone: Path) -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (clone / "Makefile").read_text(), re.MULTILINE)[0].split()
    listed = [line.split()[1] for line in make(clone).stdout.splitlines()]
    assert sorted(listed) == sorted(targets)


@pytest.fixture
def ci(tmp_path: Path) -> Path:
    """Return a clone whose `make` prints the data folder and fails with 7 when `make-fails` exists."""
    folder = tmp_path / "clone"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    (folder / "bin").mkdir()
    executable(
        folder / "bin/make",
        '#!/bin/sh\necho "make $* with data $REASON_DATA"\n[ ! -e make-fails ] || exit 7\n',
    )
    executable(folder / "bin/chromium", "#!/bin/sh\n")
    for name in ("bash", "dirname"):
        (folder / "bin" / name).symlink_to(str(shutil.which(name)))
    return folder


def run_ci(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / ".ci/run"],
        cwd="/",
        env={"PATH": str(folder / "bin")},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_ci_runs_the_tests_with_the_data_beside_the_repository(ci: Path) -> None:
    data = ci.parent / "shared/data"
    data.mkdir(parents=True)
    done = run_ci(ci)
    assert (done.returncode, done.stdout) == (0, f"make test with data {data.resolve()}\n")


def test_ci_runs_without_data_and_says_so(ci: Path) -> None:
    note, ran = run_ci(ci).stdout.splitlines()
    assert "will be skipped" in note
    assert ran == "make test with data "


def test_ci_fails_when_the_tests_fail(ci: Path) -> None:
    (ci / "make-fails").touch()
    assert run_ci(ci).returncode == 7


def test_ci_installs_a_browser_and_retries_with_a_fresh_package_list(ci: Path) -> None:
    (ci / "bin/chromium").unlink()
    stub = '#!/bin/bash\necho "apt-get $1"\n[ "$1" = update ] && echo > updated\n[ -e updated ]\n'
    executable(ci / "bin/apt-get", stub)
    done = run_ci(ci)
    assert done.returncode == 0
    assert re.findall(r"^apt-get (\w+)", done.stdout, re.MULTILINE) == ["install", "update", "install"]


def test_ci_says_that_it_could_not_install_a_browser(ci: Path) -> None:
    (ci / "bin/chromium").unlink()
    done = run_ci(ci)
    assert done.returncode == 1
    assert "Chromium could not be installed" in done.stderr
    assert "make" not in done.stdout


def test_the_image_copies_only_what_is_there_and_sent() -> None:
    copies = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = {source for line in copies for source in line.split()}
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sources == sent
    assert [source for source in sorted(sources) if not (ROOT / source).exists()] == []


def test_the_image_serves_as_a_user_without_rights() -> None:
    instructions = re.findall(r"^([A-Z]+) (.*)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = [name for name, _ in instructions]
    assert ("USER", "reason") in instructions
    assert names.index("USER") < names.index("CMD")
    assert "HEALTHCHECK" in names


def test_the_licence_covers_code_and_weights() -> None:
    licence = (ROOT / "LICENSE").read_text()
    assert licence.startswith("MIT License")
    assert "REASON contributors" in licence
    assert "ImageNet" in licence
