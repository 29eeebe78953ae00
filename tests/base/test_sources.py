"""Classifiers of the libraries: the same logits on the same files, and the same verdicts after saving and loading."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import transformers
from PIL import Image
from skimage import data
from torch import nn
from torchvision import models

import reason
from reason.base.anatomy import discover
from reason.base.classifier import Classifier
from reason.base.engines import Tapped
from reason.base.sources import resolve
from reason.data.image_set import ImageSet
from reason.data.images import Preprocessing, decode
from reason.errors import BundleError, ClassifierError
from reason.fitting.fit_parts import fit_parts
from reason.signals import SignalSettings

HF: Any = transformers
TIMM: Any = timm
"""Their own types are narrower than what they take."""

HERE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    for name, picture in {"cat": data.chelsea(), "cup": data.coffee(), "rocket": data.rocket()}.items():
        image = Image.fromarray(picture)
        image.resize((image.width - 30, image.height + 7)).save(folder / f"{name}.jpg")
        image.crop((3, 5, 254, 322)).save(folder / f"{name}.png")
    return sorted(folder.iterdir())


def awake(network: nn.Module) -> nn.Module:
    """Return a network whose answers differ from picture to picture: untrained ones let almost nothing through."""
    torch.manual_seed(1)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.05)
        elif isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    if norms:  # one pass gives them the statistics of their inputs
        network.train()(torch.randn(4, 3, 96, 96))
    for norm in norms:  # where almost nothing varies, rounding would be blown up
        assert norm.running_var is not None
        norm.running_var.clamp_(min=0.1)
    return network.eval()


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


@torch.no_grad()
def compare(classifier: Classifier, images: list[Path], theirs: Any, network: nn.Module) -> None:
    prepared = torch.stack([classifier.preprocessing.pixels(decode(path)) for path in images])
    ours = classifier.network(classifier.preprocessing.normalise(prepared))  # type: ignore[operator]
    expected = network(torch.stack([theirs(opened(path)) for path in images]))
    ours, expected = (getattr(item, "logits", item) for item in (ours, expected))
    assert expected.std(dim=0).max() > 1e-3
    assert (ours - expected).abs().max() < 1e-4


def torchvision_of(folder: Path, name: str) -> tuple[str, nn.Module, Any]:
    network = awake(models.get_model(name, num_classes=5))
    torch.save(
        {"epoch": 3, "state_dict": {f"module.{key}": x for key, x in network.state_dict().items()}}, folder / "w.pth"
    )
    return f"torchvision:{name}@{folder / 'w.pth'}", network, models.get_model_weights(name).DEFAULT.transforms()


def timm_of(folder: Path, name: str) -> tuple[str, nn.Module, Any]:
    network = awake(timm.create_model(name, num_classes=5))
    from safetensors.torch import save_file

    save_file(network.state_dict(), folder / "w.safetensors")
    config = TIMM.data.resolve_data_config({}, model=network)
    return f"timm:{name}@{folder / 'w.safetensors'}", network, TIMM.data.create_transform(**config)


SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 64}


def hf_network(kind: str) -> nn.Module:
    labels: dict[str, Any] = {"id2label": {0: "ant", 1: "bee", 2: "cat", 3: "dog", 4: "eel"}}
    labels["label2id"] = {name: index for index, name in labels["id2label"].items()}
    config = {
        "vit": HF.ViTConfig(**SMALL, image_size=64, patch_size=8, **labels),
        "convnext": HF.ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 2, 1], **labels),
        "swin": HF.SwinConfig(image_size=64, embed_dim=16, depths=[1, 1], num_heads=[1, 2], window_size=4, **labels),
    }[kind]
    return awake(HF.AutoModelForImageClassification.from_config(config, attn_implementation="eager"))


def hf_of(folder: Path, kind: str, fast: bool) -> tuple[str, nn.Module, Any]:
    network = hf_network(kind)
    made: Any = network
    made.save_pretrained(folder)
    options: dict[str, Any] = {"size": {"height": 64, "width": 64}}
    name = "ViTImageProcessor"
    if kind == "convnext":
        name, options = "ConvNextImageProcessor", {"size": {"shortest_edge": 64}, "crop_pct": 0.875}
    processor = getattr(HF, name if fast else f"{name}Pil")(**options)
    processor.save_pretrained(folder)
    loaded = HF.AutoImageProcessor.from_pretrained(folder)
    return f"hf:{folder}", network, lambda image: loaded(images=image, return_tensors="pt")["pixel_values"][0]


@pytest.mark.parametrize("name", ["resnet18", "swin_t"])
def test_logits_are_torchvisions(tmp_path: Path, photos: list[Path], name: str) -> None:
    spec, network, theirs = torchvision_of(tmp_path, name)
    classifier = resolve(spec)
    compare(classifier, photos, theirs, network)
    assert (classifier.architecture, classifier.arguments) == ("torchvision", {"name": name})


@pytest.mark.parametrize("name", ["resnet10t", "vit_tiny_patch16_224", "mixer_s32_224"])
def test_logits_are_timms(tmp_path: Path, photos: list[Path], name: str) -> None:
    spec, network, theirs = timm_of(tmp_path, name)
    compare(resolve(spec), photos, theirs, network)


@pytest.mark.parametrize(("kind", "fast"), [("vit", True), ("vit", False), ("convnext", True), ("swin", True)])
def test_logits_are_those_of_transformers(tmp_path: Path, photos: list[Path], kind: str, fast: bool) -> None:
    spec, network, theirs = hf_of(tmp_path, kind, fast)
    classifier = resolve(spec)
    compare(classifier, photos, theirs, network)
    assert classifier.classes == ("ant", "bee", "cat", "dog", "eel")


def fitted(classifier: Classifier, side: int) -> reason.Detector:
    """Return a detector of noise pictures, small enough to be made in a moment."""
    network = classifier.network
    assert isinstance(network, nn.Module)
    preprocessing = replace(classifier.preprocessing, size=side, resize=None)
    anatomy = discover(network, (3, side, side))
    base = Tapped(
        network, head=anatomy.head, taps=anatomy.taps, dropout=anatomy.dropout, linear=anatomy.linear
    ).freeze()
    draws = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (24, 3, side, side), dtype=torch.uint8, generator=draws)
    with torch.no_grad():
        labels = base(preprocessing.normalise(pixels)).argmax(dim=1)
    labels[::2] = (labels[::2] + 1) % 5
    labels[:5] = torch.arange(5)
    images = ImageSet(pixels, tuple("abcde"), labels=labels, sources=tuple(f"{i}.png" for i in range(24)))
    detector = fit_parts(
        "small",
        base,
        preprocessing,
        tuple("abcde"),
        bank=images,
        meta=images,
        calibration=images,
        signals=SignalSettings(families=("scores", "softmax")),
        architecture=classifier.architecture,
    )
    return replace(detector, arguments=classifier.arguments, head_module=anatomy.head)


def network_of(spec: str, folder: Path) -> Classifier:
    kind, _, name = spec.partition(":")
    made = {"torchvision": torchvision_of, "timm": timm_of}
    return resolve(made[kind](folder, name)[0] if kind in made else hf_of(folder, name, True)[0])


ROUND_TRIPS = [
    ("torchvision:resnet18", 64),
    ("torchvision:mobilenet_v3_small", 64),
    ("torchvision:squeezenet1_1", 64),
    ("torchvision:swin_t", 64),
    ("timm:resnet10t", 64),
    ("timm:vit_tiny_patch16_224", 224),
    ("timm:swin_tiny_patch4_window7_224", 224),
    ("hf:vit", 64),
    ("hf:convnext", 64),
    ("hf:swin", 64),
]


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "side"), ROUND_TRIPS)
def test_a_bundle_of_a_library_needs_only_the_library(tmp_path: Path, photos: list[Path], spec: str, side: int) -> None:
    (tmp_path / "model").mkdir()
    detector = fitted(network_of(spec, tmp_path / "model"), side)
    reason.save(detector, tmp_path / "small")
    code = (
        "import json, sys, reason\n"
        "detector = reason.load(sys.argv[1])\n"
        "print(json.dumps([[v.reliability, *v.meta_vector] for v in detector.predict(sys.argv[2:])]))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "small"), *map(str, photos)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE).stdout
    expected = [[v.reliability, *v.meta_vector] for v in detector.predict(list(photos))]
    assert torch.allclose(torch.tensor(json.loads(said.splitlines()[-1])), torch.tensor(expected), atol=1e-4)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    reason.save(fitted(network_of("torchvision:resnet18", folder), 64), folder / "small")
    return folder / "small"


def tampered(bundle: Path, folder: Path, **changes: Any) -> Path:
    """Return a copy of a bundle whose card says something else, with the digest that goes with it."""
    import shutil

    from reason.bundle.digest import digest_of

    shutil.copytree(bundle, folder / "bad")
    card = folder / "bad" / "dataset_meta.json"
    values = {**json.loads(card.read_text()), **changes}
    card.write_text(json.dumps({**values, "digest": digest_of(values)}))
    return folder / "bad"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arguments": {"name": "resnet19"}}, "no classifier 'resnet19'"),
        ({"arguments": {"name": "evil/resnet"}}, "arguments may not say name"),
        ({"arguments": {"name": "resnet18", "weights": "DEFAULT"}}, "arguments may not say weights"),
        ({"arguments": {"name": "resnet18", "width_per_group": 10**9}}, "arguments may not say width_per_group"),
        ({"arguments": {"name": "resnet34"}}, "does not fit architecture"),
        ({"architecture": "timm", "arguments": {"name": "hf-hub:evil/model"}}, "arguments may not say name"),
        ({"architecture": "timm", "arguments": {"name": "nothing_here"}}, "timm has no classifier"),
        ({"architecture": "transformers", "arguments": {"model_type": "timm_wrapper"}}, "no classifier"),
        (
            {"architecture": "transformers", "arguments": {"model_type": "vit", "attn_implementation": "evil/kernel"}},
            "arguments may not say attn_implementation",
        ),
        (
            {"architecture": "transformers", "arguments": {"model_type": "vit", "num_hidden_layers": 10**6}},
            "arguments may not say num_hidden_layers",
        ),
        ({"architecture": "transformers", "arguments": {"model_type": "vit", "auto_map": "x"}}, "may not say auto_map"),
        ({"architecture": "resnet50"}, "made without arguments"),
        ({"head_module": "nothing"}, "head_module or taps are no layers"),
        ({"head_module": "layer4.1.conv2"}, "the head has 512 rows for 5 classes"),
        ({"taps": [{"name": "a", "module": "layer9", "channels": 64, "maps": True}]}, "head_module or taps are no"),
        ({"taps": [{"name": "a", "module": "layer1", "channels": 65, "maps": True}]}, "head_module or taps do not fit"),
        ({"taps": [{"name": "a", "module": "layer1", "channels": 64, "layout": "tokens"}]}, "taps do not fit"),
    ],
)
def test_a_tampered_card_is_refused(bundle: Path, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        reason.load(tampered(bundle, tmp_path, **changes))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("resnet18", "no classifier; give torchvision:NAME@WEIGHTS"),
        ("torchvision:resnet18", "name the weights too"),
        ("torchvision:resnet17@w.pth", "torchvision has no such classifier; did you mean resnet18"),
        ("torchvision:resnet18@w.pth", "w.pth: there is no such file"),
        ("torchvision:resnet18@IMAGENET1K_V1", "is not on this machine; get it by python -c"),
        ("timm:resnet10x@w.pth", "timm has no such classifier"),
        ("hf:nowhere", "there is no such folder with a config.json"),
        ("no_such_module:make", "cannot be imported"),
        ("collections:Counter", "returns a Counter"),
    ],
)
def test_what_names_no_classifier_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: str, message: str
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ClassifierError, match=message):
        resolve(spec)


def test_weights_of_another_model_are_refused_by_name(tmp_path: Path) -> None:
    torch.save(models.resnet18(num_classes=5).state_dict(), tmp_path / "w.pth")
    with pytest.raises(ClassifierError, match=r"does not fit torchvision:resnet34: it lacks layer1\.2\.conv1\.weight"):
        resolve(f"torchvision:resnet34@{tmp_path / 'w.pth'}")
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pth")
    with pytest.raises(ClassifierError, match="holds Python objects, which are not read"):
        resolve(f"torchvision:resnet18@{tmp_path / 'whole.pth'}")
    (tmp_path / "junk.pth").write_bytes(b"junk" * 100)
    with pytest.raises(ClassifierError, match=r"junk\.pth: "):
        resolve(f"torchvision:resnet18@{tmp_path / 'junk.pth'}")


def test_own_code_is_found_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_net_of_tests.py").write_text(
        "from torch import nn\ndef make():\n    return nn.Sequential(nn.Flatten(), nn.Linear(12, 2))\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ClassifierError, match="nothing says how pictures are prepared"):
        resolve("my_net_of_tests:make")
    said = Preprocessing(2, "RGB", (0.5,) * 3, (0.5,) * 3)
    classifier = resolve("my_net_of_tests:make", preprocessing=said)
    assert (classifier.architecture, classifier.preprocessing) == ("graph", said)
    with pytest.raises(ClassifierError, match="has no attribute 'other'"):
        resolve("my_net_of_tests:other")
