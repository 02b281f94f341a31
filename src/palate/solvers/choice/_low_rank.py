"""The precision of the choice model from eigenvectors and neighbours, for any number of items."""

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate._linear_algebra import multiply_by_panels
from palate._native import CancelToken, multiply, multiply_sparse
from palate.data._ratings import Csr
from palate.learned._choice import LowRankWeights
from palate.solvers._eigenpairs import leading_eigenpairs
from palate.solvers.choice._histories import ridge_shape
from palate.solvers.choice._people import WeightedHistories

# The number of eigenvectors, and of vectors in the subspace that they are found in.
_RANK, _SUBSPACE = 128, 160
# Maximum number of neighbours of all items together.
_MAX_NEIGHBOURS = 1 << 26
# Rows of the lists that are scaled at a time.
_ROWS = 256


class LowRankGraph:
    """The normalised co-occurrences of items, by eigenvectors and neighbour lists.

    With R as of `ridge_shape`::

        P = R^-1/2 (C + lambda)^-1 R^-1/2,    C = R^-1/2 G R^-1/2

    The first eigenvalues s and eigenvectors V of C enter exactly; the remainder of C, whose
    eigenvalues are small beside lambda, to the first order::

        (C + lambda)^-1 = 1/lambda - V a V' - c C,
        c = 1 / (lambda (lambda + t)),    a = 1/lambda - 1/(s + lambda) - c s

    where t is the mean eigenvalue of the remainder, weighted by the eigenvalues. C is kept as lists
    of the largest entries of each row.
    """

    def __init__(
        self, histories: WeightedHistories, threads: int, cancel: CancelToken, seed: int
    ) -> None:
        self._threads = threads
        self.popularity = histories.popularity()
        # The diagonal of R^-1/2.
        self.scale = (1 / np.sqrt(ridge_shape(self.popularity))).astype(np.float32)
        items = len(self.scale)
        # The largest eigenvalues of C, and the eigenvectors; shapes (k,), (items, k).
        self.values, self.vectors = leading_eigenpairs(
            histories.scaled_product(self.scale, threads, cancel),
            histories.users,
            items,
            _RANK,
            subspace=_SUBSPACE,
            seed=seed,
            stream=_random_streams.CHOICE_SKETCH,
        )
        # The largest entries of C off its diagonal, and its diagonal.
        most = min(max(1, _MAX_NEIGHBOURS // items), items)
        self.neighbours = histories.largest_co_occurrences(self.scale, most, threads, cancel)
        self.diagonal = self.popularity * self.scale**2
        remainder = float(self.diagonal.sum() - self.values.sum())
        squares = float(np.einsum("n,n->", *[self.neighbours.rating] * 2, dtype=np.float64))
        squares += float(np.sum(self.diagonal.astype(np.float64) ** 2) - np.sum(self.values**2))
        self.tail = max(squares, 0.0) / remainder if remainder > 0 else 0.0

    def precision(self, ridge: float) -> "LowRankPrecision":
        """Return P = (G + ridge R)^-1."""
        return LowRankPrecision(self, ridge, self._threads)


class LowRankPrecision:
    """The matrix P = (G + lambda R)^-1; see `LowRankGraph`."""

    def __init__(self, graph: LowRankGraph, ridge: float, threads: int) -> None:
        self._graph, self._ridge, self._threads = graph, ridge, threads
        self._first_order = np.float32(1 / (ridge * (ridge + graph.tail)))
        size = graph.values
        self._spectrum = (1 / ridge - 1 / (size + ridge) - self._first_order * size).astype(
            np.float32
        )
        inner = 1 / ridge - graph.vectors**2 @ self._spectrum - self._first_order * graph.diagonal
        # (C + lambda)^-1 is positive definite, and its diagonal at least 1 / (lambda + C_jj).
        self._inner = np.maximum(inner, 1 / (ridge + graph.diagonal)).astype(np.float32)
        self.diagonal = self._inner * graph.scale**2

    def product(self, rows: Csr) -> NDArray[np.float32]:
        """Return X P for rows of X; shape (rows, items)."""
        graph = self._graph
        scaled = rows._replace(rating=rows.rating * graph.scale[rows.partner])
        on_axes = multiply(*scaled, graph.vectors, self._threads) * self._spectrum
        out = multiply_by_panels(on_axes, graph.vectors, self._threads)
        out += self._first_order * multiply_sparse(
            *scaled, *graph.neighbours, len(graph.scale), self._threads
        )
        own = 1 / np.float32(self._ridge) - self._first_order * graph.diagonal[rows.partner]
        np.negative(out, out=out)
        out[rows.row, rows.partner] += scaled.rating * own
        out *= graph.scale
        return out

    def weights(self) -> LowRankWeights:
        """Return B_ij = -P_ij / P_jj; the lists of the graph are overwritten."""
        graph, neighbours = self._graph, self._graph.neighbours
        # P_jj = inner_j scale_j^2, so that B_ij = scale_i [V a V' + c C]_ij / (inner_j scale_j).
        column = (1 / (self._inner * graph.scale)).astype(np.float32)
        # Other tables of the size of the lists would need as much memory again.
        for first in range(0, len(graph.scale), _ROWS):
            rows = slice(first, first + _ROWS)
            starts = neighbours.starts[first : first + _ROWS + 1]
            entries = slice(starts[0], starts[-1])
            values = neighbours.rating[entries]
            values *= self._first_order
            values *= np.repeat(graph.scale[rows], np.diff(starts))
            values *= column[neighbours.partner[entries]]
        return LowRankWeights(
            left=graph.vectors * (graph.scale[:, None] * self._spectrum),
            right=graph.vectors * column[:, None],
            starts=neighbours.starts,
            neighbours=neighbours.partner,
            values=neighbours.rating,
        )
