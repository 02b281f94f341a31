"""Text files: encoding and line ends, read in blocks of bounded size."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from palate.data._compressed import UNREADABLE, open_bytes
from palate.errors import DataError, first_line

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# Blocks grow from the first size to the second, in characters: a small first block is enough to
# find the header, and large ones let polars parse in parallel.
_FIRST_BLOCK = 1 << 16
_MAX_BLOCK = 1 << 22


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
    except UNREADABLE as error:
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
