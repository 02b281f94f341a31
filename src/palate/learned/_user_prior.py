"""The prior over users: the distribution of a person's factors and bias before any rating."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# Minimum variance of a direction, relative to the others.
_MIN_VARIANCE = 1e-5


@dataclass(frozen=True, eq=False)
class UserPrior:
    """The normal distribution N(mean, covariance) of a user's factors and bias.

    Attributes
    ----------
    mean
        Of the k factors, then of the bias; shape (k + 1,).
    covariance
        Shape (k + 1, k + 1); it may be singular.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @cached_property
    def precision(self) -> NDArray[np.float64]:
        """The inverse of the covariance, regularised so that it exists."""
        variance = np.diag(self.covariance)
        sd = np.sqrt(np.where(variance > 0, variance, _MIN_VARIANCE * (variance.max() or 1.0)))
        # Factors and bias have different units, so the correlation matrix is regularised.
        correlation = self.covariance / np.outer(sd, sd) + _MIN_VARIANCE * np.eye(len(sd))
        precision: NDArray[np.float64] = np.linalg.inv(correlation) / np.outer(sd, sd)
        return precision
