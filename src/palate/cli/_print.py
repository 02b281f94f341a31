"""What the commands print: tables for people, one JSON document for programs."""

# ruff: noqa: PLC0415

import json
import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from palate.solvers._progress import HistoryTable

_DECIMALS = {"bias": 3, "similarity": 3, "mean": 2, "prediction": 2, "rating": 1}
_HEADINGS = {"ratings": "ratings", "mean": "mean rating", "prediction": "expected rating"}


def line(text: str) -> None:
    """Print to stdout."""
    print(text, flush=True)


def to_stderr(text: str) -> None:
    """Print to stderr: progress, and what was decided."""
    print(text, file=sys.stderr, flush=True)


def epochs(stderr: bool) -> "HistoryTable":
    """Return what prints the table of a fit, row by row."""
    from palate.solvers._progress import HistoryTable

    return HistoryTable(sys.stderr if stderr else sys.stdout)


def document(**parts: Any) -> None:
    """Print the parts as one JSON document; tables become lists of objects."""
    line(json.dumps({key: _plain(part) for key, part in parts.items()}, indent=2, default=str))


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dicts"):
        value = value.to_dicts()
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table(frame: "pl.DataFrame", title: str) -> None:
    """Print a table of items under a title; ids only where they are not the title."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if frame.is_empty():
        line(f"{title}: nothing, for no item is left to choose from")
        return
    if (frame["id"].cast(str) == frame["item"]).all():
        frame = frame.drop("id")
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in frame.columns:
        number = frame[column].dtype.is_numeric() and column != "id"
        shown.add_column(
            _HEADINGS.get(column, column),
            justify="right" if number else "left",
            overflow="fold",
            no_wrap=number,
        )
    for row in frame.iter_rows(named=True):
        shown.add_row(*(Text(_text(column, value)) for column, value in row.items()))
    console = Console(highlight=False)
    console.print(Text(title, style="bold"))
    console.print(shown)


def _text(column: str, value: Any) -> str:
    if column in _DECIMALS and value is not None:
        return f"{value:.{_DECIMALS[column]}f}"
    return f"{value:,}" if isinstance(value, int) and column != "id" else str(value)
