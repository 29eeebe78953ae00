"""From uploads to verdicts: decode each image by itself, judge all of them in shared passes."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from PIL import Image

from reason.data.corruptions import CorruptionRequest
from reason.data.images import Prepared, Preprocessing, decode, to_picture
from reason.detector.policy import AcceptancePolicy
from reason.detector.verdict import Verdict
from reason.errors import ReasonError
from reason.serving.batcher import Job, QueueFullError
from reason.serving.models import Model
from reason.serving.parameters import Parameters
from reason.serving.problems import BUSY, TIMEOUT, Problem, from_error, internal
from reason.serving.settings import Settings
from reason.serving.uploads import Upload
from reason.threads import cores

RETRY_AFTER = {"Retry-After": "1"}


@dataclass(frozen=True, slots=True)
class Predicted:
    """One image that was judged."""

    verdict: Verdict
    picture: Image.Image
    """Exactly what was judged: the base classifier's input, corrupted if that was asked for."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    job: Job
    pixels: Prepared
    ms: float


class Predictor:
    """Judges uploads within the limits of the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # A few bytes can decode to a huge picture: what bounds memory is how many are open at once.
        self._slots = threading.BoundedSemaphore(settings.decoders or cores())

    def predict(self, uploads: Sequence[Upload], model: Model, parameters: Parameters) -> list[Predicted | Problem]:
        """Return a verdict with its picture, or what went wrong, for each upload, in order.

        Raises:
            Problem: the whole request failed: the queue is full or the verdicts took too long.
            GuaranteeError: no threshold of the model can guarantee the risk.
        """
        policy = model.detector.policy(**asdict(parameters.policy))
        decoded = [self._decode(upload, model, policy, parameters.corruption) for upload in uploads]
        jobs = [item.job for item in decoded if isinstance(item, _Decoded)]
        if not jobs:
            return [item for item in decoded if isinstance(item, Problem)]
        try:
            model.batcher.submit(jobs)
        except QueueFullError:
            raise Problem(BUSY, "Too many images wait already; try again shortly.", RETRY_AFTER) from None
        deadline = time.monotonic() + self._settings.timeout_s
        try:
            return [item if isinstance(item, Problem) else _answer(item, deadline) for item in decoded]
        except TimeoutError:
            for job in jobs:
                job.answer.cancel()
            detail = f"No verdict within {self._settings.timeout_s:g} s; try again when the service is less busy."
            raise Problem(TIMEOUT, detail, RETRY_AFTER) from None

    def _decode(
        self, upload: Upload, model: Model, policy: AcceptancePolicy, corruption: CorruptionRequest | None
    ) -> _Decoded | Problem:
        with self._slots:
            started = time.perf_counter()
            try:
                image = decode(upload.data, max_pixels=self._settings.max_pixels, name=upload.name)
                pixels = _prepared(image, model.detector.preprocessing, corruption)
            except ReasonError as error:
                return from_error(error)
            return _Decoded(Job(pixels, upload.name, policy), pixels, (time.perf_counter() - started) * 1000)


def _prepared(image: Image.Image, preprocessing: Preprocessing, corruption: CorruptionRequest | None) -> Prepared:
    """Return the square that the model sees, so that a full queue holds no full-size photos."""
    return preprocessing.pixels(image) if corruption is None else corruption.pixels(image, preprocessing)


def _answer(item: _Decoded, deadline: float) -> Predicted | Problem:
    try:
        verdict = item.job.answer.result(timeout=max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        raise
    except ReasonError as error:
        return from_error(error)
    except Exception as error:
        return internal(error)
    # The engine saw a decoded image; its time includes the decoding that was done here.
    timings = verdict.timings_ms
    timings = timings | {"decode": round(timings["decode"] + item.ms, 3)}
    timings = timings | {"total": round(timings["total"] + item.ms, 3)}
    return Predicted(replace(verdict, timings_ms=timings), to_picture(item.pixels))
