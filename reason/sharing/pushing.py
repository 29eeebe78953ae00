"""``reason push``: a bundle to the Hub, or to a folder as it would lie there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from reason.bundle import card as cards
from reason.bundle.card import Card
from reason.bundle.faults import broken
from reason.bundle.folders import BF16_SAMPLE, CARD, FILES, GRAPH, SUFFIX, claim, find, swap_in
from reason.bundle.tensors import read
from reason.errors import SharingError
from reason.files import open_regular, sha256_of
from reason.sharing import hub
from reason.sharing.address import HubAddress, is_address
from reason.sharing.places import bundle_folder
from reason.sharing.private import first_place, place_in
from reason.sharing.readme import MODEL_CARD, README, readme


@dataclass(frozen=True, slots=True)
class Pushed:
    """A bundle that was shared."""

    address: str
    """How to load it: ``hf://OWNER/NAME@COMMIT``, or the folder."""
    digest: str
    """Its identity, which loading compares."""


def push(
    bundle: str | Path,
    target: str | Path,
    *,
    license: str | None = None,  # noqa: A002 (the Hub's own word)
    private: bool | None = None,
    paths_allowed: bool = False,
) -> Pushed:
    """Share a bundle: its card, the files that this lists, ``MODEL_CARD.md``, and a ``README.md`` made of them.

    On the Hub all of it is one commit, which takes away files of the bundle before; a folder is swapped in whole.

    Args:
        bundle: name of one that ships, a folder, or an address on the Hub, which copies it.
        target: ``hf://OWNER/NAME``, whose repository is made where there is none; or a folder.
        license: identifier of the bundle's license on the Hub, such as ``mit``; without one none is named.
        private: whether a repository that is made here is private; ``None`` for what its owner set.
        paths_allowed: whether what looks like a path of the machine that made the bundle may be shared.

    Raises:
        BundleError: the bundle is missing, or a file is not the one that its card lists.
        SharingError: the bundle names a path of a machine, the target is none, or the Hub refuses.
    """
    to = _target(target)
    folder = find(bundle_folder(bundle))
    card = cards.read(folder / CARD)
    _check_files(folder, card)
    if not paths_allowed:
        _check_private(folder, card)
    text = _model_card(folder)
    shared: dict[str, Path | bytes] = {name: folder / name for name in (CARD, *card.files)}
    shared |= {} if text is None else {MODEL_CARD: text.encode()}
    where = str(to) if isinstance(to, HubAddress) else to.resolve().name  # no path of this machine
    shared[README] = readme(card, text, where, license).encode()
    if isinstance(to, HubAddress):
        gone = (FILES | {GRAPH, BF16_SAMPLE, MODEL_CARD}) - shared.keys()
        commit = hub.upload(to, shared, gone, f"{card.name}, digest {card.digest[:12]}", private=private)
        return Pushed(str(to.at(commit)), card.digest)
    _copy(shared, to)
    return Pushed(str(to), card.digest)


def _target(target: str | Path) -> HubAddress | Path:
    if not is_address(target):
        return Path(target)
    address = HubAddress.parse(target)
    if address.revision is not None:
        raise SharingError(f"{target}: a push makes the revision; leave @{address.revision} out.")
    return address


def _check_files(folder: Path, card: Card) -> None:
    """Refuse files that are not those of the card.

    Whether they fit each other is for ``load`` to say, which may need the network of who made the bundle.
    """
    for name, seal in card.files.items():
        path = folder / name
        if name.endswith(SUFFIX):
            read(path, seal)
            continue
        try:
            with open_regular(path) as file:
                found = sha256_of(file)
        except OSError:
            raise broken(path, "missing or unreadable") from None
        if found != seal.sha256:
            raise broken(path, "is not the file that the card lists")


def _check_private(folder: Path, card: Card) -> None:
    found = first_place(folder, card)
    text = _model_card(folder)
    if found is None and text is not None and (place := place_in(text)):
        found = MODEL_CARD, place
    if found is not None:
        where, place = found
        raise SharingError(
            f"{folder}: {where} names {place!r:.120}, a place on the machine that made it; fit again with names "
            "relative to the data, or allow it with --allow-paths (paths_allowed=True)."
        )


def _model_card(folder: Path) -> str | None:
    """Return what people wrote of the bundle, as far as they did.

    Raises:
        SharingError: it is no text.
    """
    path = folder / MODEL_CARD
    if not path.is_file():
        return None
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SharingError(f"{path}: cannot be read as UTF-8 text; write it again, or take it away.") from None


def _copy(shared: dict[str, Path | bytes], folder: Path) -> None:
    """Write a folder, whole or not at all."""
    folder = folder.resolve()
    claim(folder)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        for name, data in shared.items():
            if isinstance(data, bytes):
                (unfinished / name).write_bytes(data)
            else:
                shutil.copyfile(data, unfinished / name)
        swap_in(unfinished, folder)
    except OSError as error:
        raise SharingError(f"{folder}: cannot be written ({error.strerror}); name another folder.") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
