"""A model on canonical axes: those on which its tastes are independent, the strongest first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.inference._infer import Parameters, UserPrior
from palate.inference._link import Linear

Matrix = NDArray[np.float64]
# What varies less than this share of the strongest in users is taken to vary as much.
_LEAST_VARIANCE = 1e-5


@dataclass(frozen=True, eq=False)
class Canonical:
    """Where items and users stand on k orthogonal axes.

    The score of user u and item i is the sum of ``b_u + b_i``, of ``average . q_i``, and of
    ``x_u . y_i`` with the positions x of users and y of items. Users vary by 1 on each axis and
    independently of the others, so that y_ia is what one standard deviation of that taste is
    worth for the item. A model by Gibbs is in this form as it is, and its average is 0; the factors
    of a point estimate are turned by the covariance of its users.

    Attributes
    ----------
    average
        The average user's factors, then their bias; shape (k + 1,).
    turn
        ``(p_u - average) @ turn`` is a user's position; shape (k, k).
    items
        The positions of the items; shape (items, k).
    middle
        The mean position of the items; shape (k,).
    sd
        The posterior standard deviation of the items' positions; shape (items, k). None in a
        point estimate.
    share
        The share of the variance of the interaction, over all users and items, that is along each
        axis; shape (k,).
    """

    average: Matrix
    turn: Matrix
    items: Matrix
    middle: Matrix
    sd: Matrix | None
    share: Matrix

    @cached_property
    def places(self) -> Matrix:
        """Where the items stand as they differ from the mean item; shape (items, k)."""
        return self.items - self.middle

    def positions(self, table: NDArray[np.floating[Any]]) -> Matrix:
        """Return the positions of users, given by rows of factors and bias; shape (n, k)."""
        positions: Matrix = (table[:, :-1] - self.average[:-1]) @ self.turn
        return positions


def canonical(parameters: Parameters, trained: NDArray[np.bool_]) -> Canonical:
    """Return the model on its canonical axes; `trained` says which items have a rating."""
    q = parameters.item_table[:, :-1].astype(np.float64)
    k = q.shape[1]
    average, turn, back = np.zeros(k + 1), np.eye(k), np.eye(k)
    if not isinstance(parameters.link, Linear):
        average = parameters.prior.mean
        turn, back = _turns(parameters.prior, q[trained] - q[trained].mean(axis=0))
    items = q @ back
    middle = items[trained].mean(axis=0) if not isinstance(parameters.link, Linear) else np.zeros(k)
    variance = np.sum((items[trained] - middle) ** 2, axis=0)
    return Canonical(
        average=average,
        turn=turn,
        items=items,
        middle=middle,
        sd=_sd(parameters, k),
        share=variance / (variance.sum() or 1.0),
    )


def _turns(prior: UserPrior, centred: Matrix) -> tuple[Matrix, Matrix]:
    """Return what turns users and what turns items; their product with each other is the identity.

    With the users' covariance S and the centred items' factors Q, the axes are the right singular
    vectors V of Q S^(1/2): users are turned by S^(-1/2) V and items by S^(1/2) V.
    """
    size, vectors = np.linalg.eigh(prior.covariance[:-1, :-1])
    root = np.sqrt(np.maximum(size, _LEAST_VARIANCE * (size.max(initial=0) or 1.0)))
    items = centred @ (vectors * root)
    _, right = np.linalg.eigh(items.T @ items)
    right = right[:, ::-1]
    positions = items @ right
    largest = positions[np.abs(positions).argmax(axis=0), np.arange(len(root))]
    right = right * np.where(largest < 0, -1, 1)
    return (vectors / root) @ right, (vectors * root) @ right


def _sd(parameters: Parameters, k: int) -> Matrix | None:
    if parameters.item_covariance is None:
        return None
    diagonals = parameters.item_covariance[
        :, :: k + 1 if parameters.item_covariance.shape[1] > k else 1
    ]
    return np.sqrt(np.maximum(diagonals.astype(np.float64), 0))
