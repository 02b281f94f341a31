"""What figures of points on a plane share: the ranges of their axes, and the labels of points."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from palate import _arguments
from palate.plots._label_placement import FONT_SIZE, Point, place_labels
from palate.plots._text import escape, shorten

RATINGS = "number of ratings (on a log scale)"
_MAX_LABEL_WIDTH = 220
# Share of the range of values that is added at each end.
_PADDING = 0.05
# Over more powers of ten than this, a logarithmic axis has ticks only at these.
_DECADES = 2
# Numbers in this range, such as years, are written without a separator of thousands.
_YEARS = (1000, 3000)


def most_rated_of(table: pl.DataFrame, n: int | None) -> pl.DataFrame:
    """Return the `n` rows with the most ratings, the argument `most_rated` of figures; or all."""
    ordered = table.sort("ratings", descending=True, maintain_order=True)
    return ordered if n is None else ordered.head(_arguments.integer("most_rated", n, 1))


def axis_of(values: pl.Series, coordinate: str) -> dict[str, Any]:
    """Return the settings of an axis for the values of a coordinate of `Model.map`."""
    is_log = coordinate == "ratings"
    positions = values.log10() if is_log else values
    low, high = float(positions.min()), float(positions.max())  # type: ignore[arg-type]
    padding = _PADDING * (high - low or 1.0)
    axis: dict[str, Any] = {"range": [low - padding, high + padding], "nticks": 8}
    if is_log:  # a tick at each power of ten, or, where they are few, also at 2 and 5 times them
        ticks = 1 if high - low > _DECADES else "D2"
        return axis | {"type": "log", "dtick": ticks, "tickformat": ",d"}
    return axis | ({"tickformat": "d"} if low > _YEARS[0] and high < _YEARS[1] else {})


def label_points(figure: go.Figure, x: pl.Series, y: pl.Series, titles: Sequence[str]) -> go.Figure:
    """Return the figure with labels for as many points as there is room for.

    Parameters
    ----------
    figure
        A figure with one pair of axes, whose ranges are set.
    x, y
        Coordinates of points, the most important ones first; shape (n,).
    titles
        The labels of the first points; at most n.
    """
    layout = figure.layout
    margin, n = layout.margin, len(titles)
    width = layout.width - margin.l - margin.r
    height = layout.height - margin.t - margin.b
    max_width = min(_MAX_LABEL_WIDTH, 0.5 * width)
    points = [
        Point(across, up, shorten(title, max_width, FONT_SIZE))
        for across, up, title in zip(
            _pixels(x.head(n), layout.xaxis, width),
            _pixels(y.head(n), layout.yaxis, height),
            titles,
            strict=True,
        )
    ]
    annotations = [
        {
            **{"x": points[label.point].x / width, "xref": "x domain", "xshift": label.dx},
            **{"y": points[label.point].y / height, "yref": "y domain", "yshift": label.dy},
            **{"text": escape(points[label.point].text), "font": {"size": FONT_SIZE}},
            **{"showarrow": False, "xanchor": "center", "yanchor": "middle"},
        }
        for label in place_labels(points, width, height)
    ]
    return figure.update_layout(annotations=annotations)


def _pixels(values: pl.Series, axis: Any, length: float) -> list[float]:
    """Return the distances of values from the start of an axis, in pixels."""
    positions = values.log10() if axis.type == "log" else values
    low, high = axis.range
    return [float((value - low) / (high - low) * length) for value in positions]
