"""Whose factors point the same way, among items and among users, and how surely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate.errors import UnknownIdError
from palate.interpret._certainty import PROBABILITY, check_order, enough, unknown

if TYPE_CHECKING:
    from palate.model._model import Model

Order = Literal["similarity", "cautious"]
Matrix = NDArray[np.float64]
_ORDERS = ("similarity", "cautious")
# Intervals are quantiles of so many draws.
_DRAWS = 200
# So many items are drawn at a time.
_ROWS = 1024


def similar_items(
    model: Model, item: Any, n: int, order: Order | None, min_ratings: int | None
) -> pl.DataFrame:
    """Return the items most like one; see `Model.similar`."""
    _arguments.integer("n", n, 1)
    row, covariance = model.names.row(item), model.parameters.item_covariance
    if model.item_counts[row] == 0:
        raise UnknownIdError(
            f"nobody has rated {model.items['item'][row]!r}; what it is like can't be told"
        )
    if min_ratings is None:
        min_ratings = enough(model.item_counts) if order is None and covariance is None else 1
    rated = model.item_counts >= _arguments.integer("min_ratings", min_ratings, 1)
    rated[row] = False
    others = np.flatnonzero(rated)
    factors = model.item_factors.astype(np.float64)
    found = _Found(_cosine(factors[row], factors[others]))
    if covariance is not None:
        one = _Normals(factors[[row]], covariance[[row]])
        drawn = (_Normals(factors[rows], covariance[rows]) for rows in _blocks(others))
        found.add_ends(one, drawn)
    best = found.best(order, n)
    rows = others[best]
    return model.item_frame(
        rows,
        **found.told(best),
        correlation=_correlation(model.item_table, model.parameters.prior.covariance, row, rows),
        ratings=model.item_counts[rows],
    )


def similar_users(model: Model, user: Any, n: int, order: Order | None) -> pl.DataFrame:
    """Return the users most like one; see `Model.similar_users`."""
    _arguments.integer("n", n, 1)
    profiles, row = model.profiles(), model.user_row(user)
    others = np.delete(np.arange(len(profiles)), row)
    positions = model.canonical.positions(profiles.table)
    found = _Found(_cosine(positions[row], positions[others]))

    def normals(rows: NDArray[np.integer[Any]]) -> _Normals:
        tastes = profiles.covariances(rows)[:, :-1, :-1].astype(np.float64)
        turn = model.canonical.turn
        return _Normals(positions[rows], (turn.T @ tastes @ turn).reshape(len(rows), -1))

    found.add_ends(normals(np.array([row])), map(normals, _blocks(others)))
    best = found.best(order, n)
    rows, ratings = others[best], profiles.ratings
    seen = ratings.take(np.array([row])).partner
    common = [int(np.isin(ratings.take(np.array([r])).partner, seen).sum()) for r in rows]
    items = model.item_table[model.item_counts > 0].astype(np.float64)
    columns = found.told(best) | {
        "correlation": _correlation(profiles.table, np.cov(items.T), row, rows),
        "ratings": np.diff(ratings.starts)[rows],
        "common": pl.Series(common, dtype=pl.Int64),
    }
    return pl.DataFrame({"user": profiles.users["id"].gather(rows)} | columns)


def _blocks(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Give rows in blocks whose draws fit into memory together."""
    return (rows[first : first + _ROWS] for first in range(0, len(rows), _ROWS))


class _Normals(NamedTuple):
    """What is known of vectors: the means, shape (n, k), and covariances, (n, k * k) or (n, k)."""

    mean: Matrix
    covariance: NDArray[np.floating[Any]]

    def draws(self, normal: Matrix) -> Matrix:
        """Return draws of each vector from the same normal numbers, (draws, k); (n, draws, k)."""
        n, k = self.mean.shape
        if self.covariance.shape[1] == k and k > 1:
            away = normal * np.sqrt(np.maximum(self.covariance, 0))[:, None]
        else:
            root = _roots(self.covariance.reshape(n, k, k).astype(np.float64))
            away = normal @ root.transpose(0, 2, 1)
        draws: Matrix = self.mean[:, None] + away
        return draws


def _roots(covariances: Matrix) -> Matrix:
    """Return a matrix R with R R' = C for each covariance C, what is below zero taken as zero."""
    try:
        return np.linalg.cholesky(covariances).astype(np.float64, copy=False)
    except np.linalg.LinAlgError:  # those that were estimated from few draws have no full rank
        size, vectors = np.linalg.eigh(covariances)
        roots: Matrix = vectors * np.sqrt(np.maximum(size, 0))[:, None]
        return roots


class _Found:
    """Cosines of factors as they were learned, and where it is known what they may be."""

    def __init__(self, cosine: Matrix) -> None:
        self.cosine = self.expected = cosine
        self.lower: Matrix | None = None
        self.upper: Matrix | None = None

    def add_ends(self, one: _Normals, others: Iterable[_Normals]) -> None:
        """Find means and quantiles of the cosines of draws from both posteriors."""
        rng = np.random.default_rng(0)
        normal = rng.standard_normal((2, _DRAWS, one.mean.shape[1]))
        mine = one.draws(normal[0])[0]
        mine /= np.linalg.norm(mine, axis=1)[:, None]
        share = (1 - PROBABILITY) / 2
        told = [np.zeros((3, 0))]
        for some in others:
            theirs = some.draws(normal[1])
            cosines = np.einsum("ndk,dk->nd", theirs, mine) / np.linalg.norm(theirs, axis=2)
            ends = np.quantile(cosines, [share, 1 - share], axis=1)
            told.append(np.vstack([cosines.mean(axis=1), ends]))
        self.expected, self.lower, self.upper = np.concatenate(told, axis=1)

    def best(self, order: Order | None, n: int) -> NDArray[np.int64]:
        """Return the places of the `n` best."""
        check_order(order, _ORDERS, sure=self.lower is not None)
        key = self.cosine if self.lower is None or order == "similarity" else self.lower
        return np.argsort(-key, kind="stable")[:n]

    def told(self, places: NDArray[np.int64]) -> dict[str, Any]:
        """Return the columns similarity, lower, upper, sure and cosine at some places."""
        lower: Any = unknown(len(places)) if self.lower is None else self.lower[places]
        return {
            "similarity": self.expected[places],
            "lower": lower,
            "upper": unknown(len(places)) if self.upper is None else self.upper[places],
            "sure": lower > 0,
            "cosine": self.cosine[places],
        }


def _cosine(one: Matrix, many: Matrix) -> Matrix:
    lengths = np.linalg.norm(many, axis=1) * np.linalg.norm(one)
    cosine: Matrix = many @ one / np.where(lengths > 0, lengths, 1)
    return np.clip(cosine, -1, 1)


def _correlation(
    table: NDArray[np.float32], spread: Matrix, row: int, rows: NDArray[np.int64]
) -> Matrix:
    """Return the correlation of scores with those of `row` over the partners.

    With z = [factors, 1] and the partners' covariance S it is z' S w / sqrt(z' S z  w' S w).
    """
    z = np.c_[table[:, :-1], np.ones(len(table))]
    one, many = z[row], z[rows]
    sizes = np.einsum("ni,ij,nj->n", many, spread, many) * (one @ spread @ one)
    correlation: Matrix = many @ spread @ one / np.sqrt(np.where(sizes > 0, sizes, 1))
    return np.clip(correlation, -1, 1)
