"""The variances of the ratings of each row, relative to all.

The precision w of a row is gamma with the shape and the rate freedom / 2; it is the scale mixture
by which the ratings of a row have a multivariate t distribution (Geweke, "Bayesian treatment of the
independent Student-t linear model", Journal of Applied Econometrics 1993, section 3). The freedom
is drawn with the precisions integrated out, then the precisions.
"""

import math

import numpy as np
from numpy.typing import NDArray

from palate.solvers.gibbs._random_stream import RandomStream, RowStream

# The degrees of freedom to draw from, all equally probable before the fit. The mean variance of a
# row exists for more than 2.
_FREEDOMS = np.geomspace(3, 300, 24)


def first_freedom() -> float:
    """Return the freedom before the first draw."""
    return float(_FREEDOMS[len(_FREEDOMS) // 2])


def log_gammas(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sum of log gamma((freedom + n) / 2) over rows of n ratings, for each freedom."""
    sizes, numbers = np.unique(counts, return_counts=True)
    terms = [[math.lgamma((freedom + n) / 2) for n in sizes.tolist()] for freedom in _FREEDOMS]
    return np.array(terms).reshape(len(_FREEDOMS), -1) @ numbers


def log_likelihoods(
    counts: NDArray[np.int64], squares: NDArray[np.float64], of_counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the log density of the errors of rows for each freedom, up to a constant.

    With the precisions integrated out it is for a row of n ratings::

        f/2 log(f/2) - log gamma(f/2) + log gamma((f + n)/2) - (f + n)/2 log((f + squares)/2)

    Parameters
    ----------
    counts
        The number of ratings of each row; shape (n,).
    squares
        For each row the sum of alpha w e^2 over its ratings, with the errors e and the
        precisions w of the other side; shape (n,).
    of_counts
        See `log_gammas`.
    """
    found = np.empty(len(_FREEDOMS))
    for place, half in enumerate((_FREEDOMS / 2).tolist()):
        constant = len(squares) * (half * math.log(half) - math.lgamma(half))
        of_squares = (half + counts / 2) @ np.log(half + squares / 2)
        found[place] = constant + of_counts[place] - of_squares
    return found


def drawn_freedom(log_posterior: NDArray[np.float64], random: RandomStream) -> float:
    """Draw the freedom, given the log likelihood of each."""
    # Gumbel's way to draw one of several: the highest log probability plus noise.
    uniform = np.square(random.normal(2 * len(_FREEDOMS))).reshape(2, -1).sum(axis=0) / 2
    return float(_FREEDOMS[np.argmax(log_posterior - np.log(uniform))])


def drawn_precisions(
    freedom: float,
    counts: NDArray[np.int64],
    squares: NDArray[np.float64],
    random: RowStream,
) -> NDArray[np.float64]:
    """Draw the precision of each row given the freedom; the others as in `log_likelihoods`."""
    gammas = random.gammas((freedom + counts) / 2)
    return gammas / ((freedom + squares) / 2)
