"""The prior over users: the distribution of a person's factors and bias before any rating."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from palate._computed_once import computed_once
from palate._native import multiply
from palate.data._ratings import Csr
from palate.learned._known_features import KnownFeatures
from palate.learned._pair_features import PairFeatures

# Minimum variance of a direction, relative to the others.
_MIN_VARIANCE = 1e-5


@dataclass(frozen=True, eq=False)
class UserPrior:
    """The normal distribution N(mean, covariance) of a user's factors and bias.

    Where the prior depends on which items a person has rated, the mean of a person with the
    features f (see `PairFeatures`) is f' B, and the covariance is that of people with the same f.
    Further features are those that are known of a person, such as their age.

    Attributes
    ----------
    coefficients
        B; its first row is the mean of the average person; shape (features, k + 1). Those of the
        known features come last.
    covariance
        For people whose ratings have the variance 1 (see `RatingVariances`); for others in
        proportion to it. Shape (k + 1, k + 1); it may be singular.
    features
        How the features are made; None if all people have the same mean, the only row of B.
    known
        The further features.
    population_covariance
        That of all people, whatever their features; None if it is `covariance`.
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    features: PairFeatures | None = None
    known: KnownFeatures = field(default_factory=KnownFeatures)
    population_covariance: NDArray[np.float64] | None = None

    @property
    def mean(self) -> NDArray[np.float64]:
        """The mean of a person of whom nothing is known; shape (k + 1,)."""
        mean: NDArray[np.float64] = self.coefficients[0]
        return mean

    def shifts(
        self, histories: Csr, known: NDArray[np.float32] | None, threads: int
    ) -> NDArray[np.float32]:
        """Return the precision times the mean of each person; shape (people, k + 1).

        It is a single row if all people have the same.

        Parameters
        ----------
        histories
            The ratings of each person.
        known
            The further features of each person, shape (people, m); None if none are known.
        threads
            The number of threads.
        """
        if self.features is None:
            return self._shift_coefficients.astype(np.float32)
        shifts = self.features.times(
            histories, self._pair_coefficients, self._shifts_of_items, threads
        )
        if known is not None and len(self.known):
            shifts += self.known_shifts(known, threads)
        return shifts

    def known_shifts(self, known: NDArray[np.float32], threads: int) -> NDArray[np.float32]:
        """Return what the further features of each person add to `shifts`; shape (people, k + 1).

        The sums are sparse: a dense product has other bits for one person than for many.
        """
        people, columns = np.nonzero(known)
        starts = np.searchsorted(people, np.arange(len(known) + 1))
        coefficients = self._shift_coefficients[-len(self.known) :].astype(np.float32)
        shifts: NDArray[np.float32] = multiply(
            starts, columns.astype(np.int32), known[people, columns], coefficients, threads
        )
        return shifts

    @computed_once
    def _shift_coefficients(self) -> NDArray[np.float64]:
        return self.coefficients @ self.precision

    @property
    def _pair_coefficients(self) -> NDArray[np.float64]:
        return self._shift_coefficients[: len(self._shift_coefficients) - len(self.known)]

    @computed_once
    def _shifts_of_items(self) -> NDArray[np.float32]:
        """What the loadings of each item add to a shift; shape (items, k + 1)."""
        assert self.features is not None
        return self.features.loadings @ self._pair_coefficients[2:].astype(np.float32)

    @property
    def of_anyone(self) -> NDArray[np.float64]:
        """The covariance of people of whom nothing is known; shape (k + 1, k + 1)."""
        population = self.population_covariance
        return self.covariance if population is None else population

    @computed_once
    def precision(self) -> NDArray[np.float64]:
        """The inverse of the covariance, regularised so that it exists."""
        variance = np.diag(self.covariance)
        sd = np.sqrt(np.where(variance > 0, variance, _MIN_VARIANCE * (variance.max() or 1.0)))
        # Factors and bias have different units, so the correlation matrix is regularised.
        correlation = self.covariance / np.outer(sd, sd) + _MIN_VARIANCE * np.eye(len(sd))
        precision: NDArray[np.float64] = np.linalg.inv(correlation) / np.outer(sd, sd)
        return precision
