"""The ratings of a person as what causes their profile."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from palate.inference._link import linearised

if TYPE_CHECKING:
    from palate.model._profile import Profile

Numbers = NDArray[np.float64]


class Causes:
    """What each of a person's ratings does to the score of an item, for one item after another.

    The mean of a profile is linear in the ratings (``native/include/palate/row_posterior.hpp``)::

        x = A^-1 (L m + alpha sum_j w_j z_j (y_j - b_j)),  A = L + alpha sum_j w_j (z_j z_j' + C_j)

    with the prior N(m, L^-1), z_j = [q_j, 1] and the covariance C_j of an item's factors. With a
    linear link y_j = r_j - mu and w_j = 1; with a sigmoid they are the ratings and the weights of
    the linear model that agrees with it at the profile, where the mode solves the same equation.

    Attributes
    ----------
    leverage
        How much of a unit more of each rating shows in its own expectation; shape (m,).
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        parameters, rated = profile.model.parameters, profile.rated
        self._table = parameters.item_table
        self._prior = parameters.prior
        self._alpha = parameters.noise_sd**-2
        self._z = self._row(rated)
        bias = self._table[rated, -1].astype(np.float64)
        score = self._z @ profile.row.astype(np.float64) + bias
        target, slope = linearised(parameters.link, score.astype(np.float32), profile.rating)
        self._slope = slope.astype(np.float64)
        self._surplus = target - bias

    def _row(self, items: NDArray[np.integer[Any]]) -> Numbers:
        factors = self._table[items, :-1].astype(np.float64)
        rows: Numbers = np.c_[factors, np.ones(len(factors))]
        return rows

    @cached_property
    def covariance(self) -> Numbers:
        """The covariance A^-1 of the profile, in double precision; shape (k + 1, k + 1)."""
        weight = self._alpha * self._slope**2
        precision: NDArray[Any] = self._prior.precision + (self._z.T * weight) @ self._z
        of_items = self.profile.model.parameters.item_covariance
        if of_items is not None:
            k = len(precision) - 1
            sums = self._alpha * of_items[self.profile.rated].sum(axis=0, dtype=np.float64)
            precision[:k, :k] += sums.reshape(k, k) if len(sums) == k * k else np.diag(sums)
        inverse: Numbers = np.linalg.inv(precision)
        return inverse

    def pulls(self, item: int) -> Numbers:
        """Return what a unit more of each rating would add to the score of an item; shape (m,)."""
        toward = self._z @ (self.covariance @ self._row(np.array([item]))[0])
        pulls: Numbers = self._alpha * self._slope * toward
        return pulls

    def contributions(self, item: int) -> Numbers:
        """Return what each rating contributes to the score of an item; shape (m,)."""
        contributions: Numbers = self.pulls(item) * self._slope * self._surplus
        return contributions

    def of_everybody(self, item: int) -> float:
        """Return what the prior contributes to the score of an item."""
        toward = self.covariance @ self._row(np.array([item]))[0]
        return float(toward @ self._prior.precision @ self._prior.mean)

    @cached_property
    def leverage(self) -> Numbers:
        """How much a unit more of each rating adds to its own expected rating; shape (m,)."""
        own = np.einsum("mi,ij,mj->m", self._z, self.covariance, self._z)
        leverage: Numbers = self._alpha * self._slope**2 * own
        return leverage
