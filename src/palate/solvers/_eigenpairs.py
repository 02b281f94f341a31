"""The leading eigenvalues of the products of a sparse matrix with itself."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from palate import _random_streams
from palate._linear_algebra import orthonormal_basis

_ITERATIONS = 6


def leading_eigenpairs(
    product: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    rows: int,
    columns: int,
    rank: int,
    *,
    subspace: int,
    seed: int,
    stream: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return at most `rank` positive eigenvalues of X'X, the largest first, and the eigenvectors.

    Shapes (k,) and (columns, k). Each vector has the sign that makes its largest element positive.
    They are found by subspace iteration (Halko, Martinsson and Tropp, "Finding structure with
    randomness", SIAM Review 2011, algorithm 4.4).

    Parameters
    ----------
    product
        Returns X'X B for a matrix B.
    rows, columns
        The shape of X.
    rank, subspace
        The maximum number of eigenvectors, and that of vectors in the subspace.
    seed, stream
        Of the random start.
    """
    basis = _random_streams.normals(seed, stream, columns, min(subspace, rows, columns))
    for _ in range(_ITERATIONS):
        basis = np.ascontiguousarray(orthonormal_basis(basis), dtype=np.float32)
        image = product(basis)
        small, last, basis = basis.T @ image, basis, image
    size, vectors = np.linalg.eigh(((small + small.T) / 2).astype(np.float64))
    order = np.argsort(-size)[:rank]
    kept = order[size[order] > 0]
    found = np.ascontiguousarray(last @ vectors[:, kept].astype(np.float32))
    # Rounding errors decide the sign of what eigh returns.
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=0, keepdims=True), axis=0)
    return size[kept].astype(np.float32), found * np.sign(largest)
