"""What the commands print: tables for people, one JSON document for programs."""

# ruff: noqa: PLC0415

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from palate.solvers._progress import HistoryTable

_DECIMALS = {
    **dict.fromkeys(("bias", "similarity", "cosine", "correlation"), 3),
    **dict.fromkeys(
        ("mean", "prediction", "sd", "at_least", "expected", "surprise", "position"), 2
    ),
    **dict.fromkeys(("x", "y", "contribution"), 2),
    **{"rating": 1, "percentile": 0},
}
_HEADINGS = {
    "mean": "mean rating",
    "prediction": "expected rating",
    "at_least": "at least",
    "rank_by_mean": "rank by mean",
    "rank_by_bias": "rank by bias",
    "leans_to": "leans to",
    "percentile": "more than %",
}
# Columns with the ends of an interval, what they become, and their decimals.
_INTERVALS = (
    ("lower", "upper", "90% interval", 2),
    ("percentile_lower", "percentile_upper", "90%", 0),
    ("x_lower", "x_upper", "x, 90% interval", 2),
    ("y_lower", "y_upper", "y, 90% interval", 2),
)


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
    """Print a table under a title, without what goes without saying."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if frame.is_empty():
        line(f"{title}: nothing, for nothing is left to choose from")
        return
    frame = _told(frame)
    reasons = frame["reason"] if "reason" in frame.columns else [None] * frame.height
    frame = frame.drop("reason", strict=False)
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in frame.columns:
        number = frame[column].dtype.is_numeric() and column not in _IDS
        shown.add_column(
            _HEADINGS.get(column, column),
            justify="right" if number else "left",
            overflow="fold",
            no_wrap=number or column in (*_IDS, *_NARROW),
        )
    for row, reason in zip(frame.iter_rows(named=True), reasons, strict=True):
        cells = {column: Text(_text(column, value)) for column, value in row.items()}
        if reason is not None:  # below the name, where there is room for it
            cells["item" if "item" in cells else "user"].append(f"\n{reason}", style="dim")
        shown.add_row(*cells.values())
    console = Console(highlight=False)
    console.print(Text(title, style="bold"))
    console.print(shown)


_IDS = ("id", "user", "axis")
_NARROW = ("sure", *(name for _, _, name, _ in _INTERVALS))


def _told(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Return the columns that say something, with each interval in one of them."""
    import polars as pl

    said = [name for name in frame.columns if frame[name].null_count() < frame.height]
    frame = frame.select(said)  # a point estimate has no sd and no intervals
    for low, high, name, decimals in _INTERVALS:
        if low in said and high in said:
            ends = zip(frame[low], frame[high], strict=True)
            text = [f"{a:.{decimals}f} to {b:.{decimals}f}" for a, b in ends]
            column = pl.Series(name, text)
            frame = frame.insert_column(frame.columns.index(low), column).drop(low, high)
    if "sure" in said:
        sure = pl.when(pl.col("sure")).then(pl.lit("yes")).otherwise(pl.lit("no"))
        frame = frame.drop("sure") if frame["sure"].all() else frame.with_columns(sure=sure)
    if "id" in said and (frame["id"].cast(str) == frame["item"]).all():
        frame = frame.drop("id")
    if "status" in said and (frame["status"] == "known").all():
        frame = frame.drop("status")
    return frame


def _text(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in _DECIMALS:
        return f"{value:.{_DECIMALS[column]}f}"
    return f"{value:,}" if isinstance(value, int) and column not in _IDS else str(value)


def axis(axis: dict[str, Any]) -> None:
    """Print an axis: its name, what lies at its ends, and what it goes along with."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    name = axis["name"] or "no name is clear; its ends stand for it"
    heading = f"Axis {axis['axis']}: {name} ({100 * axis['share']:.0f}% of what the axes explain)"
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for end in ("low", "high"):
        shown.add_column(end, overflow="fold", ratio=1)
    for low, high in zip_longest(axis["low"], axis["high"]):
        shown.add_row(*(Text(_exemplar(end)) for end in (low, high)))
    console = Console(highlight=False)
    console.print(Text(heading, style="bold"))
    console.print(shown)
    along = [_association(link) for link in axis["along"] if link["lower"] * link["upper"] > 0]
    if along:
        console.print(Text(f"Goes along with {', '.join(along[:_ASSOCIATIONS])}."))
    line("")


# So many of the associations of an axis are printed.
_ASSOCIATIONS = 6


def _exemplar(exemplar: dict[str, Any] | None) -> str:
    return "" if exemplar is None else f"{exemplar['item']}  {exemplar['position']:+.2f}"


def _association(link: dict[str, Any]) -> str:
    name = link["column"] if link["value"] is None else link["value"]
    return f"{name} {link['association']:+.2f} ({link['lower']:+.2f} to {link['upper']:+.2f})"


def explanation(why: Any) -> None:
    """Print why a score is what it is."""
    line(f"{why.sentence}\n")
    unit = "in units of the ratings" if why.unit == "rating" else "as a score, before the sigmoid"
    sums = f"sums to {why.score:.2f} {unit}"
    table(why.parts, f"By part; {sums}")
    table(why.ratings, f"By the ratings that caused it; {sums}")
    changed = why.counterfactual
    if changed is not None:
        line(
            f"Had you given {changed['item']} {changed['changed_to']:g} instead of "
            f"{changed['rating']:g}, {why.score:.2f} would be {changed['score']:.2f}: no other "
            "single rating moves it more."
        )


def portrait(portrait: Any, who: str) -> None:
    """Print where a person stands among all."""
    line(f"{portrait.sentence}\n")
    table(_towards(portrait.axes.head(_PORTRAYED)), f"Where {who} leans, more than % of people")
    if not portrait.surprises.is_empty():
        table(portrait.surprises, "What surprised most, given all the other ratings")


def _towards(axes: "pl.DataFrame") -> "pl.DataFrame":
    """Return percentiles counted towards the end that a person leans to."""
    import polars as pl

    low = pl.col("position") < 0
    turned = {
        "percentile": "percentile",
        "percentile_lower": "percentile_upper",
        "percentile_upper": "percentile_lower",
    }
    counted = [
        pl.when(low).then(100 - pl.col(other)).otherwise(pl.col(name)).alias(name)
        for name, other in turned.items()
    ]
    return axes.select("axis", "leans_to", *counted)


# So many axes of a portrait are printed, the strongest.
_PORTRAYED = 8
