"""Text files with columns: the separator, the header, the fields, and the line of each row."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from palate.data._columns import is_number
from palate.data._table import SKIP, IsHeader, Reading, Table
from palate.data._text_file import TextFile, open_text_file
from palate.errors import DataError, first_line

_CHARACTERS = ("\t", ",", ";", "|")
_SEPARATORS = ("::", *_CHARACTERS)
# Stands for white space: any number of blanks and tabs.
_BLANKS = " "
# Replaces a separator of two characters, or white space, which polars does not read.
_UNIT_SEPARATOR = "\x1f"
# Number of lines from which the separator is found.
_SAMPLE_LINES = 50
_MAX_FIELD = 1 << 30
# Where bad lines are skipped, a quote that is open for so many characters is one too many.
_MAX_RECORD = 1 << 20


@dataclass(frozen=True)
class _Csv:
    """A text file whose lines are divided into fields by a separator.

    Attributes
    ----------
    file
        The file.
    separator
        What divides the fields.
    width
        The number of fields of the first line; 0 before it is known.
    skips
        Whether lines that can't be divided into so many fields are rows of nulls, and not errors.
    faults
        Why, by their row; filled while the rows are read.
    """

    file: TextFile
    separator: str
    width: int = 0
    skips: bool = False
    faults: dict[int, str] = field(default_factory=dict)

    @property
    def delimiter(self) -> str:
        """The single character that divides the fields in `blocks`."""
        return self.separator if self.separator in _CHARACTERS else _UNIT_SEPARATOR

    @property
    def quote(self) -> str | None:
        """The character that encloses fields with separators or line ends in them, or None."""
        return _quote(self.separator)

    def blocks(self) -> Iterator[str]:
        """Give the text in pieces of whole records, fields divided by `delimiter`.

        A record ends where a line ends and all quotes are closed: after an even number of quotes,
        if there is no quote too many, such as a line to skip may have.
        """
        pending, quotes = [], 0
        for block in self.file.blocks():
            pending.append(block)
            quotes += block.count(self.quote) if self.quote else 0
            if self.skips and quotes:
                lines = _lines("".join(pending))
                whole = self._whole(lines)
                yield self._delimited("".join(lines[:whole]))
                pending = lines[whole:]
                quotes = len(pending)
            elif quotes % 2 == 0:
                yield self._delimited("".join(pending))
                pending, quotes = [], 0
        if pending:
            yield self._delimited("".join(pending))

    def _whole(self, lines: list[str]) -> int:
        """Return the number of lines before a last record whose quotes are still open."""
        for start, end, fields in self._records_of(self._delimited("".join(lines))):
            is_open = isinstance(fields, str) and end == len(lines)
            if is_open and sum(map(len, lines[start:])) < _MAX_RECORD:
                return start
        return len(lines)

    def _delimited(self, text: str) -> str:
        """Return text with `delimiter` between the fields."""
        if self.separator != _BLANKS:
            return text.replace(self.separator, self.delimiter)
        text = re.sub(r"^[ \t]+|[ \t]+$", "", text, flags=re.MULTILINE)
        if '"' not in text:
            return re.sub(r"[ \t]+", self.delimiter, text)
        return re.sub(r'("[^"]*")|[ \t]+', lambda found: found[1] or self.delimiter, text)

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
        records = self._tolerant_records() if self.skips else self.records()
        full = (line for line, fields in records if fields)
        return next(islice(full, row, None))

    def frames(self, names: Sequence[str], *, header: bool) -> Iterator[pl.DataFrame]:
        """Give the rows without blank lines and header in frames of text columns.

        Raises
        ------
        DataError
            If a line has more fields than the first or its quotes do not close, and is not to be
            skipped; the line is named.
        """
        # Each block gets a header: its first line must not decide how many fields there are.
        numbers = self.delimiter.join(str(n) for n in range(len(names)))
        skip, row = int(header), -int(header)
        for block in self.blocks():
            try:
                frame = pl.read_csv(
                    f"{numbers}\n{block}".encode(),
                    separator=self.delimiter,
                    quote_char=self.quote,
                    infer_schema=False,
                )
                frame = self._without_blank_lines(frame, block)
            except pl.exceptions.PolarsError as error:
                if not self.skips:
                    raise DataError(f"{self.file.path.name}{self._fault(error)}") from error
                frame = self._tolerant_frame(block, row)
            frame.columns = list(names)
            yield frame[skip:]
            skip, row = max(0, skip - frame.height), row + frame.height

    def _tolerant_frame(self, block: str, first: int) -> pl.DataFrame:
        """Return the rows of a block, the number of the first of which is given; see `skips`."""
        rows = list[list[str | None]]()
        for _, _, fields in self._records_of(block):
            if isinstance(fields, str):
                self.faults[first + len(rows)] = fields
                rows.append([None] * self.width)
            elif fields:
                rows.append([*fields, *[None] * (self.width - len(fields))])
        return pl.DataFrame(
            rows, dict.fromkeys(map(str, range(self.width)), pl.String), orient="row"
        )

    def _tolerant_records(self) -> Iterator[tuple[int, list[str] | str]]:
        """Give each record, or why it is none, with the number of the line where it begins."""
        before = 1
        for block in self.blocks():
            for start, _, fields in self._records_of(block):
                yield before + start, fields
            before += len(_lines(block))

    def _records_of(self, block: str) -> Iterator[tuple[int, int, list[str] | str]]:
        """Give the lines from which and up to which there is a record, and its fields.

        Where it is none, give why. Then the next line begins a record: a quote that does not close
        costs one line, and not all the lines up to the next quote.
        """
        lines, start = _lines(block), 0
        while start < len(lines):
            rest = map(lines.__getitem__, range(start, len(lines)))
            reader, begin = _reader(rest, self.delimiter, self.quote, strict=True), start
            try:
                for fields in reader:
                    end = begin + reader.line_num
                    is_good = len(fields) <= self.width
                    yield start, end, fields if is_good else _too_many(fields, self.width)
                    start = end if is_good else start + 1
                    if start != end:
                        break
            except csv.Error as bad:
                yield start, begin + reader.line_num, f"the quotes do not close ({bad})"
                start += 1

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
                    return f", line {line:,}: {_too_many(fields, width)}{SKIP}"
        except csv.Error as bad:
            return f", line {line + 1:,}: the quotes do not close ({bad}){SKIP}"
        return f": can't be read as text with columns ({first_line(error)})"


def open_csv(path: Path, is_header: IsHeader, reading: Reading) -> Table:
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
    text = _Csv(file, _separator(start, reading.decimal))
    try:
        first = next(fields for _, fields in text.records() if fields)
    except csv.Error as error:
        raise DataError(f"{path.name}: can't be read as text with columns ({error})") from error
    fields = [field.strip() for field in first]
    header = is_header(fields)
    names = _distinct(fields) if header else [f"column {i + 1}" for i in range(len(fields))]
    text = replace(text, width=len(names), skips=reading.skip_bad_lines)
    return Table(
        names,
        lambda columns: (frame.select(columns) for frame in text.frames(names, header=header)),
        path.name,
        header=header,
        typed=False,
        place=lambda row: f"line {text.line_of(row + header):,}",
        fault=text.faults.get,
    )


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline=""))


def _too_many(fields: list[str], width: int) -> str:
    return f"{len(fields)} fields, but the first line has {width}"


def _quote(separator: str) -> str | None:
    """Return the quote: only formats whose fields may contain the separator have one."""
    return '"' if separator in (",", ";", "\t", _BLANKS) else None


def _separator(start: str, decimal: str) -> str:
    """Return what divides each of the first lines into equally many fields.

    If several do, return the one that makes most fields; if none does, the one that is most
    frequent in the first line. White space separates where nothing else does: titles hold blanks.
    """
    lines = [line for line in start.splitlines() if line.strip()][:_SAMPLE_LINES]
    split = {s: [_split(line, s) for line in lines] for s in (*_SEPARATORS, _BLANKS)}
    widths = {s: {len(fields) for fields in records} for s, records in split.items()}
    regular = [s for s, found in widths.items() if len(found) == 1 and found != {1}]
    others = [s for s in regular if s != _BLANKS]
    if _BLANKS in regular:
        most = max((max(widths[s]) for s in others), default=0)
        numeric = all(is_number(field) for fields in split[_BLANKS] for field in fields)
        if numeric and max(widths[_BLANKS]) > most:
            return _BLANKS  # if there are commas, they are those of decimals
    if decimal in others and len(regular) > 1:
        others.remove(decimal)
    if others:
        return max(others, key=lambda s: max(widths[s]))
    frequent = max(_SEPARATORS, key=lines[0].count)
    if frequent not in lines[0].strip():
        return _BLANKS
    return _BLANKS if _BLANKS in regular and frequent in ("\t", decimal) else frequent


def _split(line: str, separator: str) -> list[str]:
    if separator == _BLANKS:
        return line.split()
    if len(separator) > 1:
        return line.split(separator)
    return next(_reader([line], separator, _quote(separator)), [])


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
