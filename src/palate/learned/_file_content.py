"""The content of a file in pieces, of which the arrays of a model are some: they are not copied."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate._files import replacing

Content = list[bytes | NDArray[np.uint8]]
# The types of arrays in the order in which a file has them: so all are aligned.
_TYPES = {
    np.dtype(kind): name
    for kind, name in (
        ("int64", "I64"), ("float64", "F64"), ("float32", "F32"), ("int32", "I32"), ("bool", "BOOL")
    )
}  # fmt: skip


def array_content(arrays: Mapping[str, NDArray[Any]]) -> Content:
    """Return arrays as the content of a safetensors file.

    It has the length of a header, as eight bytes; the header, JSON with the type, the shape and the
    place of each array; and the arrays. The package of that name would copy them, twice.
    """
    types = list(_TYPES)
    ordered = sorted(arrays, key=lambda name: (types.index(arrays[name].dtype), name))
    header, end, pieces = dict[str, Any](), 0, Content()
    for name in ordered:
        array = arrays[name]
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": _TYPES[array.dtype],
            "shape": array.shape,
            "data_offsets": (start, end),
        }
        little = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        pieces.append(little.reshape(-1).view(np.uint8))
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    return [len(encoded).to_bytes(8, "little"), encoded, *pieces]


def checksum(content: Content) -> str:
    """Return the SHA-256 of a content, as hexadecimal digits."""
    digest = hashlib.sha256()
    for buffer in _buffers(content):
        digest.update(buffer)
    return digest.hexdigest()


def write_content(path: Path, content: Content) -> None:
    """Write a file in one step, replacing one that exists; see `replacing`."""
    with replacing(path) as file:
        file.writelines(_buffers(content))


def _buffers(content: Content) -> Iterator[bytes | memoryview]:
    return (piece if isinstance(piece, bytes) else piece.data for piece in content)


def has_content(path: Path, content: Content) -> bool:
    """Return whether there is a file with this content."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == checksum(content)
