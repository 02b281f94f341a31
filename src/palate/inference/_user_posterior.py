"""The posterior of users, given their ratings, the items and the prior."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import quadratic_forms
from palate._native import CancelToken, infer_rows, score_pairs
from palate.data._ratings import Csr
from palate.errors import DataError
from palate.learned._parameters import Parameters

_NO_WEIGHTS = np.zeros(0, dtype=np.float32)
_NO_COVARIANCES = np.zeros((0, 1), dtype=np.float32)
# Gauss-Newton ends when no coordinate moves by more than this; it takes some ten iterations.
_TOLERANCE = 1e-4
_MAX_ITERATIONS = 50
_MAX_HALVINGS = 12


@dataclass(frozen=True, eq=False)
class UserPosterior:
    """The posterior N(mean, covariance) of one user, and the ratings it rests on.

    Attributes
    ----------
    mean
        Of the user's k factors, then of the bias; shape (k + 1,).
    covariance
        Given the items; shape (k + 1, k + 1).
    rated, rating
        The rows of the items that the user has rated, and the ratings; shape (m,).
    variance
        The variance of the user's ratings about their expectations, relative to the usual one; see
        `RatingVariances`.
    known
        The known features of the user, shape (1, m); None if nothing is known.
    """

    mean: NDArray[np.float32]
    covariance: NDArray[np.float32]
    rated: NDArray[np.int32]
    rating: NDArray[np.float32]
    variance: float = 1.0
    known: NDArray[np.float32] | None = None

    @property
    def history(self) -> Csr:
        """The ratings, as those of one user."""
        return Csr(np.array([0, len(self.rated)]), self.rated, self.rating)

    def scores(self, item_table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the score of every item, a row of factors and bias each; shape (items,)."""
        factors, bias = item_table[:, :-1], item_table[:, -1]
        scores: NDArray[np.float32] = factors @ self.mean[:-1] + bias + self.mean[-1]
        return scores


class Inferred(NamedTuple):
    """Posteriors of many users, a row for each.

    Attributes
    ----------
    mean
        Of the k factors, then of the bias; shape (n, k + 1).
    covariance
        Shape (n, k + 1, k + 1), or (0, k + 1, k + 1) where it was not asked for.
    errors
        The expected sum of squared errors over a user's ratings, each times its weight (see
        `RatingVariances`), for the user at the mean; shape (n,), or (0,) where it was not asked
        for.
    uncertainty
        What the uncertainty of a user of variance 1 adds to it; shape as of `errors`.
    freedom
        The residual degrees of freedom: the number of a user's ratings, less that of the
        coordinates that they determine; shape as of `errors`.
    variance
        The variance of each user's ratings, relative to the usual one; shape (n,).
    """

    mean: NDArray[np.float32]
    covariance: NDArray[np.float32]
    errors: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    freedom: NDArray[np.float64]
    variance: NDArray[np.float64]

    def only(self, history: Csr, known: NDArray[np.float32] | None) -> UserPosterior:
        """Return the posterior of the only user, inferred with the covariance."""
        mean, covariance, variance = self.mean[0], self.covariance[0], float(self.variance[0])
        return UserPosterior(mean, covariance, history.partner, history.rating, variance, known)


def infer(
    ratings: Csr,
    parameters: Parameters,
    threads: int,
    *,
    known: NDArray[np.float32] | None = None,
    covariances: bool = False,
    squares: bool = False,
    variance: NDArray[np.float64] | None = None,
    cancel: CancelToken | None = None,
) -> Inferred:
    """Return the posterior of every user of `ratings` given the items.

    With a linear likelihood it is exact. With A and c of
    ``native/include/palate/row_posterior.hpp``, the factors and the bias x of a user with the
    variance s have the posterior N(A^-1 c, s A^-1) (Bishop, "Pattern recognition and machine
    learning", 2006, section 2.3.6). The variance follows from the errors at the mean, of which the
    expectation is s times the residual degrees of freedom; how far the user is from the prior mean
    would say something of it as well, but only if tastes and noise are in proportion. With another
    likelihood it is the Laplace approximation at the mode, found by damped Gauss-Newton iterations
    that linearise the expected rating at the present scores (sections 4.4 and 5.4.2).

    Parameters
    ----------
    ratings
        The ratings grouped by user; `partner` is the row of an item.
    parameters
        What was learned.
    threads
        The number of threads.
    known
        The known features of each user (see `UserPrior`), shape (n, m); None if there are none.
    covariances
        Whether to return the covariance of each user.
    squares
        Whether to return the errors and the uncertainty of each user.
    variance
        The relative variance of each user's ratings, where it is known; shape (n,).
    cancel
        Cancels the computation, from another thread or by Ctrl-C.

    Raises
    ------
    Cancelled
        If it was cancelled.
    DataError
        If a posterior is not finite.
    """
    solver = _RowSolver(ratings, parameters, threads, known=known, cancel=cancel)
    if parameters.likelihood.linear:
        inferred = solver.solve_linear(variance, covariances=covariances, squares=squares)
    else:
        mode = _posterior_mode(solver)
        linearised = solver.solve_linearised(mode, covariances=covariances, squares=squares)
        inferred = linearised._replace(mean=mode)
    if not np.isfinite(inferred.mean).all():
        raise DataError("a profile is not finite; are the ratings on another scale than the model?")
    if covariances:
        inferred.covariance[ratings.counts == 0] = parameters.user_prior.of_anyone
    return inferred


def covariance_at(
    mean: NDArray[np.float32],
    variance: NDArray[np.float64],
    ratings: Csr,
    parameters: Parameters,
    threads: int,
) -> NDArray[np.float32]:
    """Return the covariance of users whose posterior means are known; shape (n, k + 1, k + 1).

    With a linear likelihood it depends on the variance of their ratings alone; otherwise it is
    Laplace's at the mean.
    """
    if parameters.likelihood.linear:
        return infer(ratings, parameters, threads, covariances=True, variance=variance).covariance
    solver = _RowSolver(ratings, parameters, threads)
    return solver.solve_linearised(mean, covariances=True).covariance


def effective_parameters(
    posteriors: NDArray[np.float32], variances: NDArray[np.float64], prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how many coordinates of each user their ratings determine; shape (n,).

    With the posterior covariance V, shape (d, d), the variance s and the prior precision L, it is
    d - tr(V L) / s (Spiegelhalter et al., "Bayesian measures of model complexity and fit", J. R.
    Stat. Soc. B 2002, section 3).
    """
    traces = np.einsum("nij,ij->n", posteriors.astype(np.float64), prior) / variances
    counts: NDArray[np.float64] = np.clip(len(prior) - traces, 0, len(prior))
    return counts


class _RowSolver:
    """The kernel, with everything that stays the same from call to call."""

    def __init__(
        self,
        ratings: Csr,
        parameters: Parameters,
        threads: int,
        *,
        known: NDArray[np.float32] | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self.ratings, self.parameters, self.threads = ratings, parameters, threads
        self.cancel = cancel
        self.likelihood, self.prior = parameters.likelihood, parameters.user_prior
        posterior = parameters.item_posterior
        self.covariances = _NO_COVARIANCES if posterior is None else posterior.covariances.values
        self.shift = self.prior.shifts(ratings, known, threads)

    @property
    def users(self) -> int:
        """The number of users."""
        return len(self.ratings.starts) - 1

    @cached_property
    def user(self) -> NDArray[np.int32]:
        """The row of the user of every rating."""
        return self.ratings.row

    def solve(
        self,
        response: NDArray[np.float32],
        weight: NDArray[np.float32],
        mu: float,
        *,
        covariances: bool = False,
        squares: bool = False,
    ) -> Inferred:
        """Return the exact posteriors for responses mu + score + noise."""
        mean, covariance, square_sums = infer_rows(
            self.ratings.starts,
            self.ratings.partner,
            response,
            weight,
            self.parameters.item_table,
            self.covariances,
            self.prior.precision,
            self.shift,
            self.likelihood.precision,
            mu,
            self.threads,
            covariances,
            squares,
            self.cancel,
        )
        d = mean.shape[1]
        errors, uncertainty = square_sums.T.copy()
        # Apart from rounding it is between these: tr(A^-1 (A - Lambda)).
        determined = np.clip(self.likelihood.precision * uncertainty, 0, d)
        freedom = np.maximum(self.ratings.counts[: len(errors)] - determined, 0)
        covariance = covariance.reshape(-1, d, d)
        return Inferred(mean, covariance, errors, uncertainty, freedom, np.ones(self.users))

    def solve_linear(
        self,
        variance: NDArray[np.float64] | None,
        *,
        covariances: bool = False,
        squares: bool = False,
    ) -> Inferred:
        """Return the posteriors of a linear likelihood, with the variance of each user if known."""
        variances, weight = self.parameters.variances, _NO_WEIGHTS
        if variances is not None:
            weight = variances.weights(self.ratings)
        inferred = self.solve(
            self.ratings.rating,
            weight,
            self.likelihood.mu,
            covariances=covariances,
            squares=squares or (variance is None and variances is not None),
        )
        if len(inferred.errors):
            inferred = inferred._replace(errors=inferred.errors + self._of_biases(weight))
        if variances is None:
            return inferred
        if variance is None:
            variance = variances.of_people(
                inferred.freedom, self.likelihood.precision * inferred.errors
            )
        scale = variance.astype(np.float32)[: len(inferred.covariance), None, None]
        return inferred._replace(variance=variance, covariance=inferred.covariance * scale)

    def _of_biases(self, weight: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what the uncertainty of item biases adds to the errors; shape (n,)."""
        posterior = self.parameters.item_posterior
        if posterior is None:
            return np.zeros(self.users)
        added = posterior.bias_sd[self.ratings.partner].astype(np.float64) ** 2
        if len(weight):
            added *= weight
        sums = np.bincount(self.user, weights=added, minlength=self.users)
        return sums.astype(np.float64)  # without ratings they would be integers

    def solve_linearised(
        self, mean: NDArray[np.float32], *, covariances: bool = False, squares: bool = False
    ) -> Inferred:
        """Return the posteriors of the linear model that agrees with the likelihood at `mean`."""
        working = self.likelihood.working_response(self.scores(mean), self.ratings.rating)
        return self.solve(*working, 0.0, covariances=covariances, squares=squares)

    def scores(self, mean: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the score of every rating for users at `mean`."""
        return score_pairs(mean, self.parameters.item_table, self.user, self.ratings.partner)

    def loss(self, mean: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return minus twice the log posterior of each user, up to a constant; shape (n,)."""
        rating = self.likelihood.rating(self.scores(mean))
        error = (self.ratings.rating - rating).astype(np.float64)
        squares = np.bincount(self.user, weights=error**2, minlength=len(mean))
        loss = quadratic_forms(mean - self.prior.mean, self.prior.precision)
        loss += self.likelihood.precision * squares
        return loss


def _posterior_mode(solver: _RowSolver) -> NDArray[np.float32]:
    """Return the mode of each user's posterior, shape (n, k + 1), by damped Gauss-Newton.

    A full step can overshoot where the expected rating is far from linear. It is then halved until
    it decreases the loss (Nocedal and Wright, "Numerical optimization", 2006, section 10.3).
    """
    mode = np.tile(solver.prior.mean.astype(np.float32), (solver.users, 1))
    loss = solver.loss(mode)
    for _ in range(_MAX_ITERATIONS):
        step = solver.solve_linearised(mode).mean - mode
        moved = 0.0
        for _ in range(_MAX_HALVINGS):
            candidate = mode + step
            candidate_loss = solver.loss(candidate)
            better = candidate_loss < loss
            moved = max(moved, float(np.abs(step[better]).max(initial=0)))
            mode[better], loss[better] = candidate[better], candidate_loss[better]
            step[better] = 0
            if np.abs(step).max(initial=0) < _TOLERANCE:
                break
            step /= 2
        if moved < _TOLERANCE:
            break
    return mode
