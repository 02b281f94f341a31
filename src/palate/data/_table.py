"""A table, and how to speak of its rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from palate.errors import DataError

# What titles may come as.
TEXT_TYPES = (pl.String, pl.Categorical, pl.Enum)
# Says of the fields of a text file's first line whether they are names.
IsHeader = Callable[[Sequence[str]], bool]


@dataclass(frozen=True)
class Table:
    """A table that remembers where its rows came from.

    Attributes
    ----------
    frame
        The rows.
    name
        What to call the source in a message: a file name, "table".
    header
        Whether the columns have names of their own.
    typed
        Whether values have types of their own; in a text file all is text.
    line_of
        The line of a file on which a row, counted from 0, begins; None where there are no lines.
    """

    frame: pl.DataFrame
    name: str
    header: bool = True
    typed: bool = True
    line_of: Callable[[int], int] | None = None

    def place(self, row: int) -> str:
        """Return where `row` of the frame, counted from 0, stands in the source."""
        if self.line_of is not None:
            return f"line {self.line_of(row):,}"
        return f"row {row + 1:,}"

    def where(self, row: int, column: str) -> str:
        """Return the source, the place of `row` and the column, for the start of a message."""
        return f"{self.name}, {self.place(row)}, column {column!r}"

    def refuse(self, bad: pl.Series, column: str, why: Callable[[int], str]) -> None:
        """Raise for the first row where `bad` is true, saying how many more there are."""
        count = int(bad.sum())
        if count == 0:
            return
        row = int(bad.arg_max() or 0)
        more = f" (and {count - 1:,} more like it)" if count > 1 else ""
        raise DataError(f"{self.where(row, column)}: {why(row)}{more}")
