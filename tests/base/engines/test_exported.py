"""Every engine says what the network itself says, of pictures of any size, in every thread and every copy."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from in_threads import in_threads

from reason.base.engines import Tapped
from reason.base.engines.choice import RUNTIMES
from reason.base.engines.exported import Exported, ExportedFiles
from reason.base.engines.openvino import OpenVino, OpenVinoBf16, has_bf16
from reason.base.evidence import Evidence
from reason.errors import BundleError, ConfigError

EXACT = [name for name, runtime in RUNTIMES.items() if runtime.engine.precision == "fp32"]


@pytest.fixture(params=EXACT)
def engine(request: pytest.FixtureRequest, files: ExportedFiles) -> Exported:
    return RUNTIMES[request.param].engine(files)


def assert_close(found: Evidence, expected: Evidence, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(found.logits, expected.logits, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(found.embedding, expected.embedding, rtol=tolerance, atol=tolerance)
    assert list(found.activations) == list(expected.activations)
    for key, values in expected.activations.items():
        torch.testing.assert_close(found.activations[key], values, rtol=tolerance, atol=tolerance)
    assert list(found.views) == list(expected.views)
    for name, view in expected.views.items():
        assert_close(found.views[name], view, tolerance)


@pytest.mark.parametrize("n", [1, 5])
def test_it_says_what_the_network_says(small: Tapped, engine: Exported, images: torch.Tensor, n: int) -> None:
    found = engine.extract(images[:n], gradient=False, views=True)
    assert_close(found, small.extract(images[:n], gradient=False, views=True))
    assert set(found.activations) == set(small.keys)


@pytest.mark.parametrize("side", [7, 33])
def test_pictures_of_other_sizes_pass(small: Tapped, engine: Exported, side: int) -> None:
    images = torch.randn(2, 3, side, side + 2, generator=torch.Generator().manual_seed(2))
    assert_close(engine.look(images, gradient=False, taps=True), small.look(images, gradient=False, taps=True))


def test_results_of_a_pass_stay_when_the_next_one_comes(engine: Exported, images: torch.Tensor) -> None:
    first = engine.look(images, gradient=False, taps=True)
    kept = first.logits.clone(), first.embedding.clone()
    engine.look(images + 1, gradient=False, taps=True)
    assert torch.equal(first.logits, kept[0])
    assert torch.equal(first.embedding, kept[1])


def test_the_gradient_is_refused(engine: Exported, images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="has no gradient"):
        engine.extract(images, gradient=True)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda engine: pickle.loads(pickle.dumps(engine))])
def test_a_copy_says_the_same(engine: Exported, images: torch.Tensor, copied: Any) -> None:
    expected = engine.look(images, gradient=False, taps=True)
    other = copied(engine)
    assert other._opened is None
    assert torch.equal(other.look(images, gradient=False, taps=True).logits, expected.logits)


def test_threads_do_not_mix_their_evidence(engine: Exported, images: torch.Tensor) -> None:
    expected = [engine.look(images + i, gradient=False, taps=False).logits for i in range(6)]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(10):
            found = engine.look(images + i, gradient=False, taps=False).logits
            if not torch.allclose(found, expected[i], atol=1e-5):
                wrong.append(i)

    in_threads(work, 6)
    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_its_own_runtime(engine: Exported, images: torch.Tensor) -> None:
    """A server may have judged before it forks its workers; the parent's threads are not in the child."""
    expected = engine.look(images, gradient=False, taps=False).logits
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        torch.set_num_threads(1)
        same = torch.allclose(engine.look(images, gradient=False, taps=False).logits, expected, atol=1e-5)
        os._exit(0 if same else 1)
    for _ in range(300):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        threading.Event().wait(0.1)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the child waits for threads that it does not have")
    assert os.waitstatus_to_exitcode(status) == 0


def test_the_identity_tells_runtimes_and_files_apart(files: ExportedFiles) -> None:
    engines = [runtime.engine(files) for runtime in RUNTIMES.values()]
    engines += [OpenVino(replace(files, graph_digest="0" * 64)), OpenVino(replace(files, weights_digest="0" * 64))]
    assert len({engine.identity() for engine in engines}) == len(engines)
    assert OpenVino(files).identity() == OpenVino(files).identity()


def test_single_precision_is_single_precision_on_every_processor(files: ExportedFiles, images: torch.Tensor) -> None:
    """Left to itself, OpenVINO takes bfloat16 where the processor has it."""
    if not has_bf16():
        pytest.skip("this processor has no bfloat16")
    exact = OpenVino(files).look(images, gradient=False, taps=False).logits
    rounded = OpenVinoBf16(files).look(images, gradient=False, taps=False).logits
    assert 1e-4 < (exact - rounded).abs().max() < 0.1


def test_bf16_is_refused_where_it_would_be_something_else(
    files: ExportedFiles, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenVinoBf16, "_hint", "f32")

    class Mistaken(OpenVinoBf16):
        def _check_precision(self, compiled: Any) -> None:
            self._hint = "bf16"
            super()._check_precision(compiled)

    with pytest.raises(ConfigError, match="computes in f32 instead"):
        Mistaken(files).look(images, gradient=False, taps=False)


@pytest.mark.parametrize("name", ["graph", "weights"])
def test_a_file_that_was_replaced_is_not_run(files: ExportedFiles, tmp_path: Path, name: str) -> None:
    victim = tmp_path / "other"
    victim.write_bytes(getattr(files, name).read_bytes() + b" ")
    engine = OpenVino(replace(files, graph=victim) if name == "graph" else replace(files, weights=victim))
    with pytest.raises(BundleError, match="is not the file that was loaded any more"):
        engine.look(torch.zeros(1, 3, 20, 20), gradient=False, taps=False)


def test_a_file_that_is_replaced_as_it_is_opened_is_not_run(files: ExportedFiles, tmp_path: Path) -> None:
    weights = tmp_path / files.weights.name
    weights.write_bytes(files.weights.read_bytes())

    class Late(OpenVino):
        def _open(self, threads: int) -> Any:
            other = tmp_path / "other"
            other.write_bytes(weights.read_bytes())
            other.replace(weights)
            return lambda pixels: []

    with pytest.raises(BundleError, match="was replaced while it was opened"):
        Late(replace(files, weights=weights)).look(torch.zeros(1, 3, 8, 8), gradient=False, taps=False)


def test_an_error_without_words_is_named_by_its_type(files: ExportedFiles) -> None:
    class Silent(OpenVino):
        def _open(self, threads: int) -> Any:
            raise RuntimeError

    with pytest.raises(BundleError, match=r"openvino cannot run it \(RuntimeError\)"):
        Silent(files).look(torch.zeros(1, 3, 8, 8), gradient=False, taps=False)
