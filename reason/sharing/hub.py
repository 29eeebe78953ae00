"""What REASON asks of the Hugging Face Hub: the only module that knows its library, and that words its errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reason import __version__
from reason.errors import SharingError, first_line
from reason.sharing.address import HubAddress

LIBRARY = {"library_name": "reason", "library_version": __version__}
"""How requests say what asks."""

SERVER_ERROR = 500
"""Least status that says that the Hub, and not the request, is at fault."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository, before it is downloaded."""

    commit: str
    """The state of the repository, 40 hexadecimal digits."""
    bytes: int | None
    """Its size, as far as the Hub says it."""


def look(address: HubAddress, name: str) -> RemoteFile:
    """Ask for the size of a file; where it was downloaded before and the Hub cannot be reached, the cache answers.

    It asks once: the library itself asks six times in half a minute before it says that there is no network.

    Raises:
        SharingError: there is no such repository, revision or file, or the Hub cannot be reached.
    """
    library = _library()
    with _explained(address):
        if address.pinned and (known := _cached(address, name)):
            return known
        try:
            url = library.hf_hub_url(address.repository, name, revision=address.revision)
            found = library.get_hf_file_metadata(url, **LIBRARY)
        except _failures() as error:
            response = getattr(error, "response", None)
            answered = response is not None and response.status_code < SERVER_ERROR
            if answered or not (known := _cached(address, name)):
                raise
            return known
        return RemoteFile(found.commit_hash, found.size)


def _cached(address: HubAddress, name: str) -> RemoteFile | None:
    """Return what the cache knows of a file, and where that is no commit, of its state when it was last asked for."""
    path = _library().try_to_load_from_cache(address.repository, name, revision=address.revision)
    return RemoteFile(Path(path).parent.name, Path(path).stat().st_size) if isinstance(path, str) else None


def download(address: HubAddress, name: str) -> Path:
    """Return the place of a file in the Hub's cache, after a download where it was not there yet.

    Its folder is named after the commit.

    Raises:
        SharingError: see ``look``.
    """
    with _explained(address):
        return Path(_library().hf_hub_download(address.repository, name, revision=address.revision, **LIBRARY))


def upload(
    address: HubAddress, files: Mapping[str, Path | bytes], gone: frozenset[str], message: str, *, private: bool | None
) -> str:
    """Put files into a repository in one commit, and make the repository where there is none.

    Args:
        address: the repository; its newest state follows.
        files: by name, where each lies, or its bytes.
        gone: names that are taken out of it, where it has them.
        message: what the commit says.
        private: whether a repository that is made here is private; ``None`` for what its owner set.

    Returns:
        The commit.

    Raises:
        SharingError: nobody is logged in, may not write there, or the Hub cannot be reached.
    """
    library = _library()
    with _explained(address, writing=True):
        api = library.HfApi(**LIBRARY)
        api.create_repo(address.repository, private=private, exist_ok=True)
        there = frozenset(api.list_repo_files(address.repository))
        adds = [
            library.CommitOperationAdd(name, data if isinstance(data, bytes) else str(data))
            for name, data in files.items()
        ]
        removes = [library.CommitOperationDelete(name) for name in sorted(gone & there)]
        commit = api.create_commit(address.repository, [*adds, *removes], commit_message=message)
        return str(commit.oid)


def _library() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise SharingError(
            "hf:// takes the huggingface_hub package, which is not installed; pip install 'reason[hub]'."
        ) from None
    return huggingface_hub


@contextmanager
def _explained(address: HubAddress, *, writing: bool = False) -> Iterator[None]:
    """Say in one sentence what the library needs a page for."""
    _library()
    from huggingface_hub import errors

    try:
        yield
    except (errors.HfHubHTTPError, errors.EntryNotFoundError, ValueError, OSError) as error:
        raise _worded(address, error, writing) from None
    except RuntimeError as error:  # a large file whose upload failed
        raise _worded(address, error.__cause__ if isinstance(error.__cause__, Exception) else error, writing) from None
    except _failures() as error:
        raise _unreachable(address, error) from None


def _failures() -> tuple[type[Exception], ...]:
    """Return what connections that fail raise, whichever HTTP client this version of the library has."""
    from huggingface_hub import errors

    return errors.HTTPError, OSError


def _worded(address: HubAddress, error: Exception, writing: bool) -> SharingError:
    from huggingface_hub import errors

    if isinstance(error, errors.LocalTokenNotFoundError):
        return _refused(address, writing)
    if isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
        return _unreachable(address, error.__cause__ or error)
    if isinstance(error, errors.GatedRepoError):
        return SharingError(
            f"{address}: its owner lets in who asks; ask on its page, then log in with `hf auth login`."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return SharingError(f"{address}: the repository has no such revision; name a branch, a tag or a commit of it.")
    if isinstance(error, errors.EntryNotFoundError):
        return SharingError(f"{address}: lacks a file of a bundle; name a repository that `reason push` wrote.")
    if isinstance(error, errors.RepositoryNotFoundError) and not writing:
        return SharingError(
            f"{address}: there is no such repository, or it is private; check the name, or log in with `hf auth login`."
        )
    if isinstance(error, errors.HfHubHTTPError) and error.response.status_code in (401, 403, 404):
        return _refused(address, writing)
    if isinstance(error, errors.HFValidationError):
        return SharingError(f"{address}: the Hub takes no such name ({first_line(error)}); choose another.")
    return _unreachable(address, error)


def _refused(address: HubAddress, writing: bool) -> SharingError:
    wanted = "write" if writing else "read"
    return SharingError(
        f"{address}: the Hub does not let you {wanted} here; log in with `hf auth login`, or set HF_TOKEN to a token "
        f"that may {wanted} it."
    )


def _unreachable(address: HubAddress, error: BaseException) -> SharingError:
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        return SharingError(
            f"{address}: is not whole in the cache, and HF_HUB_OFFLINE is set; unset it, or load it once while online."
        )
    cause = first_line(error) if isinstance(error, Exception) else type(error).__name__
    return SharingError(f"{address}: the Hub cannot be reached ({cause}); check the network, or load from a folder.")
