"""What MkDocs is told to do beyond its own: pages of files outside ``docs/``, and a reference of every module.

Links in Markdown files lead to files of the repository, so that they work where the repository is browsed. Here they
are turned to the pages that the site makes of those files; a link to a file that is no page keeps its words alone.
"""

from __future__ import annotations

import pkgutil
import posixpath
import re
from importlib.util import find_spec
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]

PACKAGES = (
    "metrics",
    "data",
    "base",
    "signals",
    "detector",
    "bundle",
    "fitting",
    "sharing",
    "evaluation",
    "serving",
    "cli",
)
"""Packages of ``reason`` in the order of its layers; each is a page of the reference."""

OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "reason_saved/imagenette/MODEL_CARD.md": "model_cards/imagenette.md",
    "reason_saved/mnist/MODEL_CARD.md": "model_cards/mnist.md",
}
"""Files outside ``docs/`` that are pages, with their places in the site."""

MERMAID = ROOT / "build" / "mermaid.min.js"
"""Fetched by `make docs` where npm is there."""

_COLUMNS = re.compile(r"<!-- columns: (\w+) -->")
"""Where a page wants the columns of a signal family."""

_LINK = re.compile(r"(?P<image>!?)\[(?P<words>[^\[\]]*)\]\((?!\w+:)(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Draw Mermaid's drawings by a script of the site's own; where it was not fetched, show their text.

    Left to itself the theme would fetch the script from elsewhere whenever a page is read.
    """
    if MERMAID.is_file():
        config.extra_javascript.append(f"assets/{MERMAID.name}")
    else:
        del config.mdx_configs["pymdownx.superfences"]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside ``docs/``, and the pages of the reference."""
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    if MERMAID.is_file():
        files.append(File.generated(config, f"assets/{MERMAID.name}", abs_src_path=str(MERMAID)))
    for figure in sorted((ROOT / "eval_plots").glob("*/*.png")):
        place = figure.relative_to(ROOT).as_posix()
        files.append(File.generated(config, place, abs_src_path=str(figure)))
    for name in ("reason", *PACKAGES):
        files.append(File.generated(config, f"reference/{name}.md", content=_reference(name)))
    return files


def _reference(name: str) -> str:
    """Return the page of a package: its own text, then each of its modules."""
    if name == "reason":
        front = "reason", "reason.errors", "reason.progress", "reason.registry", "reason.resources", "reason.structure"
        return "# reason\n\n" + "\n\n".join(f"::: {module}" for module in front) + "\n"
    spec = find_spec(f"reason.{name}")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    found = pkgutil.walk_packages(spec.submodule_search_locations, f"reason.{name}.")
    modules = [module.name for module in found]
    return f"# {name}\n\n" + "\n\n".join(f"::: {module}" for module in (f"reason.{name}", *modules)) + "\n"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write the columns of signal families, and turn links to files of the repository into links to pages."""
    place = page.file.src_uri
    source = {page: source for source, page in OUTSIDE.items()}.get(place, f"docs/{place}")

    def turn(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link["target"]))
        if not (ROOT / target).exists():
            return link[0]  # MkDocs says that it leads nowhere
        there = _page_of(target, files)
        if there is None:
            return link["words"]
        path = posixpath.relpath(there, posixpath.dirname(place) or ".")
        return f"{link['image']}[{link['words']}]({path}{link['anchor'] or ''})"

    return _LINK.sub(turn, _COLUMNS.sub(_table, markdown))


def _table(place: re.Match[str]) -> str:
    from docs import signal_columns  # PyTorch, which no other page waits for

    return signal_columns.table(place[1])


def _page_of(target: str, files: Files) -> str | None:
    """Return the page or figure that the site makes of a file of the repository."""
    package, *rest = target.removeprefix("reason/").split("/")
    if target.startswith("reason/"):
        module = target.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
        return f"reference/{package if rest else 'reason'}.md#{module}"
    place = OUTSIDE.get(target, target.removeprefix("docs/"))
    return place if files.get_file_from_path(place) else None
