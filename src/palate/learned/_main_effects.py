"""Conversion of factors and biases to main effects and orthogonal axes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import orthonormal_basis, orthonormalising

Matrix = NDArray[np.floating[Any]]


def main_effects(users: Matrix, items: Matrix) -> tuple[float, list[Matrix]]:
    """Return mu, user factors, user biases, item factors and item biases, each summing to 0.

    The scores are those of `users` and `items`, rows of factors and bias; shapes (users, k + 1) and
    (items, k + 1). The means of ``p_u . q_i`` that centring removes are added to the biases and to
    mu: the two-way analysis of variance of the scores.
    """
    user_mean, item_mean = users.mean(axis=0), items.mean(axis=0)
    p, user_bias = effects_of_rows(users, user_mean, item_mean)
    q, item_bias = effects_of_rows(items, item_mean, user_mean)
    return mean_score(user_mean, item_mean), [p, user_bias, q, item_bias]


def mean_score(user_mean: Matrix, item_mean: Matrix) -> float:
    """Return mu, the mean over all scores, given the mean rows of both sides."""
    return float(user_mean[-1] + item_mean[-1] + user_mean[:-1] @ item_mean[:-1])


def effects_of_rows(rows: Matrix, mean: Matrix, other_mean: Matrix) -> tuple[Matrix, Matrix]:
    """Return the factors and the biases of rows of one side, see `main_effects`.

    `mean` is the mean of all rows of the side, `other_mean` that of the other side.
    """
    factors = rows[:, :-1] - mean[:-1]
    return factors, rows[:, -1] - mean[-1] + factors @ other_mean[:-1]


def orthogonal_axes(
    products: NDArray[np.float64], n: int, right: Matrix, item_bias: Matrix
) -> tuple[Matrix, Matrix]:
    """Return T and item factors on orthogonal axes, for n rows L of users and the rows R of items.

    The products of the user factors L T and the item factors are L R'. L is given by its products
    L'L. With orthonormal bases Q = L S of L's columns and W of R's, L R' = Q X W' with a small
    X = (Q' L) (W' R)', whose singular value decomposition gives that of the whole. See
    `axes_on_basis` for their order and signs.
    """
    s = orthonormalising(products)
    s = s @ orthonormalising(s.T @ products @ s)
    w = orthonormal_basis(right)
    transform, items = axes_on_basis((s.T @ products) @ (w.T @ right).T, w, n, item_bias)
    return s @ transform, items


def axes_on_basis(
    x: Matrix,
    s: Matrix,
    n: int,
    item_bias: Matrix,
    *,
    min_share: float = 0.0,
    least: float = 0.0,
    most: int | None = None,
) -> tuple[Matrix, Matrix]:
    """Return T and item factors, such that those of n users are q T and the products are q x s'.

    q and s are orthonormal. The axes that explain most of the variance come first. The first is
    kept, and of the others up to `most` in all that explain at least `min_share` of the variance,
    and a variance of `least`. User factors have a mean square of 1. Each axis has the sign of
    `axis_signs`.
    """
    u, size, v = np.linalg.svd(x, full_matrices=False)
    variance = size**2 / (n * len(s))
    rank = int(np.sum((variance > min_share * np.sum(variance)) & (variance >= least)))
    rank = max(1, min(rank, len(size) if most is None else most))
    spread = np.sqrt(n)
    items = s @ v[:rank].T * (size[:rank] / spread)
    signs = axis_signs(items, item_bias)
    return spread * u[:, :rank] * signs, items * signs


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
