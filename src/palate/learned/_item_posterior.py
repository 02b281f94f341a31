"""The posterior uncertainty of items: the sd of their biases, the covariance of their factors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class ItemCovariances:
    """The covariance matrix of each item's factors, or its diagonal alone.

    Attributes
    ----------
    values
        Shape (items, k * k) where matrices are full, (items, k) where only diagonals are kept.
    factors
        The number of factors k.
    """

    values: NDArray[np.floating[Any]]
    factors: int

    def __len__(self) -> int:
        return len(self.values)

    @property
    def full(self) -> bool:
        """Whether the matrices are full."""
        return bool(self.values.shape[1] == self.factors**2)

    @property
    def variances(self) -> NDArray[np.floating[Any]]:
        """The variance of each factor; shape (items, k)."""
        return self.values[:, :: self.factors + 1] if self.full else self.values

    def take(self, rows: NDArray[np.integer[Any]]) -> "ItemCovariances":
        """Return the covariances of the items at `rows`."""
        return ItemCovariances(self.values[rows], self.factors)

    def matrices(self) -> NDArray[np.float64]:
        """Return the covariances as matrices; shape (items, k, k)."""
        n, k = len(self), self.factors
        if self.full:
            return self.values.reshape(n, k, k).astype(np.float64)
        return self.values[:, :, None].astype(np.float64) * np.eye(k)

    def sum(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted sum of the covariances over the items; shape (k, k)."""
        total = weights @ self.values.astype(np.float64)
        return total.reshape(self.factors, self.factors) if self.full else np.diag(total)

    def along(self, direction: Matrix) -> NDArray[np.floating[Any]]:
        """Return the variance d' C d of each item's factors in direction d; shape (items,)."""
        return self.traces(np.outer(direction, direction))

    def traces(self, moment: Matrix) -> NDArray[np.floating[Any]]:
        """Return tr(C M) of each item's covariance C with one matrix M; shape (items,)."""
        traces: NDArray[np.floating[Any]] = self.values @ self._flat(moment)
        return traces

    def paired_traces(
        self, rows: NDArray[np.integer[Any]], moments: Matrix
    ) -> NDArray[np.floating[Any]]:
        """Return tr(C_n M_n) for pairs of an item at `rows` and a matrix; shape (n,)."""
        if self.full:
            moments = moments.reshape(len(moments), -1)
        else:
            moments = np.diagonal(moments, axis1=1, axis2=2)
        traces: NDArray[np.floating[Any]] = np.einsum("ni,ni->n", self.values[rows], moments)
        return traces

    def transformed(self, transform: Matrix) -> "ItemCovariances":
        """Return the covariances of ``q @ transform`` for the items' factors q.

        Of a diagonal, the off-diagonal elements that arise are left out.
        """
        factors = transform.shape[1]
        if not self.full:
            return ItemCovariances(self.values @ transform**2, factors)
        matrices = self.values.reshape(len(self), self.factors, self.factors)
        turned = transform.T @ matrices @ transform
        return ItemCovariances(turned.reshape(len(self), -1), factors)

    def at_least(self, variance: float) -> "ItemCovariances":
        """Return the covariances with variances of at least this."""
        values = self.values.copy()
        values[:, :: self.factors + 1 if self.full else 1] = np.maximum(self.variances, variance)
        return ItemCovariances(values, self.factors)

    def astype(self, dtype: type[np.floating[Any]]) -> "ItemCovariances":
        """Return the covariances in another precision."""
        return ItemCovariances(self.values.astype(dtype), self.factors)

    def _flat(self, moment: Matrix) -> NDArray[np.floating[Any]]:
        return moment.ravel() if self.full else np.diagonal(moment)


@dataclass(frozen=True, eq=False)
class ItemPosterior:
    """How uncertain the items are.

    Attributes
    ----------
    bias_sd
        The posterior standard deviation of each item's bias; shape (items,).
    covariances
        The posterior covariance of each item's factors.
    """

    bias_sd: NDArray[np.float32]
    covariances: ItemCovariances
