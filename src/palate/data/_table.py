"""A table whose rows can be named in messages, and that is read block by block."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import polars as pl

from palate._words import counted
from palate.errors import DataError, SettingError

# Maximum number of rows left out that are named.
_MAX_NAMED = 3
# What to do about a line that can't be read.
SKIP = "; mend the line, or use skip_bad_lines=True to do without"
# The types that a column of titles can have.
TEXT_TYPES = (pl.String, pl.Categorical, pl.Enum)
# Returns whether the fields of a text file's first line are column names.
IsHeader = Callable[[Sequence[str]], bool]
Convert = Callable[[pl.Series], pl.Series]
Decimal = Literal[".", ","]


class Reading(NamedTuple):
    """How a source is read, where it does not say itself.

    Attributes
    ----------
    decimal
        What stands before the decimals of numbers in text.
    skip_bad_lines
        Whether lines and rows that can't be read are left out.
    """

    decimal: Decimal = "."
    skip_bad_lines: bool = False

    def check(self) -> None:
        """Raise `SettingError` if the decimal separator is none."""
        if self.decimal not in get_args(Decimal):
            raise SettingError(f"decimal is {self.decimal!r}; it can be '.' or ','")


# Points before decimals, and an error for the first bad line.
PLAIN = Reading()


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
    place
        Names the line or row of the source that holds a row, counted from 0.
    fault
        Where lines that can't be divided into fields are to be skipped, returns why a row, which
        then holds nulls, is such a line; None for all other rows.
    """

    columns: Sequence[str]
    blocks: Callable[[Sequence[str]], Iterable[pl.DataFrame]]
    name: str
    header: bool = True
    typed: bool = True
    place: Callable[[int], str] = lambda row: f"row {row + 1:,}"
    fault: Callable[[int], str | None] = lambda row: None

    @classmethod
    def of_frame(cls, frame: pl.DataFrame, name: str) -> "Table":
        """Return a frame in memory as a table."""
        return cls(frame.columns, lambda names: [frame.select(names)], name)

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

    def without(self, rows: pl.Series) -> "Table":
        """Return the table without those rows at which `rows` is true."""
        kept = (~rows).arg_true()

        def blocks(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
            start = 0
            for block in self.blocks(columns):
                yield block.filter(~rows[start : start + block.height])
                start += block.height

        return replace(self, blocks=blocks, place=lambda row: self.place(kept[row]))

    def left_out(self, rows: Sequence[int], why: Callable[[int], str]) -> str:
        """Return how many rows were left out, which are the first of them, and why these were."""
        named = [f"{self.place(row)} ({why(row).partition(';')[0]})" for row in rows[:_MAX_NAMED]]
        more = ["..."] if len(rows) > _MAX_NAMED else []
        what = counted(len(rows), "row" if self.typed else "line")
        return f"left out {what} that can't be read: {', '.join([*named, *more])}"

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


def stacked(tables: Sequence[Table], name: str) -> Table:
    """Return tables with the same columns one below the other, under one name.

    Raises
    ------
    DataError
        If the columns differ, or one is text and another is not.
    """
    first = tables[0]
    for table in tables:
        if table.typed != first.typed:
            raise DataError(f"{name}: {first.name} and {table.name} differ in their format")
        if set(table.columns) != set(first.columns):
            raise DataError(
                f"{name}: {first.name} has the columns {listed(first.columns)}, but {table.name} "
                f"has {listed(table.columns)}"
            )

    def blocks(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        for table in tables:
            yield from table.blocks(columns)

    def located(row: int) -> tuple[Table, int]:
        for table in tables:
            height = sum(block.height for block in table.blocks(first.columns[:1]))
            if row < height:
                return table, row
            row -= height
        raise IndexError(row)

    def place(row: int) -> str:
        table, row = located(row)
        return f"{table.name}, {table.place(row)}"

    def fault(row: int) -> str | None:
        table, row = located(row)
        return table.fault(row)

    return replace(first, blocks=blocks, name=name, place=place, fault=fault)


def listed(names: Sequence[str]) -> str:
    """Return the names of columns as text for a message."""
    return ", ".join(repr(name) for name in names)
