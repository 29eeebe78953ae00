"""Arrays in safetensors files: memory-mapped, and compared with the card before a tensor is made."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import SafetensorError, safe_open

from reason.bundle.card import FileSeal
from reason.bundle.faults import broken
from reason.errors import BundleError
from reason.files import Stamp, open_regular, sha256_of, size_of, stamp_of

LONGEST_HEADER = 4_000_000
"""Bytes of the largest header that is read."""

ALIGNMENT = 64
"""Bytes of whose multiple an array's address is, in memory that PyTorch allocates."""

DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""Types of numbers that a bundle may hold, as safetensors calls them."""

Tensors = Mapping[str, torch.Tensor]


def write(path: Path, tensors: Tensors) -> FileSeal:
    """Write arrays under their names and return what the card says of the file. Equal arrays give equal bytes.

    Raises:
        BundleError: a type of number has no place in a bundle.
    """
    for name, tensor in tensors.items():
        if tensor.dtype not in DTYPES:
            raise BundleError(f"{path.name}: {name} is of type {tensor.dtype}, which bundles do not hold.")
    data = _serialised(tensors)
    path.write_bytes(data)
    arrays = {name: described(DTYPES[tensor.dtype], tensor.shape) for name, tensor in tensors.items()}
    return FileSeal(sha256=sha256(data), bytes=len(data), arrays=arrays)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes, as seals hold it."""
    return hashlib.sha256(data).hexdigest()


def _serialised(tensors: Tensors) -> bytes:
    """Return a safetensors file in which as many arrays as can lie on the alignment, which the library's own has not.

    Arrays whose bytes fill multiples of the alignment come first; of the others, those of wide numbers.
    """
    flat = {name: tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8) for name, tensor in tensors.items()}
    order = sorted(flat, key=lambda name: (len(flat[name]) % ALIGNMENT != 0, -tensors[name].itemsize, name))
    header, begin = {}, 0
    for name in order:
        end = begin + len(flat[name])
        shape = list(tensors[name].shape)
        header[name] = {"dtype": DTYPES[tensors[name].dtype], "shape": shape, "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)  # the format allows spaces behind the header
    return b"".join([struct.pack("<Q", len(text)), text, *(flat[name].numpy().tobytes() for name in order)])


def aligned(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Copy the arrays that do not lie on the alignment: what is computed from them could differ in the last bit."""
    return {name: tensor if tensor.data_ptr() % ALIGNMENT == 0 else tensor.clone() for name, tensor in tensors.items()}


def described(dtype: str, shape: torch.Size | list[int]) -> str:
    """Return type and shape of an array as the card writes them, such as ``F16[64,3,7,7]``."""
    return f"{dtype}[{','.join(map(str, shape))}]"


def parsed(array: str) -> tuple[str, tuple[int, ...]]:
    """Return what ``described`` was given."""
    dtype, _, shape = array.rstrip("]").partition("[")
    return dtype, tuple(int(size) for size in shape.split(",") if size)


def read(path: Path, seal: FileSeal) -> dict[str, torch.Tensor]:
    """Map the arrays of a file into memory; processes that read the same file share them.

    Raises:
        BundleError: the file is not the sealed one, is no safetensors file, or holds other arrays than the card lists.
    """
    try:
        with open_regular(path) as file:
            before = _checked(path, file, seal)
            tensors = _mapped(path, seal)
            if stamp_of(path) != before:
                raise broken(path, "was replaced while it was read")
    except OSError:
        raise broken(path, "missing or unreadable") from None
    for name, tensor in tensors.items():
        # A byte other than 0 and 1 is no truth value, and what PyTorch does with it is undefined.
        if tensor.dtype == torch.bool and tensor.numel() and int(tensor.view(torch.uint8).max()) > 1:
            raise broken(path, f"{name} holds something else than truth values")
    return tensors


def _checked(path: Path, file: BinaryIO, seal: FileSeal) -> Stamp:
    """Compare an open file with what the card says of it, byte for byte, and return its stamp."""
    stamp, size = stamp_of(file), size_of(file)
    if size != seal.bytes:
        raise broken(path, f"has {size} bytes instead of {seal.bytes}")
    if sha256_of(file) != seal.sha256:
        raise broken(path, "was altered (its SHA-256 is not the recorded one)")
    file.seek(0)
    start = file.read(8)
    if len(start) < 8 or struct.unpack("<Q", start)[0] > LONGEST_HEADER:
        raise broken(path, "not a safetensors file (its header is too short or too long)")
    return stamp


def _mapped(path: Path, seal: FileSeal) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, "pt") as file:
            _check_header(path, file, seal)
            return {name: file.get_tensor(name) for name in seal.arrays}
    except SafetensorError as error:
        raise broken(path, f"not a safetensors file ({str(error)[:200]})") from None


def _check_header(path: Path, file: safe_open, seal: FileSeal) -> None:
    found = {}
    for name in file.keys():  # noqa: SIM118 - it is no dictionary
        part = file.get_slice(name)
        found[name] = described(part.get_dtype(), part.get_shape())
    if found == seal.arrays:
        return
    name = min(name for name in found.keys() | seal.arrays.keys() if found.get(name) != seal.arrays.get(name))
    here, there = found.get(name, "none"), seal.arrays.get(name, "none")
    raise broken(path, f"holds {name!r} as {here} where the card lists {there}")
