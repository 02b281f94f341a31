"""The figure of the map of items."""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from palate import _arguments
from palate._theme import CATEGORICAL, GREY
from palate.errors import SettingError
from palate.model._model import Model
from palate.plots._axes import axis_name
from palate.plots._format import interval, signed
from palate.plots._layout import NARROW, WIDTH, check_width, new_xy_figure
from palate.plots._map_colours import Categories, ColourScale, colouring
from palate.plots._plane import RATINGS, axis_of, label_points
from palate.plots._text import escape, hover_text, shorten, text_width
from palate.plots._units import POINTS, score_unit

# A second cue for readers who cannot distinguish the colours.
_SYMBOLS = (
    *("circle", "square", "diamond", "triangle-up"),
    *("cross", "triangle-down", "star", "hexagon"),
)
_OTHER = "other"
_MAX_LEGEND_ENTRY = 150


def item_map(
    model: Model,
    x: str = "axis 1",
    y: str = "axis 2",
    *,
    colour: str | None = None,
    labels: int = 50,
    most_rated: int | None = 1000,
    width: int = WIDTH,
) -> go.Figure:
    """Draw the items on a plane, with titles, coordinates and 90% intervals on hover.

    Labels never overlap at the figure's size; a title without room gets none. The book's figure is
    ``palate.plots.map(model, "component 1", "component 3")``.

    Parameters
    ----------
    model
        The model.
    x, y
        The horizontal and the vertical coordinate; see `Model.map`.
    colour
        "bias", "ratings" (their number), or a column of the items: of text the first entry of each
        item, the eight most frequent by name. By default the first text column, or bias.
    labels
        Number of the most rated items to label, if there is room.
    most_rated
        Number of the most rated items to draw; None for all.
    width
        Width of the figure in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Axes and components are in units of the score.

    Raises
    ------
    SettingError
        If there is no such coordinate or colour, or a number is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.map(model, "year", "bias").layout.xaxis.title.text
    'year'
    """
    _arguments.integer("labels", labels, 0)
    width, table = check_width(width), _drawn_items(model, x, y, most_rated)
    colours = colouring(model, colour)
    points = _with_markers(model, table, (x, y), colours, labels)
    figure = _map_figure(model, points, (x, y), colours, width)
    return label_points(figure, points["x"], points["y"], points["item"].head(labels).to_list())


def _drawn_items(model: Model, x: str, y: str, most_rated: int | None) -> pl.DataFrame:
    table = model.map(x, y)
    if most_rated is not None:
        table = table.head(_arguments.integer("most_rated", most_rated, 1))
    if table.is_empty():
        raise SettingError(f"no item has both a {x} and a {y}; choose other coordinates")
    return table


def _map_figure(
    model: Model,
    points: pl.DataFrame,
    coordinates: tuple[str, str],
    colours: Categories | ColourScale,
    width: int,
) -> go.Figure:
    if isinstance(colours, Categories):
        traces, layout = _draw_categories(points, width)
    else:
        traces, layout = _draw_scale(points, colours)
    x, y = coordinates
    return new_xy_figure(
        traces,
        f"{_drawn_part(model, points)} by {x} and {y}",
        _coordinate_title(model, x),
        _coordinate_title(model, y),
        width=width,
        height=640 if width >= NARROW else 580,
        xaxis=axis_of(points["x"], x),
        yaxis=axis_of(points["y"], y),
        **layout,
    )


def _drawn_part(model: Model, table: pl.DataFrame) -> str:
    rated = int((model.learned.item_counts > 0).sum())
    return "All items" if table.height == rated else f"The {table.height:,} most rated items"


def _coordinate_title(model: Model, coordinate: str) -> str:
    """Return the name of a coordinate, with its unit."""
    kind, _, number = coordinate.partition(" ")
    if kind == "axis":
        return f"{coordinate}: {axis_name(model, int(number))} ({score_unit(model)})"
    if kind == "component":
        return f"{coordinate} ({score_unit(model)})"
    titles = {"bias": f"bias ({POINTS})", "mean": f"mean rating ({POINTS})", "ratings": RATINGS}
    return titles.get(coordinate, coordinate)


def _with_markers(
    model: Model,
    table: pl.DataFrame,
    coordinates: tuple[str, str],
    colours: Categories | ColourScale,
    labels: int,
) -> pl.DataFrame:
    """Return the drawn items with the columns colour, size, opacity and hover.

    The items to label, the first ones, are emphasised.
    """
    rows = model.learned.item_index.rows(table["id"])
    emphasised = np.arange(table.height) < labels
    table = table.with_columns(
        pl.Series("colour", pl.Series(colours.values).gather(rows)),
        pl.Series("size", np.where(emphasised, 9.0, 5.5)),
        pl.Series("opacity", np.where(emphasised, 1.0, 0.4)),
    )
    category = colours.name if isinstance(colours, Categories) else None
    hover = [_hover(row, coordinates, category) for row in table.iter_rows(named=True)]
    return table.with_columns(pl.Series("hover", hover, dtype=pl.String))


def _hover(row: dict[str, Any], coordinates: tuple[str, str], category: str | None) -> str:
    x, y = coordinates
    return hover_text(
        row["item"],
        _coordinate(row, "x", x),
        _coordinate(row, "y", y),
        "" if "ratings" in coordinates else f"{row['ratings']:,} ratings",
        f"{category}: {row['colour']}" if category and row["colour"] else "",
    )


def _coordinate(row: dict[str, Any], letter: str, name: str) -> str:
    value = row[letter]
    ends = interval(row[f"{letter}_lower"], row[f"{letter}_upper"])
    if ends:
        return f"{name}: {signed(value)} (90%: {ends})"
    is_signed = name.startswith(("axis", "component", "bias"))
    return f"{name}: {signed(value) if is_signed else format(value, '.6g')}"


def _scatter(points: pl.DataFrame, marker: dict[str, Any], **settings: Any) -> go.Scatter:
    shape = {"size": points["size"], "opacity": points["opacity"], "line": {"width": 0}}
    return go.Scatter(
        x=points["x"],
        y=points["y"],
        mode="markers",
        marker=shape | marker,
        hovertext=points["hover"].to_list(),
        hoverinfo="text",
        **settings,
    )


def _draw_scale(
    points: pl.DataFrame, colours: ColourScale
) -> tuple[list[go.Scatter], dict[str, Any]]:
    """Return the points, and the layout of their scale of colours."""
    bar = {"orientation": "h", "thickness": 10, "len": 0.7, "x": 0, "xanchor": "left"}
    bar |= {"y": 0, "yref": "container", "yanchor": "bottom", "outlinewidth": 0, "xpad": 4}
    bar |= {"title": {"text": escape(colours.name), "side": "top"}} | colours.colour_bar
    marker = colours.marker | {"color": points["colour"], "colorbar": bar}
    return [_scatter(points, marker)], {"showlegend": False, "legend_height": 62}


def _draw_categories(points: pl.DataFrame, width: int) -> tuple[list[go.Scatter], dict[str, Any]]:
    """Return the points of each of the most frequent categories, and the layout of the legend."""
    counts = points["colour"].drop_nulls().value_counts(name="n")
    ordered = counts.sort("n", "colour", descending=[True, False])["colour"]
    categories = ordered.head(len(CATEGORICAL)).to_list()
    names = [shorten(category, _MAX_LEGEND_ENTRY) for category in categories]
    traces = []
    others = points.filter(~pl.col("colour").is_in(categories).fill_null(False))
    if others.height:
        traces.append(_scatter(others, {"color": GREY}, name=_OTHER, legendrank=2000))
    for category, name, colour, symbol in zip(
        categories, names, CATEGORICAL, _SYMBOLS, strict=False
    ):
        marker = {"color": colour, "symbol": symbol}
        part = points.filter(pl.col("colour") == category)
        traces.append(_scatter(part, marker, name=escape(name)))
    entry = max(map(text_width, [*names, _OTHER])) + 6
    lines = math.ceil((len(names) + 1) / max(1, int((width - 20) // (entry + 40))))
    legend = {"yref": "container", "y": 0, "entrywidth": entry, "itemsizing": "constant"}
    return traces, {"legend": legend, "showlegend": True, "legend_height": 20 * lines + 14}
