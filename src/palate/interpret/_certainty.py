"""How sure is sure enough: intervals, their cautious ends, and how many ratings will do."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.errors import SettingError

Numbers = NDArray[np.floating[Any]]

# Intervals hold what they are about with this probability.
PROBABILITY = 0.9
# Half the width of such an interval, in standard deviations.
Z = NormalDist().inv_cdf(0.5 + PROBABILITY / 2)
# Nobody needs more ratings than this to stand for something.
_MOST_ASKED = 20


def nearer_end(lower: Numbers, upper: Numbers) -> Numbers:
    """Return the end of each interval that is nearer to zero, and 0 where zero lies inside."""
    end: Numbers = np.where(lower > 0, lower, np.where(upper < 0, upper, 0))
    return end


def unknown(n: int) -> pl.Series:
    """Return a column of `n` numbers that a point estimate does not know."""
    return pl.Series([None] * n, dtype=pl.Float64)


def check_order(order: str | None, orders: Sequence[str], *, sure: bool) -> None:
    """Refuse an order that is none of `orders`, or to be cautious without being sure of anything.

    Raises
    ------
    SettingError
        If it is.
    """
    if order not in (None, *orders):
        raise SettingError(f"order is {order!r}; it must be one of {', '.join(orders)}")
    if order == "cautious" and not sure:
        raise SettingError(
            "this model is a point estimate, which has no intervals to be cautious about; order "
            f"by {orders[0]}, or fit with Gibbs"
        )


def enough(counts: NDArray[np.int64]) -> int:
    """Return how many ratings an item needs to stand for something, an axis for instance.

    That is 20, or fewer in a small table: at least half of all ratings are of items with enough.
    """
    most = np.sort(counts)[::-1]
    half = int(np.searchsorted(np.cumsum(most), most.sum() / 2))
    return max(1, min(_MOST_ASKED, int(most[half]))) if len(most) else 1
