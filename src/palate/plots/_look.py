"""How figures look: colours, and layouts that put a label to every row at any width."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from palate.plots._text import plain, shorten, text_width, wrap

# All colours are of middling lightness: they stand out from white and from black. They are those
# of Okabe and Ito ("Color universal design", 2008), some a little darker, and two of our own.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#B98200", "#3F9BD0", "#8561C5", "#8C6D31")
GREY = "#8A9099"
# A second cue for those who can't tell the colours apart.
SYMBOLS = (
    *("circle", "square", "diamond", "triangle-up"),
    *("cross", "triangle-down", "star", "hexagon"),
)
_INK, _GRID, _LINE = "#737A87", "rgba(128,136,150,0.20)", "rgba(128,136,150,0.55)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# A second panel is drawn on axes of its own.
SECOND = {"xaxis": "x2", "yaxis": "y2"}

WIDTH = 920
# Narrower than this, labels stand above their rows, and heights are those for a phone.
NARROW = 480
# Narrower than this, panels are stacked.
_BESIDE = 760
_TITLE, _TITLE_LINE = 16, 21
# Titles are bold, and so much wider than other text.
_BOLD = 1.15
_ROW, _TALL_ROW = 23, 38
_HEADING, _FOOT, _BETWEEN = 26, 48, 20

_AXIS = {
    "gridcolor": _GRID,
    "zerolinecolor": _LINE,
    "zerolinewidth": 1,
    "ticks": "",
    "title": {"standoff": 8},
    "automargin": False,
}
_TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 12, "color": _INK},
        "title": {
            "font": {"size": _TITLE, "weight": 600},
            **{"x": 0, "xref": "container", "xanchor": "left"},
            **{"y": 1, "yref": "container", "yanchor": "top"},
        },
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "font": {"family": FONT, "size": 12}},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "yanchor": "bottom"},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


def figure(traces: Sequence[Any], title: str, width: int, height: float, **layout: Any) -> Any:
    """Return a figure of `width` by `height` pixels, its title not counted in the height."""
    lines = wrap(title, width / _BOLD, _TITLE)
    top = _TITLE_LINE * len(lines) + 14
    margin = {"l": 0, "r": 0, "b": 0} | layout.pop("margin", {}) | {"t": top}
    return go.Figure(
        list(traces),
        layout={
            "template": _TEMPLATE,
            # Plotly centres a title of several lines where one line would be.
            "title": {"text": joined(lines), "pad": {"t": 6 + _TITLE_LINE * (len(lines) - 1) / 2}},
            "width": width,
            "height": height + top,
            "margin": margin,
            **layout,
        },
    )


def joined(lines: Sequence[str]) -> str:
    """Return lines of text as plotly breaks them."""
    return "<br>".join(map(plain, lines))


def framed(
    traces: Sequence[Any],
    title: str,
    across: str,
    up: str,
    *,
    width: int,
    height: float,
    foot: float = 0,
    **layout: Any,
) -> Any:
    """Return a figure of two axes; `across` and `up` say what they are, units included.

    `foot` is the room that a legend takes below them.
    """
    lines = wrap(across, width - 80)
    below = 32 + 17 * len(lines) + foot
    upright = wrap(up, height - below)
    margin = {"l": 50 + 16 * len(upright), "r": 10, "b": below}
    layout["xaxis"] = layout.get("xaxis", {}) | {"title": {"text": joined(lines)}}
    layout["yaxis"] = layout.get("yaxis", {}) | {"title": {"text": joined(upright)}}
    return figure(traces, title, width, height, margin=margin, **layout)


@dataclass(frozen=True)
class Panel:
    """Rows of marks, one below the other.

    Attributes
    ----------
    labels
        What the rows are, from the top.
    across
        What is across, with its unit.
    heading
        What the panel is.
    scale
        Further settings of the axis across.
    """

    labels: Sequence[str]
    across: str
    heading: str = ""
    scale: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Place:
    """Where a panel is, in pixels from the left and from the top, and whether labels are above."""

    left: float
    top: float
    width: float
    above: bool
    panel: Panel

    @property
    def label_width(self) -> float:
        """How wide the labels beside the rows are."""
        if self.above:
            return 0
        widest = max(map(text_width, self.panel.labels), default=0) + 12
        return min(widest, 0.56 * self.width)

    @property
    def rows(self) -> float:
        """How high the rows are."""
        return len(self.panel.labels) * (_TALL_ROW if self.above else _ROW)

    @property
    def head(self) -> float:
        """How high the heading is."""
        return _HEADING if self.panel.heading else 0

    @property
    def bottom(self) -> float:
        """Where it ends, with its axis."""
        return self.top + self.head + self.rows + _FOOT


def in_rows(
    traces: Sequence[Any], title: str, panels: Sequence[Panel], width: int, *, above: bool = False
) -> Any:
    """Return a figure of rows: two panels side by side where there is room, else stacked.

    The traces of the second panel are on the axes x2 and y2; row i is at -i. Only the layout
    depends on the width.
    """
    places = _places(panels, width, above)
    height = max(place.bottom for place in places)
    layout: dict[str, Any] = {"annotations": [], "showlegend": False}
    for number, place in enumerate(places, start=1):
        layout |= _axes(place, "" if number == 1 else str(number), width, height)
        layout["annotations"] += _words(place, "" if number == 1 else str(number), width, height)
    return figure(traces, title, width, height, **layout)


def _places(panels: Sequence[Panel], width: int, above: bool) -> list[_Place]:
    beside = width >= _BESIDE
    each = (width - 28 * (len(panels) - 1)) / len(panels) if beside else width
    places: list[_Place] = []
    for number, panel in enumerate(panels):
        left = number * (each + 28) if beside else 0
        top = places[-1].bottom + _BETWEEN if places and not beside else 0
        places.append(_Place(left, top, each, above or width < NARROW, panel))
    return places


def _axes(place: _Place, number: str, width: int, height: float) -> dict[str, Any]:
    """Return the two axes of a panel, as shares of the figure."""
    top = place.top + place.head
    left = place.left + place.label_width
    right = place.left + place.width - 14
    rows = len(place.panel.labels)
    texts = [plain(shorten(label, place.label_width - 10)) for label in place.panel.labels]
    return {
        f"xaxis{number}": {
            "domain": [left / width, right / width],
            "anchor": f"y{number}",
            "title": {"text": plain(shorten(place.panel.across, place.width))},
            "nticks": max(3, int((right - left) // 44)),
            "tickangle": 0,
            **place.panel.scale,
        },
        f"yaxis{number}": {
            "domain": [1 - (top + place.rows) / height, 1 - top / height],
            "anchor": f"x{number}",
            "range": [0.5 - rows - 0.1, 0.6],
            "tickvals": [-row for row in range(rows)],
            "ticktext": texts,
            "showticklabels": not place.above,
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            # A gap between labels and rows.
            **{"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"},
        },
    }


def _words(place: _Place, number: str, width: int, height: float) -> list[dict[str, Any]]:
    """Return the heading of a panel, and its labels where they stand above the rows."""
    left = {"x": place.left / width, "xref": "paper", "xanchor": "left", "showarrow": False}
    words = []
    if place.panel.heading:
        words.append(
            left
            | {"text": f"<b>{plain(place.panel.heading)}</b>", "yref": "paper", "yanchor": "top"}
            | {"y": 1 - place.top / height}
        )
    for row, label in enumerate(place.panel.labels if place.above else ()):
        text = plain(shorten(label, place.width - 14))
        words.append(
            left | {"text": text, "y": -row, "yref": f"y{number}", "yanchor": "bottom", "yshift": 6}
        )
    return words


def dots(frame: pl.DataFrame, value: str, hover: Sequence[str], colour: str, **more: Any) -> Any:
    """Return a dot for each row of a table, with the interval from `lower` to `upper` if known."""
    middle, lower, upper = frame.select(
        pl.col(name).cast(pl.Float64) for name in (value, "lower", "upper")
    )
    error = {"type": "data", "array": upper - middle, "arrayminus": middle - lower}
    look = {"symmetric": False, "thickness": 2, "width": 0}
    return go.Scatter(
        x=middle,
        y=-np.arange(frame.height),
        error_x=None if lower.null_count() == len(lower) else error | look,
        mode="markers",
        marker={"size": 8, "color": colour},
        hovertext=list(hover),
        hoverinfo="text",
    ).update(more)
