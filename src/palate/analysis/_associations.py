"""Associations of the positions of items on an axis with what is known of the items."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.analysis._intervals import Z, bound_nearest_zero, default_min_ratings
from palate.data._features import Feature, features
from palate.learned._learned import Learned

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
    known = [*features(learned.items), counts]
    return [_of_axis(known, position, eligible) for position in learned.canonical_axes.items.T]


def _of_axis(
    known: list[Feature], position: NDArray[np.float64], eligible: NDArray[np.bool_]
) -> list[Associated]:
    found = []
    for feature in known:
        has_value = eligible & np.isfinite(feature.values)
        association = _association(feature, position[has_value], feature.values[has_value])
        if association is not None:
            found.append(Associated(feature, association))
    return sorted(found, key=lambda pair: (-abs(pair.found.bound), -abs(pair.found.association)))


def _association(feature: Feature, position: Any, values: Any) -> Association | None:
    n = len(values)
    if n <= 2 * _MIN_ITEMS or np.ptp(values) == 0 or np.ptp(position) == 0:
        return None
    if feature.value is None:
        values = values / np.abs(values).max()
        r = float(np.clip(np.corrcoef(position, values)[0, 1], -1 + 1e-9, 1 - 1e-9))
        half = Z / np.sqrt(n - 3)
        lower, upper = (float(np.tanh(np.arctanh(r) + sign * half)) for sign in (-1, 1))
        return Association(feature.column, None, r, lower, upper, n)
    ones = values == 1
    n1, n0 = int(ones.sum()), int((~ones).sum())
    if min(n1, n0) < _MIN_ITEMS:
        return None
    within = (n1 * position[ones].var() + n0 * position[~ones].var()) / n
    d = (position[ones].mean() - position[~ones].mean()) / np.sqrt(within or 1.0)
    half = Z * np.sqrt(1 / n1 + 1 / n0 + d**2 / (2 * n))
    r, low, high = (float(x / np.hypot(x, 2)) for x in (d, d - half, d + half))
    return Association(feature.column, feature.value, r, low, high, n1)
