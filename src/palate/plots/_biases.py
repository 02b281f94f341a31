"""The figure of the highest and the lowest biases."""

import plotly.graph_objects as go

from palate import _arguments
from palate._theme import BLUE, ORANGE
from palate.model._model import Model
from palate.plots._format import with_interval
from palate.plots._layout import WIDTH, check_width
from palate.plots._rows import SECOND, Panel, interval_dots, new_row_figure
from palate.plots._text import hover_text
from palate.plots._units import POINTS


def biases(model: Model, n: int = 15, *, width: int = WIDTH) -> go.Figure:
    """Draw the items with the highest and the lowest biases, with 90% intervals.

    They are the first and the last of `Model.biases`, in cautious order if the model has
    intervals.

    Parameters
    ----------
    model
        The model.
    n
        Number of items of each kind.
    width
        Width of the figure in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        The biases are in units of the ratings.

    Raises
    ------
    SettingError
        If `n` or `width` is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.biases(model, 5).layout.title.text
    'Highest and lowest biases'
    """
    _arguments.integer("n", n, 1)
    width, table = check_width(width), model.biases()
    n = min(n, -(-table.height // 2))
    highest, lowest = table.head(n), table.tail(min(n, table.height - n)).reverse()
    traces, panels = [], []
    for part, heading, colour, axes in (
        (highest, "Highest", BLUE, {}),
        (lowest, "Lowest", ORANGE, SECOND),
    ):
        hover = [
            hover_text(row["item"], with_interval("bias", row), f"{row['ratings']:,} ratings")
            for row in part.iter_rows(named=True)
        ]
        traces.append(interval_dots(part, "bias", hover, colour, **axes))
        panels.append(Panel(part["item"].to_list(), f"bias ({POINTS})", heading))
    return new_row_figure(traces, "Highest and lowest biases", panels, width)
