"""Figures whose marks stand in labelled rows, in one panel or two, at any width."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from palate.plots._layout import NARROW, new_figure
from palate.plots._text import escape, shorten, text_width

# The traces of a second panel belong to these axes.
SECOND = {"xaxis": "x2", "yaxis": "y2"}

# From this width on, two panels stand side by side; below it, one above the other.
_SIDE_BY_SIDE = 760
# Heights and distances in pixels.
_ROW, _ROW_WITH_LABEL_ABOVE = 23, 38
_HEADING, _AXIS = 26, 48
_COLUMN_GAP, _ROW_GAP = 28, 20
_RIGHT_PADDING = 14
# Maximum share of a panel's width for the labels beside its rows.
_MAX_LABEL_SHARE = 0.56


@dataclass(frozen=True)
class Panel:
    """Rows of marks, one below the other.

    Attributes
    ----------
    labels
        The labels of the rows, from the top.
    x_title
        The title of the horizontal axis, with its unit.
    heading
        The heading of the panel.
    x_axis
        More settings of the horizontal axis.
    """

    labels: Sequence[str]
    x_title: str
    heading: str = ""
    x_axis: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _PlacedPanel:
    """A panel and its place in the figure, in pixels from the left and from the top."""

    panel: Panel
    left: float
    top: float
    width: float
    labels_above: bool

    @property
    def label_width(self) -> float:
        """The width of the labels beside the rows."""
        if self.labels_above:
            return 0
        widest = max(map(text_width, self.panel.labels), default=0) + 12
        return min(widest, _MAX_LABEL_SHARE * self.width)

    @property
    def rows_height(self) -> float:
        """The height of all rows."""
        row = _ROW_WITH_LABEL_ABOVE if self.labels_above else _ROW
        return len(self.panel.labels) * row

    @property
    def heading_height(self) -> float:
        """The height of the heading."""
        return _HEADING if self.panel.heading else 0

    @property
    def bottom(self) -> float:
        """The lower end, axis included."""
        return self.top + self.heading_height + self.rows_height + _AXIS


def new_row_figure(
    traces: Sequence[Any],
    title: str,
    panels: Sequence[Panel],
    width: int,
    *,
    labels_above: bool = False,
) -> go.Figure:
    """Return a figure of rows; two panels stand side by side if there is room.

    Row i is at y = -i, and the traces of the second panel are on the axes x2 and y2 (`SECOND`), so
    that only the layout depends on the width.
    """
    placed = _place_panels(panels, width, labels_above)
    height = max(panel.bottom for panel in placed)
    layout: dict[str, Any] = {"annotations": [], "showlegend": False}
    for number, panel in enumerate(placed, start=1):
        suffix = "" if number == 1 else str(number)
        layout |= _axes(panel, suffix, width, height)
        layout["annotations"] += _annotations(panel, suffix, width, height)
    return new_figure(traces, title, width, height, **layout)


def _place_panels(panels: Sequence[Panel], width: int, labels_above: bool) -> list[_PlacedPanel]:
    side_by_side = width >= _SIDE_BY_SIDE
    gaps = _COLUMN_GAP * (len(panels) - 1)
    panel_width = (width - gaps) / len(panels) if side_by_side else width
    placed: list[_PlacedPanel] = []
    for number, panel in enumerate(panels):
        left = number * (panel_width + _COLUMN_GAP) if side_by_side else 0
        top = placed[-1].bottom + _ROW_GAP if placed and not side_by_side else 0
        above = labels_above or width < NARROW
        placed.append(_PlacedPanel(panel, left, top, panel_width, above))
    return placed


def _axes(placed: _PlacedPanel, suffix: str, width: int, height: float) -> dict[str, Any]:
    """Return the two axes of a panel; plotly wants their places as shares of the figure."""
    panel = placed.panel
    top = placed.top + placed.heading_height
    left = placed.left + placed.label_width
    right = placed.left + placed.width - _RIGHT_PADDING
    rows = len(panel.labels)
    return {
        f"xaxis{suffix}": {
            "domain": [left / width, right / width],
            "anchor": f"y{suffix}",
            "title": {"text": escape(shorten(panel.x_title, placed.width))},
            "nticks": max(3, int((right - left) // 44)),
            "tickangle": 0,
            **panel.x_axis,
        },
        f"yaxis{suffix}": {
            "domain": [1 - (top + placed.rows_height) / height, 1 - top / height],
            "anchor": f"x{suffix}",
            "range": [0.5 - rows - 0.1, 0.6],
            "tickvals": [-row for row in range(rows)],
            "ticktext": [escape(shorten(label, placed.label_width - 10)) for label in panel.labels],
            "showticklabels": not placed.labels_above,
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            # Invisible ticks keep a distance between labels and rows.
            **{"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"},
        },
    }


def _annotations(
    placed: _PlacedPanel, suffix: str, width: int, height: float
) -> list[dict[str, Any]]:
    """Return the heading of a panel, and its labels if they stand above the rows."""
    panel = placed.panel
    left = {"x": placed.left / width, "xref": "paper", "xanchor": "left", "showarrow": False}
    annotations = []
    if panel.heading:
        annotations.append(
            left
            | {"text": f"<b>{escape(panel.heading)}</b>", "yref": "paper", "yanchor": "top"}
            | {"y": 1 - placed.top / height}
        )
    for row, label in enumerate(panel.labels if placed.labels_above else ()):
        text = escape(shorten(label, placed.width - _RIGHT_PADDING))
        annotations.append(
            left | {"text": text, "y": -row, "yref": f"y{suffix}", "yanchor": "bottom", "yshift": 6}
        )
    return annotations


def interval_dots(
    table: pl.DataFrame, column: str, hover: Sequence[str], colour: str, **settings: Any
) -> go.Scatter:
    """Return a dot for each row of a table, with its interval from `lower` to `upper` if known."""
    values, lower, upper = table.select(
        pl.col(name).cast(pl.Float64) for name in (column, "lower", "upper")
    )
    bars = {
        **{"type": "data", "array": upper - values, "arrayminus": values - lower},
        **{"symmetric": False, "thickness": 2, "width": 0},
    }
    return go.Scatter(
        x=values,
        y=-np.arange(table.height),
        error_x=None if lower.null_count() == len(lower) else bars,
        mode="markers",
        marker={"size": 8, "color": colour},
        hovertext=list(hover),
        hoverinfo="text",
    ).update(settings)
