"""Recipes: the shipped one is valid, and every mistake is named by its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from reason.errors import RecipeError
from train import recipe

SHIPPED = Path(__file__).parents[2] / "train" / "imagenette.toml"


def test_the_shipped_recipe_reads() -> None:
    found = recipe.read(SHIPPED)
    assert found.name == "imagenette"
    assert found.base.weights == "none"
    assert isinstance(found.base.phases[0].size, int)
    assert set(found.signals.families) == {"softmax", "dropout", "gradient", "neighbours", "embedding"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "stripes"', 'nmae = "stripes"', r"unknown key nmae; did you mean name\?"),
        ("batch_size = 16", "batch_sise = 16", r"unknown key base\.batch_sise; did you mean base\.batch_size\?"),
        ("batch_size = 16", 'batch_size = "16"', r"base\.batch_size must be of type int, not '16'"),
        ("batch_size = 16", "batch_size = true", r"base\.batch_size must be of type int, not True"),
        ("batch_size = 16", "batch_size = 1.5", r"base\.batch_size must be of type int, not 1\.5"),
        ("batch_size = 16\n", "", r"key base\.batch_size is missing"),
        ("epochs = 2, size = 24", 'epochs = "x", size = 24', r"base\.phases\[0\]\.epochs must be of type int"),
        ('"adamw"', '"adam"', r"base\.optimizer must be one of 'adamw', 'sgd', not 'adam'"),
        ("hidden = [8]", "hidden = 8", r"metanet\.hidden must be a list"),
        ("base_share = 0.5", "base_share = 0.8", "leave some images to calibrate"),
        ("risk = 0.3", "risk = 3", r"threshold\.risk and threshold\.delta must be in \(0, 1\)"),
        ("pca_columns = 4", "pca_columns = 40", "pca_columns must not exceed"),
        ("[signals]", "[signals", "not valid TOML"),
        ('"softmax", ', '"softmx", ', r"signals\.families\[0\] must be one of"),
    ],
)
def test_a_mistake_is_named(recipe_file: Path, old: str, new: str, message: str) -> None:
    text = recipe_file.read_text()
    assert old in text
    recipe_file.write_text(text.replace(old, new, 1))
    with pytest.raises(RecipeError, match=message) as raised:
        recipe.read(recipe_file)
    assert str(raised.value).startswith(str(recipe_file))


def test_whole_numbers_serve_as_floats(recipe_file: Path) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("learning_rate = 2e-3", "learning_rate = 1"))
    assert recipe.read(recipe_file).base.learning_rate == 1.0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read"):
        recipe.read(tmp_path / "none.toml")
