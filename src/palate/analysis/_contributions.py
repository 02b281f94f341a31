"""Contributions: what each rating of a user adds to the score of an item."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import quadratic_forms, with_ones
from palate.inference._user_posterior import UserPosterior
from palate.learned._learned import Learned

Numbers = NDArray[np.float64]


class Contributions:
    """The contributions of the ratings of one user to the scores of items.

    The posterior mean of a user is linear in the ratings
    (``native/include/palate/row_posterior.hpp``)::

        x = A^-1 (L m + alpha sum_j w_j z_j (y_j - b_j)),  A = L + alpha sum_j w_j (z_j z_j' + C_j)

    with the prior N(m, L^-1), z_j = [q_j, 1], the covariance C_j of an item's factors, and the
    working responses y_j of the likelihood at the posterior mean. The weights w_j are those of the
    working responses times those of `RatingVariances`. (The mode of a
    Laplace approximation solves the same equation.) Where the prior depends on which items a person
    has rated, m = B' (f_0 + sum_j f_j), so that each item contributes a second time, by having been
    rated at all.

    Attributes
    ----------
    leverage
        The derivative of the expectation of each rating in the rating itself; shape (m,).
    """

    def __init__(self, learned: Learned, user: UserPosterior) -> None:
        self.learned, self.user = learned, user
        likelihood = learned.likelihood
        self._prior = learned.parameters.user_prior
        self._alpha = likelihood.precision
        self._z = self._row(user.rated)
        bias = learned.item_biases[user.rated].astype(np.float64)
        score = self._z @ user.mean.astype(np.float64) + bias
        working = likelihood.working_response(score.astype(np.float32), user.rating)
        # The derivative of the working response is 1 / slope.
        self._slope = np.sqrt(working.weight.astype(np.float64))
        self._weight = working.weight.astype(np.float64)
        variances = learned.parameters.variances
        if variances is not None:
            self._weight *= variances.weights(user.history)
        self._surplus = working.response - bias

    def _row(self, items: NDArray[np.integer[Any]]) -> Numbers:
        return with_ones(self.learned.item_factors[items]).astype(np.float64)

    @cached_property
    def covariance(self) -> Numbers:
        """A^-1, which is the covariance of a user of variance 1; shape (k + 1, k + 1)."""
        weight = self._alpha * self._weight
        precision: NDArray[Any] = self._prior.precision + (self._z.T * weight) @ self._z
        items = self.learned.parameters.item_posterior
        if items is not None:
            k = len(precision) - 1
            precision[:k, :k] += items.covariances.take(self.user.rated).sum(weight)
        inverse: Numbers = np.linalg.inv(precision)
        return inverse

    def derivatives(self, item: int) -> Numbers:
        """Return the derivative of an item's score in each rating; shape (m,)."""
        derivatives: Numbers = self._per_response(item) / self._slope
        return derivatives

    def of_ratings(self, item: int) -> Numbers:
        """Return the contribution of each rating to the score of an item; shape (m,)."""
        contributions: Numbers = self._per_response(item) * self._surplus
        return contributions

    def _per_response(self, item: int) -> Numbers:
        """Return the derivative of an item's score in each working response; shape (m,)."""
        derivatives: Numbers = self._alpha * self._weight * (self._z @ self._toward(item))
        return derivatives

    def _toward(self, item: int) -> Numbers:
        toward: Numbers = self.covariance @ self._row(np.array([item]))[0]
        return toward

    def of_prior(self, item: int) -> float:
        """Return what the prior mean of people with as many ratings adds to an item's score."""
        shift = self._prior.shifts(self.user.history, None, threads=1)[0].astype(np.float64)
        return float(self._toward(item) @ shift - self.of_pairs(item).sum())

    def of_known(self, item: int) -> float:
        """Return what the known features of the person add to the score of an item."""
        if self.user.known is None:
            return 0.0
        return float(self._toward(item) @ self._prior.known_shifts(self.user.known, threads=1)[0])

    def of_pairs(self, item: int) -> Numbers:
        """Return what each item adds to the score by having been rated at all; shape (m,)."""
        features = self._prior.features
        if features is None:
            return np.zeros(len(self.user.rated))
        parts = features.parts(self.user.rated).astype(np.float64)
        means = parts @ self._prior.coefficients[: features.count]
        contributions: Numbers = means @ (self._prior.precision @ self._toward(item))
        return contributions

    @cached_property
    def leverage(self) -> Numbers:
        """The derivative of the expectation of each rating in the rating itself; shape (m,)."""
        own = quadratic_forms(self._z, self.covariance)
        leverage: Numbers = self._alpha * self._weight * own
        return leverage
