"""Linear algebra that several floors use."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating[Any]]
# Eigenvalues below this, relative to the largest, are rounding errors.
_MIN_EIGENVALUE = 1e-12
_JITTER = 1e-6
# Long tables are multiplied in double precision in blocks that fit into the cache.
_BLOCK = 2048


def with_ones(factors: Matrix) -> Matrix:
    """Return rows [q, 1]: what a user's factors and bias are multiplied by; shape (n, k + 1)."""
    rows: Matrix = np.c_[factors, np.ones(len(factors), dtype=factors.dtype)]
    return rows


def quadratic_forms(rows: Matrix, matrix: Matrix) -> NDArray[np.float64]:
    """Return x' A x for each row x; shape (n,)."""
    forms: NDArray[np.float64] = np.einsum("ni,ni->n", rows @ matrix, rows)
    return forms


def orthonormal_basis(columns: Matrix) -> Matrix:
    """Return an orthonormal basis of the space of the columns, in their precision.

    It is made of the eigenvectors of their products, which is several times faster than Householder
    reflections for long columns; a second round restores the precision that the first loses (as in
    Fukaya, Nakatsukasa, Yanagisawa and Yamamoto, "CholeskyQR2", ScalA 2014).
    """
    basis: Matrix = columns.copy()
    for _ in range(2):
        size, vectors = np.linalg.eigh(gram(basis))
        kept = size > _MIN_EIGENVALUE * size[-1]
        kept[-1] = True
        scaled = vectors[:, kept] / np.sqrt(np.maximum(size[kept], np.finfo(float).tiny))
        basis = _multiplied_in_place(basis, scaled.astype(columns.dtype))
    return basis


def _multiplied_in_place(rows: Matrix, matrix: Matrix) -> Matrix:
    """Return `rows @ matrix` in the memory of `rows`: new memory would take longer than the sum."""
    kept = matrix.shape[1]
    for first in range(0, len(rows), _BLOCK):
        block = rows[first : first + _BLOCK]
        block[:, :kept] = block @ matrix
    return rows[:, :kept]


def gram(columns: Matrix) -> NDArray[np.float64]:
    """Return the products X' X of the columns, summed in double precision; shape (k, k)."""
    total = np.zeros((columns.shape[1], columns.shape[1]))
    for first in range(0, len(columns), _BLOCK):
        block = columns[first : first + _BLOCK].astype(np.float64)
        total += block.T @ block
    return total


def cholesky_roots(covariances: Matrix) -> NDArray[np.float64]:
    """Return R with R R' = C for each positive definite matrix C; shape (n, k, k).

    Factorised on the scale of correlations, with a jitter against rounding to single precision.
    """
    sd = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2).astype(np.float64))
    correlation = covariances / (sd[:, :, None] * sd[:, None, :])
    roots: NDArray[np.float64] = np.linalg.cholesky(correlation + _JITTER * np.eye(sd.shape[1]))
    return sd[:, :, None] * roots


def outer_products(a: Matrix, b: Matrix) -> Matrix:
    """Return the outer product of each row of `a` with that of `b`; shape (n, k * l)."""
    product: Matrix = a[:, :, None] * b[:, None, :]
    return product.reshape(len(a), -1)
