"""From draws of a sampler, each in a rotation of its own, to one form that anyone can read."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams

Matrix = NDArray[np.float32]
# The width of the sketch for each factor of the sampler. On MovieLens 100k, 3 comes within 0.0005
# of the RMSE of an exact decomposition at the same rank, and 2 within 0.001.
_WIDTH = 3
# An axis is kept if it explains at least this share of the variance of the mean interaction.
_LEAST_SHARE = 1e-3
# Axes on which covariances are taken while sampling: some more, for they are not yet the final
# ones.
_LEAST_SHARE_ON_THE_WAY = 3e-4
# The long sketch is added to by blocks that stay in the cache.
_ROWS = 2048
# Directions of a basis that are smaller than this, squared, are rounding.
_LEAST_SIZE = 1e-12
# Covariances of items are full matrices up to so many numbers in all, and diagonals beyond: every
# rating asks for its item's, and from so many on they are far from any cache.
_MOST_COVARIANCES = 1 << 24


@dataclass(frozen=True)
class Canonical:
    """A bilinear form in main effects and orthogonal axes.

    The score of user u and item i is ``mu + b_u + b_i + p_u . q_i``. Biases and factors sum to
    zero over each side. Axes are orthogonal. User factors have a mean square of 1, so that an
    item's factor is what one standard deviation of that taste is worth. Axes come in the order
    of the variance that they explain, each turned so that the largest item factor is positive.

    Attributes
    ----------
    mu
        The mean over all users and items.
    users, items
        For each its factors, then its bias; shapes (users, r + 1) and (items, r + 1).
    """

    mu: float
    users: Matrix
    items: Matrix


@dataclass(frozen=True)
class Posterior:
    """What the draws say of the items on the canonical axes: mean and spread.

    Attributes
    ----------
    form
        The mean of the draws.
    bias_sd
        The standard deviation of each item's bias; shape (items,).
    covariance
        The covariance of each item's factors; shape (items, r * r), or (items, r) for the
        diagonals alone.
    """

    form: Canonical
    bias_sd: Matrix
    covariance: Matrix


def axes(
    left: NDArray[Any], right: NDArray[Any], least_share: float = 0.0
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return user and item factors whose products are those of `left` and `right`, on axes.

    With orthonormal bases Q of left's columns and S of right's, left right' = Q X S' with a small
    X = (Q' left) (S' right)', whose singular value decomposition gives that of the whole. Axes
    that explain less than `least_share` of the variance are left out; one is always kept.
    """
    q, s = _orthonormal(left), _orthonormal(right)
    return _on_bases(q, (q.T @ left) @ (s.T @ right).T, s, least_share)


def _on_bases(
    q: NDArray[Any], x: NDArray[Any], s: NDArray[Any], least_share: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return user and item factors whose products are q x s', as `axes` does."""
    u, size, v = np.linalg.svd(x, full_matrices=False)
    rank = max(1, int(np.sum(size**2 > least_share * np.sum(size**2))))
    spread = np.sqrt(len(q))
    users, items = spread * (q @ u[:, :rank]), s @ v[:rank].T * (size[:rank] / spread)
    signs = np.where(items[np.abs(items).argmax(axis=0), np.arange(rank)] < 0, -1, 1)
    return users * signs, items * signs


def _orthonormal(columns: NDArray[Any]) -> NDArray[np.float64]:
    """Return an orthonormal basis of the columns, by the eigenvectors of their products.

    That is several times faster than Householder's way for long columns; the second round mends
    what the first lost in precision (as in Fukaya, Nakatsukasa, Yanagisawa and Yamamoto,
    "CholeskyQR2", ScalA 2014).
    """
    basis = columns.astype(np.float64)
    for _ in range(2):
        size, vectors = np.linalg.eigh(basis.T @ basis)
        kept = size > _LEAST_SIZE * size[-1]
        kept[-1] = True
        basis = basis @ (vectors[:, kept] / np.sqrt(np.maximum(size[kept], np.finfo(float).tiny)))
    return basis


def centred(users: NDArray[Any], items: NDArray[Any]) -> tuple[float, list[NDArray[Any]]]:
    """Return mu, then user factors and biases and item factors and biases, each summing to 0.

    What centring takes out of p_u . q_i goes to the biases and to mu.
    """
    p_mean, q_mean = users[:, :-1].mean(axis=0), items[:, :-1].mean(axis=0)
    p, q = users[:, :-1] - p_mean, items[:, :-1] - q_mean
    user_bias, item_bias = users[:, -1] + p @ q_mean, items[:, -1] + q @ p_mean
    mu = float(user_bias.mean() + item_bias.mean() + p_mean @ q_mean)
    return mu, [p, user_bias - user_bias.mean(), q, item_bias - item_bias.mean()]


class Canonicaliser:
    """Takes draws one by one, in memory that does not grow with their number.

    The mean M of the draws' centred interactions is a matrix of users by items that is never
    formed: only its products with random matrices are kept, which are means over the draws too.
    From those the single-pass sketch of Tropp, Yurtsever, Udell and Cevher, "Practical sketching
    algorithms for low-rank matrix approximation" (SIAM J. Matrix Anal. Appl. 2017), algorithm 4,
    gives M on a basis Q of its range: with Y = M Omega and W = Psi' M,

        Q = orth(Y),   M = Q (Psi' Q)^+ W

    A draw's item factors on given axes are its interaction X projected on the user factors P of
    those axes, X' P / users. Their covariance is taken on the axes of the draws before, and turned
    to the final axes at the end. Those axes are found when half of the draws are there and the
    covariance begun anew; until then they are the axes of the first draw, in case the fit is
    interrupted.

    Parameters
    ----------
    users, items, factors
        The sizes of the draws.
    draws
        How many draws are to be added.
    seed
        The seed of the random matrices.
    """

    def __init__(self, users: int, items: int, factors: int, draws: int, seed: int) -> None:
        width = min(_WIDTH * factors, users, items)
        self._factors = factors
        self._turning_point = max(1, draws // 2)
        self._omega = _random_streams.normals(seed, _random_streams.ITEM_SKETCH, items, width)
        self._psi = _random_streams.normals(
            seed, _random_streams.USER_SKETCH, users, min(2 * width + 1, users)
        )
        self._y = np.zeros((users, width), dtype=np.float32)
        self._w = np.zeros((self._psi.shape[1], items), dtype=np.float32)
        self._mu = 0.0
        self._user_bias, self._item_bias = np.zeros(users), np.zeros(items)
        self._item_bias_squares = np.zeros(items)
        self._moments: _Moments | None = None
        self.draws = 0

    def add(self, users: Matrix, items: Matrix) -> None:
        """Add a draw: rows of factors and bias on both sides."""
        if self.draws in {1, self._turning_point}:
            self._moments = _Moments(self._axes(_LEAST_SHARE_ON_THE_WAY)[0][:, : self._factors])
        mu, (p, user_bias, q, item_bias) = centred(users, items)
        onto = q.T @ self._omega
        for first in range(0, len(p), _ROWS):
            self._y[first : first + _ROWS] += p[first : first + _ROWS] @ onto
        self._w += (self._psi.T @ p) @ q.T
        self._mu += mu
        self._user_bias += user_bias
        self._item_bias += item_bias
        self._item_bias_squares += item_bias**2
        if self._moments is not None:
            self._moments.add(p, q)
        self.draws += 1

    def _axes(self, least_share: float) -> tuple[NDArray[Any], NDArray[Any]]:
        basis = _orthonormal(self._y)
        q, r = np.linalg.qr(self._psi.T @ basis)
        on_basis = np.linalg.solve(r, q.T @ (self._w / self.draws))
        right = _orthonormal(on_basis.T)
        return _on_bases(basis, on_basis @ right, right, least_share)

    def result(self, scale: float) -> Posterior:
        """Return the mean and the spread of the draws that were added, times `scale`."""
        users, items = self._axes(_LEAST_SHARE)
        weight = scale / self.draws
        form = Canonical(
            mu=weight * self._mu,
            users=table(users, weight * self._user_bias),
            items=table(scale * items, weight * self._item_bias),
        )
        mean = self._item_bias / self.draws
        bias_variance = self._item_bias_squares / self.draws - mean**2
        if self._moments is None:
            covariance = np.zeros((len(items), items.shape[1]))
        else:
            covariance = scale**2 * self._moments.covariance(users)
        bias_sd = scale * np.sqrt(np.maximum(bias_variance, 0))
        return Posterior(form, bias_sd.astype(np.float32), covariance.astype(np.float32))


class _Moments:
    """The first and second moments of the draws' item factors on given axes."""

    def __init__(self, users: NDArray[Any]) -> None:
        self._users = users.astype(np.float32)
        self._sum: Any = 0.0
        self._squares: Any = 0.0
        self._draws = 0

    def add(self, p: Matrix, q: Matrix) -> None:
        factors = q @ (p.T @ self._users / np.float32(len(p)))
        n, r = factors.shape
        full = n * r * r <= _MOST_COVARIANCES
        self._sum += factors
        self._squares += _products(factors, factors) if full else factors**2
        self._draws += 1

    def covariance(self, users: NDArray[Any]) -> NDArray[Any]:
        """Return the covariance of each item's factors on the axes of these user factors."""
        mean = self._sum / self._draws
        full = self._squares.shape != mean.shape
        squares = _products(mean, mean) if full else mean**2
        turn = self._users.T @ users / len(users)
        return turned_covariance(self._squares / self._draws - squares, turn)


def turned_covariance(covariance: NDArray[Any], turn: NDArray[Any]) -> NDArray[Any]:
    """Return covariances of rows x as those of x turn; full ones or diagonals, as in `Posterior`.

    Of a diagonal, what other coordinates turn into is left out.
    """
    n, r = len(covariance), len(turn)
    turned: NDArray[Any]
    if covariance.shape[1] == r:
        turned = covariance @ turn**2
    else:
        turned = (turn.T @ covariance.reshape(n, r, r) @ turn).reshape(n, -1)
    return turned


def table(factors: NDArray[Any], bias: NDArray[Any]) -> Matrix:
    """Return rows of factors and bias."""
    return np.ascontiguousarray(np.c_[factors, bias], dtype=np.float32)


def _products(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Return all products of two rows' coordinates, row by row; shape (n, r * r)."""
    product: NDArray[Any] = a[:, :, None] * b[:, None, :]
    return product.reshape(len(a), -1)
