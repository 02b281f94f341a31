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
    1 / s_u has a gamma prior with mean 1. The covariance of the prior of a person's factors and
    bias is s_u times that of the `UserPrior`: who rates on a wider scale has more of everything. So
    the prior is conjugate, and expectations do not depend on s_u.

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

    @property
    def of_anyone(self) -> float:
        """The mean of s_u over people, that of a person of whom nothing is known."""
        return self.freedom / (self.freedom - 2)

    def of_people(
        self, freedom: NDArray[np.float64], squares: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return s_u, the posterior mean; shape (people,).

        Parameters
        ----------
        freedom
            The residual degrees of freedom of each person; see `Inferred`.
        squares
            The sum of e^2 / (s_i noise_sd^2) over the errors e of each person.
        """
        variances: NDArray[np.float64] = (self.freedom + squares) / (self.freedom + freedom - 2)
        return variances

    def of_item(self, count: int, squares: float) -> float:
        """Return s_i, the posterior mean for an item with `count` ratings.

        `squares` is the expected sum of e^2 / (s_u noise_sd^2) over their errors e.
        """
        return (self.item_freedom + squares) / (self.item_freedom + count - 2)

    def precisions(
        self, freedom: NDArray[np.float64], variances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the posterior mean of 1 / s_u, given that of s_u; shape (people,)."""
        freedom = self.freedom + freedom
        precisions: NDArray[np.float64] = freedom / (freedom - 2) / variances
        return precisions

    def weights(self, histories: Csr) -> NDArray[np.float32]:
        """Return 1 / s_i for each rating; shape (n,)."""
        weights: NDArray[np.float32] = np.reciprocal(self.items[histories.partner])
        return weights
