"""Intervals, the orders of tables, and the default minimum number of ratings of an item."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.errors import SettingError

Numbers = NDArray[np.floating[Any]]

# The probability of all intervals.
PROBABILITY = 0.9
# Half the width of such an interval of a normal distribution, in standard deviations.
Z = NormalDist().inv_cdf(0.5 + PROBABILITY / 2)
# Maximum of the default minimum number of ratings.
_MAX_MIN_RATINGS = 20


def bound_nearest_zero(lower: Numbers, upper: Numbers) -> Numbers:
    """Return the bound of each interval that is nearest to zero; 0 if it contains zero."""
    bound: Numbers = np.where(lower > 0, lower, np.where(upper < 0, upper, 0))
    return bound


def spread_interval(spread: Numbers, freedom: Numbers) -> tuple[Numbers, Numbers]:
    """Return the 90% interval of standard deviations whose variances have the mean spread^2.

    The precision is gamma with `freedom` / 2 as its shape, as of a sum of squares that is
    chi-square with these degrees of freedom; the mean variance is the sum over freedom - 2.
    """
    total = spread**2 * (freedom - 2)
    lower: Numbers = np.sqrt(total / chi_square(freedom, Z))
    upper: Numbers = np.sqrt(total / chi_square(freedom, -Z))
    return lower, upper


def chi_square(freedom: Numbers, z: float) -> Numbers:
    """Return chi-square quantiles for a normal quantile z (Wilson and Hilferty, PNAS 1931)."""
    part = 2 / (9 * freedom)
    quantiles: Numbers = freedom * np.maximum(1 - part + z * np.sqrt(part), 1e-3) ** 3
    return quantiles


def correlation_interval(correlation: float, n: int) -> tuple[float, float]:
    """Return the 90% interval of a correlation of n > 3 pairs, tanh(artanh r +- z / sqrt(n - 3)).

    By Fisher's transformation (Fisher, "On the probable error of a coefficient of correlation
    deduced from a small sample", Metron 1921).
    """
    centre = math.atanh(min(max(correlation, -1 + 1e-9), 1 - 1e-9))
    half = Z / math.sqrt(n - 3)
    return math.tanh(centre - half), math.tanh(centre + half)


def null_column(n: int) -> pl.Series:
    """Return a column of `n` nulls, for numbers that the model does not have."""
    return pl.Series([None] * n, dtype=pl.Float64)


def validate_order(order: str | None, orders: Sequence[str], *, has_intervals: bool) -> None:
    """Check that `order` is one of `orders`, and that there are intervals for "cautious".

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
    """Return the default minimum number of ratings of an item, as in an association.

    It is 20, or fewer in a small data set, so that the items with as many ratings have at least
    half of all ratings.
    """
    return min(_MAX_MIN_RATINGS, ratings_of_well_known(counts))


def ratings_of_well_known(counts: NDArray[np.int64]) -> int:
    """Return the number of ratings that makes an item well known.

    Items with as many are the most rated ones, which together have at least half of all ratings.
    """
    descending = np.sort(counts)[::-1]
    half = int(np.searchsorted(np.cumsum(descending), descending.sum() / 2))
    return max(1, int(descending[half])) if len(descending) else 1
