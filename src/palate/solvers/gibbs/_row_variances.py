"""The variances of the ratings of each row, relative to all."""

import math

import numpy as np
from numpy.typing import NDArray

from palate.solvers.gibbs._random_stream import RandomStream

# The degrees of freedom to draw from, all equally probable before the fit. The mean variance of a
# row exists for more than 2.
_FREEDOMS = np.geomspace(3, 300, 24)


class RowVariances:
    """The precision of the ratings of each row of a side, relative to all.

    The precision w of a row is gamma with the shape and the rate freedom / 2; it is the scale
    mixture by which the ratings of a row have a multivariate t distribution (Geweke, "Bayesian
    treatment of the independent Student-t linear model", Journal of Applied Econometrics 1993,
    section 3).

    Parameters
    ----------
    counts
        The number of ratings of each row; shape (n,).
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self.precisions, self.freedom = np.ones(len(counts)), float(_FREEDOMS[len(_FREEDOMS) // 2])
        self._counts = counts
        sizes, self._size_of = np.unique(counts, return_inverse=True)
        # log gamma((freedom + n) / 2) for each freedom and each n.
        self._log_gammas = np.array(
            [[math.lgamma((freedom + n) / 2) for n in sizes.tolist()] for freedom in _FREEDOMS]
        )
        self._numbers = np.bincount(self._size_of)

    def draw(self, squares: NDArray[np.float64], random: RandomStream) -> None:
        """Draw the freedom, with the precisions integrated out; then the precisions.

        Parameters
        ----------
        squares
            For each row the sum of alpha w e^2 over its ratings, with the errors e and the
            precisions w of the other side; shape (n,).
        """
        log_posterior = np.array([self._log_likelihood(f, squares) for f in range(len(_FREEDOMS))])
        # Gumbel's way to draw one of several: the highest log probability plus noise.
        uniform = np.square(random.normal(2 * len(_FREEDOMS))).reshape(2, -1).sum(axis=0) / 2
        self.freedom = float(_FREEDOMS[np.argmax(log_posterior - np.log(uniform))])
        gammas = random.gammas((self.freedom + self._counts) / 2)
        self.precisions = gammas / ((self.freedom + squares) / 2)

    def _log_likelihood(self, place: int, squares: NDArray[np.float64]) -> float:
        """Return the log density of all errors, up to a constant, with the precisions integrated.

        For a row of n ratings it is::

            f/2 log(f/2) - log gamma(f/2) + log gamma((f + n)/2) - (f + n)/2 log((f + squares)/2)
        """
        half = _FREEDOMS[place] / 2
        constant = len(squares) * (half * math.log(half) - math.lgamma(half))
        of_sizes = float(self._log_gammas[place] @ self._numbers)
        of_squares = (half + self._counts / 2) @ np.log(half + squares / 2)
        return float(constant + of_sizes - of_squares)
