"""``hf:FOLDER``: an image classifier that Transformers saved, with its processor, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from torch import nn

from reason.base.backbones.transformers import MODEL_TYPE, plain_config
from reason.base.classifier import Classifier
from reason.base.sources.named import library, same
from reason.base.sources.registry import SOURCES
from reason.data.images import Preprocessing
from reason.data.resizing import Interpolation
from reason.errors import ClassifierError, ReasonError, first_line

KIND = "transformers"


@SOURCES.register(name="hf")
def transformers_classifier(text: str, preprocessing: Preprocessing | None) -> Classifier:
    """Return the classifier in a folder of ``save_pretrained``; code in the folder is never run.

    Raises:
        ClassifierError: see ``resolve``.
    """
    transformers: Any = library(KIND, KIND)
    folder = Path(text)
    if not (folder / "config.json").is_file():
        raise ClassifierError(
            f"hf:{text[:200]}: there is no such folder with a config.json; save the classifier there by "
            "model.save_pretrained and processor.save_pretrained."
        )
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        arguments = {MODEL_TYPE: config.model_type, **plain_config(config)}
        network = _network(transformers, folder, config)
    except ReasonError:
        raise
    except Exception as error:  # the library raises many types on folders that it did not write
        raise ClassifierError(f"hf:{folder}: cannot be read as an image classifier ({first_line(error)}).") from None
    names = tuple(str(config.id2label[index]) for index in sorted(config.id2label))
    generic = all(name == f"LABEL_{index}" for index, name in enumerate(names))
    classes = () if generic or len(set(names)) < len(names) else names
    return Classifier(network, preprocessing or _of(transformers, folder), classes, KIND, arguments)


def _network(transformers: Any, folder: Path, config: Any) -> nn.Module:
    made, report = transformers.AutoModelForImageClassification.from_pretrained(
        folder,
        config=config,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
        attn_implementation="eager",
        dtype="float32",
    )
    missing = sorted(report["missing_keys"])
    if missing:
        raise ClassifierError(f"hf:{folder}: has no weights for {', '.join(missing[:3])}; save the trained classifier.")
    network: nn.Module = made
    return network.eval()


def _of(transformers: Any, folder: Path) -> Preprocessing:
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # as above
        raise ClassifierError(
            f"hf:{folder}: its image processor cannot be read ({first_line(error)}); save it there, or say by hand how "
            "pictures are prepared."
        ) from None

    def theirs(picture: Any) -> Any:
        return processor(images=picture, return_tensors="pt")["pixel_values"][0]

    for ours in _candidates(processor):
        try:
            if same(ours, theirs):
                return ours
        except Exception:  # the processor does not take such pictures
            continue
    raise ClassifierError(
        f"hf:{folder}: {type(processor).__name__} prepares pictures in a way that cannot be repeated; give it by hand."
    )


def _candidates(processor: Any) -> list[Preprocessing]:
    """Return what the settings of a processor may mean; which it is, is found by comparing."""
    size, crop = _sides(getattr(processor, "size", None)), _sides(getattr(processor, "crop_size", None))
    factor = processor.rescale_factor if getattr(processor, "do_rescale", False) else 1.0
    normalised = getattr(processor, "do_normalize", False)
    mean = processor.image_mean if normalised else [0.0] * 3
    std = processor.image_std if normalised else [1.0] * 3
    resample = getattr(processor, "resample", None)
    resampler = "pillow" if getattr(processor, "backend", "") == "pil" else "torchvision"
    share = getattr(processor, "crop_pct", None) or 1
    resize = size[0] if getattr(processor, "do_resize", False) and size else None
    final = crop[0] if getattr(processor, "do_center_crop", False) and crop else resize
    found = []
    for fit, side, end in (
        ("squash", resize, final),
        ("crop", resize, final),
        ("crop", int((resize or 1) / share), resize),
    ):
        for how in _interpolations(resample):
            try:
                found.append(
                    Preprocessing(
                        size=int(end or 0),
                        mode="RGB",
                        mean=tuple(float(value) / 255 / factor for value in mean),
                        std=tuple(float(value) / 255 / factor for value in std),
                        fit=fit,  # type: ignore[arg-type]
                        resize=side if side != end or fit == "crop" else None,
                        interpolation=how,
                        resampler=resampler,  # type: ignore[arg-type]
                        centre="floor" if side != end or fit == "crop" else "round",
                    )
                )
            except (ReasonError, ZeroDivisionError):
                continue
    return found


def _sides(size: Any) -> tuple[int, ...]:
    """Return the one side that a processor's size names, if it is one."""
    if isinstance(size, int):
        return (size,)
    named = {key: value for key, value in dict(size or {}).items() if value}
    return (next(iter(named.values())),) if len(set(named.values())) == 1 else ()


def _interpolations(resample: Any) -> list[Interpolation]:
    name = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
    found = name.get(int(resample), "") if resample is not None else ""
    options: tuple[Interpolation, ...] = get_args(Interpolation)
    return [option for option in options if not found or option == found]
