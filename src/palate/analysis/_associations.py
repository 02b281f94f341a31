"""Associations of the positions of items on an axis with what is known of the items."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.analysis._intervals import (
    Z,
    bound_nearest_zero,
    correlation_interval,
    default_min_ratings,
)
from palate.data._features import Feature
from palate.learned._learned import Learned

Numbers = NDArray[np.float64]
Rows = NDArray[np.intp]
# The name of the feature that every model has.
RATINGS = "number of ratings"
# Minimum number of items with a category, and without it, for an association.
_MIN_ITEMS = 5


class Association(NamedTuple):
    """The association between the positions of items on an axis and a feature of the items.

    Attributes
    ----------
    column, value
        The column, and the category in it (None for a number).
    association
        The correlation; for a category, that of two groups of equal size with the same
        standardised difference.
    lower, upper
        The 90% interval of the association.
    items
        The number of items with the number, or with the category.
    """

    column: str
    value: str | None
    association: float
    lower: float
    upper: float
    items: int

    @property
    def bound(self) -> float:
        """The bound of the interval that is nearest to zero; 0 if it contains zero."""
        return float(bound_nearest_zero(np.array(self.lower), np.array(self.upper)))


class Associated(NamedTuple):
    """A feature, and its association with an axis."""

    feature: Feature
    found: Association


def associations(learned: Learned) -> list[list[Associated]]:
    """Return the associations of each axis in the cautious order."""
    eligible = learned.item_counts >= default_min_ratings(learned.item_counts)
    # The logarithm, since the number of ratings is very skewed.
    counts = Feature(RATINGS, None, np.log(np.maximum(learned.item_counts, 1)))
    positions = learned.canonical_axes.items
    along: list[list[Associated]] = [[] for _ in range(positions.shape[1])]
    for feature in [*learned.item_features, counts]:
        rows = np.flatnonzero(eligible & np.isfinite(feature.values))
        associated = _with_positions(feature, feature.values[rows], positions[rows].T.copy())
        for of_axis, found in zip(along, associated, strict=True):
            if found is not None:
                of_axis.append(Associated(feature, found))
    return [
        sorted(of_axis, key=lambda pair: (-abs(pair.found.bound), -abs(pair.found.association)))
        for of_axis in along
    ]


def _with_positions(
    feature: Feature, values: Numbers, positions: Numbers
) -> list[Association | None]:
    """Return the association with the positions on each axis, shape (axes, n); None if unclear."""
    n = len(values)
    if n <= 2 * _MIN_ITEMS or np.ptp(values) == 0:
        return [None] * len(positions)
    if feature.value is None:
        values = values / np.abs(values).max()
        return [_of_number(feature, position, values) for position in positions]
    ones = np.flatnonzero(values == 1)
    zeros = np.flatnonzero(values != 1)
    if min(len(ones), len(zeros)) < _MIN_ITEMS:
        return [None] * len(positions)
    return [_of_category(feature, position, ones, zeros) for position in positions]


def _of_number(feature: Feature, position: Numbers, values: Numbers) -> Association | None:
    if np.ptp(position) == 0:
        return None
    r = float(np.clip(np.corrcoef(position, values)[0, 1], -1 + 1e-9, 1 - 1e-9))
    return Association(feature.column, None, r, *correlation_interval(r, len(values)), len(values))


def _of_category(
    feature: Feature, position: Numbers, ones: Rows, zeros: Rows
) -> Association | None:
    if np.ptp(position) == 0:
        return None
    inside, outside = position[ones], position[zeros]
    n1, n0 = len(ones), len(zeros)
    within = (n1 * inside.var() + n0 * outside.var()) / (n1 + n0)
    d = (inside.mean() - outside.mean()) / np.sqrt(within or 1.0)
    half = Z * np.sqrt(1 / n1 + 1 / n0 + d**2 / (2 * (n1 + n0)))
    r, low, high = (float(x / np.hypot(x, 2)) for x in (d, d - half, d + half))
    return Association(feature.column, feature.value, r, low, high, n1)
