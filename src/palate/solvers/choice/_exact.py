"""The precision of the choice model by inversion, for up to 10,000 items."""

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import inverse
from palate._native import CancelToken, multiply
from palate.data._ratings import Csr
from palate.learned._choice import DenseWeights
from palate.solvers.choice._histories import ridge_shape
from palate.solvers.choice._people import WeightedHistories


class ExactGraph:
    """The co-occurrences of items, G = X' W X; shape (items, items)."""

    def __init__(self, histories: WeightedHistories, threads: int, cancel: CancelToken) -> None:
        self._threads, self._cancel = threads, cancel
        self._gram = histories.co_occurrences(threads, cancel)
        self.popularity = np.diagonal(self._gram).copy()

    def precision(self, ridge: float) -> "ExactPrecision":
        """Return P = (G + ridge R)^-1, with R as of `ridge_shape`."""
        matrix = self._gram.copy()
        matrix[np.diag_indices(len(matrix))] += ridge * ridge_shape(self.popularity)
        return ExactPrecision(inverse(matrix, self._threads, self._cancel), self._threads)


class ExactPrecision:
    """The matrix P = (G + ridge R)^-1."""

    def __init__(self, matrix: NDArray[np.float32], threads: int) -> None:
        self._matrix, self._threads = matrix, threads
        self.diagonal = np.diagonal(matrix).copy()

    def product(self, rows: Csr) -> NDArray[np.float32]:
        """Return X P for rows of X; shape (rows, items)."""
        return multiply(*rows, self._matrix, self._threads)

    def weights(self) -> DenseWeights:
        """Return B_ij = -P_ij / P_jj; P is overwritten."""
        self._matrix /= -self.diagonal
        np.fill_diagonal(self._matrix, 0)
        return DenseWeights(self._matrix)
