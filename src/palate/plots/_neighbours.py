"""The figure of the items that are most similar to one item."""

from typing import Any

import plotly.graph_objects as go
import polars as pl

from palate._theme import BLUE
from palate.errors import SettingError
from palate.model._model import Model
from palate.plots._format import signed, with_interval
from palate.plots._layout import WIDTH, check_width
from palate.plots._rows import Panel, interval_dots, new_row_figure
from palate.plots._text import hover_text
from palate.plots._units import min_ratings


def neighbours(model: Model, item: Any, n: int = 10, *, width: int = WIDTH) -> go.Figure:
    """Draw the items that are most similar to one item, with 90% intervals.

    Items with too few ratings to be exemplars are left out, and items whose similarity may be
    zero or negative.

    Parameters
    ----------
    model
        The model.
    item
        An id or a title.
    n
        Maximum number of neighbours.
    width
        Width of the figure in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        The similarities are cosines, from -1 to 1. See `Model.similar`.

    Raises
    ------
    UnknownIdError
        If there is no such item.
    SettingError
        If no item is similar, or `n` or `width` is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.neighbours(model, "Star Wars (1977)", 5).layout.title.text
    'Items most similar to Star Wars (1977)'
    """
    table = neighbour_table(model, item, n)
    if table.is_empty():
        raise SettingError(f"no other item is certain to be similar to {item!r}; try another item")
    return neighbour_figure(model, item, table, check_width(width))


def neighbour_figure(model: Model, item: Any, table: pl.DataFrame, width: int) -> go.Figure:
    """Draw the rows of a `neighbour_table`, of which there is at least one."""
    hover = [
        hover_text(
            row["item"],
            with_interval("similarity", row),
            f"correlation of their scores {signed(row['correlation'])}",
            f"{row['ratings']:,} ratings",
        )
        for row in table.iter_rows(named=True)
    ]
    panel = Panel(table["item"].to_list(), "similarity (cosine, at most 1)")
    title = f"Items most similar to {item_title(model, item)}"
    traces = [interval_dots(table, "similarity", hover, BLUE)]
    return new_row_figure(traces, title, [panel], width)


def neighbour_table(model: Model, item: Any, n: int) -> pl.DataFrame:
    """Return the neighbours of an item whose similarity is positive, with certainty if known."""
    table = model.similar(item, n, min_ratings=min_ratings(model))
    return table.filter((pl.col("similarity") > 0) & pl.col("sure").fill_null(True))


def item_title(model: Model, item: Any) -> str:
    """Return the title of an item, given its id or title."""
    return str(model.items["item"][model.learned.item_index.row(item)])
