"""Recipes: the shipped one is valid, and every mistake is named by its key."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from made_recipes import make_recipe

from reason.data.corruptions import CORRUPTIONS
from reason.data.images import Preprocessing
from reason.detector.recipe import CorruptionMix, Cycle, Data, GuaranteeSettings, MetaFit, Phase, Recipe
from reason.errors import RecipeError, SettingsError
from reason.fitting import recipe
from reason.signals.registry import FAMILIES

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
        ('name = "stripes"', 'nmae = "stripes"', r"nmae is not a known key; did you mean name\?"),
        ("batch_size = 16", "batch_sise = 16", r"base\.batch_sise is not a known key; did you mean base\.batch_size\?"),
        ("batch_size = 16", 'batch_size = "16"', r"base\.batch_size must be of type int, not '16'"),
        ("batch_size = 16", "batch_size = true", r"base\.batch_size must be of type int, not True"),
        ("batch_size = 16", "batch_size = 1.5", r"base\.batch_size must be of type int, not 1\.5"),
        ("batch_size = 16\n", "", r"base\.batch_size is missing"),
        ("epochs = 2, size = 24", 'epochs = "x", size = 24', r"base\.cycles\[0\]\.phases\[0\]\.epochs must be"),
        ('"adamw"', '"lion"', r"base\.optimizer must be one of 'adamw', 'adam', 'sgd', not 'lion'"),
        ("augmented = 1", "augmented = -1", r"meta_fit\.augmented must not be negative, as -1 is"),
        (
            "[meta_fit]\naugmented = 1\ncrop_area = 0.5",
            "[meta_fit]\naugmented = 1\ncrop_area = 0",
            r"meta_fit\.crop_area must",
        ),
        ("chance = 0.5", "chance = 0", r"meta_fit\.on_target needs a \[target\]"),
        ("erased_area = 0.2", "erased_area = 1", r"base\.cycles\[1\]\.erased_area must be in \[0, 1\)"),
        (
            '"occlude"]',
            '"oclude"]',
            r"target\.types names 'oclude', and there is no such corruption; did you mean occlude\?",
        ),
        ('types = ["noise", "occlude"]', "types = []", r"target\.types must name at least one corruption"),
        ("chance = 0.5", "chance = 2", r"target\.chance must be in \[0, 1\]"),
        ("chance = 0.5", "chance = -0.1", r"target\.chance must be in \[0, 1\]"),
        ("chance = 0.5", "chanse = 0.5", r"target\.chanse is not a known key; did you mean target\.chance\?"),
        ("[target]", "[tarket]", r"tarket is not a known key; did you mean target\?"),
        ("[target]", "[corruption]", r"corruption is not a known key; known keys: .*target"),
        ('"jpeg"]', '"jpg"]', r"meta_fit\.corruptions names 'jpg', .*; did you mean jpeg\?"),
        ('corruptions = ["noise", "occlude", "jpeg"]', "", r"meta_fit\.corruptions must name at least one corruption"),
        ("augmented = 1", "draws = 1", r"meta_fit\.draws is not a known key; known keys: clean, augmented"),
        ("augmented = 1", "augmented = 1.5", r"meta_fit\.augmented must be of type int, not 1\.5"),
        (
            "on_target = 1",
            "on_tarket = 1",
            r"meta_fit\.on_tarket is not a known key; did you mean meta_fit\.on_target\?",
        ),
        ("scalar_members = 1", "scalar_members = 3", r"metanet\.scalar_members must not be negative or ex"),
        (
            "scalar_members = 1",
            "scalar_members = -1",
            r"metanet\.scalar_members must not be negative or ex",
        ),
        ("scalar_members = 1", "embedding_scale = 0.1", r"metanet\.embedding_scale is not a known key"),
        ('"layers"', '"layer"', r"signals\.families\[4\] is 'layer', which is no signal family; did you mean layers\?"),
        ("hidden = [8]", "hidden = 8", r"metanet\.hidden must be a list"),
        ("base_share = 0.5", "base_share = 0.8", "leave some images to calibrate"),
        ("risk = 0.3", "risk = 3", r"threshold\.risk must be in \(0, 1\), not 3"),
        ("pca_columns = 4", "pca_columns = 40", "pca_columns must not exceed"),
        ("[signals]", "[signals", "not valid TOML"),
        ("average_decay = 0.5", "average_decay = nan", r"base\.average_decay must be a finite number, not nan"),
        ("std = [0.25, ", "std = [0, ", r"data\.std must be positive"),
        ('"imagenette"', '"imagenete"', r"data\.dataset names 'imagenete', .*; did you mean imagenette\?"),
        ('"cnn"', '"cnm"', r"base\.architecture names 'cnm', and there is no such architecture; did you mean cnn\?"),
        ('"softmax", ', '"softmx", ', r"signals\.families\[0\] is 'softmx', .* did you mean softmax\?"),
    ],
)
def test_a_mistake_is_named(recipe_file: Path, old: str, new: str, message: str) -> None:
    text = recipe_file.read_text()
    assert old in text
    recipe_file.write_text(text.replace(old, new, 1))
    with pytest.raises(RecipeError, match=message) as raised:
        recipe.read(recipe_file)
    assert str(raised.value).startswith(str(recipe_file))


def test_what_the_metanet_learns_from_and_the_target_distribution_are_read(recipe_file: Path) -> None:
    found = recipe.read(recipe_file)
    corruptions = ("noise", "occlude", "jpeg")
    assert found.meta_fit == MetaFit(
        augmented=1, crop_area=0.5, colour_jitter=0.2, on_target=1, corrupted=1, corruptions=corruptions
    )
    assert found.meta_fit.blocks == 4
    assert found.target == CorruptionMix(("noise", "occlude"), 0.5)
    assert found.metanet.scalar_members == 1


def test_without_a_target_distribution_the_bundle_is_made_for_the_images_as_they_are(recipe_file: Path) -> None:
    text = recipe_file.read_text()
    start, end = text.index("[target]"), text.index("[metanet]")
    recipe_file.write_text((text[:start] + text[end:]).replace("on_target = 1", "on_target = 0"))
    assert recipe.read(recipe_file).target == CorruptionMix(types=(), chance=0.0)


def test_something_must_be_learned_from(recipe_file: Path) -> None:
    text = recipe_file.read_text()
    start, end = text.index("[meta_fit]"), text.index("[target]")
    nothing = text[:start] + "[meta_fit]\nclean = false\n" + text[end:]
    recipe_file.write_text(nothing)
    with pytest.raises(RecipeError, match=r"meta_fit\.clean = false needs another block of copies"):
        recipe.read(recipe_file)
    recipe_file.write_text(nothing.replace("clean = false", ""))
    assert recipe.read(recipe_file).meta_fit == MetaFit()


def test_the_page_names_every_table_and_its_messages_are_true(recipe_file: Path) -> None:
    page = (SHIPPED[0].parents[1] / "docs" / "recipes.md").read_text()
    tables = {item.name for item in dataclasses.fields(Recipe)} - {"name", "title", "seed"}
    assert {table for table in tables if f"| `[{table}]`" in page} == tables
    text = recipe_file.read_text()
    for old, new in (("erased_area = 0.2", "erased_area = 1"), ("on_target = 1", "on_tarket = 1")):
        recipe_file.write_text(text.replace(old, new))
        with pytest.raises(RecipeError) as raised:
            recipe.read(recipe_file)
        assert f"\n{recipe_file.name}{str(raised.value).removeprefix(str(recipe_file))}\n" in page


def test_whole_numbers_serve_as_floats(recipe_file: Path) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("crop_area = 0.7", "crop_area = 1"))
    assert recipe.read(recipe_file).base.cycles[0].crop_area == 1.0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.toml: cannot be read"):
        recipe.read(tmp_path / "none.toml")


THEIR_MODULE = """
from reason.data.corruptions import Corruption
from reason.signals.softmax import Softmax

haze = Corruption("haze", "weather", "A grey veil.", lambda images, severity, dice: images * 0 + 0.5)

class Sharpness(Softmax):
    name = "sharpness"
"""


def test_names_of_other_packages_are_kept_as_plain_names(
    recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_module.py").write_text(THEIR_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    for registry in (CORRUPTIONS, FAMILIES):
        monkeypatch.setattr(registry, "_items", dict(registry._items))
    text = recipe_file.read_text().replace('"jpeg"', '"their_module:haze"')
    recipe_file.write_text(text.replace('"dropout", ', '"their_module:Sharpness", '))
    for _ in range(2):  # a second reading finds them registered
        found = recipe.read(recipe_file)
        assert found.meta_fit.corruptions == ("noise", "occlude", "haze")
        assert found.signals.families[1] == "sharpness"
    recipe_file.write_text(text.replace("their_module:haze", "their_module:mist"))
    with pytest.raises(RecipeError, match=r"their_module:mist: cannot be imported as a corruption") as raised:
        recipe.read(recipe_file)
    assert str(raised.value).startswith(str(recipe_file))


def test_former_keys_are_read_and_said_to_be_deprecated(recipe_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = recipe.read(recipe_file)
    assert capsys.readouterr().err == ""
    recipe_file.write_text(recipe_file.read_text().replace("[target]", "[home]").replace("on_target", "at_home"))
    assert recipe.read(recipe_file) == expected
    said = "".join(capsys.readouterr().err.split())  # the console wraps lines
    for former, name in (("home", "target"), ("meta_fit.at_home", "on_target")):
        assert f"{recipe_file}:{former}isdeprecated;callit{name}.".replace(" ", "") in said


def test_a_former_key_beside_its_name_is_refused(recipe_file: Path) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("on_target = 1", "on_target = 1\nat_home = 1"))
    with pytest.raises(RecipeError, match=r"meta_fit\.at_home is the former name of meta_fit\.on_target"):
        recipe.read(recipe_file)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CorruptionMix(("noise",), 2.0), r"^chance must be in \[0, 1\], not 2\.0\.$"),
        (lambda: CorruptionMix((), 0.5), "^types must name at least one corruption"),
        (lambda: MetaFit(clean=False), "^clean = false needs another block"),
        (lambda: MetaFit(corrupted=1), "^corruptions must name at least one"),
        (lambda: MetaFit(crop_area=float("nan")), r"^crop_area must be in \(0, 1\], not nan"),
        (lambda: GuaranteeSettings(0.0, 0.05), r"^risk must be in \(0, 1\), not 0\.0"),
        (lambda: GuaranteeSettings(0.05, 1.0), r"^delta must be in \(0, 1\), not 1\.0"),
        (lambda: Phase(0, 32), "^epochs must be positive, not 0"),
        (lambda: Cycle(1e-3, 0.5, 0.1, ()), "^phases needs at least one phase"),
        (lambda: Data("mnist", 0.7, 0.3, 28, (0.1,), (0.3,), "L"), "^base_share and meta_share must leave some"),
        (lambda: Data("mnist", 0.6, 0.3, 28, (0.1,), (0.0,), "L"), "^std must be positive"),
        (lambda: Data("mnist", 0.6, 0.3, 28, (0.1,), (0.3,)), "^mean needs one number for each channel of RGB"),
        (lambda: Preprocessing(0, "L", (0.1,), (0.3,)), "^size must be positive, not 0"),
        (lambda: Preprocessing(28, "RGB", (0.1,), (0.3,)), "^mean needs one number for each channel of RGB"),
        (lambda: Preprocessing(28, "L", (0.1,), (float("nan"),)), "^std must be finite"),
        (
            lambda: dataclasses.replace(make_recipe().base, optimizer="lion"),  # type: ignore[arg-type]
            "^optimizer must be one of 'adamw', 'adam', 'sgd', not 'lion'",
        ),
        (lambda: make_recipe(meta_fit=MetaFit(on_target=1)), r"^meta_fit\.on_target needs a \[target\]"),
    ],
)
def test_settings_check_themselves_whoever_makes_them(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        make()
