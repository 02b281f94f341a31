"""Intervals, orders that respect them, and how many ratings an item needs to be meaningful."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.errors import SettingError

Numbers = NDArray[np.floating[Any]]

# The probability that an interval contains the quantity it is about.
PROBABILITY = 0.9
# Half the width of such an interval, in standard deviations.
Z = NormalDist().inv_cdf(0.5 + PROBABILITY / 2)
# No item needs more ratings than this to be meaningful.
_MAX_MIN_RATINGS = 20


def bound_nearest_zero(lower: Numbers, upper: Numbers) -> Numbers:
    """Return the bound of each interval that is nearest to zero; 0 where zero lies inside."""
    bound: Numbers = np.where(lower > 0, lower, np.where(upper < 0, upper, 0))
    return bound


def null_column(n: int) -> pl.Series:
    """Return a column of `n` nulls, for numbers that a point estimate does not have."""
    return pl.Series([None] * n, dtype=pl.Float64)


def validate_order(order: str | None, orders: Sequence[str], *, has_intervals: bool) -> None:
    """Check that an order is one of `orders`, and that "cautious" has intervals to go by.

    Raises
    ------
    SettingError
        If it is not.
    """
    if order not in (None, *orders):
        raise SettingError(f"order is {order!r}; it must be one of {', '.join(orders)}")
    if order == "cautious" and not has_intervals:
        raise SettingError(
            "this model is a point estimate, which has no intervals for the cautious order; order "
            f"by {orders[0]}, or fit with Gibbs"
        )


def default_min_ratings(counts: NDArray[np.int64]) -> int:
    """Return how many ratings an item needs to be meaningful, as an exemplar for instance.

    That is 20, or fewer in a small table: at least half of all ratings are of items with enough.
    """
    descending = np.sort(counts)[::-1]
    half = int(np.searchsorted(np.cumsum(descending), descending.sum() / 2))
    return max(1, min(_MAX_MIN_RATINGS, int(descending[half]))) if len(descending) else 1
