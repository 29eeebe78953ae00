"""``reason corrupt``: the picture it writes is the one that the library makes and that gets judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import reason
from reason.cli import main
from reason.data.corruptions import CORRUPTIONS, CorruptionRequest
from reason.data.images import decode

Run = Callable[..., Result]


@pytest.fixture
def corrupt() -> Run:
    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["corrupt", *map(str, arguments)])

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    colours = np.random.default_rng(2).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(colours).save(path)
    return path


def test_the_picture_keeps_its_size(corrupt: Run, photo: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.png"
    result = corrupt(photo, "--type", "fog", "--severity", 0.8, "--seed", 3, "-o", output)
    assert (result.exit_code, result.output) == (0, "")
    expected = CorruptionRequest("fog", 0.8, 3).full_size(decode(photo))
    assert expected.size == (70, 50)
    assert np.array_equal(np.asarray(decode(output)), np.asarray(expected))


def test_with_a_bundle_it_is_what_would_be_judged(
    corrupt: Run, photo: Path, tmp_path: Path, bundle_folder: Path
) -> None:
    output = tmp_path / "out.png"
    assert corrupt(photo, "--type", "noise", "--bundle", bundle_folder, "-o", output).exit_code == 0
    preprocessing = reason.load(bundle_folder).preprocessing
    expected = CorruptionRequest("noise", 0.5, 0).picture(decode(photo), preprocessing)
    assert np.array_equal(np.asarray(decode(output)), np.asarray(expected.convert("RGB")))


def test_an_image_can_come_from_standard_input(photo: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.bmp"
    words = ["corrupt", "-", "--type", "fog", "-o", str(output)]
    assert CliRunner().invoke(main, words, input=photo.read_bytes()).exit_code == 0
    expected = CorruptionRequest("fog", 0.5, 0).full_size(decode(photo))
    assert np.array_equal(np.asarray(decode(output)), np.asarray(expected))


def test_list_shows_every_corruption(corrupt: Run) -> None:
    result = corrupt("--list")
    header, *rows = result.stdout.splitlines()
    assert result.exit_code == 0
    assert header.split()[:2] == ["type", "family"]
    assert [row.rstrip().split(maxsplit=2) for row in rows] == [
        [c.name, c.family, c.summary] for c in CORRUPTIONS.values()
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["photo.png", "--type", "fogg", "-o", "a.png"], "fogg: there is no such corruption; did you mean fog?"),
        (["photo.png", "--type", "fog", "--severity", "1.5", "-o", "a.png"], "severity 1.5: out of range"),
        (["photo.png", "--type", "fog", "--severity", "nan", "-o", "a.png"], "severity nan: out of range"),
        (["photo.png", "--type", "fog", "--seed", "-1", "-o", "a.png"], "seed -1: out of range"),
        (["photo.png", "--type", "fog", "-o", "a.xyz"], "a.xyz: pictures are written as .jpg"),
        (["photo.png", "--type", "fog", "-o", "gone/a.png"], "gone/a.png: cannot be written (No such file"),
        (["photo.png", "--type", "fog"], "Missing option '-o'"),
        (["photo.png", "-o", "a.png"], "Missing option '--type'"),
        (["gone.png", "--type", "fog", "-o", "a.png"], "'gone.png' does not exist"),
    ],
)
def test_wrong_use_gives_code_2_and_says_why(
    corrupt: Run, photo: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], complaint: str
) -> None:
    monkeypatch.chdir(photo.parent)
    result = corrupt(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr
    assert not Path("a.png").exists()


def test_an_unreadable_image_gives_code_3(corrupt: Run, tmp_path: Path) -> None:
    broken, output = tmp_path / "broken.png", tmp_path / "out.png"
    broken.write_text("no image")
    result = corrupt(broken, "--type", "fog", "-o", output)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith(f"{broken}: not an image in a format REASON reads")
    assert not output.exists()
