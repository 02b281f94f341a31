"""From which size an interaction can be told from noise."""

import math

import numpy as np

from palate.data._ratings import Csr

# An axis is kept if it explains this fraction of the detectable variance.
_MIN_FRACTION = 0.03


def detectable_variance(by_user: Csr, by_item: Csr, noise_variance: float) -> float:
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
    return noise_variance / math.sqrt(_degree(by_user) * _degree(by_item))


def least_variance(by_user: Csr, by_item: Csr, noise_variance: float) -> float:
    """Return the variance over all pairs that an axis must explain to be kept.

    Draws of an axis that the ratings say little about have the detectable variance, each in another
    direction; that of their mean is this variance times the squared correlation of two draws.
    """
    return _MIN_FRACTION * detectable_variance(by_user, by_item, noise_variance)


def _degree(grouped: Csr) -> float:
    """Return the mean over ratings of the number of ratings of their row, at least 1."""
    counts = np.diff(grouped.starts).astype(np.float64)
    return max(1.0, float(counts @ counts) / max(1, len(grouped.partner)))
