"""Figures of points on a plane: the map of items, and where the mean misleads."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate.errors import SettingError
from palate.interpret._certainty import Numbers
from palate.interpret._map import coordinate
from palate.interpret._metadata import entries, features
from palate.model._model import Model
from palate.plots import _labels
from palate.plots._figures import POINTS, axis_name, check_width, told, unit, value_told
from palate.plots._look import BLUE, COLOURS, GREY, NARROW, ORANGE, SYMBOLS, WIDTH, framed
from palate.plots._text import between, plain, shorten, signed, text_width, wrap

_LABEL_WIDTH = 220
_OTHERS, _UNKNOWN = "other", "not known"
_DIVERGING = [[0, ORANGE], [0.5, GREY], [1, BLUE]]
_RISING = [[0, "#9AA3AF"], [0.5, BLUE], [1, "#8561C5"]]


@dataclass(frozen=True)
class _Colours:
    """How points are coloured: by kinds, or on a scale.

    Attributes
    ----------
    name
        By what.
    kinds
        The kind of each item of the model; or None.
    values
        A number for each item of the model; or None.
    scale
        What plotly is to do with the numbers.
    """

    name: str
    kinds: pl.Series | None = None
    values: Numbers | None = None
    scale: dict[str, Any] = field(default_factory=dict)


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
    """Draw the items on a plane; hover tells their titles, coordinates and 90% intervals.

    The most rated are labelled where there is room: labels never overlap at the figure's size, and
    those that find none are left out. The book's figure, the components of the 1,000 most rated
    films, is ``palate.plots.map(model, "component 1", "component 3")``.

    Parameters
    ----------
    model
        The model.
    x, y
        What is across and what is up; see `Model.map`.
    colour
        "bias", "ratings" (how many), or a column of the items: of a text column the first entry
        of each item, the eight most frequent by name. By default the first column of text, or
        bias where there is none.
    labels
        How many of the most rated to label, as far as there is room.
    most_rated
        How many of the most rated items to draw; None for all.
    width
        Of the figure, in pixels.

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
    width = check_width(width)
    frame = model.map(x, y)
    if most_rated is not None:
        frame = frame.head(_arguments.integer("most_rated", most_rated, 1))
    if frame.is_empty():
        raise SettingError(f"no item has both a {x} and a {y}; choose other coordinates")
    by = _colours(model, colour)
    rows = model.names.rows(frame["id"])
    hover = _hover(frame, x, y, by, rows)
    traces, layout = _points(frame, rows, by, hover, width=width, labels=labels)
    drawn = framed(
        traces,
        f"{_how_many(frame, model)} by {x} and {y}",
        _named(model, x),
        _named(model, y),
        width=width,
        height=640 if width >= NARROW else 580,
        xaxis=_scale(frame["x"], x),
        yaxis=_scale(frame["y"], y),
        **layout,
    )
    return _labelled(drawn, frame["x"], frame["y"], frame["item"].head(labels))


def _how_many(frame: pl.DataFrame, model: Model) -> str:
    rated = int((model.item_counts > 0).sum())
    return "All items" if frame.height == rated else f"The {frame.height:,} most rated items"


def _named(model: Model, name: str) -> str:
    """Return what a coordinate is, with its unit."""
    kind, _, number = name.partition(" ")
    if kind == "axis":
        return f"{name}: {axis_name(model, int(number))} ({unit(model)})"
    if kind == "component":
        return f"{name} ({unit(model)})"
    ours = {"bias": f"bias ({POINTS})", "mean": f"mean rating ({POINTS})", "ratings": _RATINGS}
    return ours.get(name, name)


_RATINGS = "number of ratings (on a log scale)"


def _scale(values: pl.Series, name: str) -> dict[str, Any]:
    """Return an axis with some room around all points."""
    logged = values.log10() if name == "ratings" else values
    low, high = float(logged.min()), float(logged.max())  # type: ignore[arg-type]
    room = 0.05 * (high - low or 1.0)
    scale: dict[str, Any] = {"range": [low - room, high + room], "nticks": 8}
    if name == "ratings":
        return scale | {"type": "log", "dtick": 1}
    # A year of "2,000" is no year.
    return scale | ({"tickformat": "d"} if low > 1000 and high < 3000 else {})


def _colours(model: Model, colour: str | None) -> _Colours:
    known = features(model.items)
    if colour is None:
        colour = next((f.column for f in known if f.value is not None), "bias")
    if colour == "bias":
        values = coordinate(model, "bias")[0]
        most = float(np.nanmax(np.abs(values))) or 1.0
        scale = {"colorscale": _DIVERGING, "cmin": -most, "cmax": most}
        return _Colours(f"bias ({POINTS})", values=values, scale=scale)
    if colour == "ratings":
        values = np.log10(np.maximum(model.item_counts, 1))
        ticks = np.arange(math.floor(values.max()) + 1)
        bar = {"tickvals": ticks, "ticktext": [f"{10**t:,}" for t in ticks.tolist()]}
        scale = {"colorscale": _RISING, "colorbar": bar}
        return _Colours(_RATINGS, values=values, scale=scale)
    if not isinstance(colour, str) or colour not in model.items.columns[2:]:
        raise SettingError(
            f"there is no colour {colour!r}; there are "
            f"{', '.join(['bias', 'ratings', *model.items.columns[2:]])}"
        )
    return _of_column(model, colour, [f for f in known if f.column == colour])


def _of_column(model: Model, colour: str, known: Sequence[Any]) -> _Colours:
    """Return the colours by a column of the items: numbers, flags, or the first entry of each."""
    lists = entries(model.items[colour])
    if known and known[0].value is None:
        return _Colours(colour, values=known[0].values, scale={"colorscale": _RISING})
    if lists is not None:
        return _Colours(colour, kinds=lists.list.first())
    if known:
        flags = pl.Series(known[0].values).fill_nan(None)
        kinds = flags.cast(pl.Int8).cast(pl.String).replace({"1": colour, "0": f"not {colour}"})
        return _Colours(colour, kinds=kinds)
    raise SettingError(f"the column {colour!r} tells no items apart; colour by another, or by bias")


def _hover(frame: pl.DataFrame, x: str, y: str, by: _Colours, rows: NDArray[np.int64]) -> list[str]:
    kinds = [None] * frame.height if by.kinds is None else by.kinds.gather(rows).to_list()
    lines = []
    for row, kind in zip(frame.iter_rows(named=True), kinds, strict=True):
        places = [_coordinate(row, "x", x), _coordinate(row, "y", y)]
        many = "" if "ratings" in (x, y) else f"{row['ratings']:,} ratings"
        lines.append(told(row["item"], *places, many, f"{by.name}: {kind}" if kind else ""))
    return lines


def _coordinate(row: dict[str, Any], letter: str, name: str) -> str:
    ends = between(row[f"{letter}_lower"], row[f"{letter}_upper"])
    if ends:
        return f"{name}: {signed(row[letter])} (90%: {ends})"
    own = name.startswith(("axis", "component", "bias"))
    return f"{name}: {signed(row[letter]) if own else format(row[letter], '.6g')}"


def _points(
    frame: pl.DataFrame,
    rows: NDArray[np.int64],
    by: _Colours,
    hover: list[str],
    *,
    width: int,
    labels: int,
) -> tuple[list[Any], dict[str, Any]]:
    """Return the points, the first ones bold, and the layout of what their colours mean."""
    x, y = frame["x"].to_numpy(), frame["y"].to_numpy()
    bold = np.arange(frame.height) < labels
    sizes, opacity = np.where(bold, 9.0, 5.5), np.where(bold, 1.0, 0.4)

    def points(chosen: NDArray[np.intp], marker: dict[str, Any], **more: Any) -> Any:
        return go.Scatter(
            x=x[chosen],
            y=y[chosen],
            mode="markers",
            marker={
                "size": sizes[chosen],
                "opacity": opacity[chosen],
                "line": {"width": 0},
                **marker,
            },
            hovertext=[hover[j] for j in chosen],
            hoverinfo="text",
            **more,
        )

    if by.kinds is None:
        assert by.values is not None
        bar = {"orientation": "h", "thickness": 10, "len": 0.7, "x": 0, "xanchor": "left"}
        bar |= {"y": 0, "yref": "container", "yanchor": "bottom", "outlinewidth": 0, "xpad": 4}
        bar |= {"title": {"text": plain(by.name), "side": "top"}} | by.scale.get("colorbar", {})
        marker = by.scale | {"color": by.values[rows], "colorbar": bar}
        return [points(np.arange(frame.height), marker)], {"showlegend": False, "foot": 62}
    kinds = by.kinds.gather(rows).fill_null(_UNKNOWN)
    named = kinds.value_counts(sort=True, name="n").sort("n", kinds.name, descending=[True, False])
    top = [kind for kind in named[kinds.name] if kind != _UNKNOWN][: len(COLOURS)]
    shown = [shorten(kind, 150) for kind in top] + [_OTHERS]
    others = np.flatnonzero(~kinds.is_in(top).to_numpy())
    traces = []
    if len(others):
        marker = {"color": GREY}
        traces.append(points(others, marker, name=_OTHERS, legendrank=2000))
    for kind, name, colour, symbol in zip(top, shown, COLOURS, SYMBOLS, strict=False):
        chosen = np.flatnonzero((kinds == kind).to_numpy())
        marker = {"color": colour, "symbol": symbol}
        traces.append(points(chosen, marker, name=plain(name)))
    entry = max(map(text_width, shown)) + 6
    lines = math.ceil(len(shown) / max(1, int((width - 20) // (entry + 40))))
    legend = {"yref": "container", "y": 0, "entrywidth": entry, "itemsizing": "constant"}
    return traces, {"legend": legend, "showlegend": True, "foot": 20 * lines + 14}


def _labelled(drawn: Any, x: pl.Series, y: pl.Series, titles: pl.Series) -> Any:
    """Return a figure with as many of the first points labelled as there is room for."""
    layout = drawn.layout
    margin, n = layout.margin, len(titles)
    width = layout.width - margin.l - margin.r
    height = layout.height - margin.t - margin.b
    pixels = (_pixels(x.head(n), layout.xaxis, width), _pixels(y.head(n), layout.yaxis, height))
    texts = [shorten(title, min(_LABEL_WIDTH, 0.5 * width), _labels.SIZE) for title in titles]
    spots = [_labels.Spot(*spot) for spot in zip(*pixels, texts, strict=True)]
    annotations = [
        {
            **{"x": spots[label.spot].x / width, "xref": "x domain", "xshift": label.across},
            **{"y": spots[label.spot].y / height, "yref": "y domain", "yshift": label.up},
            **{"text": plain(spots[label.spot].text), "font": {"size": _labels.SIZE}},
            **{"showarrow": False, "xanchor": "center", "yanchor": "middle"},
        }
        for label in _labels.place(spots, width, height)
    ]
    return drawn.update_layout(annotations=annotations)


def _pixels(values: pl.Series, axis: Any, length: float) -> list[float]:
    """Return how many pixels from the start of an axis values are."""
    placed = values.log10() if axis.type == "log" else values
    low, high = axis.range
    return [float((value - low) / (high - low) * length) for value in placed]


def gap(
    model: Model,
    *,
    labels: int = 16,
    min_ratings: int | None = None,
    most_rated: int | None = 1000,
    width: int = WIDTH,
) -> go.Figure:
    """Draw where the mean rating misleads: mean against bias, with the reason on hover.

    Parameters
    ----------
    model
        The model.
    labels
        How many items with the largest differences of ranks to label, as far as there is room.
    min_ratings
        Leave out items with fewer ratings; by default 20, or fewer in a small table.
    most_rated
        How many of the others to draw, those with most ratings; None for all.
    width
        Of the figure, in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Means and biases are in units of the ratings. See `Model.biases`.

    Raises
    ------
    SettingError
        If a number is out of range, or no item has so many ratings.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.gap(model).layout.yaxis.title.text
    'bias (rating points)'
    """
    _arguments.integer("labels", labels, 0)
    width = check_width(width)
    frame = model.biases("gap", min_ratings=min_ratings)
    if frame.is_empty():
        raise SettingError("no item has so many ratings; lower min_ratings")
    others = frame[labels:].sort("ratings", descending=True, maintain_order=True)
    if most_rated is not None:
        others = others.head(_arguments.integer("most_rated", most_rated, 1))
    frame = pl.concat([frame.head(labels), others])
    named = np.arange(frame.height) < labels
    better = (frame["gap"] > 0).to_numpy()
    traces = []
    for chosen, name, look in (
        (~named, "all others", {"color": GREY, "size": 5, "opacity": 0.45}),
        (named & better, "better than the mean says", {"color": BLUE, "size": 8}),
        (named & ~better, "worse than the mean says", {"color": ORANGE, "size": 8}),
    ):
        part = frame.filter(chosen)
        traces.append(
            go.Scatter(
                x=part["mean"],
                y=part["bias"],
                name=name,
                mode="markers",
                marker=look,
                hovertext=[_gap_told(row) for row in part.iter_rows(named=True)],
                hoverinfo="text",
            )
        )
    drawn = framed(
        traces,
        "Mean ratings and biases",
        f"mean rating ({POINTS})",
        f"bias ({POINTS})",
        width=width,
        height=520 if width >= NARROW else 460,
        xaxis=_scale(frame["mean"], "mean"),
        yaxis=_scale(frame["bias"], "bias"),
        legend={"yref": "container", "y": 0},
        showlegend=True,
        foot=34 if width >= NARROW else 74,
    )
    return _labelled(drawn, frame["mean"], frame["bias"], frame["item"].head(labels))


def _gap_told(row: dict[str, Any]) -> str:
    ranks = f"rank {row['rank_by_mean']:,} by its mean, {row['rank_by_bias']:,} by its bias"
    mean = f"mean {row['mean']:.2f} of {row['ratings']:,} ratings"
    why = wrap(row["reason"] or "", 340)
    return told(row["item"], mean, value_told("bias", row, "bias"), ranks, *why)
