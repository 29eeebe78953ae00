"""Evidence is extracted once, is never stale, and survives stopped runs and damaged files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from reason.base import extraction, views
from reason.base.backbones import make, tap
from reason.base.engines import Tapped
from reason.base.evidence import Evidence, Labelled, concatenate, join
from reason.base.extraction import Extractor
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing
from reason.detector.detector import Detector
from reason.errors import EvidenceError

PREPROCESSING = Preprocessing(size=16, mode="RGB", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
FORWARDS, FILES = 5, 3
"""What 10 images take, 2 in a batch and 4 in a file."""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "CHUNK", 4)
    monkeypatch.setattr(extraction, "BATCH", 2)


@pytest.fixture
def base() -> Tapped:
    torch.manual_seed(0)
    return tap(make("cnn", 3, 0.0), "cnn", 0.0).freeze()


@pytest.fixture
def forwards(base: Tapped) -> list[int]:
    """Size of each batch that passes through the network."""
    sizes: list[int] = []
    base.network.register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    return sizes


@pytest.fixture
def images() -> ImageSet:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (10, 3, 16, 16), generator=generator, dtype=torch.uint8)
    return ImageSet(
        pixels,
        ("a", "b", "c"),
        labels=torch.arange(10) % 3,
        sources=tuple(f"{i}.png" for i in range(10)),
        corruptions=("clean", "noise") * 5,
        severities=torch.arange(10) / 10,
    )


def looked_at(base: Tapped, preprocessing: Preprocessing, images: ImageSet, *, views: bool = False) -> Labelled:
    """Return what the network itself says, two images at a time."""
    parts = [
        base.extract(preprocessing.normalise(pixels), gradient=True, views=views) for pixels in images.pixels.split(2)
    ]
    return Labelled(concatenate(parts), **images.known())


def extractor(base: Tapped, cache: Path | None, *, gradient: bool = True) -> Extractor:
    return Extractor(base, PREPROCESSING, gradient=gradient, cache=cache)


def files(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def assert_same(found: Labelled, expected: Labelled) -> None:
    """Compare bit for bit."""
    assert torch.equal(found.evidence.logits, expected.evidence.logits)
    assert torch.equal(found.evidence.embedding, expected.evidence.embedding)
    norms, expected_norms = found.evidence.gradient_norm, expected.evidence.gradient_norm
    assert (norms is None) == (expected_norms is None)
    assert norms is None or expected_norms is None or torch.equal(norms, expected_norms)
    activations = expected.evidence.activations
    assert list(found.evidence.activations) == list(activations)
    assert all(torch.equal(found.evidence.activations[key], values) for key, values in activations.items())


def test_the_evidence_is_the_networks_own(base: Tapped, images: ImageSet, tmp_path: Path) -> None:
    found = extractor(base, tmp_path)(images, "test")
    assert_same(found, looked_at(base, PREPROCESSING, images))
    assert torch.equal(found.labels, images.labels)
    assert (found.sources, found.corruptions) == (images.sources, images.corruptions)
    assert found.severities is images.severities


def test_known_evidence_is_read_and_nothing_is_run(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path
) -> None:
    first = extractor(base, tmp_path)(images, "test")
    assert forwards == [2] * FORWARDS
    assert len(files(tmp_path)) == FILES
    again = extractor(base, tmp_path)(images, "test")
    assert len(forwards) == FORWARDS
    assert_same(again, first)


def test_labels_and_sources_come_from_the_images_not_from_the_file(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path
) -> None:
    """Two sets may hold the same pixels under other names."""
    extractor(base, tmp_path)(images, "test")
    renamed = dataclasses.replace(images, labels=images.labels.flip(0), sources=images.sources[::-1])
    found = extractor(base, tmp_path)(renamed, "test")
    assert len(forwards) == FORWARDS
    assert found.sources == renamed.sources
    assert torch.equal(found.labels, renamed.labels)


def test_one_pixel_of_one_image_renews_its_chunk_alone(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path
) -> None:
    extractor(base, tmp_path)(images, "test")
    forwards.clear()
    pixels = images.pixels.clone()
    pixels[5, 0, 0, 0] ^= 1
    changed = dataclasses.replace(images, pixels=pixels)
    found = extractor(base, tmp_path)(changed, "test")
    assert forwards == [2, 2]
    assert len(files(tmp_path)) == FILES + 1
    assert_same(found, looked_at(base, PREPROCESSING, changed))


def move_bias(base: Tapped) -> None:
    with torch.no_grad():
        base.head.bias[0] += 1e-3


def move_running_mean(base: Tapped) -> None:
    base.network.get_submodule("stage1.1").running_mean[3] += 1e-3  # type: ignore[operator, index]


@pytest.mark.parametrize("change", [move_bias, move_running_mean])
def test_another_network_finds_nothing_to_read(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path, change: Callable[[Tapped], None]
) -> None:
    before = extractor(base, tmp_path)(images, "test")
    change(base)
    after = extractor(base, tmp_path)(images, "test")
    assert len(forwards) == 2 * FORWARDS
    assert len(files(tmp_path)) == 2 * FILES
    assert not torch.equal(after.evidence.logits, before.evidence.logits)


def test_other_preprocessing_finds_nothing_to_read(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path
) -> None:
    extractor(base, tmp_path)(images, "test")
    brighter = dataclasses.replace(PREPROCESSING, mean=(0.4, 0.5, 0.5))
    found = Extractor(base, brighter, gradient=True, cache=tmp_path)(images, "test")
    assert len(forwards) == 2 * FORWARDS
    assert_same(found, looked_at(base, brighter, images))


def test_evidence_with_and_without_the_gradient_are_kept_apart(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path
) -> None:
    run = extractor(base, tmp_path, gradient=True)
    assert run(images, "test", bare=True).evidence.gradient_norm is None
    assert run(images, "test").evidence.gradient_norm is not None
    assert len(forwards) == 2 * FORWARDS
    assert len(files(tmp_path)) == 2 * FILES
    assert extractor(base, tmp_path, gradient=False)(images, "test").evidence.gradient_norm is None
    assert run(images, "test", bare=False).evidence.gradient_norm is not None
    assert len(forwards) == 2 * FORWARDS


def test_views_are_kept_beside_the_evidence_of_the_picture(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path
) -> None:
    def with_views() -> Labelled:
        return Extractor(base, PREPROCESSING, gradient=True, views=True, cache=tmp_path)(images, "test")

    extractor(base, tmp_path)(images, "test")
    found = with_views()
    assert len(forwards) == 3 * FORWARDS  # the pictures were known: two views are new
    assert len(files(tmp_path)) == 3 * FILES
    expected = looked_at(base, PREPROCESSING, images, views=True)
    assert_same(found, expected)
    forwards.clear()
    again = with_views()
    assert forwards == []
    for one in (found, again):
        assert list(one.evidence.views) == ["shrunk", "middle"]
        for name, view in one.evidence.views.items():
            assert torch.equal(view.logits, expected.evidence.views[name].logits)
            assert torch.equal(view.embedding, expected.evidence.views[name].embedding)
    bare = Extractor(base, PREPROCESSING, gradient=True, views=True, cache=tmp_path)(images, "test", bare=True)
    assert bare.evidence.views == {}


def test_only_what_is_missing_is_looked_at_again_and_views_keep_their_order(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path
) -> None:
    def with_views() -> Labelled:
        return Extractor(base, PREPROCESSING, gradient=True, views=True, cache=tmp_path)(images, "test")

    first = with_views()
    for path in files(tmp_path):
        kept = path.read_bytes()
        path.unlink()
        forwards.clear()
        again = with_views()
        assert forwards in ([2, 2], [2])  # one look at one chunk
        assert list(again.evidence.views) == ["shrunk", "middle"]
        assert_same(again, first)
        assert path.read_bytes() == kept


def test_a_view_of_another_size_is_looked_at_anew(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_views() -> Labelled:
        return Extractor(base, PREPROCESSING, gradient=True, views=True, cache=tmp_path)(images, "test")

    first = with_views()
    forwards.clear()
    monkeypatch.setitem(views.SIDES, "shrunk", 0.8)
    again = with_views()
    assert len(forwards) == FORWARDS
    assert_same(again, first)
    assert not torch.equal(again.evidence.views["shrunk"].logits, first.evidence.views["shrunk"].logits)
    assert torch.equal(again.evidence.views["middle"].logits, first.evidence.views["middle"].logits)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def scribble(path: Path) -> None:
    path.write_bytes(b"no evidence at all")


def flip_a_number(path: Path) -> None:
    """Change one bit of the logits; the file still reads."""
    logits = load_file(path)["logits"].numpy().tobytes()
    data = bytearray(path.read_bytes())
    data[data.index(logits) + 2] ^= 1
    path.write_bytes(bytes(data))


def flip_the_structure(path: Path) -> None:
    """Change one letter of a name."""
    data = path.read_bytes()
    path.write_bytes(data.replace(b"embedding", b"embedd\xffng", 1))


def rename_an_array(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data.replace(b"embedding", b"embeddong", 1))


def forget_a_part(path: Path) -> None:
    save_file({"logits": torch.zeros(4, 3)}, path)


@pytest.mark.parametrize(
    "damage", [cut, empty, scribble, flip_a_number, flip_the_structure, rename_an_array, forget_a_part]
)
def test_a_damaged_file_is_extracted_anew(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    first = extractor(base, tmp_path)(images, "test")
    before = {path: path.read_bytes() for path in files(tmp_path)}
    victim = max(before, key=lambda path: path.stat().st_size)  # one of the two full chunks
    damage(victim)
    assert victim.read_bytes() != before[victim]
    forwards.clear()
    assert_same(extractor(base, tmp_path)(images, "test"), first)
    assert forwards == [2, 2]
    assert_same(extractor(base, tmp_path)(images, "test"), first)
    assert forwards == [2, 2]


def test_without_a_cache_nothing_is_written(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = extractor(base, None)
    assert_same(run(images, "test"), run(images, "test"))
    assert len(forwards) == 2 * FORWARDS
    assert files(tmp_path) == []


def test_by_default_nothing_is_kept(
    base: Tapped, images: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Extractor(base, PREPROCESSING, gradient=False)(images)
    assert files(tmp_path) == []


def test_a_stopped_run_keeps_its_full_chunks(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path
) -> None:
    def stop(*_: Any) -> None:
        if len(forwards) == 4:  # in the middle of the second chunk, or at its end: it is not written yet
            raise KeyboardInterrupt

    handle = base.network.register_forward_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        extractor(base, tmp_path)(images, "test")
    handle.remove()
    assert len(files(tmp_path)) == 1
    forwards.clear()
    found = extractor(base, tmp_path)(images, "test")
    assert forwards == [2, 2, 2]
    assert_same(found, looked_at(base, PREPROCESSING, images))


def test_a_run_that_dies_while_it_writes_leaves_nothing_that_is_read(
    base: Tapped, images: ImageSet, forwards: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Path.write_bytes

    def dying(path: Path, data: bytes) -> int:
        written(path, data[: len(data) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", dying)
        with pytest.raises(KeyboardInterrupt):
            extractor(base, tmp_path)(images, "test")
    assert [path.suffix for path in files(tmp_path)] == [".unfinished"]
    forwards.clear()
    extractor(base, tmp_path)(images, "test")
    assert len(forwards) == FORWARDS
    assert sum(path.suffix == ".safetensors" for path in files(tmp_path)) == FILES


@pytest.mark.parametrize("chunk", [2, 6, 1000])
def test_where_chunks_end_does_not_change_the_evidence(
    base: Tapped, images: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    expected = extractor(base, tmp_path / "4")(images, "test")
    monkeypatch.setattr(extraction, "CHUNK", chunk)
    found = extractor(base, tmp_path / str(chunk))(images, "test")
    assert_same(found, expected)
    assert len(files(tmp_path / str(chunk))) == -(-10 // chunk)


@pytest.mark.parametrize(
    ("pixels", "sizes"), [(7 * 16**2, [4, 4, 2]), (3 * 16**2, [2] * 5), (16**2, [1] * 10), (1, [1] * 10)]
)
def test_large_pictures_pass_in_smaller_batches(
    base: Tapped, images: ImageSet, forwards: list[int], monkeypatch: pytest.MonkeyPatch, pixels: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(extraction, "CHUNK", 16)
    monkeypatch.setattr(extraction, "BATCH", 8)
    monkeypatch.setattr(extraction, "BATCH_PIXELS", pixels)
    extractor(base, None)(images, "test")
    assert forwards == sizes


@pytest.mark.parametrize("side", [1, 28, 96, 128, 160, 224, 320, 640, 5000])
def test_batches_of_any_size_fill_a_real_chunk(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    """Else a batch would end where a chunk does, and be of another size than the others."""
    monkeypatch.undo()
    size = extraction.batch_size_of(side**2)
    assert extraction.CHUNK % size == 0
    assert 1 <= size <= extraction.BATCH
    assert size == 1 or size * side**2 <= extraction.BATCH_PIXELS


def test_a_detectors_extractor_reads_what_its_signals_need(detector: Detector, shapes: ImageSet) -> None:
    some = shapes.take(torch.arange(6))
    found = detector.extractor()(some)
    assert found.evidence.gradient_norm is not None
    expected = detector.judge(looked_at(detector.tapped, detector.preprocessing, some, views=True).evidence)
    assert torch.equal(detector.judge(found.evidence).vectors, expected.vectors)


def test_evidence_put_together_is_of_the_same_measurements(base: Tapped, images: ImageSet) -> None:
    extract = Extractor(base, PREPROCESSING, gradient=True, views=True)
    full, bare = extract(images), extract(images, bare=True)
    assert len(join([full, full])) == 20
    assert join([full, full]).corruptions == images.corruptions * 2
    with pytest.raises(
        EvidenceError, match=r"^evidence of logits, gradient, tap .* and of logits, tap .* cannot be put"
    ):
        join([full, bare])
    plain = Evidence(full.evidence.logits, full.evidence.embedding)
    with pytest.raises(EvidenceError, match="extract the same of all images"):
        concatenate([bare.evidence, plain])


def test_what_is_known_of_clean_images_is_written_out_where_others_are_corrupted(
    base: Tapped, images: ImageSet
) -> None:
    extract = Extractor(base, PREPROCESSING, gradient=False)
    clean = dataclasses.replace(images, corruptions=(), severities=None)
    both = join([extract(clean), extract(images)])
    assert both.corruptions == ("clean",) * 10 + images.corruptions
    assert both.severities is not None
    assert images.severities is not None
    assert both.severities.tolist() == [0.0] * 10 + images.severities.tolist()
