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
    working responses y_j and weights w_j of the likelihood at the posterior mean. (The mode of a
    Laplace approximation solves the same equation.)

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
        # The derivative of the working response is 1 / slope, and the weight slope^2.
        self._slope = np.sqrt(working.weight.astype(np.float64))
        self._surplus = working.response - bias

    def _row(self, items: NDArray[np.integer[Any]]) -> Numbers:
        return with_ones(self.learned.item_factors[items]).astype(np.float64)

    @cached_property
    def covariance(self) -> Numbers:
        """The covariance A^-1 of the user, in double precision; shape (k + 1, k + 1)."""
        weight = self._alpha * self._slope**2
        precision: NDArray[Any] = self._prior.precision + (self._z.T * weight) @ self._z
        items = self.learned.parameters.item_posterior
        if items is not None:
            k = len(precision) - 1
            precision[:k, :k] += self._alpha * items.covariances.take(self.user.rated).sum()
        inverse: Numbers = np.linalg.inv(precision)
        return inverse

    def derivatives(self, item: int) -> Numbers:
        """Return the derivative of an item's score in each rating; shape (m,)."""
        toward = self._z @ (self.covariance @ self._row(np.array([item]))[0])
        derivatives: Numbers = self._alpha * self._slope * toward
        return derivatives

    def of_ratings(self, item: int) -> Numbers:
        """Return the contribution of each rating to the score of an item; shape (m,)."""
        contributions: Numbers = self.derivatives(item) * self._slope * self._surplus
        return contributions

    def of_prior(self, item: int) -> float:
        """Return the contribution of the prior to the score of an item."""
        toward = self.covariance @ self._row(np.array([item]))[0]
        return float(toward @ self._prior.precision @ self._prior.mean)

    @cached_property
    def leverage(self) -> Numbers:
        """The derivative of the expectation of each rating in the rating itself; shape (m,)."""
        own = quadratic_forms(self._z, self.covariance)
        leverage: Numbers = self._alpha * self._slope**2 * own
        return leverage
