"""Any source, a file or a table in memory, as a `Table`."""

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from palate.data._csv import open_csv
from palate.data._table import IsHeader, Table
from palate.data._text_file import TextFile, check_readable, open_bytes, open_text_file
from palate.errors import DataError, MissingExtraError, first_line


def open_table(source: Any, is_header: IsHeader) -> Table:
    """Open `source`: a path, or a table of polars, pandas or Arrow.

    `is_header` returns whether the fields of a text file's first line are column names.

    Raises
    ------
    DataError
        If there is no such file, or it can't be read in the format of its name.
    MissingExtraError
        If it is a table of pandas that can't be read without pyarrow, which is not installed.
    """
    if isinstance(source, str | Path):
        return _open_file(Path(source), is_header)
    try:
        if isinstance(source, pl.LazyFrame):
            source = source.collect()
        frame = source if isinstance(source, pl.DataFrame) else pl.DataFrame(source)
    except ImportError as error:
        raise MissingExtraError(
            "a pandas table with columns of text needs one more package: pip install pyarrow"
        ) from error
    except (TypeError, ValueError, OverflowError, OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"can't read a {type(source).__name__} as a table ({first_line(error)}); give a "
            "path, a database URL, or a pandas, polars or Arrow table whose columns each hold "
            "values of one type"
        ) from error
    return Table.of_frame(frame, "table")


def _open_file(path: Path, is_header: IsHeader) -> Table:
    if path == Path():
        raise DataError("the path is empty; give the file that holds the table")
    check_readable(path)
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    try:
        if suffix == ".parquet":
            return _open_parquet(path)
        if suffix in {".jsonl", ".ndjson", ".json"}:
            return _open_json(path)
        return open_csv(path, is_header)
    except (pl.exceptions.PolarsError, UnicodeError) as error:
        raise _unreadable(path, suffix, error) from error


def _unreadable(path: Path, suffix: str, error: Exception) -> DataError:
    return DataError(f"{path.name}: can't be read as {suffix or 'text'} ({first_line(error)})")


def _open_parquet(path: Path) -> Table:
    """Open a Parquet file, of which only the columns that are used will be read."""

    def blocks(columns: Sequence[str]) -> Iterable[pl.DataFrame]:
        try:
            with open_bytes(path) as file:
                return [pl.read_parquet(file, columns=list(columns))]
        except pl.exceptions.PolarsError as error:
            raise _unreadable(path, ".parquet", error) from error

    with open_bytes(path) as file:
        names = list(pl.read_parquet_schema(file))
    return Table(names, blocks, path.name)


def _open_json(path: Path) -> Table:
    file = open_text_file(path)
    text = "".join(file.blocks())
    if text.lstrip()[:1] == "[":
        return Table.of_frame(pl.read_json(text.encode(), infer_schema_length=None), path.name)
    try:
        frame = pl.read_ndjson(text.encode(), infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path.name}{_json_fault(file, error)}") from error
    return Table.of_frame(frame, path.name, line_of=lambda row: _json_line(file, row))


def _json_line(file: TextFile, row: int) -> int:
    """Return the line of record number `row`, counted from 0, of JSON lines."""
    full = (number for number, line in enumerate(file.lines(), 1) if line.strip())
    return next(islice(full, row, None))


def _json_fault(file: TextFile, error: Exception) -> str:
    """Return which of the JSON lines is wrong."""
    for number, line in enumerate(file.lines(), 1):
        try:
            if line.strip() and not isinstance(json.loads(line), dict):
                return f", line {number:,}: is not a JSON object"
        except ValueError as bad:
            return f", line {number:,}: is not JSON ({bad})"
    return f": can't be read as JSON lines ({first_line(error)})"
