"""Forged and damaged bundles are refused in one sentence that names the file and the fault.

Every forgery is sealed again, digests included, so that only what a check looks for can refuse it.
"""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

import reason
from reason.bundle.folders import BANK, BASE, CARD, LAYERS, MAP, META, PCA, SAMPLE
from reason.bundle.shapes import CLASSES
from reason.errors import BundleError

from .forging import edit_arrays, edit_card, seal_again

FILES = (BASE, META, PCA, BANK, LAYERS, SAMPLE, MAP)


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that may be damaged."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "tiny"))


def refused(folder: Path, file: str, fault: str) -> None:
    """Loading fails, and the message names the file and the fault."""
    with pytest.raises(BundleError) as caught:
        reason.load(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder / file}: ")
    assert fault in message
    assert "\n" not in message
    assert len(message) < 600


def put(*keys: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return what sets a value of a card, by the keys that lead to it."""

    def change(card: dict[str, Any]) -> None:
        for key in keys[:-1]:
            card = card[key]
        card[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("keys", "value", "fault"),
    [
        (("threshold",), 0.0, "certificate does not follow from calibration_sample.safetensors: no threshold of 0"),
        (("threshold",), "0.6", "threshold: input should be a valid number, not '0.6'"),
        (("threshold",), 1.5, "threshold: input should be less than or equal to 1"),
        (("threshold",), None, "threshold: input should be a valid number"),
        (("classes",), ["square", "cross", "circle"], "classes are not those that best_meta_enhanced"),
        (("classes",), ["circle", "cross"], "head.weight is F16[3,128] instead of F16[2,128]"),
        (("classes",), ["circle", "circle", "square"], "a name twice"),
        (("classes",), ["circle", "cross", "a\x1b[31m"], "cannot be printed"),
        (("preprocessing", "size"), -5, "preprocessing: size must be positive, not -5"),
        (("preprocessing", "size"), 100_000, "preprocessing.size must be in 8 to 1024"),
        (("preprocessing", "size"), 1, "preprocessing.size must be in 8 to 1024, not 1"),
        (("preprocessing", "size"), 32.0, "preprocessing: size must be of type int"),
        (("preprocessing", "std"), [0.25, 0.0, 0.25], "preprocessing: std must be positive"),
        (("preprocessing", "std"), [0.25], "one number for each channel"),
        (("preprocessing", "mean"), [0.5, "0.5", 0.5], "preprocessing: mean[1] must be of type float"),
        (("preprocessing", "mode"), "CMYK", "preprocessing: mode must be one of"),
        (("calibration", "slope"), float("nan"), "NaN"),
        (("calibration", "slope"), float("inf"), "Infinity"),
        (("calibration", "slope"), -1.0, "calibration.slope"),
        (("calibration",), {}, "calibration.method: field required"),
        (("certificate", "coverage"), 0.99, "coverage is 0.99, and 0."),
        (("certificate", "n"), 10_000, "n is 10000, and 225"),
        (("certificate", "bound"), 0.01, "bound is 0.01, and 0."),
        (("certificate", "risk"), 0.001, "no threshold of"),
        (("certificate", "delta"), 0, "risk and delta must be in (0, 1)"),
        (("certificate", "method"), "trust me", "the method is not"),
        (("certificate",), [], "certificate: the file must be a table, not []"),
        (("preprocessing",), [], "preprocessing: the file must be a table, not []"),
        (("taps",), [], "taps are not those of architecture 'cnn'"),
        (("certificate", "promise"), 1, "certificate: promise is not a known key"),
        (("architecture",), "alexnet", "architecture 'alexnet' is not built in"),
        (("dropout",), 1.0, "dropout: input should be less than 1"),
        (("signals", "families"), ["softmax", "softmax"], "a second time"),
        (("signals", "neighbours"), 0, "must be at least 1"),
        (("signals", "dropout_samples"), 10**9, "dropout_samples"),
        (("signals", "bank_images"), 10**9, "signals: bank_images must be at most 1048576, not 1000000000"),
        (("files", META, "bytes"), 2**31, "its files take more than 1,073,741,824 bytes"),
        (
            ("files", SAMPLE, "arrays"),
            {"reliability": "F32[2000000]", "correct": "BOOL[2000000]"},
            "reliability is F32[2000000], and images may be 1048576 at most",
        ),
        (("files", META, "arrays", CLASSES), "U8[3,2147483648]", "and text may be 4096 at most"),
        (("provenance", "recipe"), {"home": {}}, "provenance: recipe.home is not a known key"),
        (("signals", "tpyo"), 1, "signals: tpyo is not a known key"),
        (("meta_names",), ["entropy"], "best_meta_enhanced"),
        (("head", "members"), 10**6, "head.metanet.members"),
        (("head", "hidden"), [10**7], "head.metanet.hidden.0"),
        (("name",), "../../etc", "name: string should match"),
        (("provenance", "split"), 3, "provenance: split must be a table"),
        (("files",), {}, "does not list best_base.safetensors"),
        (("files", "evil.py"), {"sha256": "0" * 64, "bytes": 1, "arrays": {}}, "lists evil.py"),
        (("surprise",), 1, "surprise: extra inputs are not permitted"),
        (("format",), 99, "bundle format '99' is not 3"),
        (("format",), 2, "convert it, in a checkout of REASON, with python train/convert_bundle.py"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else str(value)[:30],
)
def test_a_card_edited_and_sealed_again(copy: Path, keys: tuple[str, ...], value: Any, fault: str) -> None:
    edit_card(copy, put(*keys, value=value))
    with pytest.raises(BundleError) as caught:
        reason.load(copy)
    assert str(caught.value).startswith(str(copy))
    assert fault in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_certificate_needs_its_sample(copy: Path) -> None:
    edit_card(copy, lambda card: card["files"].pop(SAMPLE))
    refused(copy, CARD, "no calibration sample to check it by")


def test_a_wrong_digest(copy: Path) -> None:
    card = json.loads((copy / CARD).read_text())
    (copy / CARD).write_text(json.dumps(card | {"title": "another"}))
    refused(copy, CARD, "was altered (its digest is ")


@pytest.mark.parametrize("depth", [13, 500, 100_000])
def test_deep_json(copy: Path, depth: int) -> None:
    text = (copy / CARD).read_text()
    (copy / CARD).write_text(text.replace('"history": []', f'"history": {"[" * depth}{"]" * depth}'))
    refused(copy, CARD, "deeper than 12")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "cannot be read as JSON"),
        ("", "cannot be read as JSON"),
        ("[]", "not a JSON table"),
        ('{"format": 3, "format": 3}', "a key stands twice"),
        ('{"format": 1e999}', "not finite"),
        ('{"format": ' + "9" * 5000 + "}", "cannot be read as JSON"),
        (" " * 5_000_000, "larger than"),
        ('{"format": "\\ud800"}', "cannot be printed"),
    ],
    ids=["cut", "empty", "list", "twice", "infinite", "long number", "large", "surrogate"],
)
def test_a_card_that_is_no_card(copy: Path, text: str, fault: str) -> None:
    (copy / CARD).write_text(text)
    refused(copy, CARD, fault)


def test_a_card_that_is_not_utf8(copy: Path) -> None:
    (copy / CARD).write_bytes(b'{"format": "\xff"}')
    refused(copy, CARD, "cannot be read as JSON")


def set_at(name: str, value: float, *place: int) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(arrays: dict[str, torch.Tensor]) -> None:
        arrays[name][place] = value

    return change


def cut(name: str, columns: int) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(arrays: dict[str, torch.Tensor]) -> None:
        arrays[name] = arrays[name][..., :columns]

    return change


def retyped(name: str, dtype: torch.dtype) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(arrays: dict[str, torch.Tensor]) -> None:
        arrays[name] = arrays[name].to(dtype)

    return change


NAN = float("nan")


@pytest.mark.parametrize(
    ("file", "change", "fault"),
    [
        (BASE, set_at("head.weight", NAN, 0, 0), "head.weight holds numbers that are not finite"),
        (BASE, set_at("stage1.1.running_var", -1.0, 0), "stage1.1.running_var holds a negative variance"),
        (BASE, retyped("head.weight", torch.float64), "does not fit architecture 'cnn' (head.weight is F64[3,128]"),
        (BASE, cut("head.weight", 100), "head.weight is F16[3,100] instead of F16[3,128]"),
        (BASE, lambda arrays: arrays.pop("head.bias"), "head.bias is none instead of F16[3]"),
        (META, set_at("mean", NAN, 0), "mean holds numbers that are not finite"),
        (META, set_at("deviation", 0.0, 0), "deviation holds a number that is not above 0"),
        (META, cut("scale", 5), "does not fit the card's head and meta_names (scale is F32[2,5]"),
        (META, lambda arrays: arrays.update(more=torch.ones(1)), "more is F32[1] instead of none"),
        (PCA, set_at("components", float("inf"), 0, 0), "components holds numbers that are not finite"),
        (PCA, set_at("deviation", -1.0, 0), "deviation holds a negative number"),
        (PCA, cut("components", 100), "features is 128"),
        (BANK, set_at("labels", 99, 0), "labels go beyond the 3 classes"),
        (BANK, set_at("labels", -1, 0), "labels go beyond the 3 classes"),
        (BANK, set_at("stored", NAN, 0, 0), "stored holds numbers that are not finite"),
        (BANK, set_at("stored", float("inf"), 0, 0), "stored holds numbers that are not finite"),
        (LAYERS, set_at("embedding.mean", 1e30, 0), "embedding.mean holds numbers that are not finite, or above 1e+15"),
        (BANK, set_at("sources", 255, 0, 0), "sources holds no text"),
        (BANK, set_at("sources", 27, 0, 0), "sources holds characters that cannot be printed"),
        (BANK, lambda arrays: arrays.update(labels=arrays["labels"][:-1]), "images is 360"),
        (LAYERS, set_at("embedding.background", NAN, 0, 0), "embedding.background holds numbers that are not finite"),
        (LAYERS, cut("stage1.mean", 3), "stage1.mean is F32[3], but dimension 0 is 32"),
        (SAMPLE, set_at("reliability", 1.5, 0), "reliability holds numbers outside 0 to 1"),
        (SAMPLE, lambda arrays: arrays.update(correct=arrays["correct"][:5]), "images is 225"),
        (MAP, set_at("failure_probability", 2.0, 0), "failure_probability holds numbers outside 0 to 1"),
        (MAP, cut("components", 7), "latent is 128"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arrays_edited_and_sealed_again(
    copy: Path, file: str, change: Callable[[dict[str, torch.Tensor]], None], fault: str
) -> None:
    edit_arrays(copy, file, change)
    refused(copy, file, fault)


def test_a_bank_with_fewer_columns(copy: Path) -> None:
    edit_arrays(copy, BANK, cut("stored", 5))
    refused(copy, CARD, "the bank has 5 coordinates, and the PCA gives 17")


def test_a_sample_that_does_not_carry_the_certificate(copy: Path) -> None:
    edit_arrays(copy, SAMPLE, lambda arrays: arrays.update(correct=~arrays["correct"]))
    refused(copy, CARD, "its certificate does not follow")


def test_a_truth_value_that_is_none(copy: Path) -> None:
    """A byte of 2 in an array of truths, which PyTorch may take for anything."""
    with safe_open(copy / SAMPLE, "pt") as file:
        found = file.get_tensor("correct").view(torch.uint8).numpy().tobytes()
    data = (copy / SAMPLE).read_bytes()
    (copy / SAMPLE).write_bytes(data.replace(found, b"\2" + found[1:]))
    seal_again(copy, SAMPLE)
    refused(copy, SAMPLE, "correct holds something else than truth values")


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_named_when_missing_truncated_or_altered(copy: Path, name: str) -> None:
    path = copy / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    refused(copy, name, f"has {len(whole) - 10} bytes instead of {len(whole)}")
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused(copy, name, "was altered")
    path.unlink()
    refused(copy, name, "missing")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 7, b"\xff" * 64, (2**40).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"[]"],
    ids=["empty", "short", "ones", "huge header", "list"],
)
def test_a_file_that_is_no_safetensors(copy: Path, name: str, data: bytes) -> None:
    (copy / name).write_bytes(data)
    seal_again(copy, name)
    refused(copy, name, "not a safetensors file")


def test_a_header_of_many_words_gives_a_short_message(copy: Path) -> None:
    text = b'{"mean":{"dtype":"' + b"x" * 100_000 + b'","shape":[1],"data_offsets":[0,4]}}'
    (copy / PCA).write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    seal_again(copy, PCA)
    refused(copy, PCA, "not a safetensors file")


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.path,)


@pytest.mark.parametrize("name", FILES)
def test_a_pickle_is_refused_and_not_run(copy: Path, tmp_path: Path, name: str) -> None:
    (copy / name).write_bytes(pickle.dumps({"mean": Bomb(tmp_path / "boom")}))
    seal_again(copy, name)
    refused(copy, name, "not a safetensors file")
    assert not (tmp_path / "boom").exists()


def test_two_files_that_changed_places(copy: Path) -> None:
    one, other = (copy / PCA).read_bytes(), (copy / BANK).read_bytes()
    (copy / PCA).write_bytes(other)
    (copy / BANK).write_bytes(one)
    for name in (PCA, BANK):
        seal_again(copy, name)
    refused(copy, PCA, "where the card lists")
