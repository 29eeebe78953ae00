"""Recipes: one declarative TOML file says everything about how a bundle is made."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reason import progress
from reason.base.backbones import ARCHITECTURES
from reason.data.corruptions import CORRUPTIONS
from reason.data.datasets import DATASETS
from reason.detector.recipe import Recipe
from reason.errors import ReasonError, RecipeError, SettingsError
from reason.registry import Registry
from reason.signals.registry import FAMILIES
from reason.structure import build
from reason.suggestions import did_you_mean

NAMES: tuple[tuple[str, str, Registry[Any]], ...] = (
    ("data", "dataset", DATASETS),
    ("base", "architecture", ARCHITECTURES),
    ("signals", "families", FAMILIES),
    ("target", "types", CORRUPTIONS),
    ("meta_fit", "corruptions", CORRUPTIONS),
)
"""Table and key of a recipe that name things of a registry; ``module:Name`` names one that is not registered."""


def read(path: Path) -> Recipe:
    """Read and check a recipe; say on the error stream which keys have been renamed.

    Raises:
        RecipeError: the file is missing, is not TOML, or has an unknown, missing or ill-typed key.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); name a recipe file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not valid TOML ({error}).") from None

    def renamed(key: str, name: str) -> None:
        progress.say(f"{path}: {key} is deprecated; call it {name}.")

    try:
        _adopt_names(table)
        recipe = build(Recipe, table, renamed=renamed)
        _check_names(recipe)
    except ReasonError as error:
        raise RecipeError(f"{path}: {error}") from None
    return recipe


def _adopt_names(table: dict[str, Any]) -> None:
    """Put plain names in the place of ``module:Name``, before the settings are made of them."""
    for section, key, registry in NAMES:
        settings = table.get(section)
        if not isinstance(settings, dict):
            continue
        value = settings.get(key)
        if isinstance(value, str):
            settings[key] = registry.adopt(value)
        elif isinstance(value, list):
            settings[key] = [registry.adopt(name) if isinstance(name, str) else name for name in value]


def _check_names(recipe: Recipe) -> None:
    """Look up every name of a recipe, before hours of training; the signals' settings know their families."""
    with_training_images = [name for name, known in DATASETS.items() if "train" in known.parts]
    _look_up("data.dataset", "data set to train on", [recipe.data.dataset], with_training_images)
    _look_up("base.architecture", "architecture", [recipe.base.architecture], ARCHITECTURES)
    _look_up("target.types", "corruption", recipe.target.types, CORRUPTIONS)
    _look_up("meta_fit.corruptions", "corruption", recipe.meta_fit.corruptions, CORRUPTIONS)


def _look_up(key: str, kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in set(known):
            raise SettingsError(key, f"names {name!r}, and there is no such {kind}; {did_you_mean(name, known)}")
