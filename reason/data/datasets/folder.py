"""Images of one's own: one subfolder a class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from reason import progress
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing, decode
from reason.errors import DatasetError, ReasonError
from reason.threads import cores


def read_folder(folder: Path, preprocessing: Preprocessing) -> ImageSet:
    """Read images of your own: one subfolder a class, classes in alphabetical order.

    A corrupt image is left out and named in ``skipped``; files with another ending than an image's are passed over.

    Raises:
        DatasetError: the folder is missing or holds no readable image.
    """
    classes = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir())) if folder.is_dir() else ()
    endings = set(Image.registered_extensions())
    files = [path for name in classes for path in sorted((folder / name).iterdir()) if path.suffix.lower() in endings]
    if not files:
        raise DatasetError(f"{folder}: holds no images; put those of each class into a subfolder of its name.")
    return read_files(files, [classes.index(path.parent.name) for path in files], classes, preprocessing)


def read_files(
    files: Sequence[Path], labels: Sequence[int], classes: tuple[str, ...], preprocessing: Preprocessing
) -> ImageSet:
    """Decode image files on all cores, behind a progress bar.

    Args:
        files: ``n`` files, each in a folder of its class; at least one.
        labels: class of each, an index into ``classes``.
        classes: names of the classes.
        preprocessing: how the images are prepared.

    Raises:
        DatasetError: none of the files could be decoded.
    """
    from joblib import Parallel, delayed  # imported here: whoever only loads a bundle need not wait for it

    def read(path: Path) -> torch.Tensor | str:
        try:
            return preprocessing.pixels(decode(path))
        except ReasonError as error:
            return str(error)

    folder = files[0].parent.parent
    with progress.bar(f"decode {folder.name} images") as bar:
        # Threads suffice: Pillow releases the interpreter lock while it decodes.
        decoded = Parallel(n_jobs=cores(), prefer="threads")(delayed(read)(path) for path in bar.over(files))
    good = [i for i, item in enumerate(decoded) if isinstance(item, torch.Tensor)]
    if not good:
        raise DatasetError(f"none of the {len(files)} images in {folder} could be decoded.")
    return ImageSet(
        pixels=torch.stack([decoded[i] for i in good]),
        labels=torch.tensor([labels[i] for i in good]),
        sources=tuple(f"{files[i].parent.name}/{files[i].name}" for i in good),
        classes=classes,
        skipped=tuple(item for item in decoded if isinstance(item, str)),
    )
