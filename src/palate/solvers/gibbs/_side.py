"""One side of the sampler, users or items: what all of its rows share."""

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate.solvers.gibbs._random_stream import RandomStream
from palate.solvers.gibbs._row_block import RowSums
from palate.solvers.gibbs._row_prior import MatrixNormalWishart, Regression, RowPrior
from palate.solvers.gibbs._row_variances import drawn_freedom, first_freedom


class Side:
    """The prior of the rows of one side, and the freedom of the precisions of their ratings.

    Parameters
    ----------
    name
        "user" or "item".
    start
        F'F, and the sums of the rows at the start; see `RowBlock.start`.
    blocks
        The number of features of each block, the constant first.
    seed
        As of `Gibbs`.
    prior
        The prior of the prior of the rows.

    Attributes
    ----------
    sums
        Those of the latest rows.
    regression
        That of the rows on their features.
    prior
        The latest draw of the prior of the rows.
    freedom
        The latest draw of the freedom.
    """

    STATE = ("sums", "regression", "prior", "freedom")

    def __init__(
        self,
        name: str,
        start: tuple[NDArray[np.float64], RowSums],
        blocks: list[int],
        seed: int,
        prior: MatrixNormalWishart | None = None,
    ) -> None:
        gram, self.sums = start
        self.regression = Regression(gram, blocks, prior)
        d = len(self.sums.scatter)
        self.prior = RowPrior(np.zeros((len(gram), d)), np.eye(d))
        self.freedom = first_freedom()
        self._name, self._seed = name, seed

    def draw_prior(self, number: int, *, searching: bool) -> RowPrior:
        """Draw the prior of the rows in a sweep; see `Regression.draw`."""
        random = self._random(number, "prior")
        self.prior = self.regression.draw(*self.sums[:3], random, searching=searching)
        return self.prior

    def draw_freedom(self, number: int, log_likelihoods: NDArray[np.float64]) -> float:
        """Draw the freedom, given the log likelihoods of new rows."""
        self.freedom = drawn_freedom(log_likelihoods, self._random(number, "variances"))
        return self.freedom

    def residual_covariance(self) -> NDArray[np.float64]:
        """Return the covariance of the rows about their prior means; shape (d, d)."""
        return self.regression.residual_covariance(*self.sums[:3], self.prior.coefficients)

    def _random(self, number: int, use: str) -> RandomStream:
        return RandomStream(self._seed, _random_streams.sweep(number, f"{self._name} {use}"))
