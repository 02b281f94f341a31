"""Colours of the points of the map: by categories, or on a scale."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._theme import DIVERGING, SEQUENTIAL
from palate.analysis._map import coordinate
from palate.data._features import category_lists
from palate.errors import SettingError
from palate.model._model import Model
from palate.plots._plane import RATINGS
from palate.plots._units import POINTS


@dataclass(frozen=True)
class Categories:
    """A category for each item of the model.

    Attributes
    ----------
    name
        What the categories are.
    values
        The category of each item, null if unknown; shape (items,).
    """

    name: str
    values: pl.Series


@dataclass(frozen=True)
class ColourScale:
    """A number for each item of the model, shown on a scale of colours.

    Attributes
    ----------
    name
        What the numbers are, with their unit.
    values
        The number of each item; shape (items,).
    marker
        Settings of plotly for the markers.
    colour_bar
        Settings of plotly for the legend.
    """

    name: str
    values: NDArray[np.floating[Any]]
    marker: dict[str, Any]
    colour_bar: dict[str, Any] = field(default_factory=dict)


def colouring(model: Model, colour: str | None) -> Categories | ColourScale:
    """Return the colours of all items; see `item_map`.

    Raises
    ------
    SettingError
        If there is no such colour, or the column does not distinguish items.
    """
    if colour is None:
        colour = next(
            (f.column for f in model.learned.item_features if f.value is not None), "bias"
        )
    columns = model.items.columns[2:]
    if colour == "bias":
        return _by_bias(model)
    if colour == "ratings":
        return _by_ratings(model)
    if not isinstance(colour, str) or colour not in columns:
        choices = ", ".join(["bias", "ratings", *columns])
        raise SettingError(f"there is no colour {colour!r}; choose one of {choices}")
    return _by_column(model, colour)


def _by_bias(model: Model) -> ColourScale:
    values, _ = coordinate(model.learned, model.item_means, "bias")
    largest = float(np.nanmax(np.abs(values))) or 1.0
    marker = {"colorscale": _plotly_scale(DIVERGING), "cmin": -largest, "cmax": largest}
    return ColourScale(f"bias ({POINTS})", values, marker)


def _by_ratings(model: Model) -> ColourScale:
    values = np.log10(np.maximum(model.learned.item_counts, 1))
    ticks = np.arange(math.floor(values.max()) + 1)
    bar = {"tickvals": ticks, "ticktext": [f"{10**tick:,}" for tick in ticks.tolist()]}
    return ColourScale(RATINGS, values, {"colorscale": _plotly_scale(SEQUENTIAL)}, bar)


def _by_column(model: Model, column: str) -> Categories | ColourScale:
    """Return the colours by a column: numbers, flags, or the first entry of each item."""
    known = [feature for feature in model.learned.item_features if feature.column == column]
    if known and known[0].value is None:
        return ColourScale(column, known[0].values, {"colorscale": _plotly_scale(SEQUENTIAL)})
    lists = category_lists(model.items[column])
    if lists is not None:
        return Categories(column, lists.list.first())
    if known:
        flags = pl.Series(known[0].values).fill_nan(None).cast(pl.Int8).cast(pl.String)
        return Categories(column, flags.replace({"1": column, "0": f"not {column}"}))
    raise SettingError(
        f"the column {column!r} does not distinguish items; choose another column, or bias"
    )


def _plotly_scale(colours: tuple[str, ...]) -> list[list[Any]]:
    """Return colours at equal distances, as a colour scale of plotly."""
    return [[number / (len(colours) - 1), colour] for number, colour in enumerate(colours)]
