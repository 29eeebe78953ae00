"""Where a bundle lies that is named by one word: one that ships, a folder, or a repository on the Hub.

Imports neither PyTorch nor the Hub's library before a bundle is fetched, as the command line imports it.
"""

from __future__ import annotations

from pathlib import Path

from reason import resources
from reason.errors import SharingError
from reason.sharing.address import HubAddress, is_address


def bundle_folder(text: str | Path) -> Path:
    """Return the folder that a bundle's name, path or address means; what an address means is fetched.

    Raises:
        SharingError: the address is malformed, or leads to nothing that can be fetched.
        BundleError: there is no bundle at the address.
    """
    if not is_address(text):
        return text if isinstance(text, Path) else resources.bundle_folder(text)
    from reason.sharing.fetching import fetch

    return fetch(HubAddress.parse(text)).folder


def own_folder(text: str) -> Path:
    """Return the folder of a bundle that is to be written to, which what was fetched is not.

    Raises:
        SharingError: it is an address.
    """
    if is_address(text):
        raise SharingError(f"{text}: is only read; copy it by `reason push {text} FOLDER` and name the folder.")
    return resources.bundle_folder(text)


def pinned(text: str, folder: Path) -> str:
    """Return how to name again exactly what was found under a name: for an address, with its commit.

    Args:
        text: a name, path or address.
        folder: what ``bundle_folder`` returned of it.
    """
    return str(HubAddress.parse(text).at(folder.name)) if is_address(text) else text
