"""Figures in rows and lines: what a model's tables say, with their intervals."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from palate import _arguments
from palate.errors import SettingError
from palate.inference._link import Linear
from palate.interpret._certainty import enough
from palate.interpret._portrait import Portrait
from palate.interpret._reasons import Explanation
from palate.model._model import Model
from palate.plots._look import (
    BLUE,
    COLOURS,
    GREEN,
    GREY,
    ORANGE,
    SECOND,
    WIDTH,
    Panel,
    dots,
    framed,
    in_rows,
)
from palate.plots._text import arrowed, between, plain, signed

POINTS = "rating points"
EXEMPLARS = 7
_MOST_LINKS = 10


def check_width(width: Any) -> int:
    """Return a width in pixels at which a figure can be read."""
    return _arguments.integer("width", width, 240, 4000)


def unit(model: Model) -> str:
    """Return the unit of scores, axes and components."""
    return POINTS if isinstance(model.link, Linear) else "score units"


def told(*lines: str) -> str:
    """Return what is said on hover; the parts are text, and empty ones are left out."""
    return "<br>".join(plain(line) for line in lines if line)


def value_told(what: str, row: dict[str, Any], name: str) -> str:
    """Return a value in words, with its interval if there is one."""
    ends = between(row["lower"], row["upper"])
    return f"{what} {signed(row[name])}{f' (90%: {ends})' if ends else ''}"


def biases(model: Model, n: int = 15, *, width: int = WIDTH) -> go.Figure:
    """Draw the items with the highest and the lowest biases, with 90% intervals.

    They are the first and the last of `Model.biases`: where intervals are known, those of which
    the model is surest.

    Parameters
    ----------
    model
        The model.
    n
        How many of each.
    width
        Of the figure, in pixels.

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
    'Liked more, and liked less, than their kind lets one expect'
    """
    _arguments.integer("n", n, 1)
    width, frame = check_width(width), model.biases()
    n = min(n, -(-frame.height // 2))
    highest, lowest = frame.head(n), frame.tail(min(n, frame.height - n)).reverse()
    traces, panels = [], []
    for part, heading, colour, more in (
        (highest, "The highest biases", BLUE, {}),
        (lowest, "The lowest biases", ORANGE, SECOND),
    ):
        hover = [
            told(row["item"], value_told("bias", row, "bias"), f"{row['ratings']:,} ratings")
            for row in part.iter_rows(named=True)
        ]
        traces.append(dots(part, "bias", hover, colour, **more))
        panels.append(Panel(part["item"].to_list(), f"bias ({POINTS})", heading))
    return in_rows(
        traces, "Liked more, and liked less, than their kind lets one expect", panels, width
    )


def axes(
    model: Model, axis: int = 1, *, exemplars: int = EXEMPLARS, width: int = WIDTH
) -> go.Figure:
    """Draw one axis of taste: what lies at its ends, and what it goes along with.

    Parameters
    ----------
    model
        The model.
    axis
        Which one; 1 is the strongest.
    exemplars
        How many items to show at each end.
    width
        Of the figure, in pixels.

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
    >>> palate.plots.axes(model, 2).layout.title.text
    'Axis 2: Romance, older ↔ Horror, newer'
    """
    _arguments.integer("axis", axis, 1)
    table = model.axes(exemplars)
    if axis > table.height:
        raise SettingError(f"there is no axis {axis}; this model has {table.height}")
    return axis_figure(model, table.row(axis - 1, named=True), check_width(width))


def axis_figure(model: Model, row: dict[str, Any], width: int) -> go.Figure:
    """Draw the axis of one row of `Model.axes`."""
    axis = row["axis"]
    ends = [pl.DataFrame(row["high"], schema_overrides=_FLOATS)] if row["high"] else []
    ends += [pl.DataFrame(row["low"], schema_overrides=_FLOATS).reverse()] if row["low"] else []
    if not ends:
        raise SettingError(f"no item lies at an end of axis {axis}; choose a stronger axis")
    items = pl.concat(ends)
    links = pl.DataFrame(row["along"][:_MOST_LINKS], schema=_LINK)
    panels = [Panel(items["item"].to_list(), f"position ({unit(model)})", "Items")]
    hover = [
        told(item["item"], value_told("position", item, "position"), f"{item['ratings']:,} ratings")
        for item in items.iter_rows(named=True)
    ]
    traces = [dots(items, "position", hover, BLUE)]
    if links.height:
        panels.append(_links_panel(links))
        traces.append(dots(links, "association", _links_hover(links), GREEN, **SECOND))
    return in_rows(traces, f"Axis {axis}: {axis_name(model, axis)}", panels, width)


_FLOATS = dict.fromkeys(("lower", "upper"), pl.Float64)
_LINK = {
    **{"column": pl.String, "value": pl.String, "association": pl.Float64},
    **{"lower": pl.Float64, "upper": pl.Float64, "items": pl.Int64},
}


def axis_name(model: Model, axis: int) -> str:
    """Return the name of an axis: its clearest associations, or an item at either end."""
    low, high = model.axis_ends[axis - 1]
    return arrowed(f"{low} <-> {high}")


def _link_name(row: dict[str, Any]) -> str:
    return str(row["column"]) if row["value"] is None else f"{row['column']}: {row['value']}"


def _links_panel(links: pl.DataFrame) -> Panel:
    names = [_link_name(row) for row in links.iter_rows(named=True)]
    return Panel(names, "association (\N{MINUS SIGN}1 to 1)", "What goes along with it")


def _links_hover(links: pl.DataFrame) -> list[str]:
    return [
        told(
            _link_name(row),
            value_told("association", row, "association"),
            f"{row['items']:,} items",
        )
        for row in links.iter_rows(named=True)
    ]


def history(model: Model, *, width: int = WIDTH) -> go.Figure:
    """Draw the course of the fit.

    Parameters
    ----------
    model
        The model.
    width
        Of the figure, in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        By the book's recipe the mean squared errors train_loss and valid_loss of each epoch; by
        Gibbs noise_sd and train_rmse of each sweep, in units of the ratings.

    Raises
    ------
    SettingError
        If the model kept no history, or `width` is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"), palate.OneCycle())
    >>> [line.name for line in palate.plots.history(model).data]
    ['train_loss']
    """
    width, frame = check_width(width), model.history
    if frame.is_empty():
        raise SettingError("this model kept no history of its fit, so there is nothing to draw")
    step = frame.columns[0]
    names = [
        name
        for name in frame.columns
        if name not in (step, "seconds") and frame[name].null_count() < frame.height
    ]
    squared = any(name.endswith("loss") for name in names)
    traces = [
        go.Scatter(
            x=frame[step],
            y=frame[name],
            name=name,
            mode="lines+markers" if frame.height < 30 else "lines",
            line={"color": colour, "width": 2},
            hovertemplate=f"{step} %{{x}}: %{{y:.4f}}",
        )
        for name, colour in zip(names, COLOURS, strict=False)
    ]
    drawn = framed(
        traces,
        f"The fit, {step} by {step}",
        step,
        f"mean squared error ({POINTS}²)" if squared else f"error ({POINTS})",
        width=width,
        height=300,
        legend={"x": 1, "xanchor": "right", "y": 1, "yanchor": "top"},
        showlegend=True,
        hovermode="x",
        xaxis={"nticks": 8, "tickformat": "d"},
    )
    if "burn_in" in model.fit.settings:
        text = "draws are kept from here on"
        drawn.add_vline(model.fit.settings["burn_in"], line={"color": GREY, "dash": "dot"})
        drawn.add_annotation(
            **{"x": model.fit.settings["burn_in"], "y": 0.86, "yref": "paper", "text": text},
            **{"showarrow": False, "xanchor": "left", "xshift": 5},
        )
    return drawn


def neighbours(model: Model, item: Any, n: int = 10, *, width: int = WIDTH) -> go.Figure:
    """Draw the items that are most like one, with 90% intervals.

    Items with too few ratings to stand for something are left out.

    Parameters
    ----------
    model
        The model.
    item
        An id or a title.
    n
        How many neighbours.
    width
        Of the figure, in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        The similarities are cosines, from -1 to 1. See `Model.similar`.

    Raises
    ------
    UnknownIdError
        If there is no such item.
    SettingError
        If `n` or `width` is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.neighbours(model, "Star Wars (1977)", 5).layout.title.text
    'Liked by those who like Star Wars (1977)'
    """
    frame = near(model, item, n)
    if frame.is_empty():
        raise SettingError(f"no other item is known well enough to be called like {item!r}")
    hover = [
        told(
            row["item"],
            value_told("similarity", row, "similarity"),
            f"correlation of their scores {signed(row['correlation'])}",
            f"{row['ratings']:,} ratings",
        )
        for row in frame.iter_rows(named=True)
    ]
    panel = Panel(frame["item"].to_list(), "similarity (cosine, at most 1)")
    title = f"Liked by those who like {model.items['item'][model.names.row(item)]}"
    traces = [dots(frame, "similarity", hover, BLUE)]
    return in_rows(traces, title, [panel], check_width(width))


def near(model: Model, item: Any, n: int) -> pl.DataFrame:
    """Return the neighbours of an item, for sure if that is known, among those rated enough."""
    frame = model.similar(item, n, min_ratings=enough(model.item_counts))
    return frame.filter((pl.col("similarity") > 0) & pl.col("sure").fill_null(True))


def explanation(explanation: Explanation, *, width: int = WIDTH) -> go.Figure:
    """Draw how the score of an item comes about, in two ways.

    Parameters
    ----------
    explanation
        What `Profile.explain` returns.
    width
        Of the figure, in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Two cascades, by parts and by the ratings that caused it; both end at the score, in its
        unit.

    Raises
    ------
    SettingError
        If this is no explanation, or `width` is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> why = model.user(196).explain("Heat (1995)")
    >>> palate.plots.explanation(why).layout.title.text
    'Why 3.4 is expected for Heat (1995)'
    """
    if not isinstance(explanation, Explanation):
        raise SettingError("give what Profile.explain returns, as in model.user(196).explain(50)")
    traces: list[Any] = []
    panels = []
    for table, heading, more in (
        (explanation.parts, "By its parts", {}),
        (explanation.ratings, "By the ratings behind it", SECOND),
    ):
        bars, panel = _cascade(table, explanation, heading)
        panels.append(panel)
        traces += [bar.update(more) for bar in bars]
    title = f"Why {explanation.prediction:.1f} is expected for {explanation.item}"
    return in_rows(traces, title, panels, check_width(width), above=True)


def _cascade(table: pl.DataFrame, told_of: Explanation, heading: str) -> tuple[list[Any], Panel]:
    """Return bars that each begin where the one before ends, and the score at the end."""
    steps = table["contribution"].to_numpy()
    after = np.cumsum(steps)
    before = after - steps
    averages = told_of.unit == "rating"
    colours = [BLUE if step > 0 else ORANGE for step in steps]
    # Next to the average, which is some three points, nothing else could be seen from zero on.
    shown = after if averages else np.append(after, 0.0)
    if averages:
        colours[0] = GREY
    ends = np.append(shown, told_of.score)
    room = 0.2 * (float(np.ptp(ends)) or 1.0)
    bars = go.Bar(
        x=steps,
        base=before,
        y=-np.arange(len(steps)),
        orientation="h",
        width=0.36,
        marker={"color": colours},
        text=[f"{steps[0]:.2f}" if averages and j == 0 else signed(s) for j, s in enumerate(steps)],
        textposition="outside",
        cliponaxis=False,
        hovertext=[told(name, signed(s)) for name, s in table.iter_rows()],
        hoverinfo="text",
    )
    total = go.Scatter(
        x=[told_of.score],
        y=[-len(steps)],
        mode="markers+text",
        marker={"size": 11, "symbol": "diamond", "color": GREEN},
        text=[f"{told_of.score:.2f}"],
        textposition="middle right",
        cliponaxis=False,
        hoverinfo="skip",
    )
    across = f"running total ({POINTS if averages else 'score units'})"
    scale = {"range": [float(ends.min()) - room, float(ends.max()) + room]}
    return [bars, total], Panel([*table["name"], "together"], across, heading, scale)


def portrait(portrait: Portrait, n: int = 8, *, width: int = WIDTH) -> go.Figure:
    """Draw where a person stands among all on each axis of taste, and in generosity.

    Parameters
    ----------
    portrait
        What `Profile.describe` returns.
    n
        How many axes; the strongest come first.
    width
        Of the figure, in pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Percentiles (how many people in a hundred are below), with 90% intervals.

    Raises
    ------
    SettingError
        If this is no portrait, or a number is out of range.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.portrait(model.user(196).describe()).layout.xaxis.range
    (0, 100)
    """
    if not isinstance(portrait, Portrait):
        raise SettingError("give what Profile.describe returns, as in model.user(196).describe()")
    _arguments.integer("n", n, 1)
    names = ("percentile", "percentile_lower", "percentile_upper")
    general = {name: portrait.generosity[name] for name in names}
    axes = portrait.axes.head(n)
    labels = [
        f"axis {row['axis']}: {arrowed(row['name'] or row['leans_to'])}"
        for row in axes.iter_rows(named=True)
    ]
    labels.append("generosity: how high they rate")
    frame = pl.concat([axes.select(names), pl.DataFrame(general)]).rename(
        {"percentile_lower": "lower", "percentile_upper": "upper"}
    )
    hover = [
        told(label, f"{row['percentile']:.0f} ({row['lower']:.0f} to {row['upper']:.0f})")
        for label, row in zip(labels, frame.iter_rows(named=True), strict=True)
    ]
    panel = Panel(
        labels, "percentile (% of people who are below)", scale={"range": [0, 100], "dtick": 25}
    )
    drawn = in_rows(
        [dots(frame, "percentile", hover, BLUE)],
        "Where this person stands among all",
        [panel],
        check_width(width),
    )
    return drawn.add_vline(50, line={"color": GREY, "width": 1, "dash": "dot"})
