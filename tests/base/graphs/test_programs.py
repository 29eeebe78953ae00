"""Programs of ``torch.export`` become graphs of bundles, without the code that they were traced from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from own_networks import SHAPE, made

from reason.base.graphs.classifier import graph_classifier
from reason.base.graphs.files import file_classifier, stated_shape
from reason.base.outputs import logits_of
from reason.base.sources import resolve
from reason.data.images import Preprocessing
from reason.errors import ClassifierError, FitError

IMAGES = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(5))

JUDGE = """
import sys
from pathlib import Path
import torch
from reason.base.graphs.classifier import graph_classifier

graph = graph_classifier(Path(sys.argv[1]), (3, 32, 32), Path(sys.argv[2]))
images = torch.load(sys.argv[3])
torch.save(graph.engine.look(images, gradient=False, taps=True).logits, sys.argv[4])
assert "own_networks" not in sys.modules
"""


def saved(name: str, path: Path, count: int, dims: Any) -> torch.Tensor:
    network = made(name)
    with torch.no_grad():
        program = torch.export.export(network, (torch.zeros(count, *SHAPE),), dynamic_shapes=dims)
        torch.export.save(program, path)
        return logits_of(network(IMAGES))


@pytest.mark.parametrize("name", ["plain", "residual", "windows", "cosine"])
def test_any_number_of_images(name: str, tmp_path: Path) -> None:
    expected = saved(name, tmp_path / "a.pt2", 2, ({0: torch.export.Dim.DYNAMIC},))
    graph = graph_classifier(tmp_path / "a.pt2", SHAPE, tmp_path / "g")
    assert graph.base.files.batch is None
    found = graph.engine.look(IMAGES, gradient=False, taps=True)
    torch.testing.assert_close(found.logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", ["plain", "windows"])
def test_a_fixed_number_of_images(name: str, count: int, tmp_path: Path) -> None:
    expected = saved(name, tmp_path / "a.pt2", count, None)
    graph = graph_classifier(tmp_path / "a.pt2", SHAPE, tmp_path / "g")
    found = graph.engine.look(IMAGES, gradient=False, taps=True)
    torch.testing.assert_close(found.logits, expected, rtol=1e-4, atol=1e-4)


def test_a_process_without_the_code(tmp_path: Path) -> None:
    expected = saved("residual", tmp_path / "a.pt2", 2, ({0: torch.export.Dim.DYNAMIC},))
    torch.save(IMAGES, tmp_path / "images.pt")
    files = [str(tmp_path / name) for name in ("a.pt2", "g", "images.pt", "logits.pt")]
    subprocess.run([sys.executable, "-c", JUDGE, *files], check=True, capture_output=True)
    torch.testing.assert_close(torch.load(tmp_path / "logits.pt"), expected, rtol=1e-4, atol=1e-4)


def test_a_file_as_a_source_of_classifiers(tmp_path: Path) -> None:
    saved("plain", tmp_path / "a.pt2", 2, None)
    said = Preprocessing(size=32, mode="RGB", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    found = file_classifier(str(tmp_path / "a.pt2"), said)
    assert (found.network, found.preprocessing, found.architecture) == (tmp_path / "a.pt2", said, "graph")
    assert resolve(str(tmp_path / "a.pt2"), preprocessing=said) == found
    assert stated_shape(tmp_path / "a.pt2") == SHAPE
    with pytest.raises(ClassifierError, match=r"takes images of 3 x 32 x 32 .* give --size, --mean and --std"):
        file_classifier(str(tmp_path / "a.pt2"), None)
    with pytest.raises(ClassifierError, match="there is no such file"):
        file_classifier(str(tmp_path / "b.pt2"), said)


def test_what_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "a.pt2").write_bytes(b"no program at all")
    with pytest.raises(FitError, match=r"a\.pt2: is no program of torch\.export") as caught:
        graph_classifier(tmp_path / "a.pt2", SHAPE, tmp_path / "g")
    assert "\n" not in str(caught.value)
