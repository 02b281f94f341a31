"""Canonical axes: orthogonal axes, the strongest first, along which users are uncorrelated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate._computed_once import computed_once
from palate.learned._main_effects import axis_signs
from palate.learned._parameters import Parameters
from palate.learned._user_prior import UserPrior

Matrix = NDArray[np.float64]
# The variance of users along an axis is at least this fraction of that along the strongest axis.
_MIN_VARIANCE = 1e-5


@dataclass(frozen=True, eq=False)
class CanonicalAxes:
    """Positions of items and users on k orthogonal axes.

    The score of user u and item i is the sum of ``b_u + b_i``, of ``average . q_i``, and of
    ``x_u . y_i`` with the positions x of users and y of items. Users have unit variance along each
    axis and are uncorrelated between axes, so that y_ia is the effect of one standard deviation of
    that taste on the score. Models with an item posterior are in this form already, with an average
    of 0: the Gibbs solver returns them so. The factors of point estimates are rotated and scaled by
    the covariance of their users.

    Attributes
    ----------
    average
        The factors, then the bias, of the average user; shape (k + 1,).
    user_transform
        ``(p_u - average) @ user_transform`` is the position of a user; shape (k, k).
    items
        The positions of the items; shape (items, k).
    item_mean
        The mean position of the items; shape (k,).
    sd
        The posterior standard deviation of the items' positions; shape (items, k). None in a
        point estimate.
    share
        The fraction of the variance of the interaction, over all users and items, that lies along
        each axis; shape (k,).
    """

    average: Matrix
    user_transform: Matrix
    items: Matrix
    item_mean: Matrix
    sd: Matrix | None
    share: Matrix

    @computed_once
    def centred_items(self) -> Matrix:
        """The positions of the items relative to their mean; shape (items, k)."""
        return self.items - self.item_mean

    def user_positions(self, table: NDArray[np.floating[Any]]) -> Matrix:
        """Return the positions of users, given by rows of factors and bias; shape (n, k)."""
        positions: Matrix = (table[:, :-1] - self.average[:-1]) @ self.user_transform
        return positions

    def position(self, row: NDArray[np.floating[Any]]) -> Matrix:
        """Return the position of one user, given by a row of factors and bias; shape (k,)."""
        position: Matrix = self.user_positions(row[None])[0]
        return position


def canonical_axes(parameters: Parameters, rated: NDArray[np.bool_]) -> CanonicalAxes:
    """Return the canonical axes of a model; `rated` marks the items with a training rating."""
    items = parameters.item_table[:, :-1].astype(np.float64)
    k = items.shape[1]
    average, item_mean, user_transform = np.zeros(k + 1), np.zeros(k), np.eye(k)
    if parameters.item_posterior is None:
        average = parameters.user_prior.mean
        centred = items[rated] - items[rated].mean(axis=0)
        bias = parameters.item_table[rated, -1].astype(np.float64)
        user_transform, item_transform = _transforms(parameters.user_prior, centred, bias)
        items = items @ item_transform
        item_mean = items[rated].mean(axis=0)
    variance = np.sum((items[rated] - item_mean) ** 2, axis=0)
    return CanonicalAxes(
        average=average,
        user_transform=user_transform,
        items=items,
        item_mean=item_mean,
        sd=_position_sd(parameters),
        share=variance / (variance.sum() or 1.0),
    )


def _transforms(prior: UserPrior, centred: Matrix, bias: Matrix) -> tuple[Matrix, Matrix]:
    """Return the transforms of users and of items, whose product U I' is the identity.

    With the users' covariance S and the centred items' factors Q, the axes are the right singular
    vectors V of Q S^(1/2): users are transformed by S^(-1/2) V and items by S^(1/2) V. The biases
    of the items decide the signs.
    """
    size, vectors = np.linalg.eigh(prior.covariance[:-1, :-1])
    root = np.sqrt(np.maximum(size, _MIN_VARIANCE * (size.max(initial=0) or 1.0)))
    items = centred @ (vectors * root)
    _, right = np.linalg.eigh(items.T @ items)
    right = right[:, ::-1]
    right = right * axis_signs(items @ right, bias)
    return (vectors / root) @ right, (vectors * root) @ right


def _position_sd(parameters: Parameters) -> Matrix | None:
    if parameters.item_posterior is None:
        return None
    variances = parameters.item_posterior.covariances.variances
    return np.sqrt(np.maximum(variances.astype(np.float64), 0))
