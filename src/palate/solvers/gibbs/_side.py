"""One side of the sampler, users or items: its rows, their prior, and the variances of ratings."""

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate._native import CancelToken, sample_rows
from palate.data._ratings import Csr
from palate.learned._pair_features import PairFeatures
from palate.solvers.gibbs._known_features import KnownValues
from palate.solvers.gibbs._random_stream import RandomStream
from palate.solvers.gibbs._row_prior import MatrixNormalWishart, Regression, RowPrior
from palate.solvers.gibbs._row_variances import RowVariances

_START_SD = 0.3


class Side:
    """The state of one side.

    Parameters
    ----------
    name
        "user" or "item".
    ratings
        Standardised ratings grouped by row.
    features
        How the features of rows are made from their ratings.
    factors, seed, threads
        As of `Gibbs`.
    known
        What a table knows of the rows.
    prior
        The prior of the prior of the rows.

    Attributes
    ----------
    rows
        The factors and the bias of each row; shape (n, factors + 1).
    regression
        The features of the rows.
    prior
        The latest draw of the prior of the rows.
    variances
        The precisions of the ratings of each row.
    """

    def __init__(
        self,
        name: str,
        ratings: Csr,
        features: PairFeatures,
        *,
        factors: int,
        seed: int,
        threads: int,
        known: KnownValues,
        prior: MatrixNormalWishart | None = None,
    ) -> None:
        self.name, self.ratings = name, ratings
        self._seed, self._threads = seed, threads
        counts = np.diff(ratings.starts)
        self._longest_first = np.argsort(-counts, kind="stable").astype(np.int32)
        values = np.hstack([features.of(ratings, threads), known.values])
        blocks = [1, features.count - 2, *known.features.blocks]
        self._unrated = np.flatnonzero(counts == 0)
        rated = np.flatnonzero(counts) if len(self._unrated) else None
        self.regression = Regression(values, blocks, prior, rated)
        self.prior = RowPrior(np.zeros((values.shape[1], factors + 1)), np.eye(factors + 1))
        self.variances = RowVariances(counts)
        self._pair_features, self._rating_ends = features.count, np.cumsum(counts)
        stream = {"user": _random_streams.USER_TABLE, "item": _random_streams.ITEM_TABLE}[name]
        start = _random_streams.normals(seed, stream, len(counts), factors + 1)
        self.rows = start * np.float32(_START_SD)

    def update(
        self,
        number: int,
        other: "Side",
        alpha: float,
        cancel: CancelToken,
        *,
        searching: bool = False,
    ) -> float:
        """Draw the prior, the rows and the precisions of this side, given the other side.

        Returns the sum of w e^2 over all ratings, with the new precisions w and the errors e.

        Parameters
        ----------
        number
            The number of the sweep.
        other
            The other side.
        alpha
            The precision of a rating whose row and partner have the precision 1.
        cancel
            Cancels the update; the rows and their precisions are then as they were before.
        searching
            See `Regression.draw`.
        """
        random = self._random(number, "prior")
        self._impute(random)
        self.prior = self.regression.draw(self.rows, random, searching=searching)
        squares = self._draw_rows(number, other, alpha, cancel)
        squares /= self.variances.precisions
        self.variances.draw(alpha * squares, self._random(number, "variances"))
        return float(squares @ self.variances.precisions)

    def _impute(self, random: RandomStream) -> None:
        """Draw the unknown features of rows without ratings: those of the row of a random rating.

        So what nobody has rated yet is as uncertain as its prior without these features.
        """
        if not len(self._unrated):
            return
        uniform = np.exp(
            -np.square(random.normal(2 * len(self._unrated))).reshape(2, -1).sum(0) / 2
        )
        last = self._rating_ends[-1] - 1
        ratings = np.minimum((uniform * self._rating_ends[-1]).astype(np.int64), last)
        donors = np.searchsorted(self._rating_ends, ratings, side="right")
        of_pairs = self.regression.features[:, : self._pair_features]
        of_pairs[self._unrated] = of_pairs[donors]

    def _draw_rows(
        self, number: int, other: "Side", alpha: float, cancel: CancelToken
    ) -> NDArray[np.float64]:
        """Draw the rows; return the weighted sum of squared errors of each; shape (n,)."""
        squares: NDArray[np.float64]
        self.rows, squares = sample_rows(
            self.ratings.starts,
            self.ratings.partner,
            self.ratings.rating,
            self._weights(other),
            self._longest_first,
            other.rows,
            self.prior.precision,
            self.regression.means(self.prior.coefficients @ self.prior.precision),
            alpha,
            0.0,
            self._seed,
            _random_streams.sweep(number, f"{self.name} rows"),
            self._threads,
            cancel=cancel,
        )
        return squares

    def _weights(self, other: "Side") -> NDArray[np.float32]:
        own, others = (side.variances.precisions.astype(np.float32) for side in (self, other))
        weights = np.repeat(own, np.diff(self.ratings.starts))
        weights *= others[self.ratings.partner]
        return weights

    def _random(self, number: int, use: str) -> RandomStream:
        return RandomStream(self._seed, _random_streams.sweep(number, f"{self.name} {use}"))
