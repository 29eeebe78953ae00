"""From image files to verdicts, batch by batch: decoding runs in threads while the network works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from reason.cli.inputs import ImageFile
from reason.data.images import Prepared, Preprocessing
from reason.detector.detector import Detector
from reason.detector.policy import AcceptancePolicy
from reason.detector.verdict import Verdict
from reason.errors import BrokenImageError, UnsupportedImageError
from reason.threads import cores


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of the images of one batch."""

    verdicts: list[Verdict]
    unreadable: list[str]
    """One sentence for each image that could not be read."""


def judge(
    detector: Detector, images: Sequence[ImageFile], policy: AcceptancePolicy, batch_size: int
) -> Iterator[Batch]:
    """Judge images in order; an unreadable one does not harm its companions."""
    for decoding in _decode(images, detector.preprocessing, batch_size):
        names, pictures, unreadable = [], [], []
        for name, picture in decoding:
            try:
                pictures.append(picture.result())
                names.append(name)
            except (UnsupportedImageError, BrokenImageError) as error:
                unreadable.append(str(error))
        verdicts = detector.predict_by(policy, pictures, sources=names, batch_size=batch_size)
        yield Batch(verdicts, unreadable)


def _decode(
    images: Sequence[ImageFile], preprocessing: Preprocessing, batch_size: int
) -> Iterator[list[tuple[str, Future[Prepared]]]]:
    """Decode in threads, one batch ahead of the one that is judged."""
    pool = ThreadPoolExecutor(min(4, cores()))

    def start(batch: Sequence[ImageFile]) -> list[tuple[str, Future[Prepared]]]:
        return [(image.name, pool.submit(_prepare, image, preprocessing)) for image in batch]

    try:
        ahead = start(images[:batch_size])
        for first in range(batch_size, len(images) + batch_size, batch_size):
            batch, ahead = ahead, start(images[first : first + batch_size])
            yield batch
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _prepare(image: ImageFile, preprocessing: Preprocessing) -> Prepared:
    """Decode to the size that is judged, so that a batch of large photos fits into memory."""
    return preprocessing.pixels(image.decode())
