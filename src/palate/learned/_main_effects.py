"""Conversion of factors and biases to main effects and orthogonal axes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import orthonormal_basis

Matrix = NDArray[np.floating[Any]]


def main_effects(users: Matrix, items: Matrix) -> tuple[float, list[Matrix]]:
    """Return mu, user factors, user biases, item factors and item biases, each summing to 0.

    The scores are those of `users` and `items`, rows of factors and bias; shapes (users, k + 1) and
    (items, k + 1). The means of ``p_u . q_i`` that centring removes are added to the biases and to
    mu: the two-way analysis of variance of the scores.
    """
    p_mean, q_mean = users[:, :-1].mean(axis=0), items[:, :-1].mean(axis=0)
    p, q = users[:, :-1] - p_mean, items[:, :-1] - q_mean
    user_bias, item_bias = users[:, -1] + p @ q_mean, items[:, -1] + q @ p_mean
    mu = float(user_bias.mean() + item_bias.mean() + p_mean @ q_mean)
    return mu, [p, user_bias - user_bias.mean(), q, item_bias - item_bias.mean()]


def orthogonal_axes(left: Matrix, right: Matrix, item_bias: Matrix) -> tuple[Matrix, Matrix]:
    """Return user and item factors with the products of `left` and `right`, on orthogonal axes.

    With orthonormal bases Q of left's columns and S of right's, left right' = Q X S' with a small
    X = (Q' left) (S' right)', whose singular value decomposition gives that of the whole. See
    `axes_on_bases` for their order and signs.
    """
    q, s = orthonormal_basis(left), orthonormal_basis(right)
    return axes_on_bases(q, (q.T @ left) @ (s.T @ right).T, s, item_bias)


def axes_on_bases(
    q: Matrix,
    x: Matrix,
    s: Matrix,
    item_bias: Matrix,
    *,
    min_share: float = 0.0,
    least: float = 0.0,
    most: int | None = None,
) -> tuple[Matrix, Matrix]:
    """Return user and item factors whose products are q x s', on orthogonal axes.

    The axes that explain most of the variance come first. The first is kept, and of the others up
    to `most` in all that explain at least `min_share` of the variance, and a variance of `least`.
    User factors have a mean square of 1. Each axis has the sign of `axis_signs`.
    """
    u, size, v = np.linalg.svd(x, full_matrices=False)
    variance = size**2 / (len(q) * len(s))
    rank = int(np.sum((variance > min_share * np.sum(variance)) & (variance >= least)))
    rank = max(1, min(rank, len(size) if most is None else most))
    spread = np.sqrt(len(q))
    items = s @ v[:rank].T * (size[:rank] / spread)
    signs = axis_signs(items, item_bias)
    users = q @ (spread * u[:, :rank] * signs).astype(q.dtype)
    return users, items * signs


def axis_signs(items: Matrix, item_bias: Matrix) -> NDArray[np.int64]:
    """Return the sign of each axis that puts better liked items at its upper end; shape (k,).

    It is that of the covariance of the items' factors with their biases.
    """
    covariance = (item_bias - item_bias.mean()) @ (items - items.mean(axis=0))
    return np.where(covariance < 0, -1, 1)


def factor_table(factors: Matrix, bias: Matrix) -> NDArray[np.float32]:
    """Return rows of factors and bias; shape (n, k + 1)."""
    table = np.empty((len(factors), factors.shape[1] + 1), dtype=np.float32)
    table[:, :-1], table[:, -1] = factors, bias
    return table
