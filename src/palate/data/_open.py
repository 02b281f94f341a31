"""Any source, file or table in memory, as a `Table`."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import polars as pl

from palate.data._table import IsHeader, Table
from palate.data._text import open_text, to_utf8
from palate.errors import DataError, MissingExtraError, first_line


def open_table(source: Any, is_header: IsHeader) -> Table:
    """Read `source`: a path, or a table of polars, pandas or Arrow.

    `is_header` says of the fields of a text file's first line whether they are names.

    Raises
    ------
    DataError
        If there is no such file, or it can't be read as what it seems to be.
    MissingExtraError
        If it is a table of pandas that can't be read without pyarrow, and that is not there.
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
    return Table(frame, "table")


def _open_file(path: Path, is_header: IsHeader) -> Table:
    if path == Path():
        raise DataError("the path is empty; give the file that holds the table")
    data = _read_bytes(path)
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    try:
        if suffix == ".parquet":
            return Table(pl.read_parquet(data), path.name)
        if suffix in {".jsonl", ".ndjson", ".json"}:
            return _open_json(to_utf8(data), path.name)
        return open_text(to_utf8(data), path.name, is_header)
    except (pl.exceptions.PolarsError, UnicodeError) as error:
        raise DataError(
            f"{path.name}: can't be read as {suffix or 'text'} ({first_line(error)})"
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
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path.name}: can't be read ({first_line(error)})") from error
    if not data.strip():
        raise DataError(f"{path.name}: the file is empty")
    if data.startswith(b"SQLite format 3\0"):
        raise DataError(f"{path.name}: is an SQLite database; give it as sqlite:///{path}")
    if data[:4] == b"PK\x03\x04":
        raise DataError(f"{path.name}: is an archive or a spreadsheet; save its table as CSV")
    return data


def _open_json(data: bytes, name: str) -> Table:
    if data.lstrip()[:1] == b"[":
        return Table(pl.read_json(data, infer_schema_length=None), name)
    lines = [n for n, line in enumerate(data.splitlines(), 1) if line.strip()]
    try:
        frame = pl.read_ndjson(data, infer_schema_length=None)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name}{_bad_json_line(data, error)}") from error
    return Table(frame, name, line_of=lambda row: lines[row])


def _bad_json_line(data: bytes, error: Exception) -> str:
    for number, line in enumerate(data.splitlines(), 1):
        try:
            if line.strip() and not isinstance(json.loads(line), dict):
                return f", line {number:,}: is not a JSON object"
        except ValueError as bad:
            return f", line {number:,}: is not JSON ({bad})"
    return f": can't be read as JSON lines ({first_line(error)})"
