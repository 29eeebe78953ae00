"""Where the files that ship with the code lie: bundles, recipes and the page.

In the repository they stand at the top level, where people look for them. A wheel carries them inside the package
(``pyproject.toml`` says which goes where). All else that a command reads or writes lies in the current folder.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

_INSTALLED = PACKAGE / "_shipped"
_REPOSITORY = PACKAGE.parent


def _place(inside: str, beside: str) -> Path:
    return _INSTALLED / inside if _INSTALLED.is_dir() else _REPOSITORY / beside


BUNDLES = _place("bundles", "reason_saved")
"""Folder of the bundles that ship, each a folder by its name."""

RECIPES = _place("recipes", "train")
"""Folder of the recipes that ship, each ``<name>.toml``."""

PAGE = _place("page", ".")
"""Folder that holds ``index.html`` and, beside it, ``static/``."""


def bundle_folder(text: str) -> Path:
    """Return the folder that a bundle's name or a path means; what ships goes before what lies here."""
    folder, shipped = Path(text), BUNDLES / text
    is_name = folder.name == text and text != ".."
    return shipped if is_name and (shipped.exists() or not folder.exists()) else folder


def recipe_file(text: str) -> Path:
    """Return the file that a recipe's name or a path means; a path has a folder or an ending."""
    is_name = Path(text).name == text and not Path(text).suffix
    return RECIPES / f"{text}.toml" if is_name else Path(text)


def recipe_names() -> list[str]:
    """Return the names of the recipes that ship."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))
