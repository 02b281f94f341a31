"""From which size an interaction can be told from noise."""

import math

import numpy as np

from palate.solvers.gibbs._user_block import Totals

# An axis is kept if it explains this fraction of the detectable variance.
_MIN_FRACTION = 0.03


def detectable_variance(totals: Totals, noise_variance: float) -> float:
    """Return the variance over all pairs that one axis must explain to be told from noise.

    With the noise variance s^2, n_u and n_i ratings of a user and an item, and N in all::

        s^2 / (d_users d_items)^1/2,   d_users = sum_u n_u^2 / N,   d_items = sum_i n_i^2 / N

    where d is the mean number of ratings of the user, and of the item, of a rating. Below it, what
    a rating says of others dies out from step to step along the ratings (the Kesten-Stigum
    threshold; Decelle, Krzakala, Moore and Zdeborova, "Asymptotic analysis of the stochastic block
    model for modular networks", Physical Review E 2011, section IV), and the leading singular
    vectors of the table are unrelated to those of the interaction (Benaych-Georges and Nadakuditi,
    "The singular values and vectors of low rank perturbations of large rectangular random
    matrices", Journal of Multivariate Analysis 2012, section 3.1).
    """
    items = totals.item_counts.astype(np.float64)
    # The mean over ratings of the number of ratings of their row, at least 1.
    degrees = (
        max(1.0, squares / max(1, totals.ratings))
        for squares in (totals.count_squares, float(items @ items))
    )
    return noise_variance / math.sqrt(math.prod(degrees))


def least_variance(totals: Totals, noise_variance: float) -> float:
    """Return the variance over all pairs that an axis must explain to be kept.

    Draws of an axis that the ratings say little about have the detectable variance, each in another
    direction; that of their mean is this variance times the squared correlation of two draws.
    """
    return _MIN_FRACTION * detectable_variance(totals, noise_variance)
