"""Values of Python, NumPy and polars as JSON."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

# The JSON form of each id.
Ids = Mapping[Any, int | str]
# The largest integer n for which JavaScript represents all integers from -n to n exactly.
_MAX_SAFE_INTEGER = (1 << 53) - 1


def json_ids(ids: pl.Series) -> dict[Any, int | str]:
    """Return the JSON form of each id, by which the same id is found again when it is sent back.

    Integers stay integers if JavaScript represents all of them exactly; text stays text; all
    other ids become text.
    """
    exact = ids.dtype.is_integer() and bool((ids.cast(pl.Int128).abs() <= _MAX_SAFE_INTEGER).all())
    sent = ids if exact or ids.dtype == pl.String else ids.cast(pl.String)
    return dict(zip(ids.to_list(), sent.to_list(), strict=True))


def json_rows(frame: pl.DataFrame, ids: Ids) -> list[dict[str, Any]]:
    """Return the rows of a table of items as JSON values; `ids` has the JSON form of each id."""
    return [
        {name: json_value(value) for name, value in row.items()} | {"id": ids[row["id"]]}
        for row in frame.iter_rows(named=True)
    ]


def json_value(value: Any) -> Any:
    """Return a value as JSON types: NaN and infinity become null, and unknown types text."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):  # most values, so they come first
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, pl.DataFrame):
        return [{k: json_value(v) for k, v in row.items()} for row in value.iter_rows(named=True)]
    if isinstance(value, dict):
        return {k: json_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple | pl.Series):
        return [json_value(element) for element in value]
    return str(value)
