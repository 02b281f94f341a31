"""Exemplars: the well-known items near the ends of the axes, each of one axis only."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._intervals import Z, bound_nearest_zero, ratings_of_well_known
from palate.learned._learned import Learned

Rows = NDArray[np.int64]


class Exemplars(NamedTuple):
    """The rows of the exemplars of an axis at either end, the best first."""

    low: Rows
    high: Rows


def exemplars(learned: Learned, n: int, first: int) -> list[Exemplars]:
    """Return up to `n` exemplars of each end of each axis.

    They are well known, since a reader should recognise them, and in the cautious order of their
    positions. No item, and no title, is an exemplar twice: the ends choose one after the other, one
    item each a round, the strongest axis first. The `first` axes have their `n` before the others
    begin; of these axes, fewer exemplars are the first of more.
    """
    canonical = learned.canonical_axes
    counts = learned.item_counts
    known = np.flatnonzero(counts >= ratings_of_well_known(counts))
    orders = []
    for axis in range(canonical.items.shape[1]):
        position = canonical.centred_items[known, axis]
        half = np.zeros(len(known)) if canonical.sd is None else Z * canonical.sd[known, axis]
        bound = bound_nearest_zero(position - half, position + half)
        orders += [_order(known, position * sign, bound * sign) for sign in (-1, 1)]
    taken: set[str] = set()
    chosen = _in_turn(orders[: 2 * first], n, learned.items["item"], taken)
    chosen += _in_turn(orders[2 * first :], n, learned.items["item"], taken)
    return [Exemplars(low, high) for low, high in zip(chosen[::2], chosen[1::2], strict=True)]


def _order(
    known: Rows, towards: NDArray[np.float64], bound: NDArray[np.floating[Any]]
) -> Iterator[int]:
    """Return the items on the side of an end in the cautious order."""
    order = np.lexsort((-towards, -bound))
    return map(int, known[order[towards[order] > 0]])


def _in_turn(orders: list[Iterator[int]], n: int, titles: pl.Series, taken: set[str]) -> list[Rows]:
    """Let each end choose the first of its order that is not taken, `n` times."""
    chosen: list[list[int]] = [[] for _ in orders]
    for _ in range(n):
        for rows, order in zip(chosen, orders, strict=True):
            row = next((row for row in order if titles[row] not in taken), None)
            if row is not None:
                taken.add(titles[row])
                rows.append(row)
    return [np.array(rows, dtype=np.int64) for rows in chosen]
