"""Neighbours: the most similar items, with intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate._linear_algebra import cholesky_roots, quadratic_forms, with_ones
from palate.analysis._intervals import (
    PROBABILITY,
    default_min_ratings,
    null_column,
    validate_order,
)
from palate.errors import UnknownIdError
from palate.learned._learned import Learned

Order = Literal["similarity", "cautious"]
Matrix = NDArray[np.float64]
Rows = NDArray[np.int64]
# A function from n rows to the means of their posteriors, shape (n, k), and the covariances, shape
# (n, k, k).
Posterior = Callable[[Rows], tuple[Matrix, Matrix]]
_ORDERS = ("similarity", "cautious")
# The number of draws that intervals are quantiles of.
_DRAWS = 400
# The number of rows that are drawn at a time: their draws fit into the cache.
_BLOCK = 32
# So many more rows than are asked for are candidates, for which cosines are drawn.
_CANDIDATES = 400


@dataclass(frozen=True, eq=False)
class Directions:
    """The directions of the factors of items.

    Attributes
    ----------
    unit
        The factors divided by their length, or 0; shape (n, k).
    certainty
        The length of the factors relative to that of draws from their posterior, the root of their
        mean square; shape (n,). It is 1 in a point estimate.
    """

    unit: NDArray[np.float32]
    certainty: NDArray[np.float32]

    @classmethod
    def of(cls, factors: NDArray[np.floating[Any]], variance: Matrix | float = 0.0) -> Self:
        """Return the directions of factors; `variance` is the sum over those of each row."""
        length = np.linalg.norm(factors, axis=1)
        unit = factors / np.where(length > 0, length, 1)[:, None]
        drawn = np.sqrt(length.astype(np.float64) ** 2 + variance)
        certainty = length / np.where(drawn > 0, drawn, 1)
        return cls(unit.astype(np.float32), certainty.astype(np.float32))

    @classmethod
    def of_items(cls, learned: Learned) -> Self:
        """Return the directions of the items."""
        posterior = learned.parameters.item_posterior
        if posterior is None:
            return cls.of(learned.item_factors)
        variance = posterior.covariances.variances.sum(axis=1, dtype=np.float64)
        return cls.of(learned.item_factors, variance)

    def candidates(
        self, row: int, eligible: NDArray[np.bool_], n: int, order: Order | None
    ) -> Rows:
        """Return the rows that can be among the `n` most similar to a row, in ascending order.

        They have the highest cosines, in the order by similarity, or else the highest expected
        cosines, which are lower the less certain a direction is.
        """
        rows = np.flatnonzero(eligible)
        count = n + _CANDIDATES
        if len(rows) <= count:
            return rows
        cosine = self.unit @ self.unit[row]
        if order != "similarity":
            cosine *= self.certainty
        return np.sort(rows[np.argpartition(-cosine[rows], count)[:count]])


def similar_items(
    learned: Learned,
    directions: Directions,
    item: Any,
    n: int,
    *,
    order: Order | None,
    min_ratings: int | None,
) -> pl.DataFrame:
    """Return the items most similar to one; see `Model.similar`."""
    _arguments.integer("n", n, 1)
    row, posterior = learned.item_index.row(item), learned.parameters.item_posterior
    if learned.item_counts[row] == 0:
        raise UnknownIdError(
            f"nobody has rated {learned.items['item'][row]!r}, so that its neighbours are unknown"
        )
    if min_ratings is None:
        point_estimate = order is None and posterior is None
        min_ratings = default_min_ratings(learned.item_counts) if point_estimate else 1
    eligible = learned.item_counts >= _arguments.integer("min_ratings", min_ratings, 1)
    eligible[row] = False
    found = _Similarities(learned.item_factors, row, directions.candidates(row, eligible, n, order))
    validate_order(order, _ORDERS, has_intervals=posterior is not None)
    if posterior is not None:
        covariances = posterior.covariances

        def of_rows(rows: Rows) -> tuple[Matrix, Matrix]:
            means = learned.item_factors[rows].astype(np.float64)
            return means, covariances.take(rows).matrices()

        found.add_intervals(of_rows)
    best = found.best(order, n)
    rows = found.others[best]
    spread = learned.parameters.user_prior.of_anyone
    return learned.item_frame(
        rows,
        **found.columns(best),
        correlation=_correlation(learned.item_table, spread, row, rows),
        ratings=learned.item_counts[rows],
    )


class _Similarities:
    """The cosines between one row and others, with intervals if their posteriors are known."""

    def __init__(self, factors: NDArray[np.floating[Any]], row: int, others: Rows) -> None:
        self.others, self._row = others, row
        one, many = factors[row].astype(np.float64), factors[others].astype(np.float64)
        self.cosine = self.expected = _cosine(one, many)
        self.lower: Matrix | None = None
        self.upper: Matrix | None = None

    def add_intervals(self, posterior: Posterior) -> None:
        """Compute means and quantiles of the cosines over draws from both posteriors."""
        mean, covariance = posterior(np.array([self._row]))
        normals = np.random.default_rng(0).standard_normal((2, _DRAWS, mean.shape[1]))
        one = _draws(mean, covariance, normals[0])[0]
        one /= np.linalg.norm(one, axis=1)[:, None]
        tail = (1 - PROBABILITY) / 2
        cosines = [np.zeros((0, _DRAWS))]
        means, covariances = posterior(self.others)
        for first in range(0, len(self.others), _BLOCK):
            block = slice(first, first + _BLOCK)
            drawn = _draws(means[block], covariances[block], normals[1])
            lengths = np.sqrt(np.einsum("ndk,ndk->nd", drawn, drawn))
            cosines.append(np.einsum("ndk,dk->nd", drawn, one) / lengths)
        every = np.concatenate(cosines)
        self.expected = every.mean(axis=1)
        self.lower, self.upper = np.quantile(every, [tail, 1 - tail], axis=1)

    def best(self, order: Order | None, n: int) -> NDArray[np.int64]:
        """Return the positions of the `n` most similar rows."""
        key = self.cosine if self.lower is None or order == "similarity" else self.lower
        return np.argsort(-key, kind="stable")[:n]

    def columns(self, positions: NDArray[np.int64]) -> dict[str, Any]:
        """Return the columns similarity, lower, upper, sure and cosine at some positions."""
        n = len(positions)
        lower: Any = null_column(n) if self.lower is None else self.lower[positions]
        return {
            "similarity": self.expected[positions],
            "lower": lower,
            "upper": null_column(n) if self.upper is None else self.upper[positions],
            "sure": lower > 0,
            "cosine": self.cosine[positions],
        }


def _draws(means: Matrix, covariances: Matrix, normals: Matrix) -> Matrix:
    """Return draws of each row from the same normals, shape (draws, k); shape (n, draws, k)."""
    draws: Matrix = means[:, None] + normals @ cholesky_roots(covariances).transpose(0, 2, 1)
    return draws


def _cosine(one: Matrix, many: Matrix) -> Matrix:
    lengths = np.linalg.norm(many, axis=1) * np.linalg.norm(one)
    cosine: Matrix = many @ one / np.where(lengths > 0, lengths, 1)
    return np.clip(cosine, -1, 1)


def _correlation(
    table: NDArray[np.float32], spread: Matrix, row: int, rows: NDArray[np.int64]
) -> Matrix:
    """Return the correlation of the scores of `rows` with those of `row` over the users.

    For two items z = [factors, 1] and w, and the covariance S of the users' factors and bias, the
    correlation is z' S w / sqrt(z' S z  w' S w).
    """
    one, many = with_ones(table[[row], :-1])[0], with_ones(table[rows, :-1])
    sizes = quadratic_forms(many, spread) * (one @ spread @ one)
    correlation: Matrix = many @ spread @ one / np.sqrt(np.where(sizes > 0, sizes, 1))
    return np.clip(correlation, -1, 1)
