"""How far ratings lie from their expectations: by item, and by person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Csr


@dataclass(frozen=True, eq=False)
class RatingVariances:
    """The variance of ratings about their expectations, relative to the variance of them all.

    The rating of user u for item i has the variance s_u s_i noise_sd^2: items are more or less
    divisive, and people more or less predictable. A person's s_u is inferred from their ratings;
    1 / s_u has a gamma prior with mean 1.

    Attributes
    ----------
    items
        s_i, posterior means; shape (items,).
    freedom, item_freedom
        Twice the shape of the gamma prior of 1 / s_u, and of 1 / s_i: the number of ratings that it
        counts for. Above 2.
    """

    items: NDArray[np.float32]
    freedom: float
    item_freedom: float

    def of_people(
        self, counts: NDArray[np.int64], squares: NDArray[np.float64], precision: float
    ) -> NDArray[np.float64]:
        """Return s_u, the posterior mean; shape (people,).

        Parameters
        ----------
        counts
            The number of ratings of each person.
        squares
            The expected sum of e^2 / s_i over the errors e of each person.
        precision
            1 / noise_sd^2.
        """
        variances: NDArray[np.float64] = (self.freedom + precision * squares) / (
            self.freedom + counts - 2
        )
        return variances

    def of_item(self, count: int, squares: float) -> float:
        """Return s_i, the posterior mean for an item with `count` ratings.

        `squares` is the expected sum of e^2 / (s_u noise_sd^2) over their errors e.
        """
        return (self.item_freedom + squares) / (self.item_freedom + count - 2)

    def precisions(
        self, counts: NDArray[np.int64], variances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the posterior mean of 1 / s_u, given that of s_u; shape (people,)."""
        freedom = self.freedom + counts
        precisions: NDArray[np.float64] = freedom / (freedom - 2) / variances
        return precisions

    def weights(self, histories: Csr, variances: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the mean of 1 / s_u, divided by s_i, for each rating; shape (n,)."""
        counts = histories.counts
        own = self.precisions(counts, variances).astype(np.float32)
        weights = np.repeat(own, counts)
        weights /= self.items[histories.partner]
        return weights
