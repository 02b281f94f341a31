"""Tables written to a file block by block: CSV, JSON lines and Parquet."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Protocol

import polars as pl

from palate._files import replacing
from palate.errors import SettingError


class TableFile(Protocol):
    """A file that a table is written to, block by block."""

    def append(self, frame: pl.DataFrame) -> None:
        """Add rows; all blocks have the same columns."""

    def finish(self) -> None:
        """Write what is left to write."""


def require_table_file(path: Path) -> None:
    """Check that a table can be written to the file `path`; call this before long work.

    Raises
    ------
    SettingError
        If the name ends neither in .parquet nor in .csv, .jsonl or .ndjson.
    OSError
        If the file can't be written.
    """
    if path.suffix.lower() not in _KINDS:
        raise SettingError(
            f"can't tell the format of {path.name!r}; let the name end in .parquet, .csv or .jsonl"
        )
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name the file to write in it")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {path.parent} to write {path.name} in; create it"
        )
    with TemporaryDirectory(prefix=".palate-", dir=path.parent):
        pass


@contextmanager
def replacing_table(path: Path) -> Iterator[TableFile]:
    """Yield a table that replaces the file `path` at the end; without an error, it is complete.

    Raises
    ------
    SettingError, OSError
        As in `require_table_file`.
    """
    require_table_file(path)
    kind = _KINDS[path.suffix.lower()]
    with replacing(path) as file, TemporaryDirectory(prefix=".palate-", dir=path.parent) as parts:
        table = kind(file, Path(parts))
        yield table
        table.finish()


class _Csv:
    def __init__(self, file: BinaryIO, parts: Path) -> None:
        self._file, self._has_header = file, False

    def append(self, frame: pl.DataFrame) -> None:
        for name, kind in frame.schema.items():
            if kind.is_nested():
                raise SettingError(
                    f"a .csv file can't hold the column {name!r}, which has several values in a "
                    "row; let the name end in .parquet or .jsonl"
                )
        frame.write_csv(self._file, include_header=not self._has_header)
        self._has_header = True

    def finish(self) -> None:
        pass


class _JsonLines(_Csv):
    def append(self, frame: pl.DataFrame) -> None:
        frame.write_ndjson(self._file)


class _Parquet:
    """Blocks are files of their own, which are joined at the end: polars can't append to one."""

    def __init__(self, file: BinaryIO, parts: Path) -> None:
        self._file, self._parts, self._names = file, parts, list[Path]()

    def append(self, frame: pl.DataFrame) -> None:
        name = self._parts / f"{len(self._names)}.parquet"
        frame.write_parquet(name)
        self._names.append(name)

    def finish(self) -> None:
        pl.scan_parquet(self._names).sink_parquet(self._file, maintain_order=True)


_KINDS: dict[str, Callable[[BinaryIO, Path], TableFile]] = {
    ".csv": _Csv,
    ".jsonl": _JsonLines,
    ".ndjson": _JsonLines,
    ".parquet": _Parquet,
}
