"""Tables as CSV, sent while they are written."""

import json
from collections.abc import Iterator

import polars as pl
from starlette.responses import StreamingResponse

from palate.web._json import json_value

_BLOCK = 5000
# A spreadsheet takes text that begins so for a formula, and titles come from anybody.
_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?$"


def csv_response(table: pl.DataFrame, name: str) -> StreamingResponse:
    """Return a response with a table as a file; `name` is plain ASCII.

    Text that a spreadsheet would take for a formula begins with an apostrophe (OWASP, "CSV
    injection"); lists become text with bars between their values, and what CSV can't hold JSON.
    """
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_blocks(table), media_type="text/csv", headers=headers)


def _blocks(table: pl.DataFrame) -> Iterator[str]:
    for first in range(0, max(table.height, 1), _BLOCK):
        yield _written(table[first : first + _BLOCK]).write_csv(include_header=first == 0)


def _written(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table as it is written."""
    table = table.with_columns(_plain(column) for column in table)
    text = pl.col(pl.String, pl.Categorical, pl.Enum).cast(pl.String)
    is_formula = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return table.with_columns(
        pl.when(is_formula).then(pl.lit("'") + text).otherwise(text).name.keep()
    )


def _plain(column: pl.Series) -> pl.Series:
    """Return a column with values that CSV can hold: lists joined, and what it can't hold as JSON.

    Metadata may have any type, such as structs, binary data and durations.
    """
    kind = column.dtype
    inner = kind.inner if isinstance(kind, pl.List) else kind
    if inner.is_nested() or inner in (pl.Binary, pl.Duration, pl.Object):
        found = map(json_value, column)
        texts = (one if one is None or isinstance(one, str) else json.dumps(one) for one in found)
        return pl.Series(column.name, texts, dtype=pl.String)
    return column.cast(pl.List(pl.String)).list.join("|") if kind is not inner else column
