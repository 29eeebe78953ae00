"""Recipes: the shipped one is valid, and every mistake is named by its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from reason.errors import RecipeError
from reason.fitting import recipe
from reason.fitting.fitting_data import CorruptionMix, MetaFit

SHIPPED = sorted((Path(__file__).parents[2] / "train").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_recipes_read(path: Path) -> None:
    found = recipe.read(path)
    assert found.name == path.stem
    assert found.base.weights == "none"
    assert all(isinstance(phase.size, int) for cycle in found.base.cycles for phase in cycle.phases)
    assert "softmax" in found.signals.families or found.signals.families == ("activations",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "stripes"', 'nmae = "stripes"', r"unknown key nmae; did you mean name\?"),
        ("batch_size = 16", "batch_sise = 16", r"unknown key base\.batch_sise; did you mean base\.batch_size\?"),
        ("batch_size = 16", 'batch_size = "16"', r"base\.batch_size must be of type int, not '16'"),
        ("batch_size = 16", "batch_size = true", r"base\.batch_size must be of type int, not True"),
        ("batch_size = 16", "batch_size = 1.5", r"base\.batch_size must be of type int, not 1\.5"),
        ("batch_size = 16\n", "", r"key base\.batch_size is missing"),
        ("epochs = 2, size = 24", 'epochs = "x", size = 24', r"base\.cycles\[0\]\.phases\[0\]\.epochs must be"),
        ('"adamw"', '"lion"', r"base\.optimizer must be one of 'adamw', 'adam', 'sgd', not 'lion'"),
        ("augmented = 1", "augmented = -1", "no negative number of blocks"),
        (
            "[meta_fit]\naugmented = 1\ncrop_area = 0.5",
            "[meta_fit]\naugmented = 1\ncrop_area = 0",
            r"meta_fit\.crop_area must",
        ),
        ("chance = 0.5", "chance = 0", r"meta_fit\.at_home needs a \[home\]"),
        ("erased_area = 0.2", "erased_area = 1", r"base\.cycles: erased_area must be in \[0, 1\)"),
        ('"occlude"]', '"oclude"]', r"home\.types must be among .*occlude"),
        (
            'types = ["noise", "occlude"]',
            "types = []",
            r"home\.types must be .* one at least where home\.chance is pos",
        ),
        ("chance = 0.5", "chance = 2", r"home\.chance must be in \[0, 1\]"),
        ("chance = 0.5", "chance = -0.1", r"home\.chance must be in \[0, 1\]"),
        ("chance = 0.5", "chanse = 0.5", r"unknown key home\.chanse; did you mean home\.chance\?"),
        ("[home]", "[hoem]", r"unknown key hoem; did you mean home\?"),
        ("[home]", "[corruption]", r"unknown key corruption; known keys: .*home"),
        ('"jpeg"]', '"jpg"]', r"meta_fit\.corruptions must be among .*jpeg"),
        ('corruptions = ["noise", "occlude", "jpeg"]', "", r"meta_fit\.corruptions must be .* one at least where"),
        ("augmented = 1", "draws = 1", r"unknown key meta_fit\.draws; known keys: clean, augmented"),
        ("augmented = 1", "augmented = 1.5", r"meta_fit\.augmented must be of type int, not 1\.5"),
        ("at_home = 1", "at_hom = 1", r"unknown key meta_fit\.at_hom; did you mean meta_fit\.at_home\?"),
        ("scalar_members = 1", "scalar_members = 3", r"metanet\.scalar_members must not exceed metanet\.members"),
        ("scalar_members = 1", "scalar_members = -1", r"metanet\.scalar_members must not exceed metanet\.members"),
        ("scalar_members = 1", "embedding_scale = 0.1", r"unknown key metanet\.embedding_scale"),
        ('"layers"', '"layer"', r"signals\.families\[4\] must be one of .*'layers'"),
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


def test_what_the_metanet_learns_from_and_the_home_shift_are_read(recipe_file: Path) -> None:
    found = recipe.read(recipe_file)
    corruptions = ("noise", "occlude", "jpeg")
    assert found.meta_fit == MetaFit(
        augmented=1, crop_area=0.5, colour_jitter=0.2, at_home=1, corrupted=1, corruptions=corruptions
    )
    assert found.meta_fit.blocks == 4
    assert found.home == CorruptionMix(("noise", "occlude"), 0.5)
    assert found.metanet.scalar_members == 1


def test_without_a_home_shift_the_bundle_is_made_for_the_images_as_they_are(recipe_file: Path) -> None:
    text = recipe_file.read_text()
    start, end = text.index("[home]"), text.index("[metanet]")
    recipe_file.write_text((text[:start] + text[end:]).replace("at_home = 1", "at_home = 0"))
    assert recipe.read(recipe_file).home == CorruptionMix(types=(), chance=0.0)


def test_something_must_be_learned_from(recipe_file: Path) -> None:
    text = recipe_file.read_text()
    start, end = text.index("[meta_fit]"), text.index("[home]")
    nothing = text[:start] + "[meta_fit]\nclean = false\n" + text[end:]
    recipe_file.write_text(nothing)
    with pytest.raises(RecipeError, match="meta_fit needs a block of copies or the clean images"):
        recipe.read(recipe_file)
    recipe_file.write_text(nothing.replace("clean = false", ""))
    assert recipe.read(recipe_file).meta_fit == MetaFit()


def test_whole_numbers_serve_as_floats(recipe_file: Path) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("crop_area = 0.7", "crop_area = 1"))
    assert recipe.read(recipe_file).base.cycles[0].crop_area == 1.0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read"):
        recipe.read(tmp_path / "none.toml")
