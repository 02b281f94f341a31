"""The leading eigenvalues of the products of a sparse matrix with itself."""

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate._linear_algebra import orthonormal_basis
from palate._native import CancelToken, multiply
from palate.data._ratings import Csr

_ITERATIONS = 6


def leading_eigenpairs(
    by_row: Csr,
    by_column: Csr,
    rank: int,
    *,
    subspace: int,
    seed: int,
    stream: int,
    threads: int,
    cancel: CancelToken,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return at most `rank` positive eigenvalues of X'X, the largest first, and the eigenvectors.

    They are found by subspace iteration (Halko, Martinsson and Tropp, "Finding structure with
    randomness", SIAM Review 2011, algorithm 4.4). Shapes (k,) and (columns, k).

    Parameters
    ----------
    by_row, by_column
        X grouped by row and by column.
    rank, subspace
        The maximum number of eigenvectors, and that of vectors in the subspace.
    seed, stream
        Of the random start.
    threads, cancel
        The number of threads, and what cancels the computation.
    """
    rows, columns = len(by_row.starts) - 1, len(by_column.starts) - 1
    basis = _random_streams.normals(seed, stream, columns, min(subspace, rows, columns))
    for _ in range(_ITERATIONS):
        basis = np.ascontiguousarray(orthonormal_basis(basis), dtype=np.float32)
        image = multiply(*by_column, multiply(*by_row, basis, threads, cancel), threads, cancel)
        small, last, basis = basis.T @ image, basis, image
    size, vectors = np.linalg.eigh(((small + small.T) / 2).astype(np.float64))
    order = np.argsort(-size)[:rank]
    kept = order[size[order] > 0]
    found = np.ascontiguousarray(last @ vectors[:, kept].astype(np.float32))
    return size[kept].astype(np.float32), found
