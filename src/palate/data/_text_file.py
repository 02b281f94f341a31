"""Text files: compression, encoding and line ends, read in blocks of bounded size."""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from palate.errors import DataError, first_line

_GZIP = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SQLITE = b"SQLite format 3\0"
_ZIP = b"PK\x03\x04"
# Blocks grow from the first size to the second, in characters: a small first block is enough to
# find the header, and large ones let polars parse in parallel.
_FIRST_BLOCK = 1 << 16
_MAX_BLOCK = 1 << 22


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading; if it is compressed with gzip, its content."""
    with path.open("rb") as file:
        compressed = file.read(len(_GZIP)) == _GZIP
    return cast(IO[bytes], gzip.open(path)) if compressed else path.open("rb")


def check_readable(path: Path) -> None:
    """Check that there is a file with content, and that it is not one of a kind never read here.

    Raises
    ------
    DataError
        If the file does not exist, can't be read, is empty, or is a database or an archive.
    """
    try:
        with open_bytes(path) as file:
            start = file.read(len(_SQLITE))
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder; give the file that holds the table") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path.name}: can't be read ({first_line(error)})") from error
    if not start:
        raise DataError(f"{path.name}: the file is empty")
    if start == _SQLITE:
        raise DataError(f"{path.name}: is an SQLite database; give it as sqlite:///{path}")
    if start.startswith(_ZIP):
        raise DataError(f"{path.name}: is an archive or a spreadsheet; save its table as CSV")


@dataclass(frozen=True)
class TextFile:
    """A text file whose encoding and line ends are known.

    Attributes
    ----------
    path
        Where it is.
    encoding
        The name of its encoding, for `open`.
    line_end
        What its lines end with: a line feed (also after a carriage return), or a carriage return
        alone, as on old Macintoshes.
    """

    path: Path
    encoding: str
    line_end: str = "\n"

    def blocks(self) -> Iterator[str]:
        """Give the text in pieces that end where a line ends, with line feeds as line ends.

        A piece has some 64 thousand characters at first, and 4 million at most.
        """
        size = _FIRST_BLOCK
        with (
            open_bytes(self.path) as file,
            io.TextIOWrapper(file, self.encoding, newline=self.line_end) as text,
        ):
            while block := text.read(size) + text.readline():
                yield block if self.line_end == "\n" else block.replace(self.line_end, "\n")
                size = min(2 * size, _MAX_BLOCK)

    def lines(self) -> Iterator[str]:
        """Give the lines, each with the line feed that ends it."""
        for block in self.blocks():
            yield from io.StringIO(block)


def open_text_file(path: Path) -> TextFile:
    """Find the encoding of a text file and how its lines end.

    Text is UTF-16 where it starts with that byte order mark, or else UTF-8. Text that is not
    UTF-8 is taken for Windows-1252, which has Latin-1's letters, or where it has bytes that are
    not assigned there, for Latin-1.

    Raises
    ------
    DataError
        If the file can't be read, holds nothing but blanks, or holds NUL bytes.
    UnicodeDecodeError
        If the file has a byte order mark of UTF-16 but is damaged.
    """
    try:
        with open_bytes(path) as file:
            utf_16 = file.read(2) in _UTF_16
        if utf_16:
            return _with_line_end(TextFile(path, "utf-16"))
        for encoding in ("utf-8-sig", "cp1252"):
            try:
                return _with_line_end(TextFile(path, encoding))
            except UnicodeDecodeError:
                continue
        return _with_line_end(TextFile(path, "latin-1"))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name}: can't be read ({first_line(error)})") from error


def _with_line_end(file: TextFile) -> TextFile:
    """Decode the whole file once, block by block, and return it with its line end."""
    empty, line_feeds = True, False
    for block in file.blocks():
        if "\0" in block:
            raise DataError(
                f"{file.path.name}: holds NUL bytes; it is not text, or must be saved as UTF-8"
            )
        empty = empty and not block.strip()
        line_feeds = line_feeds or "\n" in block
    if empty:
        raise DataError(f"{file.path.name}: the file is empty")
    return file if line_feeds else TextFile(file.path, file.encoding, "\r")
