"""The prior over items: the distribution of an item's factors and bias before any rating."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.learned._known_features import KnownFeatures


@dataclass(frozen=True, eq=False)
class ItemPrior:
    """The normal distribution N(B' f, covariance) of an item's factors and bias.

    It is that of items which are added after the fit: f = [1, known features].

    Attributes
    ----------
    coefficients
        B; shape (m + 1, k + 1).
    covariance
        Shape (k + 1, k + 1).
    known
        How the known features are made.
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    known: KnownFeatures

    def means(self, items: pl.DataFrame) -> NDArray[np.float64]:
        """Return the prior mean of each row of a table of items; shape (items, k + 1)."""
        features = self.known.of(items).astype(np.float64)
        means: NDArray[np.float64] = features @ self.coefficients[1:] + self.coefficients[0]
        return means
