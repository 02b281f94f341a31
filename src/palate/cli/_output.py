"""The output of commands: tables for people, one JSON document for programs."""

# ruff: noqa: PLC0415

import dataclasses
import json
import math
import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from palate._words import counted

if TYPE_CHECKING:
    import polars as pl

    from palate.solvers._progress import HistoryTable

_DECIMALS = {
    **dict.fromkeys(
        ("bias", "effect", "similarity", "cosine", "correlation", "partial_correlation"), 3
    ),
    **dict.fromkeys(
        ("mean", "prediction", "sd", "at_least", "expected", "surprise", "position"), 2
    ),
    **dict.fromkeys(("x", "y", "spread"), 2),
    **{"rating": 1, "percentile": 0, "beyond_taste": 2, "drift": 2, "z": 1},
}
_PERCENTAGES = {"chance"}
# Columns whose scale differs from model to model.
_SCORES = {"score", "contribution"}
_HEADINGS = {
    "mean": "mean rating",
    "prediction": "expected rating",
    "at_least": "at least",
    "new_ratings": "new ratings",
    "rank_by_mean": "rank by mean",
    "rank_by_bias": "rank by bias",
    "leans_to": "leans to",
    "beyond_taste": "times as often",
    "percentile": "% who lean less",
    "partial_correlation": "partial correlation",
}
# Columns with the bounds of an interval, the name of the merged column, and its decimals.
_INTERVALS = (
    ("lower", "upper", "90% interval", 2),
    ("spread_lower", "spread_upper", "90% interval", 2),
    ("beyond_taste_lower", "beyond_taste_upper", "90% interval", 2),
    ("percentile_lower", "percentile_upper", "90% interval", 0),
    ("x_lower", "x_upper", "x, 90% interval", 2),
    ("y_lower", "y_upper", "y, 90% interval", 2),
)


def line(text: str) -> None:
    """Print to stdout."""
    print(text, flush=True)


def to_stderr(text: str) -> None:
    """Print to stderr: progress and notes."""
    print(text, file=sys.stderr, flush=True)


# Maximum number of ids of what was skipped that are printed.
_MAX_NAMED = 5


def say_skipped(noun: str, names: Sequence[Any]) -> None:
    """Say on stderr which unknown users or items were skipped, if there are any."""
    if not names:
        return
    named = ", ".join(repr(name) for name in names[:_MAX_NAMED])
    more = ", ..." if len(names) > _MAX_NAMED else ""
    to_stderr(f"Skipped {counted(len(names), f'unknown {noun}')}: {named}{more}")


def history_table(stderr: bool) -> "HistoryTable":
    """Return a reporter that prints the history of a fit as a table, row by row."""
    from palate.solvers._progress import HistoryTable

    return HistoryTable(sys.stderr if stderr else sys.stdout)


def document(**parts: Any) -> None:
    """Print the parts as one JSON document; tables become lists of objects."""
    line(json.dumps({key: _plain(part) for key, part in parts.items()}, indent=2, default=str))


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dicts"):
        value = value.to_dicts()
    if dataclasses.is_dataclass(value):
        value = vars(value)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(frame: "pl.DataFrame", title: str, key: str, json: bool) -> None:
    """Print a table under a title, or as a JSON document of one key."""
    if json:
        document(**{key: frame})
    else:
        table(frame, title)


def shown(result: Any) -> None:
    """Print what knows how it is shown on a terminal."""
    from rich.console import Console

    Console(highlight=False).print(result)


def table(frame: "pl.DataFrame", title: str, *, empty: str = "none") -> None:
    """Print a table under a title, without columns that hold no information; or what is `empty`."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if frame.is_empty():
        line(f"{title}: {empty}")
        return
    frame = _compact(frame)
    named = "item" if "item" in frame.columns else "user"
    reasons, fixed = [None] * frame.height, {*_IDS, *_NARROW}
    if "reason" in frame.columns:  # below the name, where there is room
        reasons, fixed = frame["reason"].to_list(), fixed - {named}
        frame = frame.drop("reason")
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in frame.columns:
        number = frame[column].dtype.is_numeric() and column not in _IDS
        shown.add_column(
            _HEADINGS.get(column, column),
            justify="right" if number else "left",
            overflow="fold",
            no_wrap=number or column in fixed,
        )
    decimals = _DECIMALS | {name: _decimals(frame[name]) for name in _SCORES & set(frame.columns)}
    for row, reason in zip(frame.iter_rows(named=True), reasons, strict=True):
        cells = {column: Text(_text(column, value, decimals)) for column, value in row.items()}
        if reason is not None:
            cells[named].append(f"\n{reason}", style="dim")
        shown.add_row(*cells.values())
    console = Console(highlight=False)
    console.print(Text(title, style="bold"))
    console.print(shown)


_IDS = ("id", "user", "axis")
_NARROW = ("sure", *(name for _, _, name, _ in _INTERVALS))


def _compact(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Return the columns that hold information, with each interval in one column."""
    import polars as pl

    names = [name for name in frame.columns if frame[name].null_count() < frame.height]
    frame = frame.select(names)  # a point estimate has no sd and no intervals
    for low, high, name, decimals in _INTERVALS:
        if low in names and high in names:
            bounds = zip(frame[low], frame[high], strict=True)
            text = [f"{a:z.{decimals}f} to {b:z.{decimals}f}" for a, b in bounds]
            column = pl.Series(name, text)
            frame = frame.insert_column(frame.columns.index(low), column).drop(low, high)
    if "sure" in names:
        sure = pl.when(pl.col("sure")).then(pl.lit("yes")).otherwise(pl.lit("no"))
        frame = frame.drop("sure") if frame["sure"].all() else frame.with_columns(sure=sure)
    if "id" in names and (frame["id"].cast(str) == frame["item"]).all():
        frame = frame.drop("id")
    if "status" in names and (frame["status"] == "known").all():
        frame = frame.drop("status")
    return frame


def _decimals(scores: "pl.Series") -> int:
    """Return the decimals that show three digits of the largest score: choice scores are small."""
    largest = max((abs(score) for score in scores if score), default=1.0)
    return min(max(2 - math.floor(math.log10(largest)), 2), 9)


def _text(column: str, value: Any, decimals: Mapping[str, int]) -> str:
    if value is None:
        return ""
    if column in _PERCENTAGES:
        return f"{100 * value:.1f}%"
    if column in decimals:
        return f"{value:z.{decimals[column]}f}"  # z: not -0.00
    return f"{value:,}" if isinstance(value, int) and column not in _IDS else str(value)


def axis(axis: dict[str, Any]) -> None:
    """Print an axis: its name, the items at its ends, and its associations."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    name = axis["name"] or "without a clear name"
    share = f"{100 * axis['share']:.0f}% of what the axes explain"
    heading = f"Axis {axis['axis']}: {name} ({share})"
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for end in ("low", "high"):
        shown.add_column(end, overflow="fold", ratio=1)
    for low, high in zip_longest(axis["low"], axis["high"]):
        shown.add_row(*(Text(_exemplar(end)) for end in (low, high)))
    console = Console(highlight=False)
    console.print(Text(heading, style="bold"))
    console.print(shown)
    certain = [_association(row) for row in axis["along"] if row["lower"] * row["upper"] > 0]
    if certain:
        console.print(Text(f"Associated with {', '.join(certain[:_MAX_ASSOCIATIONS])}."))
    line("")


# Maximum number of printed associations of an axis.
_MAX_ASSOCIATIONS = 6


def _exemplar(exemplar: dict[str, Any] | None) -> str:
    return "" if exemplar is None else f"{exemplar['item']}  {exemplar['position']:+.2f}"


def _association(row: dict[str, Any]) -> str:
    name = row["column"] if row["value"] is None else row["value"]
    return f"{name} {row['association']:+.2f} ({row['lower']:+.2f} to {row['upper']:+.2f})"


def choice_explanation(explanation: Any) -> None:
    """Print the decomposition of a choice score."""
    line(f"{explanation.sentence}\n")
    table(explanation.history, f"By the history; sums to the choice score {explanation.score:.3g}")


def explanation(explanation: Any) -> None:
    """Print both decompositions of the score of the rating model."""
    line(f"{explanation.sentence}\n")
    unit = (
        "in units of the ratings"
        if explanation.unit == "rating"
        else "as the argument of the sigmoid"
    )
    sums = f"sums to {explanation.score:.2f} {unit}"
    table(explanation.parts, f"By part; {sums}")
    table(explanation.ratings, f"By the ratings that it rests on; {sums}")
    changed = explanation.counterfactual
    if changed is not None:
        line(
            f"If {changed['item']} had been rated {changed['changed_to']:g} instead of "
            f"{changed['rating']:g}, {explanation.score:.2f} would be {changed['score']:.2f}: no "
            "other single rating changes it more."
        )


def portrait(portrait: Any, who: str, axes: int) -> None:
    """Print a portrait with the first `axes`."""
    line(f"{portrait.sentence}\n")
    table(
        _toward_leaning(portrait.axes.head(axes)),
        f"What {who} leans to, and how many people lean to it less",
    )
    if not portrait.surprises.is_empty():
        table(portrait.surprises, "The most surprising ratings, given all the others")


def _toward_leaning(axes: "pl.DataFrame") -> "pl.DataFrame":
    """Return the percentiles in the direction of the end that a person leans to."""
    import polars as pl

    low = pl.col("position") < 0
    mirrored = {
        "percentile": "percentile",
        "percentile_lower": "percentile_upper",
        "percentile_upper": "percentile_lower",
    }
    counted = [
        pl.when(low).then(100 - pl.col(other)).otherwise(pl.col(name)).alias(name)
        for name, other in mirrored.items()
    ]
    return axes.select("axis", "leans_to", *counted)
