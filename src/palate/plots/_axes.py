"""The figure of one axis of taste."""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from palate import _arguments
from palate._theme import BLUE, GREEN
from palate.errors import SettingError
from palate.model._model import Model
from palate.plots._format import with_arrow, with_interval
from palate.plots._layout import WIDTH, check_width
from palate.plots._rows import SECOND, Panel, interval_dots, new_row_figure
from palate.plots._text import hover_text
from palate.plots._units import score_unit

EXEMPLARS = 7
_MAX_ASSOCIATIONS = 10
# Columns of nothing but nulls would otherwise have no numeric type.
_BOUNDS = dict.fromkeys(("lower", "upper"), pl.Float64)
_ASSOCIATION = {
    **{"column": pl.String, "value": pl.String, "association": pl.Float64},
    **{"lower": pl.Float64, "upper": pl.Float64, "items": pl.Int64},
}


def axes(
    model: Model, axis: int = 1, *, exemplars: int = EXEMPLARS, width: int = WIDTH
) -> go.Figure:
    """Draw one axis of taste: the exemplars of both ends, and what the axis is associated with.

    Parameters
    ----------
    model
        The model.
    axis
        The number of the axis; 1 is the strongest.
    exemplars
        Number of items to show for each end.
    width
        Width of the figure in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Items with 90% intervals, in units of the score; and associations, from -1 to 1, with
        theirs. See `Model.axes`.

    Raises
    ------
    SettingError
        If there is no such axis, or a number is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.axes(model, 1).layout.title.text
    'Axis 1: newer Action ↔ Drama'
    """
    _arguments.integer("axis", axis, 1)
    table = model.axes(exemplars)
    if axis > table.height:
        raise SettingError(f"there is no axis {axis}; this model has {table.height}")
    return axis_figure(model, table.row(axis - 1, named=True), check_width(width))


def axis_figure(model: Model, row: dict[str, Any], width: int) -> go.Figure:
    """Draw the axis in one row of `Model.axes`."""
    axis = row["axis"]
    ends = [pl.DataFrame(row["high"], schema_overrides=_BOUNDS)] if row["high"] else []
    ends += [pl.DataFrame(row["low"], schema_overrides=_BOUNDS).reverse()] if row["low"] else []
    if not ends:
        raise SettingError(f"axis {axis} has no exemplars; choose a stronger axis")
    items = pl.concat(ends)
    hover = [
        hover_text(item["item"], with_interval("position", item), f"{item['ratings']:,} ratings")
        for item in items.iter_rows(named=True)
    ]
    panels = [Panel(items["item"].to_list(), f"position ({score_unit(model)})", "Items")]
    traces = [interval_dots(items, "position", hover, BLUE)]
    associations = pl.DataFrame(row["along"][:_MAX_ASSOCIATIONS], schema=_ASSOCIATION)
    if associations.height:
        panel, dots = _association_panel(associations)
        panels.append(panel)
        traces.append(dots)
    return new_row_figure(traces, f"Axis {axis}: {axis_name(model, axis)}", panels, width)


def _association_panel(table: pl.DataFrame) -> tuple[Panel, go.Scatter]:
    names, hover = [], []
    for row in table.iter_rows(named=True):
        column, value = row["column"], row["value"]
        names.append(str(column) if value is None else f"{column}: {value}")
        items = f"{row['items']:,} items"
        hover.append(hover_text(names[-1], with_interval("association", row), items))
    panel = Panel(names, "association (\N{MINUS SIGN}1 to 1)", "Associated with")
    return panel, interval_dots(table, "association", hover, GREEN, **SECOND)


def axis_ends(model: Model, axis: int) -> tuple[str, str]:
    """Return the names of the low and the high end of an axis.

    They are the strongest associations of the ends, or an exemplar of each.
    """
    low, high = model.axis_names.ends[axis - 1]
    return low, high


def axis_name(model: Model, axis: int) -> str:
    """Return the name of an axis, which consists of the names of its ends."""
    return with_arrow(" <-> ".join(axis_ends(model, axis)))
