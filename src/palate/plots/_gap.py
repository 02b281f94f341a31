"""The figure of items whose mean rating is misleading."""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from palate import _arguments
from palate._theme import BLUE, GREY, ORANGE
from palate.errors import SettingError
from palate.model._model import Model
from palate.plots._format import with_interval
from palate.plots._layout import NARROW, WIDTH, check_width, new_xy_figure
from palate.plots._plane import axis_of, label_points, most_rated_of
from palate.plots._text import hover_text, wrap
from palate.plots._units import POINTS

# Width of the reason in a hover box, in pixels.
_REASON_WIDTH = 340


def gap(
    model: Model,
    *,
    labels: int = 16,
    min_ratings: int | None = None,
    most_rated: int | None = 1000,
    width: int = WIDTH,
) -> go.Figure:
    """Draw mean ratings against biases, with the reason for each difference on hover.

    Parameters
    ----------
    model
        The model.
    labels
        Number of items with the largest gaps to label, if there is room.
    min_ratings
        Leave out items with fewer ratings; by default 20, or fewer in a small table.
    most_rated
        Number of other items to draw, those with the most ratings; None for all.
    width
        Width of the figure in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Means and biases are in units of the ratings. See `Model.biases`.

    Raises
    ------
    SettingError
        If a number is out of range, or no item has `min_ratings` ratings.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.gap(model).layout.yaxis.title.text
    'bias (rating points)'
    """
    _arguments.integer("labels", labels, 0)
    width, table = check_width(width), model.biases("gap", min_ratings=min_ratings)
    if table.is_empty():
        raise SettingError("no item has enough ratings; lower min_ratings")
    largest, others = table.head(labels), most_rated_of(table[labels:], most_rated)
    return _gap_figure(largest, others, width)


def _gap_figure(largest: pl.DataFrame, others: pl.DataFrame, width: int) -> go.Figure:
    traces = [
        _scatter(others, "others", {"color": GREY, "size": 5, "opacity": 0.45}),
        _scatter(
            largest.filter(pl.col("gap") > 0),
            "better than the mean suggests",
            {"color": BLUE, "size": 8},
        ),
        _scatter(
            largest.filter(pl.col("gap") <= 0),
            "worse than the mean suggests",
            {"color": ORANGE, "size": 8},
        ),
    ]
    table = pl.concat([largest, others])
    figure = new_xy_figure(
        traces,
        "Mean ratings and biases",
        f"mean rating ({POINTS})",
        f"bias ({POINTS})",
        width=width,
        height=520 if width >= NARROW else 460,
        xaxis=axis_of(table["mean"], "mean"),
        yaxis=axis_of(table["bias"], "bias"),
        legend={"yref": "container", "y": 0},
        showlegend=True,
        legend_height=34 if width >= NARROW else 74,
    )
    return label_points(figure, table["mean"], table["bias"], largest["item"].to_list())


def _scatter(table: pl.DataFrame, name: str, marker: dict[str, Any]) -> go.Scatter:
    return go.Scatter(
        x=table["mean"],
        y=table["bias"],
        name=name,
        mode="markers",
        marker=marker,
        hovertext=[_hover(row) for row in table.iter_rows(named=True)],
        hoverinfo="text",
    )


def _hover(row: dict[str, Any]) -> str:
    mean = f"mean {row['mean']:.2f} of {row['ratings']:,} ratings"
    ranks = f"rank {row['rank_by_mean']:,} by mean, {row['rank_by_bias']:,} by bias"
    reason = wrap(row["reason"] or "", _REASON_WIDTH)
    return hover_text(row["item"], mean, with_interval("bias", row), ranks, *reason)
