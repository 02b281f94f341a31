"""Text files: what separates the fields, whether there is a header, and on which line a row is."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from palate.data._table import IsHeader, Table
from palate.errors import DataError, first_line

_SEPARATORS = ("::", "\t", ",", ";", "|")
# Stands for the separator of two characters, which polars does not read.
_UNIT_SEPARATOR = "\x1f"
_LINES_LOOKED_AT = 50


def to_utf8(data: bytes) -> bytes:
    """Return the text in UTF-8: from UTF-16 with a byte order mark, or else from a code page.

    Text that is not UTF-8 is taken for Windows-1252, which holds Latin-1's letters, or where it
    has bytes that mean nothing there, for Latin-1.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.isascii():
        return data
    for encoding in ("utf-8", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return data if encoding == "utf-8" else text.encode()
    return data.decode("latin-1").encode()


@dataclass(frozen=True)
class _Text:
    """A text file and how its lines divide into fields."""

    data: bytes
    separator: str
    quote: str | None

    def records(self, *, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
        """Give each record with the number of the line on which it begins; blank lines are []."""
        csv.field_size_limit(1 << 30)
        lines = io.StringIO(self.data.decode(), newline="")
        reader = _reader(lines, self.separator, self.quote, strict=strict)
        begin = 1
        for fields in reader:
            yield begin, fields
            begin = reader.line_num + 1

    def line_of(self, row: int) -> int:
        """Return the line on which the record number `row` begins, blank lines not counted."""
        full = (line for line, fields in self.records() if fields)
        return next(line for number, line in enumerate(full) if number == row)


def open_text(data: bytes, name: str, is_header: IsHeader) -> Table:
    """Read the table in a text file, every value as text.

    Raises
    ------
    DataError
        If a line has more fields than the first or its quotes do not close; the line is named.
    """
    if b"\0" in data:
        raise DataError(f"{name}: holds NUL bytes; it is no text, or must be saved as UTF-8")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # as old Macintoshes end their lines
    text = _divided(data)
    try:
        first = next(fields for _, fields in text.records() if fields)
    except csv.Error as error:
        raise DataError(f"{name}: can't be read as text with columns ({error})") from error
    fields = [field.strip() for field in first]
    header = is_header(fields)
    names = fields if header else [f"column {i + 1}" for i in range(len(fields))]
    frame = _parse(text, name, header)
    if frame.width == len(names):
        frame.columns = _distinct(names)
    if frame.select(pl.all_horizontal(pl.all().is_null()).any()).item():
        blank = [not fields for _, fields in text.records()][-frame.height :]
        if len(blank) == frame.height:
            frame = frame.filter(~pl.Series(blank))
    return Table(
        frame,
        name,
        header=header,
        typed=False,
        line_of=lambda row: text.line_of(row + header),
    )


def _divided(data: bytes) -> _Text:
    separator = _separator(data)
    if len(separator) > 1:
        data = data.replace(separator.encode(), _UNIT_SEPARATOR.encode())
        separator = _UNIT_SEPARATOR
    return _Text(data, separator, _quote(separator))


def _quote(separator: str) -> str | None:
    """Return the quote: there is one only where the format has a use for it."""
    return '"' if separator in ",;\t" else None


def _separator(data: bytes) -> str:
    """Return what divides every one of the first lines alike, or the first line most often."""
    start = data[: 1 << 16].decode(errors="ignore")
    lines = [line for line in start.splitlines() if line.strip()][:_LINES_LOOKED_AT]
    counts = {separator: Counter(map(len, _cut(lines, separator))) for separator in _SEPARATORS}
    alike = [s for s in _SEPARATORS if len(counts[s]) == 1 and 1 not in counts[s]]
    if alike:
        return max(alike, key=lambda s: max(counts[s]))
    return max(_SEPARATORS, key=lines[0].count)


def _cut(lines: list[str], separator: str) -> list[list[str]]:
    if len(separator) > 1:
        return [line.split(separator) for line in lines]
    return [fields for line in lines for fields in _reader([line], separator, _quote(separator))]


def _parse(text: _Text, name: str, header: bool) -> pl.DataFrame:
    try:
        return pl.read_csv(
            text.data,
            separator=text.separator,
            quote_char=text.quote,
            has_header=header,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name}{_bad_line(text, error)}") from error


def _bad_line(text: _Text, error: Exception) -> str:
    """Say which line is wrong: too many fields, or a quote in the wrong place."""
    width, line = None, 1
    try:
        for line, fields in text.records(strict=True):
            width = width or len(fields)
            if len(fields) > width:
                return f", line {line:,}: {len(fields)} fields, but the first line has {width}"
    except csv.Error as bad:
        return f", line {line + 1:,}: the quotes do not close ({bad})"
    return f": can't be read as text with columns ({first_line(error)})"


def _reader(
    lines: Iterable[str], separator: str, quote: str | None, *, strict: bool = False
) -> Any:
    if quote is None:
        return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE, strict=strict)
    return csv.reader(lines, delimiter=separator, quotechar=quote, strict=strict)


def _distinct(names: list[str]) -> list[str]:
    """Return the names, a repeated one with its number: two columns "user" are no guess."""
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct
