"""Neighbours: the most similar items, with intervals."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

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
Rows = NDArray[np.integer[Any]]
# A function from n rows and standard normals, shape (draws, k), to draws from the posteriors of
# these rows, shape (n, draws, k).
Sampler = Callable[[Rows, Matrix], Matrix]
_ORDERS = ("similarity", "cautious")
# The number of draws that intervals are quantiles of.
_DRAWS = 400
# The number of rows that are drawn at a time.
_BLOCK = 1024


def similar_items(
    learned: Learned, item: Any, n: int, order: Order | None, min_ratings: int | None
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
    candidates = learned.item_counts >= _arguments.integer("min_ratings", min_ratings, 1)
    candidates[row] = False
    others = np.flatnonzero(candidates)
    factors = learned.item_factors.astype(np.float64)
    found = _Similarities(factors[row], factors[others])
    if posterior is not None:
        covariances = posterior.covariances

        def draw(rows: Rows, normals: Matrix) -> Matrix:
            return _draws(factors[rows], covariances.take(rows).matrices(), normals)

        found.add_intervals(draw, row, others)
    best = found.best(order, n)
    rows = others[best]
    spread = learned.parameters.user_prior.of_anyone
    return learned.item_frame(
        rows,
        **found.columns(best),
        correlation=_correlation(learned.item_table, spread, row, rows),
        ratings=learned.item_counts[rows],
    )


def _blocks(rows: Rows) -> Iterator[Rows]:
    """Yield rows in blocks whose draws fit into memory together."""
    return (rows[first : first + _BLOCK] for first in range(0, len(rows), _BLOCK))


def _draws(means: Matrix, covariances: Matrix, normals: Matrix) -> Matrix:
    """Return draws of each row from the same normals, shape (draws, k); shape (n, draws, k)."""
    draws: Matrix = means[:, None] + normals @ cholesky_roots(covariances).transpose(0, 2, 1)
    return draws


class _Similarities:
    """The cosines between one row and others, with intervals if their posteriors are known."""

    def __init__(self, one: Matrix, many: Matrix) -> None:
        self._factors = len(one)
        self.cosine = self.expected = _cosine(one, many)
        self.lower: Matrix | None = None
        self.upper: Matrix | None = None

    def add_intervals(self, draw: Sampler, row: int, others: Rows) -> None:
        """Compute means and quantiles of the cosines over draws from both posteriors."""
        normals = np.random.default_rng(0).standard_normal((2, _DRAWS, self._factors))
        one = draw(np.array([row]), normals[0])[0]
        one /= np.linalg.norm(one, axis=1)[:, None]
        tail = (1 - PROBABILITY) / 2
        statistics = [np.zeros((3, 0))]
        for block in _blocks(others):
            drawn = draw(block, normals[1])
            cosines = np.einsum("ndk,dk->nd", drawn, one) / np.linalg.norm(drawn, axis=2)
            bounds = np.quantile(cosines, [tail, 1 - tail], axis=1)
            statistics.append(np.vstack([cosines.mean(axis=1), bounds]))
        self.expected, self.lower, self.upper = np.concatenate(statistics, axis=1)

    def best(self, order: Order | None, n: int) -> NDArray[np.int64]:
        """Return the positions of the `n` most similar rows."""
        validate_order(order, _ORDERS, has_intervals=self.lower is not None)
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
    z = with_ones(table[:, :-1])
    one, many = z[row], z[rows]
    sizes = quadratic_forms(many, spread) * (one @ spread @ one)
    correlation: Matrix = many @ spread @ one / np.sqrt(np.where(sizes > 0, sizes, 1))
    return np.clip(correlation, -1, 1)
