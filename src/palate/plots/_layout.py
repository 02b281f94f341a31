"""The layout that all figures share: template, width, title, and the titles of two axes."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from palate import _arguments
from palate._theme import FONT, GRID, INK, ZERO
from palate.plots._text import FONT_SIZE, join_lines, wrap

WIDTH = 920
# Below this width, labels stand above their rows, and heights are chosen for a phone.
NARROW = 480
_MIN_WIDTH, _MAX_WIDTH = 240, 4000
_TITLE_SIZE, _TITLE_LINE = 16, 21
# The width of bold text relative to regular text.
_BOLD = 1.15
_AXIS_LINE = 17

_AXIS = {
    "gridcolor": GRID,
    "zerolinecolor": ZERO,
    "zerolinewidth": 1,
    "ticks": "",
    "title": {"standoff": 8},
    "automargin": False,
}
_TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": FONT_SIZE, "color": INK},
        "title": {
            "font": {"size": _TITLE_SIZE, "weight": 600},
            **{"x": 0, "xref": "container", "xanchor": "left"},
            **{"y": 1, "yref": "container", "yanchor": "top"},
        },
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "font": {"family": FONT, "size": FONT_SIZE}},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "yanchor": "bottom"},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


def check_width(width: Any) -> int:
    """Return `width`, a number of pixels at which a figure is readable."""
    return _arguments.integer("width", width, _MIN_WIDTH, _MAX_WIDTH)


def new_figure(
    traces: Sequence[Any], title: str, width: int, height: float, **layout: Any
) -> go.Figure:
    """Return a figure of `width` by `height` pixels; the title is added to the height."""
    lines = wrap(title, width / _BOLD, _TITLE_SIZE)
    top = _TITLE_LINE * len(lines) + 14
    margin = {"l": 0, "r": 0, "b": 0} | layout.pop("margin", {}) | {"t": top}
    # Plotly puts the middle of a title of several lines where a single line would be.
    padding = 6 + _TITLE_LINE * (len(lines) - 1) / 2
    return go.Figure(
        list(traces),
        layout={
            "template": _TEMPLATE,
            "title": {"text": join_lines(lines), "pad": {"t": padding}},
            "width": width,
            "height": height + top,
            "margin": margin,
            **layout,
        },
    )


def new_xy_figure(
    traces: Sequence[Any],
    title: str,
    x_title: str,
    y_title: str,
    *,
    width: int,
    height: float,
    legend_height: float = 0,
    **layout: Any,
) -> go.Figure:
    """Return a figure with one pair of axes; their titles include units.

    `legend_height` is the space for a legend below the axes, in pixels.
    """
    x_lines = wrap(x_title, width - 80)
    bottom = 32 + _AXIS_LINE * len(x_lines) + legend_height
    y_lines = wrap(y_title, height - bottom)
    margin = {"l": 50 + 16 * len(y_lines), "r": 10, "b": bottom}
    layout["xaxis"] = layout.get("xaxis", {}) | {"title": {"text": join_lines(x_lines)}}
    layout["yaxis"] = layout.get("yaxis", {}) | {"title": {"text": join_lines(y_lines)}}
    return new_figure(traces, title, width, height, margin=margin, **layout)
