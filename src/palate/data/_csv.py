"""Text files with columns: the separator, the header, the fields, and the line of each row."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from palate.data._table import IsHeader, Table
from palate.data._text_file import TextFile, open_text_file
from palate.errors import DataError, first_line

_SEPARATORS = ("::", "\t", ",", ";", "|")
# Replaces a separator of two characters, which polars does not read.
_UNIT_SEPARATOR = "\x1f"
# Number of lines from which the separator is found.
_SAMPLE_LINES = 50
_MAX_FIELD = 1 << 30


@dataclass(frozen=True)
class _Csv:
    """A text file whose lines are divided into fields by a separator.

    Attributes
    ----------
    file
        The file.
    separator
        What divides the fields.
    """

    file: TextFile
    separator: str

    @property
    def delimiter(self) -> str:
        """The single character that divides the fields in `blocks`."""
        return self.separator if len(self.separator) == 1 else _UNIT_SEPARATOR

    @property
    def quote(self) -> str | None:
        """The character that encloses fields with separators or line ends in them, or None."""
        return _quote(self.separator)

    def blocks(self) -> Iterator[str]:
        """Give the text in pieces of whole records, fields divided by `delimiter`.

        A record ends where a line ends and all quotes are closed: after an even number of quotes.
        """
        pending, quotes = [], 0
        for block in self.file.blocks():
            pending.append(block)
            quotes += block.count(self.quote) if self.quote else 0
            if quotes % 2 == 0:
                yield "".join(pending).replace(self.separator, self.delimiter)
                pending, quotes = [], 0
        if pending:
            yield "".join(pending).replace(self.separator, self.delimiter)

    def records(self, *, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
        """Give each record with the number of the line on which it begins; blank lines are []."""
        lines = (line for block in self.blocks() for line in io.StringIO(block, newline=""))
        reader = _reader(lines, self.delimiter, self.quote, strict=strict)
        first_line_number = 1
        for fields in reader:
            yield first_line_number, fields
            first_line_number = reader.line_num + 1

    def line_of(self, row: int) -> int:
        """Return the line on which record number `row`, not counting blank lines, begins."""
        full = (line for line, fields in self.records() if fields)
        return next(islice(full, row, None))

    def frames(self, names: Sequence[str], *, header: bool) -> Iterator[pl.DataFrame]:
        """Give the rows without blank lines and header in frames of text columns.

        Raises
        ------
        DataError
            If a line has more fields than the first or its quotes do not close; the line is named.
        """
        # Each block gets a header: its first line must not decide how many fields there are.
        numbers = self.delimiter.join(str(n) for n in range(len(names)))
        skip = int(header)
        for block in self.blocks():
            try:
                frame = pl.read_csv(
                    f"{numbers}\n{block}".encode(),
                    separator=self.delimiter,
                    quote_char=self.quote,
                    infer_schema=False,
                )
            except pl.exceptions.PolarsError as error:
                raise DataError(f"{self.file.path.name}{self._fault(error)}") from error
            frame.columns = list(names)
            frame = self._without_blank_lines(frame, block)
            yield frame[skip:]
            skip = max(0, skip - frame.height)

    def _without_blank_lines(self, frame: pl.DataFrame, block: str) -> pl.DataFrame:
        """Drop the rows that polars makes of blank lines, but not those of empty fields (",,")."""
        if not frame.select(pl.all_horizontal(pl.all().is_null()).any()).item():
            return frame
        lines = io.StringIO(block, newline="")
        full = [bool(fields) for fields in _reader(lines, self.delimiter, self.quote)]
        return frame.filter(pl.Series(full)) if len(full) == frame.height else frame

    def _fault(self, error: Exception) -> str:
        """Return which line is wrong: too many fields, or a quote in the wrong place."""
        width, line = None, 1
        try:
            for line, fields in self.records(strict=True):
                width = width or len(fields)
                if len(fields) > width:
                    return f", line {line:,}: {len(fields)} fields, but the first line has {width}"
        except csv.Error as bad:
            return f", line {line + 1:,}: the quotes do not close ({bad})"
        return f": can't be read as text with columns ({first_line(error)})"


def open_csv(path: Path, is_header: IsHeader) -> Table:
    """Open the table in a text file, every value as text.

    Only the first block of the file decides about its separator and header. The rows are read
    block by block whenever columns of the table are read.

    Raises
    ------
    DataError
        If the file can't be read, or is not text with columns.
    """
    csv.field_size_limit(_MAX_FIELD)
    file = open_text_file(path)
    start = next(block for block in file.blocks() if block.strip())
    text = _Csv(file, _separator(start))
    try:
        first = next(fields for _, fields in text.records() if fields)
    except csv.Error as error:
        raise DataError(f"{path.name}: can't be read as text with columns ({error})") from error
    fields = [field.strip() for field in first]
    header = is_header(fields)
    names = _distinct(fields) if header else [f"column {i + 1}" for i in range(len(fields))]
    return Table(
        names,
        lambda columns: (frame.select(columns) for frame in text.frames(names, header=header)),
        path.name,
        header=header,
        typed=False,
        line_of=lambda row: text.line_of(row + header),
    )


def _quote(separator: str) -> str | None:
    """Return the quote: only formats whose fields may contain the separator have one."""
    return '"' if separator in ",;\t" else None


def _separator(start: str) -> str:
    """Return what divides each of the first lines into equally many fields.

    If several do, return the one that makes most fields; if none does, the one that is most
    frequent in the first line.
    """
    lines = [line for line in start.splitlines() if line.strip()][:_SAMPLE_LINES]
    counts = {separator: Counter(map(len, _split(lines, separator))) for separator in _SEPARATORS}
    regular = [s for s in _SEPARATORS if len(counts[s]) == 1 and 1 not in counts[s]]
    if regular:
        return max(regular, key=lambda s: max(counts[s]))
    return max(_SEPARATORS, key=lines[0].count)


def _split(lines: list[str], separator: str) -> list[list[str]]:
    if len(separator) > 1:
        return [line.split(separator) for line in lines]
    return [fields for line in lines for fields in _reader([line], separator, _quote(separator))]


def _reader(
    lines: Iterable[str], separator: str, quote: str | None, *, strict: bool = False
) -> Any:
    if quote is None:
        return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE, strict=strict)
    return csv.reader(lines, delimiter=separator, quotechar=quote, strict=strict)


def _distinct(names: list[str]) -> list[str]:
    """Return the names, a repeated one with its number: which of two is meant is not guessed."""
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct
