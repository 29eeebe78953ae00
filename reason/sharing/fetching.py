"""A bundle from the Hub to a folder of this machine: its card first, then the files that the card lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from reason.bundle import card as cards
from reason.bundle import plain_json
from reason.bundle.card import Card
from reason.bundle.folders import BASE, CARD
from reason.bundle.shapes import MOST_BYTES
from reason.errors import SharingError
from reason.sharing import hub
from reason.sharing.address import HubAddress

_PLAIN = re.compile(r"[A-Za-z0-9_][\w.-]{0,199}", re.ASCII)
"""Names of files that lie in the bundle's own folder on every system."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A bundle that lies in the Hub's cache."""

    folder: Path
    """Where it lies; ``reason.bundle.reading.load`` reads it and checks everything."""
    address: HubAddress
    """Where it is from; the revision is the commit."""


def fetch(address: HubAddress) -> Fetched:
    """Download a bundle, as far as the cache lacks it; without network the cache alone serves.

    Nothing but the card and the files that it lists is downloaded, and none that has another size than the card says.

    Raises:
        SharingError: it cannot be had, is no bundle, or holds a file that no bundle holds.
        BundleError: its card is none.
    """
    _check_size(address, CARD, hub.look(address, CARD).bytes, at_most=plain_json.LARGEST)
    path = hub.download(address, CARD)
    there = address.at(path.parent.name)
    card = cards.read(path)
    _check_names(there, card)
    for name, seal in card.files.items():
        if not (path.parent / name).exists():
            _check_size(there, name, hub.look(there, name).bytes, exactly=seal.bytes)
            hub.download(there, name)
    return Fetched(path.parent, there)


def _check_names(address: HubAddress, card: Card) -> None:
    """Refuse names that lead elsewhere, and more bytes than a bundle may have."""
    for name in card.files:
        if not _PLAIN.fullmatch(name):
            raise SharingError(f"{address}: its card lists {name[:80]!r}, which is no file of a bundle; do not use it.")
    rest = sum(seal.bytes for name, seal in card.files.items() if name != BASE)
    if rest > MOST_BYTES:
        raise SharingError(f"{address}: its files take {rest:,} bytes beside {BASE}, more than any bundle's.")


def _check_size(
    address: HubAddress, name: str, found: int | None, *, exactly: int | None = None, at_most: int | None = None
) -> None:
    if found is None:  # a server that says no size; what arrives is checked when it is loaded
        return
    if exactly is not None and found != exactly:
        raise SharingError(f"{address}: {name} has {found:,} bytes and its card says {exactly:,}; push it again.")
    if at_most is not None and found > at_most:
        raise SharingError(f"{address}: {name} has {found:,} bytes, which no card has; it is no bundle.")
