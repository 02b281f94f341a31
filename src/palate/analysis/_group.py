"""What the items of a group have in common, in comparison with all items."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.learned._learned import Learned

# A difference is reported if chance alone makes one as large in about one of 400 random groups.
_MIN_Z = 3.0
# A category is reported if its share in the group is at least this multiple of that in all items.
_MIN_RATIO = 1.2
# A mean position is reported if it is at least this many standard deviations off.
_MIN_SHIFT = 0.25
_MAX_CATEGORIES, _MAX_NUMBERS, _MAX_AXES = 5, 3, 3


class Category(NamedTuple):
    """A category that is more frequent in a group: its share there, and of all items."""

    column: str
    value: str
    share: float
    share_of_all: float


class Range(NamedTuple):
    """A number that is smaller or larger in a group: its quartiles there, and in all items."""

    column: str
    lower: float
    upper: float
    lower_of_all: float
    upper_of_all: float


class Shift(NamedTuple):
    """The mean position of a group on an axis, in standard deviations of all items."""

    axis: int
    position: float


@dataclass(frozen=True)
class Group:
    """What sets a group of items apart, the clearest difference first."""

    categories: list[Category]
    ranges: list[Range]
    shifts: list[Shift]


def describe_group(learned: Learned, rows: NDArray[np.integer[Any]]) -> Group:
    """Return how the items at `rows` differ from all items that have training ratings.

    Only what random groups of the same size would rarely show is reported: the share of a
    category, the mean rank of a number or the mean position on an axis is at least three standard
    errors away.

    Parameters
    ----------
    learned
        The data behind the model.
    rows
        The rows of the items of the group, each once.
    """
    inside = np.zeros(learned.items.height, dtype=np.bool_)
    inside[rows] = True
    inside = inside[learned.rated]
    categories: list[tuple[float, Category]] = []
    ranges: list[tuple[float, Range]] = []
    for feature in learned.item_features:
        values = feature.values[learned.rated]
        known = np.isfinite(values)
        every, own = values[known], values[known & inside]
        if feature.value is None:
            # Ranks, because numbers such as years and budgets can be very skewed.
            ranks = pl.Series(every).rank().to_numpy()
            z = _z(ranks[inside[known]], ranks)
            if abs(z) >= _MIN_Z:
                bounds = np.quantile(own, (0.25, 0.75)), np.quantile(every, (0.25, 0.75))
                range_ = Range(feature.column, *np.concatenate(bounds).tolist())
                ranges.append((abs(z), range_))
        else:
            z = _z(own, every)
            if z >= _MIN_Z and own.mean() >= _MIN_RATIO * every.mean():
                shares = float(own.mean()), float(every.mean())
                categories.append((z, Category(feature.column, feature.value, *shares)))
    return Group(
        categories=_clearest(categories, _MAX_CATEGORIES),
        ranges=_clearest(ranges, _MAX_NUMBERS),
        shifts=_shifts(learned, inside),
    )


def _shifts(learned: Learned, inside: NDArray[np.bool_]) -> list[Shift]:
    positions = learned.canonical_axes.centred_items[learned.rated]
    sd = np.sqrt(np.mean(positions**2, axis=0))
    shifts = []
    for axis in np.flatnonzero(sd > 0):
        z = _z(positions[inside, axis], positions[:, axis])
        if abs(z) < _MIN_Z:
            continue
        mean = float(positions[inside, axis].mean() / sd[axis])
        if abs(mean) >= _MIN_SHIFT:
            shifts.append((abs(mean), Shift(int(axis) + 1, mean)))
    return _clearest(shifts, _MAX_AXES)


def _z(own: NDArray[np.float64], every: NDArray[np.float64]) -> float:
    """Return by how many standard errors the mean of a random subset of a table is off."""
    n, size = len(own), len(every)
    if n in (0, size):
        return 0.0
    error = np.sqrt(every.var() / n * (size - n) / (size - 1))
    return float((own.mean() - every.mean()) / error) if error > 0 else 0.0


def _clearest(found: list[tuple[float, Any]], n: int) -> list[Any]:
    return [what for _, what in sorted(found, key=lambda pair: -pair[0])[:n]]
