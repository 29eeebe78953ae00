"""What is kept of a run, so that a killed one goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from noise_pictures import noise
from PIL import Image

from reason.data.labelled import Batch, Chunk, LabelledImages, ProgressStore, open_labelled
from reason.errors import DatasetError


def prepare(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


class Work:
    """Sums each picture, and remembers the batches it saw."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def __call__(self, batch: Batch) -> Mapping[str, torch.Tensor]:
        assert batch.pixels is not None
        self.batches.append(batch.rows.tolist())
        sums = batch.pixels.long().sum(dim=(1, 2, 3))
        return {"sum": sums, "both": torch.stack([sums, -sums], dim=1)}


def run(store: ProgressStore, images: LabelledImages, work: Work) -> list[Chunk]:
    return list(store.run(images, work, title="sums", batch_size=4, prepare=prepare, chunk=6))


def expected(images: LabelledImages, folder: Path) -> list[int]:
    return [int(np.asarray(Image.open(folder / source), dtype=np.int64).sum()) for source in images.sources]


def test_chunks_are_worked_on_once(photos: Path, tmp_path: Path) -> None:
    images, first, second = open_labelled(photos), Work(), Work()
    chunks = run(ProgressStore(tmp_path / "kept", "settings"), images, first)
    assert torch.cat([chunk.arrays["sum"] for chunk in chunks]).tolist() == expected(images, photos)
    assert torch.cat([chunk.rows for chunk in chunks]).tolist() == list(range(15))
    assert first.batches == [[0, 1, 2, 3], [4, 5], [6, 7, 8, 9], [10, 11], [12, 13, 14]]
    again = run(ProgressStore(tmp_path / "kept", "settings"), open_labelled(photos), second)
    assert second.batches == []
    for chunk, kept in zip(chunks, again, strict=True):
        assert list(kept.arrays) == list(chunk.arrays) == ["both", "sum"]
        assert all(kept.arrays[name].equal(chunk.arrays[name]) for name in kept.arrays)
        assert kept.rows.equal(chunk.rows)


@pytest.mark.parametrize("changed", ["mark", "file", "title"])
def test_what_changed_is_worked_on_again(photos: Path, tmp_path: Path, changed: str) -> None:
    work = Work()
    run(ProgressStore(tmp_path / "kept", "a"), open_labelled(photos), Work())
    if changed == "file":
        noise(77).save(photos / "emu" / "14.png")
    images = open_labelled(photos)
    store = ProgressStore(tmp_path / "kept", "b" if changed == "mark" else "a")
    title = "other" if changed == "title" else "sums"
    chunks = list(store.run(images, work, title=title, batch_size=4, prepare=prepare, chunk=6))
    assert torch.cat([chunk.arrays["sum"] for chunk in chunks]).tolist() == expected(images, photos)
    assert len(work.batches) == (1 if changed == "file" else 5)


def test_a_damaged_or_unfinished_file_is_worked_on_again(photos: Path, tmp_path: Path) -> None:
    images, work = open_labelled(photos), Work()
    run(ProgressStore(tmp_path / "kept"), images, Work())
    files = sorted((tmp_path / "kept").iterdir())
    files[0].write_bytes(files[0].read_bytes()[:-3])
    files[1].rename(files[1].with_suffix(".123.unfinished"))
    chunks = run(ProgressStore(tmp_path / "kept"), images, work)
    assert torch.cat([chunk.arrays["sum"] for chunk in chunks]).tolist() == expected(images, photos)
    assert 2 <= len(work.batches) <= 4


def test_images_that_cannot_be_decoded_are_remembered(photos: Path, tmp_path: Path) -> None:
    (photos / "cat" / "02.png").write_text("no image")
    store = ProgressStore(tmp_path / "kept")
    for _ in range(2):
        chunks = run(store, open_labelled(photos), Work())
        assert torch.cat([chunk.rows for chunk in chunks]).tolist() == [0, 1, *range(3, 15)]
        assert [sentence.split(":")[0] for chunk in chunks for sentence in chunk.skipped] == ["cat/02.png"]


def test_a_look_is_kept_too(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (photos / "cat" / "02.png").write_text("no image")
    first, second = open_labelled(photos), open_labelled(photos)
    problems = ProgressStore(tmp_path / "kept").look(first)
    assert [problem.split(":")[0] for problem in problems] == ["cat/02.png"]
    monkeypatch.setattr("reason.data.labelled.files.decode", None)  # whatever decodes now fails
    assert ProgressStore(tmp_path / "kept").look(second) == problems
    assert second.digests() == first.digests()


def test_work_sees_the_names_and_rows_of_all_images(photos: Path) -> None:
    images = open_labelled(photos)

    def work(batch: Batch) -> Mapping[str, torch.Tensor]:
        assert batch.sources == tuple(images.sources[row] for row in batch.rows.tolist())
        return {"row": batch.rows}

    chunks = list(ProgressStore(None).run(images, work, title="rows", batch_size=2, chunk=4))
    assert torch.cat([chunk.arrays["row"] for chunk in chunks]).tolist() == list(range(15))


def test_without_a_folder_nothing_is_kept(photos: Path) -> None:
    images, work = open_labelled(photos), Work()
    for _ in range(2):
        run(ProgressStore(None), images, work)
    assert len(work.batches) == 10


def test_a_folder_that_cannot_be_written_to_is_said(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(DatasetError, match="kept: progress cannot be kept"):
        run(ProgressStore(tmp_path / "kept"), open_labelled(photos), Work())


KILLED = """
import os, signal, sys
from pathlib import Path
from test_labelled_progress_store import Work, run, ProgressStore, open_labelled

class Dies(Work):
    def __call__(self, batch):
        if len(self.batches) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)

run(ProgressStore(Path(sys.argv[2])), open_labelled(sys.argv[1]), Dies())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_run_that_was_killed_goes_on_where_it_was(photos: Path, tmp_path: Path) -> None:
    here = Path(__file__).parent
    path = os.pathsep.join(map(str, (here, here.parents[1], here.parents[2])))
    command = [sys.executable, "-c", KILLED, str(photos), str(tmp_path / "kept")]
    done = subprocess.run(
        command,
        cwd=here,
        env={"PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == -9
    work = Work()
    chunks = run(ProgressStore(tmp_path / "kept"), open_labelled(photos), work)
    assert work.batches == [[6, 7, 8, 9], [10, 11], [12, 13, 14]]  # of the second and the third chunk
    whole = run(ProgressStore(None), open_labelled(photos), Work())
    for chunk, other in zip(chunks, whole, strict=True):
        assert all(chunk.arrays[name].equal(other.arrays[name]) for name in other.arrays)
