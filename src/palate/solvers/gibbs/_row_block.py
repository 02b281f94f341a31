"""Consecutive rows of one side, users or items: their latest draw, and the sums of it."""

from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate._linear_algebra import products, quadratic_forms, weighted_products
from palate._native import CancelToken
from palate._native import sample_rows as kernel
from palate.data._ratings import Csr
from palate.solvers.gibbs._random_stream import RowStream
from palate.solvers.gibbs._row_prior import RowPrior
from palate.solvers.gibbs._row_variances import drawn_precisions, log_gammas, log_likelihoods

_START_SD = 0.3


class SampleRows(Protocol):
    """Draws the rows of a side: the native kernel, or PyTorch on a device."""

    def __call__(  # noqa: PLR0917  (the kernel's order)
        self,
        starts: NDArray[np.int64],
        partner: NDArray[np.int32],
        rating: NDArray[np.float32],
        partner_weight: NDArray[np.float32],
        row_weight: NDArray[np.float32],
        order: NDArray[np.int32],
        partners: NDArray[np.float32],
        precision: NDArray[np.float64],
        shift: NDArray[np.float32],
        spread: NDArray[np.float32],
        alpha: float,
        mu: float,
        seed: int,
        stream: int,
        threads: int,
        /,
        *,
        cancel: CancelToken | None = None,
        first_row: int = 0,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return the rows, and their sums of weighted squared errors.

        See ``native/include/palate/gibbs.hpp``. The weight of a rating is that of the partner times
        that of the row; `row_weight` is empty where all rows have the weight 1. `shift` has a row
        for each row.
        """
        ...


def sample_rows(
    starts: NDArray[np.int64],
    partner: NDArray[np.int32],
    rating: NDArray[np.float32],
    partner_weight: NDArray[np.float32],
    row_weight: NDArray[np.float32],
    /,
    *others: Any,
    **options: Any,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Draw rows by the native kernel; see `SampleRows`."""
    weight = partner_weight[partner]
    if len(row_weight):
        weight *= np.repeat(row_weight, np.diff(starts))
    return kernel(starts, partner, rating, weight, *others, **options)


class Runtime(NamedTuple):
    """How to compute: the number of threads, what cancels it, and what draws rows."""

    threads: int
    cancel: CancelToken | None = None
    sample_rows: SampleRows = sample_rows


class RowSums(NamedTuple):
    """What the prior of a side needs to know of its rows X, with features F.

    W is diagonal, with the precisions of the rows where these scale the prior; else 1.

    Attributes
    ----------
    gram
        F'WF over rows with ratings; shape (m, m).
    onto
        F'WX over rows with ratings; shape (m, d).
    scatter
        X'WX over rows with ratings; shape (d, d).
    total
        The sum of all rows; shape (d,).
    """

    gram: NDArray[np.float64]
    onto: NDArray[np.float64]
    scatter: NDArray[np.float64]
    total: NDArray[np.float64]


class RowBlock:
    """Consecutive rows of one side.

    Parameters
    ----------
    name
        "user" or "item".
    first
        The number of the first row among all of the side. A row has its place in a stream of random
        numbers by its number, whatever block it is in.
    counts
        The number of ratings of each row; shape (n,).
    seed
        As of `Gibbs`.

    Attributes
    ----------
    features
        The features of the rows, those of pairs first; shape (n, m).
    rows
        The factors and the bias of each row; shape (n, factors + 1).
    squares
        For each row the sum of alpha w e^2 over its ratings, with the errors e and the
        precisions w of the other side; where precisions scale the prior, also the square of the
        row about its prior mean, (x - m)' Lambda (x - m); shape (n,).
    precisions
        Those of the ratings of each row; shape (n,).
    scales_prior
        Whether the precision of a row's ratings multiplies that of the prior of the row as well.
    """

    scales_prior = False
    STATE = ("features", "rows", "squares", "precisions")

    def __init__(self, name: str, first: int, counts: NDArray[np.int64], seed: int) -> None:
        self.name, self.first, self.counts, self.seed = name, first, counts, seed
        self.precisions, self.squares = np.ones(len(counts)), np.zeros(len(counts))
        self.features = np.zeros((len(counts), 0), dtype=np.float32)
        self.rows = np.zeros((len(counts), 0), dtype=np.float32)
        self._pair_features = 0

    def __len__(self) -> int:
        return len(self.counts)

    def take_features(
        self, of_pairs: NDArray[np.float32], known: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Take the features of pairs and the known ones; return F'F over the rows with ratings."""
        self.features, self._pair_features = np.hstack([of_pairs, known]), of_pairs.shape[1]
        return self._gram

    def start(self, factors: int) -> RowSums:
        """Start with random rows; return the sums of them."""
        stream = {"user": _random_streams.USER_TABLE, "item": _random_streams.ITEM_TABLE}[self.name]
        start = _random_streams.normals_of_rows(
            self.seed, stream, self.first, len(self), factors + 1
        )
        self.rows = start * np.float32(_START_SD)
        return self.sums()

    @cached_property
    def _rated(self) -> Any:
        """What selects the rows with ratings."""
        return slice(None) if self.counts.all() else np.flatnonzero(self.counts)

    @cached_property
    def _features_of_rated(self) -> NDArray[np.float32]:
        features: NDArray[np.float32] = self.features[self._rated]
        return features

    @cached_property
    def _gram(self) -> NDArray[np.float64]:
        """F'F over the rows with ratings."""
        return products(self._features_of_rated, self._features_of_rated)

    @cached_property
    def longest_first(self) -> NDArray[np.int32]:
        """The rows within the block, those with most ratings first."""
        return np.argsort(-self.counts, kind="stable").astype(np.int32)

    @property
    def freedoms(self) -> NDArray[np.int64]:
        """How many squares are in `squares` of each row, for its precision; shape (n,).

        They are the errors of its ratings, and where the precision scales the prior, the
        coordinates of the row. Rows without ratings say nothing.
        """
        coordinates = self.rows.shape[1] if self.scales_prior else 0
        return np.where(self.counts > 0, self.counts + coordinates, 0)

    @cached_property
    def _log_gammas(self) -> NDArray[np.float64]:
        return log_gammas(self.freedoms)

    def sums(self) -> RowSums:
        """Return the sums of the rows."""
        rows, features = self.rows[self._rated], self._features_of_rated
        total = self.rows.sum(axis=0, dtype=np.float64)
        if self.scales_prior:
            weighted = weighted_products(features, rows, self.precisions[self._rated])
            return RowSums(*weighted, total)
        return RowSums(self._gram, products(features, rows), products(rows, rows), total)

    def onto(self, table: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return F'T over the rows with ratings, for a table with a row for each."""
        return products(self._features_of_rated, table[self._rated])

    def shifts(self, number: int, prior: RowPrior) -> NDArray[np.float32]:
        """Return the prior precision times the prior mean of each row; shape (n, d).

        The unknown features of rows without ratings are drawn in each sweep: they are those of the
        row of a random rating. So what nobody has rated yet is as uncertain as its prior without
        these features.
        """
        unrated = np.flatnonzero(self.counts == 0)
        if len(unrated) and self.counts.any():
            ends = np.cumsum(self.counts)
            uniforms = self._random(number, "donors", unrated).uniforms()
            ratings = np.minimum((uniforms * ends[-1]).astype(np.int64), ends[-1] - 1)
            of_pairs = self.features[:, : self._pair_features]
            of_pairs[unrated] = of_pairs[np.searchsorted(ends, ratings, side="right")]
        coefficients = (prior.coefficients @ prior.precision).astype(np.float32)
        shifts: NDArray[np.float32] = self.features @ coefficients
        return shifts

    def accept(
        self, rows: NDArray[np.float32], squares: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Take new rows and their squares; return the log likelihoods of the freedoms."""
        self.rows, self.squares = rows, squares
        return log_likelihoods(self.freedoms, squares, self._log_gammas)

    def draw_precisions(self, number: int, freedom: float) -> None:
        """Draw the precisions, given the rows and the freedom."""
        random = self._random(number, "precisions", np.arange(len(self)))
        self.precisions = drawn_precisions(freedom, self.freedoms, self.squares, random)

    def _random(self, number: int, use: str, rows: NDArray[np.int64]) -> RowStream:
        """Return the variates of some rows of the block for one use in a sweep."""
        stream = _random_streams.sweep(number, f"{self.name} {use}")
        return RowStream(self.seed, stream, self.first + rows)


class Partners(NamedTuple):
    """The rows of the other side, shape (n, d), and their precisions, shape (n,)."""

    rows: NDArray[np.float32]
    precisions: NDArray[np.float64]


class RowDraw(NamedTuple):
    """What all rows of a side are drawn from, in one sweep.

    Attributes
    ----------
    number
        The number of the sweep.
    prior
        The prior of the rows.
    alpha
        The precision of a rating whose row and partner have the precision 1.
    seed
        As of `Gibbs`.
    """

    number: int
    prior: RowPrior
    alpha: float
    seed: int

    def rows(
        self,
        block: RowBlock,
        shifts: NDArray[np.float32],
        ratings: Csr,
        partners: Partners,
        runtime: Runtime,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Draw the rows of a block; return them, and their squares (see `RowBlock`).

        With a prior that is scaled by the precision w of the row, the posterior of the row is
        N(A^-1 c, (w A)^-1), where A and c are those for w = 1.

        Parameters
        ----------
        block, shifts
            The block, and the prior precision times the prior mean of its rows.
        ratings
            The standardised ratings of the block.
        partners
            What is rated, or who rates.
        runtime
            How to draw them. Cancelled, it ends the draw by `Cancelled`.
        """
        spread = weight = np.zeros(0, dtype=np.float32)
        if block.scales_prior:
            spread = (block.precisions**-0.5).astype(np.float32)
        else:
            weight = block.precisions.astype(np.float32)
        rows: NDArray[np.float32]
        squares: NDArray[np.float64]
        rows, squares = runtime.sample_rows(
            *ratings,
            partners.precisions.astype(np.float32),
            weight,
            block.longest_first,
            partners.rows,
            self.prior.precision,
            shifts,
            spread,
            self.alpha,
            0.0,
            self.seed,
            _random_streams.sweep(self.number, f"{block.name} rows"),
            runtime.threads,
            cancel=runtime.cancel,
            first_row=block.first,
        )
        squares *= self.alpha
        if block.scales_prior:
            deviations = rows - shifts @ np.linalg.inv(self.prior.precision).astype(np.float32)
            of_rows = quadratic_forms(deviations, self.prior.precision.astype(np.float32))
            squares += np.where(block.counts > 0, of_rows, 0)
        else:
            squares /= block.precisions
        return rows, squares
