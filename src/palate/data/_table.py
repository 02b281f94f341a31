"""A table whose rows can be named in messages, and that is read block by block."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from palate.errors import DataError

# The types that a column of titles can have.
TEXT_TYPES = (pl.String, pl.Categorical, pl.Enum)
# Returns whether the fields of a text file's first line are column names.
IsHeader = Callable[[Sequence[str]], bool]
Convert = Callable[[pl.Series], pl.Series]


@dataclass(frozen=True)
class Table:
    """A table that remembers where its rows came from.

    Attributes
    ----------
    columns
        The names of its columns.
    blocks
        Returns the rows of the columns asked for as one or more frames, in order. It reads the
        source anew each time, so that a large file is never in memory as text.
    name
        What to call the source in a message: a file name, "table".
    header
        Whether the source itself names the columns.
    typed
        Whether values have types of their own; in a text file all is text.
    line_of
        The line of a file on which a row, counted from 0, begins; None where there are no lines.
    """

    columns: Sequence[str]
    blocks: Callable[[Sequence[str]], Iterable[pl.DataFrame]]
    name: str
    header: bool = True
    typed: bool = True
    line_of: Callable[[int], int] | None = None

    @classmethod
    def of_frame(
        cls, frame: pl.DataFrame, name: str, line_of: Callable[[int], int] | None = None
    ) -> "Table":
        """Return a frame in memory as a table."""
        return cls(frame.columns, lambda names: [frame.select(names)], name, line_of=line_of)

    def read(
        self,
        columns: Sequence[str] | None = None,
        convert: Mapping[str, Convert] | None = None,
    ) -> pl.DataFrame:
        """Read columns in one pass over the source.

        Parameters
        ----------
        columns
            Their names; None reads all.
        convert
            For some of them a function that is applied to each block of the column. Where it
            returns different types for different blocks, the column gets their common supertype.
        """
        columns = self.columns if columns is None else columns
        convert = convert or {}
        blocks = [
            block.with_columns(convert[name](block[name]).alias(name) for name in convert)
            for block in self.blocks(columns)
        ]
        return pl.concat(blocks, how="vertical_relaxed")

    def place(self, row: int) -> str:
        """Return the line or row of the source that holds `row`, counted from 0."""
        if self.line_of is not None:
            return f"line {self.line_of(row):,}"
        return f"row {row + 1:,}"

    def where(self, row: int, column: str) -> str:
        """Return the source, the line or row and the column, as the start of a message."""
        return f"{self.name}, {self.place(row)}, column {column!r}"

    def refuse(self, bad: pl.Series, column: str, why: Callable[[int], str]) -> None:
        """Raise `DataError` if `bad` is true anywhere: for the first such row, with their number.

        `why` returns what is wrong with a row.
        """
        count = int(bad.sum())
        if count == 0:
            return
        row = int(bad.arg_max() or 0)
        more = f" (and {count - 1:,} more like it)" if count > 1 else ""
        raise DataError(f"{self.where(row, column)}: {why(row)}{more}")
