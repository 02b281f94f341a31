"""The figure of an explanation: two waterfalls that end at the score."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from palate._theme import BLUE, GREEN, GREY, ORANGE
from palate.analysis._explanation import Explanation
from palate.errors import SettingError
from palate.plots._format import signed
from palate.plots._layout import WIDTH, check_width
from palate.plots._rows import SECOND, Panel, new_row_figure
from palate.plots._text import hover_text
from palate.plots._units import POINTS, SCORE_UNITS


def explanation(explanation: Explanation, *, width: int = WIDTH) -> go.Figure:
    """Draw the score of an item as a sum of contributions, in two ways.

    Parameters
    ----------
    explanation
        The result of `Profile.explain`.
    width
        Width of the figure in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Two waterfalls, by the parts of the score and by the ratings of the user; both end at the
        score, in its unit.

    Raises
    ------
    SettingError
        If `explanation` is not an explanation, or `width` is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> why = model.user(196).explain("Heat (1995)")
    >>> figure = palate.plots.explanation(why)
    >>> figure.layout.title.text.startswith("Why the expected rating of Heat (1995) is 3.")
    True
    """
    if not isinstance(explanation, Explanation):
        raise SettingError(
            "explanation must be the result of Profile.explain, such as model.user(196).explain(50)"
        )
    traces: list[Any] = []
    panels = []
    for table, heading, axes in (
        (explanation.parts, "By the parts of the score", {}),
        (explanation.ratings, "By this person's ratings", SECOND),
    ):
        waterfall, panel = _waterfall(table, explanation, heading)
        panels.append(panel)
        traces += [trace.update(axes) for trace in waterfall]
    title = f"Why the expected rating of {explanation.item} is {explanation.prediction:.1f}"
    return new_row_figure(traces, title, panels, check_width(width), labels_above=True)


def _waterfall(
    table: pl.DataFrame, explanation: Explanation, heading: str
) -> tuple[list[Any], Panel]:
    """Return bars that each begin where the previous one ends, and a marker at the score."""
    steps = table["contribution"].to_numpy()
    after = np.cumsum(steps)
    # On the scale of ratings the first step is the average.
    starts_at_average = explanation.unit == "rating"
    bars = go.Bar(
        x=steps,
        base=after - steps,
        y=-np.arange(len(steps)),
        orientation="h",
        width=0.36,
        marker={"color": _colours(steps, starts_at_average)},
        text=_texts(steps, starts_at_average),
        textposition="outside",
        cliponaxis=False,
        hovertext=[hover_text(name, signed(step)) for name, step in table.iter_rows()],
        hoverinfo="text",
    )
    total = go.Scatter(
        x=[explanation.score],
        y=[-len(steps)],
        mode="markers+text",
        marker={"size": 11, "symbol": "diamond", "color": GREEN},
        text=[f"{explanation.score:.2f}"],
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="skip",
    )
    # Beside an average of some three points, the other steps are too small to see from zero on.
    ends = np.append(after if starts_at_average else np.append(after, 0.0), explanation.score)
    padding = 0.2 * (float(np.ptp(ends)) or 1.0)
    x_axis = {"range": [float(ends.min()) - padding, float(ends.max()) + padding]}
    x_title = f"running total ({POINTS if starts_at_average else SCORE_UNITS})"
    return [bars, total], Panel([*table["name"], "total"], x_title, heading, x_axis)


def _colours(steps: np.ndarray[Any, Any], starts_at_average: bool) -> list[str]:
    colours = [BLUE if step > 0 else ORANGE for step in steps]
    return [GREY, *colours[1:]] if starts_at_average else colours


def _texts(steps: np.ndarray[Any, Any], starts_at_average: bool) -> list[str]:
    texts = [signed(step) for step in steps]
    return [f"{steps[0]:.2f}", *texts[1:]] if starts_at_average else texts
