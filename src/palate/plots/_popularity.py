"""The figure of how often items are picked and how they are liked."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from palate import _arguments
from palate._theme import BLUE, GREY, ORANGE, ZERO
from palate.analysis._popularity import OFTEN, RARELY, contrasts
from palate.errors import SettingError
from palate.model._model import Model
from palate.plots._format import with_interval
from palate.plots._layout import NARROW, WIDTH, check_width, new_xy_figure
from palate.plots._plane import RATINGS, axis_of, label_points, most_rated_of
from palate.plots._text import hover_text
from palate.plots._units import POINTS


def popularity(
    model: Model,
    n: int = 10,
    *,
    min_ratings: int | None = None,
    most_rated: int | None = 1000,
    width: int = WIDTH,
) -> go.Figure:
    """Draw numbers of ratings against biases, with the line of items that are liked equally well.

    Parameters
    ----------
    model
        The model.
    n
        Number of items of each contrast to colour, and to label where there is room: those picked
        often but liked little, and those picked rarely but well liked.
    min_ratings
        Leave out items with fewer ratings; by default 20, or fewer in a small table.
    most_rated
        Number of other items to draw, those with the most ratings; None for all.
    width
        Width of the figure in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Biases are in units of the ratings. See `Model.popularity`.

    Raises
    ------
    SettingError
        If a number is out of range, no item has `min_ratings` ratings, or the model was fitted to
        events or counts.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.popularity(model).layout.xaxis.title.text
    'bias (rating points)'
    """
    _arguments.integer("n", n, 0)
    width, table = check_width(width), model.popularity(min_ratings=min_ratings)
    if table.is_empty():
        raise SettingError("no item has enough ratings; lower min_ratings")
    often, rarely = contrasts(table, n)
    rest = table.join(pl.concat([often, rarely]), on="id", how="anti", maintain_order="left")
    return _figure(often, rarely, most_rated_of(rest, most_rated), width)


def _figure(
    often: pl.DataFrame, rarely: pl.DataFrame, others: pl.DataFrame, width: int
) -> go.Figure:
    table = pl.concat([often, rarely, others])
    traces = [
        _scatter(others, "others", {"color": GREY, "size": 5, "opacity": 0.45}),
        _scatter(often, OFTEN, {"color": ORANGE, "size": 8}),
        _scatter(rarely, RARELY, {"color": BLUE, "size": 8}),
        _line(table),
    ]
    figure = new_xy_figure(
        traces,
        "How often items are picked, and how they are liked",
        f"bias ({POINTS})",
        RATINGS,
        width=width,
        height=520 if width >= NARROW else 460,
        xaxis=axis_of(table["bias"], "bias"),
        yaxis=axis_of(table["ratings"], "ratings"),
        legend={"yref": "container", "y": 0},
        showlegend=True,
        legend_height=34 if width >= NARROW else 94,
    )
    # The first of either contrast first, so that both have labels where there is little room.
    ranks = np.r_[np.arange(often.height), np.arange(rarely.height)]
    labelled = table[np.argsort(ranks, kind="stable")]
    return label_points(figure, labelled["bias"], labelled["ratings"], labelled["item"].to_list())


def _scatter(table: pl.DataFrame, name: str, marker: dict[str, Any]) -> go.Scatter:
    return go.Scatter(
        x=table["bias"],
        y=table["ratings"],
        name=name,
        mode="markers",
        marker=marker,
        hovertext=[_hover(row) for row in table.iter_rows(named=True)],
        hoverinfo="text",
    )


def _line(table: pl.DataFrame) -> go.Scatter:
    """Return the line of how often items are picked at each bias."""
    ends = table.sort("bias")[[0, -1]]
    return go.Scatter(
        x=ends["bias"],
        y=ends["ratings"] / ends["beyond_taste"],
        name="expected at this bias",
        mode="lines",
        line={"color": ZERO, "width": 2},
        hoverinfo="skip",
    )


def _hover(row: dict[str, Any]) -> str:
    times = f"{row['beyond_taste']:.2g} times as often as others that are liked as well"
    return hover_text(
        row["item"], f"{row['ratings']:,} ratings: {times}", with_interval("bias", row)
    )
