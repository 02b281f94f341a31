"""The posteriors of many users, with computations in blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate._computed_once import computed_once
from palate._native import score_pairs, top_n
from palate._threads import thread_count
from palate.data._ratings import Csr
from palate.inference._prediction_interval import paired_score_variance, require_intervals
from palate.inference._user_posterior import (
    UserPosterior,
    covariance_at,
    effective_parameters,
    infer,
)
from palate.learned._parameters import Parameters

# Maximum number of elements of covariance matrices held at a time.
_MAX_ELEMENTS = 1 << 24


@dataclass(frozen=True, eq=False)
class UserPosteriors:
    """Posteriors of many users. Covariances are computed on demand.

    Attributes
    ----------
    parameters
        The parameters of the model.
    table
        The posterior mean of each user's k factors, then of the bias; shape (users, k + 1).
    ratings
        The ratings of the users, grouped by user.
    variances
        The relative variance of each user's ratings (see `RatingVariances`); shape (users,).
    known
        The known features of each user, shape (users, m); None if there are none.
    """

    parameters: Parameters
    table: NDArray[np.float32]
    ratings: Csr
    variances: NDArray[np.float64]
    known: NDArray[np.float32] | None = None

    @classmethod
    def inferred(
        cls, parameters: Parameters, ratings: Csr, known: NDArray[np.float32] | None = None
    ) -> "UserPosteriors":
        """Return the posteriors of users, inferred from their ratings and known features."""
        inferred = infer(ratings, parameters, thread_count(None), known=known)
        return cls(parameters, inferred.mean, ratings, inferred.variance, known)

    def __len__(self) -> int:
        return len(self.table)

    def take(self, rows: NDArray[np.integer[Any]]) -> "UserPosteriors":
        """Return the posteriors of the users at `rows`, in that order."""
        return UserPosteriors(
            self.parameters,
            self.table[rows],
            self.ratings.take(rows),
            self.variances[rows],
            None if self.known is None else self.known[rows],
        )

    def one(self, row: int) -> UserPosterior:
        """Return the posterior of the user in a row."""
        entries = slice(*self.ratings.starts[row : row + 2])
        return UserPosterior(
            self.table[row],
            self.covariances(np.array([row]))[0],
            self.ratings.partner[entries],
            self.ratings.rating[entries],
            float(self.variances[row]),
            None if self.known is None else self.known[row : row + 1],
        )

    def covariances(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Return the covariances of the users at `rows`; shape (n, k + 1, k + 1)."""
        ratings = self.ratings.take(rows)
        return covariance_at(
            self.table[rows], self.variances[rows], ratings, self.parameters, thread_count(None)
        )

    def blocks(self, rows: NDArray[np.integer[Any]]) -> Iterator[NDArray[np.integer[Any]]]:
        """Yield rows in blocks whose covariances fit into memory together."""
        step = max(1, _MAX_ELEMENTS // self.table.shape[1] ** 2)
        for first in range(0, len(rows), step):
            yield rows[first : first + step]

    def bias_sd(self) -> NDArray[np.float64]:
        """Return the posterior sd of each user's bias, given the items; shape (users,)."""
        sd: NDArray[np.float64] = np.sqrt(self._of_covariances[:, 0])
        return sd

    def effective_parameters(self) -> NDArray[np.float64]:
        """Return the effective number of parameters of each user; shape (users,)."""
        return self._of_covariances[:, 1]

    @computed_once
    def _of_covariances(self) -> NDArray[np.float64]:
        """The variance of each user's bias, and `effective_parameters`; shape (users, 2).

        Both come from covariances that take long to compute and are too many to keep.
        """
        precision, found = self.parameters.user_prior.precision, [np.zeros((0, 2))]
        for block in self.blocks(np.arange(len(self))):
            covariances = self.covariances(block)
            counts = effective_parameters(covariances, self.variances[block], precision)
            found.append(np.column_stack([covariances[:, -1, -1], counts]))
        return np.concatenate(found)

    def scores(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the scores of pairs of a user row and an item row; shape (n,)."""
        return score_pairs(self.table, self.parameters.item_table, user, item)

    def rating_sd(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the standard deviations of the ratings of pairs of rows; shape (n,).

        Raises
        ------
        SettingError
            If the model is a point estimate.
        """
        require_intervals(self.parameters)
        users, place = np.unique(user, return_inverse=True)
        order = np.argsort(place, kind="stable")
        variance, first = np.empty(len(user)), 0
        for block in self.blocks(users):
            last = first + len(block)
            pairs = order[slice(*np.searchsorted(place[order], (first, last)))]
            variance[pairs] = paired_score_variance(
                self.parameters,
                self.table[block],
                self.covariances(block),
                (place[pairs] - first).astype(np.int32),
                item[pairs],
            )
            first = last
        variance += self.parameters.rating_variance(
            self.scores(user, item), item, self.variances[user]
        )
        return np.sqrt(variance)

    def top_items(
        self, n: int, eligible: NDArray[np.bool_], left_out: Csr, *, threads: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the rows of the items with the highest scores, and these; shapes (users, n).

        Missing items have the row -1. `left_out` has items that are not eligible for each user.
        """
        best: tuple[NDArray[np.int32], NDArray[np.float32]] = top_n(
            self.table,
            self.parameters.item_table,
            left_out.starts,
            left_out.partner,
            eligible,
            n,
            threads,
        )
        return best
