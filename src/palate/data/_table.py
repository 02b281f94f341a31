"""Any source as a polars table that remembers where its rows came from."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from palate.errors import DataError

# Stands for separators of more than one character, which polars does not read.
_UNIT_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Table:
    """A table and how to speak of its rows.

    Attributes
    ----------
    frame
        The rows.
    name
        What to call the source in a message: a file name, "table".
    header
        Whether the columns have names of their own.
    word, first
        What a row is called and the number of the first one: line 2 of a file with a header.
    skipped
        The rows, counted from 0, that were left out since they were blank.
    typed
        Whether values have types of their own; in a text file all is text.
    """

    frame: pl.DataFrame
    name: str
    header: bool = True
    word: str = "row"
    first: int = 1
    skipped: tuple[int, ...] = ()
    typed: bool = True

    def place(self, row: int) -> str:
        """Return where `row` of the frame, counted from 0, stands in the source."""
        for blank in self.skipped:
            row += blank <= row
        return f"{self.word} {row + self.first:,}"

    def where(self, row: int, column: str) -> str:
        """Return the source, the place of `row` and the column, for the start of a message."""
        return f"{self.name}, {self.place(row)}, column {column!r}"


def open_table(source: Any, is_header: Callable[[Sequence[str]], bool]) -> Table:
    """Read `source`: a path, or a table of polars, pandas or Arrow.

    `is_header` says of the fields of a text file's first line whether they are names.

    Raises
    ------
    DataError
        If there is no such file, or it can't be read as what it seems to be.
    """
    if isinstance(source, str | Path):
        return _without_blank_rows(_open_file(Path(source), is_header))
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    try:
        frame = source if isinstance(source, pl.DataFrame) else pl.DataFrame(source)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"can't read a {type(source).__name__} as a table ({_first_line(error)}); give a "
            "path, a database URL, or a pandas, polars or Arrow table whose columns each hold "
            "values of one type"
        ) from error
    return Table(frame, "table")


def _open_file(path: Path, is_header: Callable[[Sequence[str]], bool]) -> Table:
    data = _read_bytes(path)
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    try:
        if suffix == ".parquet":
            return Table(pl.read_parquet(data), path.name)
        if suffix in {".jsonl", ".ndjson", ".json"}:
            return _open_json(data, path.name)
        return _open_text(_to_utf8(data), path.name, is_header)
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{path.name}: can't be read as {suffix or 'text'} ({_first_line(error)})"
        ) from error


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder; give the file that holds the table") from error
    except (OSError, EOFError) as error:
        raise DataError(f"{path.name}: can't be read ({_first_line(error)})") from error
    if not data.strip():
        raise DataError(f"{path.name}: the file is empty")
    if data[:4] == b"PK\x03\x04":
        raise DataError(f"{path.name}: is an archive or a spreadsheet; save its table as CSV")
    return data


def _to_utf8(data: bytes) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.isascii():
        return data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()
    return data


def _open_json(data: bytes, name: str) -> Table:
    if data.lstrip()[:1] == b"[":
        return Table(pl.read_json(data), name)
    return Table(pl.read_ndjson(data), name, word="line")


def _open_text(data: bytes, name: str, is_header: Callable[[Sequence[str]], bool]) -> Table:
    first_line = data.lstrip(b"\r\n").split(b"\n", 1)[0].decode()
    separator = _separator(first_line)
    if len(separator) > 1:
        data = data.replace(separator.encode(), _UNIT_SEPARATOR.encode())
        first_line = first_line.replace(separator, _UNIT_SEPARATOR)
        separator = _UNIT_SEPARATOR
    # A quote is only a quote where the format has a use for it.
    quote = '"' if separator in ",;\t" else None
    fields = [field.strip() for field in next(_csv_rows([first_line], separator, quote))]
    header = is_header(fields)
    names = fields if header else [f"column {i + 1}" for i in range(len(fields))]
    try:
        frame = pl.read_csv(
            data,
            separator=separator,
            quote_char=quote,
            has_header=header,
            infer_schema=False,
        )
    except pl.exceptions.ComputeError as error:
        raise DataError(f"{name}{_ragged_line(data, separator, quote, str(error))}") from error
    if len(set(names)) == len(names) == frame.width:
        frame.columns = names
    return Table(frame, name, header=header, word="line", first=1 + header, typed=False)


def _csv_rows(lines: Iterable[str], separator: str, quote: str | None) -> Any:
    if quote is None:
        return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=separator, quotechar=quote)


def _separator(line: str) -> str:
    if "::" in line:
        return "::"
    if "\t" in line:
        return "\t"
    return max(",;|", key=line.count)


def _ragged_line(data: bytes, separator: str, quote: str | None, error: str) -> str:
    """Say which line has more fields than the first, or else what polars said."""
    rows = _csv_rows(io.StringIO(data.decode()), separator, quote)
    width = len(next(rows))
    for row in rows:
        if len(row) > width:
            return f", line {rows.line_num:,}: {len(row)} fields, but the first line has {width}"
    return f": can't be read as text with columns ({_first_line(error)})"


def _without_blank_rows(table: Table) -> Table:
    blank = table.frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    if not blank.any():
        return table
    return replace(
        table, frame=table.frame.filter(~blank), skipped=tuple(blank.arg_true().to_list())
    )


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
