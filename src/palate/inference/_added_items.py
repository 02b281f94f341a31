"""Items that are added after the fit: inferred from their ratings, given the users."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import with_ones
from palate.data._ratings import Csr
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._item_prior import ItemPrior

# Rounds in which an item and the variance of its ratings take turns.
_ROUNDS = 3


class InferredItems(NamedTuple):
    """The posteriors of items.

    Attributes
    ----------
    mean
        Of the factors, then of the bias; shape (n, k + 1).
    covariance
        Shape (n, k + 1, k + 1).
    variance
        The relative variance of each item's ratings; shape (n,).
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    variance: NDArray[np.float64]


def infer_items(
    ratings: Csr, prior_means: NDArray[np.float64], prior: ItemPrior, users: UserPosteriors
) -> InferredItems:
    """Return the posteriors of items given their ratings and the users.

    It is the formula of `infer` with sides exchanged. With the prior N(m, L^-1), a user's
    z_u = [p_u, 1] and covariance V_u of [p_u, b_u], and w_u = 1 / (noise_sd^2 s_u s_i)::

        A = L + sum_u w_u (z_u z_u' + C_u),   C_u: the factors' part of V_u, bordered by 0
        mean = A^-1 (L m + sum_u w_u (z_u (r_u - mu - b_u) - c_u)),   c_u: [cov(p_u, b_u), 0]

    Parameters
    ----------
    ratings
        The ratings of each item; `partner` is the row of a user.
    prior_means
        m; shape (n, k + 1).
    prior
        The prior; its covariance is L^-1.
    users
        The posteriors of the users.
    """
    precision = np.linalg.inv(prior.covariance).astype(np.float64)
    found = [
        _infer_item(ratings.take(np.array([row])), mean, precision, users)
        for row, mean in enumerate(prior_means)
    ]
    means, covariances, variances = zip(*found, strict=True)
    return InferredItems(np.array(means), np.array(covariances), np.array(variances))


def _infer_item(
    ratings: Csr,
    prior_mean: NDArray[np.float64],
    precision: NDArray[np.float64],
    users: UserPosteriors,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the mean, the covariance and the relative variance of one item."""
    rows, likelihood = ratings.partner, users.parameters.likelihood
    variances = users.parameters.variances
    assert variances is not None
    table, covariance = users.table[rows].astype(np.float64), users.covariances(rows)
    z, rest = with_ones(table[:, :-1]), ratings.rating - likelihood.mu - table[:, -1]
    spread, cross = np.zeros(covariance.shape), np.zeros(table.shape)
    spread[:, :-1, :-1], cross[:, :-1] = covariance[:, :-1, :-1], covariance[:, :-1, -1]
    of_bias, weight = covariance[:, -1, -1], likelihood.precision / users.variances[rows]
    mean, variance = prior_mean, 1.0
    for _ in range(_ROUNDS):
        w = weight / variance
        a = precision + (z.T * w) @ z + np.einsum("n,nij->ij", w, spread)
        inverse = np.linalg.inv(a)
        mean = inverse @ (precision @ prior_mean + w @ (z * rest[:, None] - cross))
        squares = (rest - z @ mean) ** 2 + of_bias + 2 * cross @ mean
        second = inverse + np.outer(mean, mean)
        squares += np.einsum("nij,ij->n", spread, second) + np.einsum("ni,ij,nj->n", z, inverse, z)
        variance = variances.of_item(len(rows), float(weight @ squares))
    return mean, inverse, variance
