"""Files as bytes: what gzip and zip hold is read, and what can't be a table is refused."""

import gzip
import re
import zipfile
import zlib
from pathlib import Path
from typing import IO, cast

from palate.errors import DataError, first_line

_GZIP = b"\x1f\x8b"
_SQLITE = b"SQLite format 3\0"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the second if it is empty
# How compressed files that are not read begin.
_OTHERS = {
    "bzip2": rb"BZh[1-9]1AY&SY",
    "xz": rb"\xfd7zXZ\0",
    "7-Zip": rb"7z\xbc\xaf",
    "zstd": rb"\x28\xb5\x2f\xfd",
}
# What reading a damaged or unreadable file raises; of a zip with a password, RuntimeError.
UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError)
_MAX_LISTED = 10


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading; of gzip its content, of a zip the only file in it.

    Raises
    ------
    DataError
        If a zip does not hold exactly one file.
    """
    if _begins(path, _GZIP):
        return cast(IO[bytes], gzip.open(path))
    if _begins(path, _ZIP):
        with zipfile.ZipFile(path) as archive:  # stays open for as long as the member is
            return archive.open(_only_member(path, archive))
    return path.open("rb")


def content_name(path: Path) -> str:
    """Return the name of what is in a file: that of the only file of a zip, or without .gz."""
    if _begins(path, _ZIP):
        with zipfile.ZipFile(path) as archive:
            return _only_member(path, archive)
    return path.stem if path.suffix.lower() == ".gz" else path.name


def _only_member(path: Path, archive: zipfile.ZipFile) -> str:
    """Return the name of the only file in an archive, but for what the system added to it."""
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise DataError(f"{path.name}: is a spreadsheet or a document; save its table as CSV")
    files = [name for name in names if not name.startswith("__MACOSX/")]
    if len(files) != 1:
        listed = ", ".join([*files[:_MAX_LISTED], *(["..."] if len(files) > _MAX_LISTED else [])])
        raise DataError(
            f"{path.name}: holds {len(files)} files, and not one table"
            + (f" ({listed}); unpack it, and give the file that you mean" if files else "")
        )
    return files[0]


def _begins(path: Path, start: bytes | tuple[bytes, ...]) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(start)


def starts_with(path: Path, start: bytes) -> bool:
    """Return whether a file, or what `open_bytes` reads of it, starts with these bytes."""
    with open_bytes(path) as file:
        return file.read(len(start)) == start


def check_readable(path: Path) -> None:
    """Check that there is a file with content, and that it is not one of a kind never read here.

    Raises
    ------
    DataError
        If the file does not exist, can't be read, is empty, or is a database, an archive of several
        files, or compressed in another way than by gzip and zip.
    """
    try:
        with open_bytes(path) as file:
            start = file.read(len(_SQLITE))
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}") from error
    except DataError:
        raise
    except (*UNREADABLE, ValueError) as error:
        raise DataError(f"{path.name}: can't be read ({first_line(error)})") from error
    if not start:
        raise DataError(f"{path.name}: the file is empty")
    other = next((name for name, begin in _OTHERS.items() if re.match(begin, start)), None)
    if other is not None:
        raise DataError(
            f"{path.name}: is compressed by {other}, and only gzip and zip are read; unpack it"
        )
    if start == _SQLITE:
        raise DataError(f"{path.name}: is an SQLite database; give it as sqlite:///{path}")
