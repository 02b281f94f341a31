"""What the commands print: tables for people, one JSON document for programs."""

# ruff: noqa: PLC0415

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from palate.solvers._progress import HistoryTable

_DECIMALS = {
    **{"bias": 3, "similarity": 3, "mean": 2, "rating": 1},
    **{"prediction": 2, "sd": 2, "at_least": 2},
}
_HEADINGS = {
    "ratings": "ratings",
    "mean": "mean rating",
    "prediction": "expected rating",
    "at_least": "at least",
}


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


@contextmanager
def progress(solver: Any) -> Iterator[Any]:
    """Give what shows a fit on stderr: a table of its epochs, or a bar of its many sweeps."""
    if not hasattr(solver, "sweeps"):
        yield epochs(stderr=True)
        return
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("sweep {task.completed}/{task.total}"), BarColumn())
    told = (TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, *told, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=solver.sweeps)
        yield lambda row: bar.update(task, advance=1, description=_sweep(row))


def _sweep(row: dict[str, Any]) -> str:
    names = ("noise_sd", "train_rmse", "valid_rmse")
    return "  ".join(f"{name} {row[name]:.4f}" for name in names if row[name] is not None)


def evaluation(found: Any) -> None:
    """Print what solvers and baselines were worth, a column for each."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("")
    for result in found.results:
        shown.add_column(result["name"].replace("-", "-\n"), justify="right", no_wrap=True)
    for figure in (name for name in found.results[0] if f"{name}_se" in found.results[0]):
        cells = [_figure(result[figure], result[f"{figure}_se"]) for result in found.results]
        if any(cells):
            shown.add_row(figure, *cells)
    console = Console(highlight=False)
    console.print(f"{found.split}; a held-out rating of {found.relevant:g} or more is relevant")
    console.print(shown)
    if any(found.cold):
        cold = sum(found.cold)
        console.print(f"cold: {cold:,} held-out ratings of a user or an item without training")
    if found.warning:
        console.print(f"Note: {found.warning}")


def _figure(value: float | None, error: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if error is None else f"{value:.4f}\n±{error:.4f}"


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
    """Print a table of items under a title, without what goes without saying."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if frame.is_empty():
        line(f"{title}: nothing, for no item is left to choose from")
        return
    said = [name for name in frame.columns if frame[name].null_count() < frame.height]
    frame = frame.select(said)  # a point estimate has no sd
    if (frame["id"].cast(str) == frame["item"]).all():
        frame = frame.drop("id")
    if "status" in said and (frame["status"] == "known").all():
        frame = frame.drop("status")
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
