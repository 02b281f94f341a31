"""Users are inferred: from a person's ratings, the items and the prior to a profile."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate import _native
from palate.data._ratings import Csr
from palate.errors import DataError
from palate.inference._link import Linear, Link, linearised

_NO_WEIGHTS = np.zeros(0, dtype=np.float32)
_NO_COVARIANCE = np.zeros((0, 1), dtype=np.float32)
# Gauss-Newton ends when no coordinate moves by more than this; it takes some ten steps.
_SETTLED = 1e-4
_STEPS = 50
# What varies in no user, or only together with something else, as a share of its variance.
_LEAST_VARIANCE = 1e-5


@dataclass(frozen=True, eq=False)
class UserPrior:
    """What is known of a person before their first rating: N(mean, covariance).

    Attributes
    ----------
    mean
        Of the k factors, then the bias; shape (k + 1,).
    covariance
        Shape (k + 1, k + 1).
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @cached_property
    def precision(self) -> NDArray[np.float64]:
        """The inverse of the covariance, which may be singular: what never varies stays put."""
        variance = np.diag(self.covariance)
        sd = np.sqrt(np.where(variance > 0, variance, _LEAST_VARIANCE * (variance.max() or 1.0)))
        # Factors and bias are in other units: each is seen on its own scale.
        correlation = self.covariance / np.outer(sd, sd) + _LEAST_VARIANCE * np.eye(len(sd))
        precision: NDArray[np.float64] = np.linalg.inv(correlation) / np.outer(sd, sd)
        return precision


@dataclass(frozen=True, eq=False)
class Parameters:
    """All that a solver learns of items and of people at large; from it users are inferred.

    The score of user u and item i is ``p_u . q_i + b_u + b_i``, and the rating is `link` of it.

    Attributes
    ----------
    item_table
        For each item its k factors, then its bias; shape (items, k + 1).
    link
        From scores to ratings.
    prior
        Of a user.
    noise_sd
        The standard deviation of a rating about its expectation, in units of the ratings.
    item_bias_sd
        The posterior standard deviation of each item's bias; shape (items,). None in a point
        estimate.
    item_covariance
        The posterior covariance of each item's factors; shape (items, k * k), or (items, k) for
        the diagonals alone. None in a point estimate.
    """

    item_table: NDArray[np.float32]
    link: Link
    prior: UserPrior
    noise_sd: float
    item_bias_sd: NDArray[np.float32] | None = None
    item_covariance: NDArray[np.float32] | None = None


class Inferred(NamedTuple):
    """Profiles, a row for each person.

    Attributes
    ----------
    mean
        The k factors, then the bias; shape (n, k + 1).
    covariance
        Shape (n, k + 1, k + 1), or (0, k + 1, k + 1) where it was not asked for.
    squares
        The expected sum of squared errors over a person's ratings; shape (n,), or (0,) where it was
        not asked for.
    """

    mean: NDArray[np.float32]
    covariance: NDArray[np.float32]
    squares: NDArray[np.float64]


def infer(
    ratings: Csr,
    parameters: Parameters,
    threads: int,
    *,
    covariances: bool = False,
    squares: bool = False,
) -> Inferred:
    """Return the posterior of every user of `ratings` given the items.

    With a linear link it is exact: N(A^-1 c, A^-1) of ``native/include/palate/row_posterior.hpp``.
    With a sigmoid it is the Laplace approximation at the mode, found by Gauss-Newton steps, each of
    which takes the rating as linear about the present score (Bishop, "Pattern recognition and
    machine learning", 2006, sections 4.4 and 5.4.2).

    Parameters
    ----------
    ratings
        The ratings grouped by user; `partner` is the row of an item.
    parameters
        What was learned.
    threads
        How many threads to use.
    covariances
        Whether to return the covariance of each profile.
    squares
        Whether to return the expected sum of squared errors of each profile.

    Raises
    ------
    DataError
        If a profile is not finite.
    """
    solve = _Solver(ratings, parameters, threads)
    if isinstance(parameters.link, Linear):
        inferred = solve(ratings.rating, _NO_WEIGHTS, parameters.link.mu, covariances, squares)
    else:
        inferred = _laplace(solve, covariances, squares)
    if not np.isfinite(inferred.mean).all():
        raise DataError("a profile left the range of numbers; are the ratings on another scale?")
    return inferred


def covariance_at(
    mean: NDArray[np.float32], ratings: Csr, parameters: Parameters, threads: int
) -> NDArray[np.float32]:
    """Return the covariance of profiles whose means are known; shape (n, k + 1, k + 1).

    With a linear link it does not depend on the mean; with a sigmoid it is Laplace's at it.
    """
    if isinstance(parameters.link, Linear):
        return infer(ratings, parameters, threads, covariances=True).covariance
    solve = _Solver(ratings, parameters, threads)
    return solve(*solve.linearised(mean), 0.0, covariances=True).covariance


class _Solver:
    """The kernel with everything that stays the same from call to call."""

    def __init__(self, ratings: Csr, parameters: Parameters, threads: int) -> None:
        self.ratings, self.parameters, self.threads = ratings, parameters, threads
        given = parameters.item_covariance
        self.covariance = _NO_COVARIANCE if given is None else given
        self.precision = parameters.prior.precision
        self.alpha = parameters.noise_sd**-2

    def __call__(
        self,
        rating: NDArray[np.float32],
        weight: NDArray[np.float32],
        mu: float,
        covariances: bool = False,
        squares: bool = False,
    ) -> Inferred:
        mean, covariance, square = _native.infer_rows(
            self.ratings.starts,
            self.ratings.partner,
            rating,
            weight,
            self.parameters.item_table,
            self.covariance,
            self.precision,
            self.precision @ self.parameters.prior.mean,
            self.alpha,
            mu,
            self.threads,
            covariances,
            squares,
        )
        d = mean.shape[1]
        return Inferred(mean, covariance.reshape(-1, d, d), square)

    @cached_property
    def user(self) -> NDArray[np.int32]:
        """The user of every rating."""
        return self.ratings.row

    def scores(self, mean: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the score of every rating, for rows of the users."""
        return _native.score_pairs(
            mean, self.parameters.item_table, self.user, self.ratings.partner
        )

    def linearised(
        self, mean: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return ratings of the linear model that agrees with the link's at `mean`, and weights."""
        link = self.parameters.link
        rating, slope = linearised(link, self.scores(mean), self.ratings.rating)
        return rating, np.square(slope)

    def loss(self, mean: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return minus twice the log posterior of each row, up to a constant; shape (n,)."""
        rating = self.parameters.link.rating(self.scores(mean))
        error = (self.ratings.rating - rating).astype(np.float64)
        away = mean - self.parameters.prior.mean
        loss = self.alpha * np.bincount(self.user, weights=error**2, minlength=len(mean))
        loss += np.einsum("ni,ij,nj->n", away, self.precision, away)
        return loss.astype(np.float64, copy=False)


def _laplace(solve: _Solver, covariances: bool, squares: bool) -> Inferred:
    people = len(solve.ratings.starts) - 1
    mean = np.tile(solve.parameters.prior.mean.astype(np.float32), (people, 1))
    loss = solve.loss(mean)
    for _ in range(_STEPS):
        new = solve(*solve.linearised(mean), 0.0).mean
        new_loss = solve.loss(new)
        better = new_loss < loss
        moved = np.abs(new - mean)[better].max(initial=0)
        mean[better], loss = new[better], np.minimum(new_loss, loss)
        if moved < _SETTLED:
            break
    last = solve(*solve.linearised(mean), 0.0, covariances, squares)
    return Inferred(mean, last.covariance, last.squares)
