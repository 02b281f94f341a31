"""Any source, files or a table in memory, as a `Table`."""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

import polars as pl

from palate.data._compressed import (
    UNREADABLE,
    check_readable,
    content_name,
    open_bytes,
    starts_with,
)
from palate.data._csv import open_csv
from palate.data._file_patterns import files_of
from palate.data._table import PLAIN, SKIP, IsHeader, Reading, Table, stacked
from palate.data._text_file import TextFile, open_text_file
from palate.errors import DataError, MissingExtraError, first_line

# The formats whose files hold columns: how to read their names, and some of them.
_COLUMNAR: dict[str, tuple[Callable[[IO[bytes]], Any], Callable[..., pl.DataFrame]]] = {
    ".parquet": (pl.read_parquet_schema, pl.read_parquet),
    **dict.fromkeys((".feather", ".arrow", ".ipc"), (pl.read_ipc_schema, pl.read_ipc)),
}
# How a file in Arrow's IPC format begins; a stream in that format does not.
_ARROW_FILE = b"ARROW1"


def open_table(source: Any, is_header: IsHeader, reading: Reading = PLAIN) -> Table:
    """Open `source`: a path, a table of polars, pandas or Arrow, or a sparse matrix of SciPy.

    A path can stand for several files, see `files_of`. Of a matrix the rows are users and the
    columns items, numbered from 0, and each stored entry is a rating. UUIDs become text. A `Table`
    is returned as it is. `is_header` returns whether the fields of a text file's first line are
    column names.

    Raises
    ------
    DataError
        If there is no such file, or it can't be read in the format of its name.
    MissingExtraError
        If it is a table of pandas that can't be read without pyarrow, which is not installed.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, str | Path):
        return _open_path(source, is_header, reading)
    if type(source).__module__.startswith("scipy.sparse"):
        return _open_matrix(source)
    try:
        return Table.of_frame(_frame(source), "table")
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


def _frame(source: Any) -> pl.DataFrame:
    """Return a table in memory as a frame of polars, with UUIDs as text."""
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    if type(source).__module__.startswith("pandas"):
        objects = [name for name, dtype in source.dtypes.items() if str(dtype) == "object"]
        texts = _uuids_as_text(source, objects)
        source = source.copy(deep=False)
        for name, text in texts.items():
            source[name] = text
    frame = source if isinstance(source, pl.DataFrame) else pl.DataFrame(source)
    objects = [name for name, dtype in frame.schema.items() if dtype == pl.Object]
    return frame.with_columns(pl.Series(*c) for c in _uuids_as_text(frame, objects).items())


def _uuids_as_text(table: Any, columns: Iterable[str]) -> dict[str, list[Any]]:
    """Return those of the columns whose first value is a UUID, with text in place of UUIDs."""
    texts = {}
    for name in columns:
        first = next((v for v in table[name] if v is not None and v == v), None)  # noqa: PLR0124
        if isinstance(first, uuid.UUID):
            texts[name] = [str(v) if isinstance(v, uuid.UUID) else v for v in table[name]]
    return texts


def _open_matrix(matrix: Any) -> Table:
    entries = matrix.tocoo()
    if entries.ndim != 2:
        raise DataError(f"the matrix has {entries.ndim} dimension; rows are users, columns items")
    ratings = {"user": entries.row, "item": entries.col, "rating": entries.data}
    return Table.of_frame(pl.DataFrame(ratings), "matrix")


def _open_path(given: str | Path, is_header: IsHeader, reading: Reading) -> Table:
    if given == "":
        raise DataError("the path is empty; give the file that holds the table")
    path = Path(given)
    tables = [_open_file(file, is_header, reading) for file in files_of(path)]
    return tables[0] if len(tables) == 1 else stacked(tables, f"{path.name} ({len(tables)} files)")


def _open_file(path: Path, is_header: IsHeader, reading: Reading) -> Table:
    check_readable(path)
    suffix = Path(content_name(path)).suffix.lower()
    try:
        if suffix in _COLUMNAR:
            return _open_columnar(path, suffix)
        if suffix in {".jsonl", ".ndjson", ".json"}:
            return _open_json(path, reading)
        return open_csv(path, is_header, reading)
    except (*UNREADABLE, pl.exceptions.PolarsError, UnicodeError) as error:
        raise _unreadable(path, suffix, error) from error


def _unreadable(path: Path, suffix: str, error: Exception) -> DataError:
    return DataError(f"{path.name}: can't be read as {suffix or 'text'} ({first_line(error)})")


def _open_columnar(path: Path, suffix: str) -> Table:
    """Open a file that holds columns, of which only those that are used will be read."""
    read_schema, read = _COLUMNAR[suffix]
    if read is pl.read_ipc and not starts_with(path, _ARROW_FILE):
        with open_bytes(path) as file:
            return Table.of_frame(pl.read_ipc_stream(file), path.name)
    with open_bytes(path) as file:
        names = list(read_schema(file))

    def blocks(columns: Sequence[str]) -> Iterable[pl.DataFrame]:
        try:
            with open_bytes(path) as file:
                return [read(file, columns=list(columns))]
        except (*UNREADABLE, pl.exceptions.PolarsError) as error:
            raise _unreadable(path, suffix, error) from error

    return Table(names, blocks, path.name)


def _open_json(path: Path, reading: Reading) -> Table:
    file = open_text_file(path)
    text = "".join(file.blocks())
    if text.lstrip()[:1] == "[":
        return Table.of_frame(pl.read_json(text.encode(), infer_schema_length=None), path.name)
    faults: dict[int, str] = {}

    def place(row: int) -> str:
        return f"line {_json_line(file, row):,}"

    try:
        frame = pl.read_ndjson(text.encode(), infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        faults = _json_faults(file)
        if not faults:
            raise DataError(
                f"{path.name}: can't be read as JSON lines ({first_line(error)})"
            ) from error
        row, why = next(iter(faults.items()))
        lines = ["{}\n" if row in faults else line for row, line in enumerate(_json_lines(file))]
        if not reading.skip_bad_lines or len(faults) == len(lines):
            raise DataError(f"{path.name}, {place(row)}: {why}{SKIP}") from error
        frame = pl.read_ndjson("".join(lines).encode(), infer_schema_length=None)
    return replace(Table.of_frame(frame, path.name), place=place, fault=faults.get)


def _json_lines(file: TextFile) -> Iterator[str]:
    """Give the lines that hold a record."""
    return (line for line in file.lines() if line.strip())


def _json_line(file: TextFile, row: int) -> int:
    """Return the line of record number `row`, counted from 0, of JSON lines."""
    full = (number for number, line in enumerate(file.lines(), 1) if line.strip())
    return next(islice(full, row, None))


def _json_faults(file: TextFile) -> dict[int, str]:
    """Return what is wrong with each of the JSON lines that hold no record, by row."""
    faults: dict[int, str] = {}
    for row, line in enumerate(_json_lines(file)):
        try:
            if not isinstance(json.loads(line), dict):
                faults[row] = "is not a JSON object"
        except ValueError as bad:
            faults[row] = f"is not JSON ({bad})"
    return faults
