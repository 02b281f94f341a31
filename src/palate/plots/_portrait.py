"""The figure of the portrait of one user."""

import plotly.graph_objects as go
import polars as pl

from palate import _arguments
from palate._theme import BLUE, GREY
from palate.analysis._portrait import Portrait
from palate.errors import SettingError
from palate.plots._format import with_arrow
from palate.plots._layout import WIDTH, check_width
from palate.plots._rows import Panel, interval_dots, new_row_figure
from palate.plots._text import hover_text

_COLUMNS = ("percentile", "percentile_lower", "percentile_upper")


def portrait(portrait: Portrait, n: int = 8, *, width: int = WIDTH) -> go.Figure:
    """Draw where a person stands among all users on each axis of taste, and in generosity.

    Parameters
    ----------
    portrait
        The result of `Profile.describe`.
    n
        Maximum number of axes; the strongest come first.
    width
        Width of the figure in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Percentiles (the percentage of users who are below), with 90% intervals.

    Raises
    ------
    SettingError
        If `portrait` is not a portrait, or a number is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.portrait(model.user(196).describe()).layout.xaxis.range
    (0, 100)
    """
    if not isinstance(portrait, Portrait):
        raise SettingError(
            "portrait must be the result of Profile.describe, such as model.user(196).describe()"
        )
    _arguments.integer("n", n, 1)
    axes = portrait.axes.head(n)
    labels = [
        f"axis {row['axis']}: {with_arrow(row['name'] or row['leans_to'])}"
        for row in axes.iter_rows(named=True)
    ]
    labels.append("generosity: how high they rate")
    generosity = pl.DataFrame({name: portrait.generosity[name] for name in _COLUMNS})
    table = pl.concat([axes.select(_COLUMNS), generosity])
    table.columns = ["percentile", "lower", "upper"]
    hover = [
        hover_text(label, f"{row['percentile']:.0f} ({row['lower']:.0f} to {row['upper']:.0f})")
        for label, row in zip(labels, table.iter_rows(named=True), strict=True)
    ]
    x_title = "percentile (% of people who are below)"
    figure = new_row_figure(
        [interval_dots(table, "percentile", hover, BLUE)],
        "How this person compares with all others",
        [Panel(labels, x_title, x_axis={"range": [0, 100], "dtick": 25})],
        check_width(width),
    )
    return figure.add_vline(50, line={"color": GREY, "width": 1, "dash": "dot"})
