"""The variance of predictions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import quadratic_forms, with_ones
from palate.errors import SettingError
from palate.inference._user_posterior import UserPosterior
from palate.learned._item_posterior import ItemPosterior
from palate.learned._parameters import Parameters

# Maximum number of elements of covariance matrices held at a time.
_MAX_ELEMENTS = 1 << 18


def require_intervals(parameters: Parameters) -> ItemPosterior:
    """Return the posterior uncertainty of the items.

    Raises
    ------
    SettingError
        If the model is a point estimate.
    """
    if parameters.item_posterior is None:
        raise SettingError(
            "this model is a point estimate, without the uncertainty of its items; fit with Gibbs "
            "for intervals and cautious recommendations"
        )
    return parameters.item_posterior


def score_variance(
    parameters: Parameters, user: UserPosterior, rows: NDArray[np.integer[Any]] | None = None
) -> NDArray[np.float64]:
    """Return the variance of one user's scores for the items at `rows`, or for all; shape (n,).

    With z = [q, 1], the user's posterior N([p, b], V), and the item's covariance C and bias sd::

        z' V z + p' C p + tr(C V_pp) + sd(b_i)^2

    Raises
    ------
    SettingError
        If the model is a point estimate.
    """
    from_items = score_variance_from_items(parameters, user, rows)
    factors = parameters.item_table[:, :-1]
    if rows is not None:
        factors = factors[rows]
    return from_items + quadratic_forms(with_ones(factors), user.covariance)


def score_variance_from_items(
    parameters: Parameters, user: UserPosterior, rows: NDArray[np.integer[Any]] | None = None
) -> NDArray[np.float64]:
    """Return the part of `score_variance` that the uncertainty of the items adds; shape (n,).

    It is ``p' C p + tr(C V_pp) + sd(b_i)^2``.
    """
    items = require_intervals(parameters)
    bias_sd, covariances = items.bias_sd, items.covariances
    if rows is not None:
        bias_sd, covariances = bias_sd[rows], covariances.take(rows)
    from_factors = covariances.traces(_second_moments(user.mean[None], user.covariance[None])[0])
    return from_factors.astype(np.float64) + bias_sd.astype(np.float64) ** 2


def paired_score_variance(
    parameters: Parameters,
    mean: NDArray[np.float32],
    covariance: NDArray[np.float32],
    user: NDArray[np.int32],
    item: NDArray[np.int32],
) -> NDArray[np.float64]:
    """Return the variance of the scores of pairs of users and items; shape (n,).

    Parameters
    ----------
    parameters
        Of a model with intervals.
    mean, covariance
        Posteriors of users; shapes (users, k + 1) and (users, k + 1, k + 1).
    user, item
        Rows of users in `mean`, and of items; shape (n,).

    Raises
    ------
    SettingError
        If the model is a point estimate.
    """
    items, moments = require_intervals(parameters), _second_moments(mean, covariance)
    variance = items.bias_sd[item].astype(np.float64) ** 2
    step = max(1, _MAX_ELEMENTS // mean.shape[1] ** 2)
    for first in range(0, len(user), step):
        block = slice(first, first + step)
        users, rows = user[block], item[block]
        z = with_ones(parameters.item_table[rows, :-1])
        # In two steps: all three at once would take ten times as long.
        variance[block] += np.einsum("nj,nj->n", np.einsum("ni,nij->nj", z, covariance[users]), z)
        variance[block] += items.covariances.paired_traces(rows, moments[users])
    return variance


def _second_moments(
    mean: NDArray[np.float32], covariance: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return p p' + V_pp, whose product with C has the trace p' C p + tr(C V_pp)."""
    p = mean[:, :-1]
    return p[:, :, None] * p[:, None, :] + covariance[:, :-1, :-1]
