"""How sure a prediction is, and how much an item is known."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.errors import SettingError
from palate.inference._infer import Parameters

# An item with fewer training ratings than this is called rarely rated.
_FEW = 5
# So many numbers of covariance matrices are held at a time.
_AT_A_TIME = 1 << 22


def status(counts: NDArray[np.int64]) -> pl.Series:
    """Say of each item whether it is "known", "rarely rated" (1 to 4 ratings) or "prior-only"."""
    names = np.array(["prior-only", "rarely rated", "known"])
    return pl.Series(names[np.where(counts == 0, 0, np.where(counts < _FEW, 1, 2))])


def need_spread(parameters: Parameters) -> None:
    """Refuse what needs to know how sure the model is of its items.

    Raises
    ------
    SettingError
        If the model is a point estimate.
    """
    if parameters.item_bias_sd is None:
        raise SettingError(
            "this model is a point estimate, which does not know how sure it is of its items; "
            "fit with Gibbs for intervals and cautious recommendations"
        )


def score_variance(
    parameters: Parameters,
    mean: NDArray[np.float32],
    covariance: NDArray[np.float32],
    user: NDArray[np.int32],
    item: NDArray[np.int32],
) -> NDArray[np.float64]:
    """Return the variance of the scores of pairs of users and items; shape (n,).

    With z = [q, 1], the profile N([p, b], V) and the item's covariance C and bias sd:

        z' V z + p' C p + tr(C V_pp) + sd(b_i)^2

    Parameters
    ----------
    parameters
        Of a model that knows how sure it is.
    mean, covariance
        Profiles; shapes (people, k + 1) and (people, k + 1, k + 1).
    user, item
        Rows of profiles and of items.
    """
    step = max(1, _AT_A_TIME // mean.shape[1] ** 2)
    parts = [
        _variance(parameters, mean, covariance, user[first : first + step], item[first:][:step])
        for first in range(0, len(user), step)
    ]
    return np.concatenate([np.zeros(0), *parts])


def _variance(
    parameters: Parameters,
    mean: NDArray[np.float32],
    covariance: NDArray[np.float32],
    user: NDArray[np.int32],
    item: NDArray[np.int32],
) -> NDArray[np.float64]:
    assert parameters.item_bias_sd is not None
    assert parameters.item_covariance is not None
    q, p, v = parameters.item_table[item, :-1], mean[user, :-1], covariance[user]
    z = np.c_[q, np.ones(len(q), dtype=np.float32)]
    # p p' + V_pp is the second moment of p: its product with C is p' C p + tr(C V_pp).
    moment = p[:, :, None] * p[:, None, :] + v[:, :-1, :-1]
    c = parameters.item_covariance[item]
    if c.shape[1] > p.shape[1]:
        of_items = np.einsum("nij,nij->n", c.reshape(moment.shape), moment)
    else:
        of_items = np.einsum("ni,nii->n", c, moment)
    of_profile = np.einsum("ni,nij,nj->n", z, v, z)
    total: NDArray[np.float64] = (of_profile + of_items).astype(np.float64)
    return total + parameters.item_bias_sd[item].astype(np.float64) ** 2
