"""Pushing to the Hub and loading from it, over real HTTP: the same bundle, and nothing but the bundle."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bundle.forging import edit_card
from huggingface_hub import ModelCard, constants
from PIL import Image

import reason
from reason.bundle.folders import BANK, CARD, GRAPH, META
from reason.detector.verdict import Verdict
from reason.errors import BundleError, SharingError

from .fake_hub import FakeHub, Repository, point_to


@pytest.fixture
def copy(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy that may be written to."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "tiny"))


def judged(bundle: str | Path, image: Image.Image) -> Verdict:
    return dataclasses.replace(reason.load(bundle).predict([image])[0], timings_ms={})


def put(hub: FakeHub, folder: Path, name: str = "us/tiny") -> dict[str, bytes]:
    """Put a folder's files onto the hub as anybody could, without REASON."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.repositories[name] = Repository(commits=[("c" * 40, files)])
    return files


def test_what_was_pushed_is_loaded_and_judges_alike(
    hub: FakeHub, bundle_folder: Path, shape_image: Image.Image
) -> None:
    pushed = reason.push(bundle_folder, "hf://us/tiny")
    commit, files = hub.repositories["us/tiny"].commits[-1]
    assert pushed.address == f"hf://us/tiny@{commit}"
    assert set(files) == {path.name for path in bundle_folder.iterdir()} | {"README.md"}
    assert judged("hf://us/tiny", shape_image) == judged(bundle_folder, shape_image)
    assert reason.load(pushed.address).digest == pushed.digest == reason.load(bundle_folder).digest


def test_only_what_the_card_lists_is_downloaded(hub: FakeHub, bundle_folder: Path) -> None:
    listed = sorted(path.name for path in bundle_folder.iterdir())
    put(hub, bundle_folder).update({"README.md": b"text", "setup.py": b"raise SystemExit", "data.pickle": b"."})
    reason.load("hf://us/tiny")
    assert hub.downloads()[0] == CARD
    assert sorted(hub.downloads()) == listed


def test_a_second_push_takes_away_what_the_bundle_no_longer_has(hub: FakeHub, copy: Path) -> None:
    put(hub, copy).update({GRAPH: b"of before", ".gitattributes": b"kept", "photo.png": b"kept"})
    reason.push(copy, "hf://us/tiny")
    files = hub.repositories["us/tiny"].commits[-1][1]
    assert GRAPH not in files
    assert (files[".gitattributes"], files["photo.png"]) == (b"kept", b"kept")


def test_a_commit_pins_the_bundle(hub: FakeHub, copy: Path) -> None:
    first = reason.push(copy, "hf://us/tiny")
    edit_card(copy, lambda card: card.update(title="Another"))
    second = reason.push(copy, "hf://us/tiny")
    assert first.digest != second.digest
    assert reason.load("hf://us/tiny").digest == second.digest
    assert reason.load(first.address).digest == first.digest
    with pytest.raises(SharingError, match="hf://us/tiny@other: the repository has no such revision"):
        reason.load("hf://us/tiny@other")


def test_the_cache_serves_offline(hub: FakeHub, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = reason.push(copy, "hf://us/tiny")
    reason.load("hf://us/tiny")
    asked = len(hub.requests)
    assert reason.load(pushed.address).digest == pushed.digest
    assert len(hub.requests) == asked, "a commit that was fetched before needs no network"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert reason.load("hf://us/tiny").digest == pushed.digest
    with pytest.raises(SharingError, match="hf://us/other: is not whole in the cache, and HF_HUB_OFFLINE is set"):
        reason.load("hf://us/other")


def test_the_cache_serves_where_the_network_fails(hub: FakeHub, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = reason.push(copy, "hf://us/tiny")
    reason.load("hf://us/tiny")
    hub.broken = True
    assert reason.load("hf://us/tiny").digest == pushed.digest
    with pytest.raises(SharingError, match=r"hf://us/new: the Hub cannot be reached \(.*503"):
        reason.load("hf://us/new")
    point_to(monkeypatch, "http://127.0.0.1:9")
    assert reason.load("hf://us/tiny").digest == pushed.digest


@pytest.mark.parametrize("address", ["hf://tiny", "hf://a/b/c", "hf://us/tiny@", "hf://us/../x", "hf://"])
def test_addresses_of_another_form(address: str) -> None:
    with pytest.raises(SharingError, match=r"is no address on the Hub; write hf://OWNER/NAME"):
        reason.load(address)


def test_what_is_no_bundle(hub: FakeHub) -> None:
    hub.repositories["us/text"] = Repository(commits=[("d" * 40, {"README.md": b"text"})])
    with pytest.raises(SharingError, match="hf://us/text: lacks a file of a bundle"):
        reason.load("hf://us/text")
    with pytest.raises(SharingError, match="hf://us/none: there is no such repository, or it is private"):
        reason.load("hf://us/none")


def test_who_is_not_logged_in(hub: FakeHub, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reason.push(copy, "hf://us/secret", private=True)
    with pytest.raises(SharingError, match="hf://them/tiny: the Hub does not let you write here; log in with `hf auth"):
        reason.push(copy, "hf://them/tiny")
    monkeypatch.setenv("HF_TOKEN", "hf_of_nobody")
    with pytest.raises(SharingError, match="hf://us/secret: there is no such repository, or it is private"):
        reason.load("hf://us/secret")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(copy / "none"))
    with pytest.raises(SharingError, match="hf://us/tiny: the Hub does not let you write here; log in with `hf auth"):
        reason.push(copy, "hf://us/tiny")


@pytest.mark.parametrize("act", [lambda _: reason.load("hf://us/tiny"), lambda copy: reason.push(copy, "hf://us/tiny")])
def test_without_network(
    hub: FakeHub, copy: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], object]
) -> None:
    point_to(monkeypatch, "http://127.0.0.1:9")  # the port of what discards everything, where nothing listens
    with pytest.raises(SharingError, match=r"hf://us/tiny: the Hub cannot be reached \(.*\); check the network"):
        act(copy)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(SharingError, match=r"which is not installed; pip install 'reason\[hub\]'"):
        reason.load("hf://us/tiny")


def test_a_file_larger_than_the_card_says_is_not_downloaded(hub: FakeHub, copy: Path) -> None:
    put(hub, copy)[BANK] += b"0" * 1000
    with pytest.raises(SharingError, match=rf"{BANK} has [\d,]+ bytes and its card says [\d,]+; push it again"):
        reason.load("hf://us/tiny")
    assert BANK not in hub.downloads()


def test_a_card_that_is_none(hub: FakeHub, copy: Path) -> None:
    put(hub, copy)[CARD] = b"{" + b" " * 5_000_000
    with pytest.raises(SharingError, match=f"{CARD} has 5,000,001 bytes, which no card has"):
        reason.load("hf://us/tiny")
    assert hub.downloads() == []
    hub.repositories["us/tiny"].commits[0][1][CARD] = b"[]"
    with pytest.raises(BundleError, match="not a JSON table"):
        reason.load("hf://us/tiny")


@pytest.mark.parametrize("name", ["../x.safetensors", "/etc/passwd", ".git", "a/b"])
def test_names_that_lead_elsewhere(hub: FakeHub, copy: Path, name: str) -> None:
    edit_card(copy, lambda card: card["files"].update({name: card["files"].pop(BANK)}))
    put(hub, copy)
    with pytest.raises(SharingError, match="which is no file of a bundle"):
        reason.load("hf://us/tiny")
    assert hub.downloads() == [CARD]


def test_more_bytes_than_a_bundle_has(hub: FakeHub, copy: Path) -> None:
    edit_card(copy, lambda card: card["files"][BANK].update(bytes=2**30))
    put(hub, copy)
    with pytest.raises(SharingError, match=r"take 1,073,[\d,]+ bytes beside best_base.safetensors"):
        reason.load("hf://us/tiny")
    assert hub.downloads() == [CARD]


def test_a_file_that_was_altered_is_refused_as_in_a_folder(hub: FakeHub, copy: Path) -> None:
    files = put(hub, copy)
    files[META] = files[META][:-1] + bytes([files[META][-1] ^ 1])
    with pytest.raises(BundleError, match=META):
        reason.load("hf://us/tiny")


def test_the_hub_reads_what_the_bundle_is(hub: FakeHub, copy: Path) -> None:
    measured = {"accuracy": 0.8, "scores": {"REASON": {"auroc": 0.9, "augrc": 0.01}, "MSP": 3}, "threshold": "high"}
    edit_card(copy, lambda card: card["provenance"].update(metrics={"clean": measured}))
    (copy / "MODEL_CARD.md").write_text("# Shapes\n\nSee [the docs](../docs/x.md) and [home](https://example.org).\n")
    reason.push(copy, "hf://us/tiny", license="mit")
    files = hub.repositories["us/tiny"].commits[-1][1]
    found = ModelCard(files["README.md"].decode())
    facts = found.data.to_dict()
    assert (facts["library_name"], facts["pipeline_tag"], facts["license"]) == ("reason", "image-classification", "mit")
    assert "failure-detection" in facts["tags"]
    results = {result.metric_type: result.metric_value for result in found.data.eval_results}
    assert results == {"accuracy": 0.8, "roc_auc": 0.9, "augrc": 0.01}
    assert found.text.strip().startswith("# Shapes\n\nSee the docs and [home](https://example.org).\n\n## Use\n")
    assert 'reason.load("hf://us/tiny")' in found.text
    assert files["MODEL_CARD.md"] == (copy / "MODEL_CARD.md").read_bytes()


def test_pushing_from_the_hub_to_a_folder_copies(hub: FakeHub, bundle_folder: Path, tmp_path: Path) -> None:
    put(hub, bundle_folder)
    assert reason.push("hf://us/tiny", tmp_path / "here").digest == reason.load(tmp_path / "here").digest
    assert not any(path.is_symlink() for path in (tmp_path / "here").iterdir())


def test_a_push_makes_the_revision(bundle_folder: Path) -> None:
    with pytest.raises(SharingError, match="a push makes the revision; leave @v1 out"):
        reason.push(bundle_folder, "hf://us/tiny@v1")


def test_custom_readmes_stay(hub: FakeHub, copy: Path) -> None:
    (copy / "MODEL_CARD.md").write_text("---\nlicense: apache-2.0\n---\n\nOwn text.\n")
    reason.push(copy, "hf://us/tiny")
    assert hub.repositories["us/tiny"].commits[-1][1]["README.md"] == (copy / "MODEL_CARD.md").read_bytes()
