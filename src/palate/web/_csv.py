"""Tables as CSV, sent while they are written."""

from collections.abc import Iterator

import polars as pl
from starlette.responses import StreamingResponse

_BLOCK = 5000
# A spreadsheet takes text that begins so for a formula, and titles come from anybody.
_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?$"


def csv_response(table: pl.DataFrame, name: str) -> StreamingResponse:
    """Return a response with a table as a file; `name` is plain ASCII.

    Text that a spreadsheet would take for a formula begins with an apostrophe (OWASP, "CSV
    injection"); lists become text with bars between their values.
    """
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_blocks(table), media_type="text/csv", headers=headers)


def _blocks(table: pl.DataFrame) -> Iterator[str]:
    for first in range(0, max(table.height, 1), _BLOCK):
        yield _written(table[first : first + _BLOCK]).write_csv(include_header=first == 0)


def _written(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table as it is written."""
    lists = [name for name, kind in table.schema.items() if isinstance(kind, pl.List)]
    table = table.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join("|"))
    text = pl.col(pl.String, pl.Categorical, pl.Enum).cast(pl.String)
    is_formula = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return table.with_columns(
        pl.when(is_formula).then(pl.lit("'") + text).otherwise(text).name.keep()
    )
