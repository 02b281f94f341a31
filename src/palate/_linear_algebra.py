"""Linear algebra that several floors use."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from palate._native import Cancelled, CancelToken

Matrix = NDArray[np.floating[Any]]
Task = TypeVar("Task")
Result = TypeVar("Result")
# Eigenvalues below this, relative to the largest, are rounding errors.
_MIN_EIGENVALUE = 1e-12
_JITTER = 1e-6
# Long tables are multiplied in double precision in blocks that fit into the cache.
_BLOCK = 2048
# A matrix of this size is inverted at once, in double precision.
_LEAF = 192
# Columns of a product that one thread computes at a time.
_PANEL = 1024
# Rows of a product that are added to a table at a time.
_ROWS = 128


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
        basis = _multiplied_in_place(basis, orthonormalising(gram(basis)).astype(columns.dtype))
    return basis


def orthonormalising(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return T such that the columns of X T are orthonormal, given X' X; shape (k, rank)."""
    size, vectors = np.linalg.eigh(products)
    kept = size > _MIN_EIGENVALUE * size[-1]
    kept[-1] = True
    scaled: NDArray[np.float64] = vectors[:, kept] / np.sqrt(
        np.maximum(size[kept], np.finfo(float).tiny)
    )
    return scaled


def _multiplied_in_place(rows: Matrix, matrix: Matrix) -> Matrix:
    """Return `rows @ matrix` in the memory of `rows`: new memory would take longer than the sum."""
    kept = matrix.shape[1]
    for first in range(0, len(rows), _BLOCK):
        block = rows[first : first + _BLOCK]
        block[:, :kept] = block @ matrix
    return rows[:, :kept]


def gram(columns: Matrix) -> NDArray[np.float64]:
    """Return the products X' X of the columns, summed in double precision; shape (k, k)."""
    return products(columns, columns)


def products(left: Matrix, right: Matrix) -> NDArray[np.float64]:
    """Return the products X' Y of the columns, summed in double precision; shape (k, l)."""
    total = np.zeros((left.shape[1], right.shape[1]))
    for first in range(0, len(left), _BLOCK):
        block = left[first : first + _BLOCK].astype(np.float64)
        # A product with itself is symmetric, and twice as fast.
        other = block if right is left else right[first : first + _BLOCK].astype(np.float64)
        total += block.T @ other
    return total


def weighted_products(
    left: NDArray[np.float32], right: NDArray[np.float32], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return X' W X, X' W Y and Y' W Y, where W is diagonal, with a weight for each row.

    Those of a block of rows are one symmetric product in single precision, the sum of all blocks is
    in double precision: the relative error is about 1e-7, in less than half of the time.
    """
    k, width = left.shape[1], left.shape[1] + right.shape[1]
    roots = np.sqrt(weights).astype(np.float32)[:, None]
    total = np.zeros((width, width))
    both = np.empty((min(_BLOCK, len(left)), width), dtype=np.float32)
    for first in range(0, len(left), _BLOCK):
        rows = slice(first, first + _BLOCK)
        block = both[: len(roots[rows])]
        np.multiply(left[rows], roots[rows], out=block[:, :k])
        np.multiply(right[rows], roots[rows], out=block[:, k:])
        total += block.T @ block
    return total[:k, :k], total[:k, k:], total[k:, k:]


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which BLAS uses one thread, for all threads of this process.

    Threads that enter it one after the other must be inside such a context as a whole: the first
    to leave it would end it for the others.
    """
    limit: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limit


def in_threads(work: Callable[[Task], Result], tasks: Sequence[Task], threads: int) -> list[Result]:
    """Return what `work` returns for each task; a thread does one at a time, and so does BLAS."""
    with one_blas_thread():
        if threads == 1 or len(tasks) == 1:
            return [work(task) for task in tasks]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, tasks))


@cache
def _blas() -> ThreadpoolController:
    """Return NumPy's BLAS; finding it takes a millisecond."""
    return ThreadpoolController()


def multiply_by_panels(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    threads: int,
    cancel: CancelToken | None = None,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return L R' of L and R, shapes (m, k) and (n, k): the same bits at any number of threads.

    Each panel of columns is computed by one thread of BLAS, so that the order of the sums does not
    depend on the number of threads. A cancelled token ends the product by `Cancelled`. It is
    written to `out`, if that is given.
    """
    if out is None:
        out = np.empty((len(left), len(right)), dtype=np.float32)

    def panel(first: int) -> None:
        if cancel is not None and cancel.cancelled:
            raise Cancelled
        columns = slice(first, first + _PANEL)
        np.matmul(left, right[columns].T, out=out[:, columns])

    in_threads(panel, range(0, len(right), _PANEL), threads)
    return out


def add_product(
    out: NDArray[np.float32], left: NDArray[np.float32], right: NDArray[np.float32], threads: int
) -> None:
    """Add L R' to a table, in place, for L and R of the shapes (m, k) and (n, k).

    It is computed in blocks that fit into the cache, each by one thread of BLAS: the same bits at
    any number of threads.
    """

    def block(first: int) -> None:
        rows = left[first : first + _ROWS]
        # New memory for each product would take as long as the product.
        product = np.empty((len(rows), _PANEL), dtype=np.float32)
        for column in range(0, len(right), _PANEL):
            panel = right[column : column + _PANEL]
            part = product[:, : len(panel)]
            np.matmul(rows, panel.T, out=part)
            out[first : first + _ROWS, column : column + _PANEL] += part

    in_threads(block, range(0, len(left), _ROWS), threads)


def inverse(
    matrix: NDArray[np.float32], threads: int, cancel: CancelToken | None = None
) -> NDArray[np.float32]:
    """Return the inverse of a symmetric positive definite matrix; the argument is overwritten.

    With S = D - B' A^-1 B and T = A^-1 B::

        [A  B]^-1   [A^-1 + T S^-1 T'   -T S^-1]
        [B' D]    = [-S^-1 T'             S^-1 ]

    (the Schur complement: Golub and Van Loan, "Matrix computations", 2013, section 3.2.11), halves
    being inverted in the same way. T is corrected once by A^-1 (B - A T); otherwise errors would
    grow with the square of the condition number, and S of a dense table could be indefinite. Most
    of the work are products, 2 n^3 operations.
    A cancelled token ends it by `Cancelled`.
    """
    n = len(matrix)
    if n <= _LEAF:
        with one_blas_thread():
            return np.linalg.inv(matrix.astype(np.float64)).astype(np.float32)
    half = n // 2
    a = inverse(np.ascontiguousarray(matrix[:half, :half]), threads, cancel)
    t = multiply_by_panels(a, np.ascontiguousarray(matrix[half:, :half]), threads, cancel)
    rest = matrix[:half, half:] - multiply_by_panels(matrix[:half, :half], t.T, threads, cancel)
    t += multiply_by_panels(a, rest.T, threads, cancel)
    s = matrix[half:, half:] - multiply_by_panels(matrix[half:, :half], t.T, threads, cancel)
    s = inverse(s, threads, cancel)
    ts = multiply_by_panels(t, s, threads, cancel)
    matrix[half:, half:], matrix[:half, half:] = s, -ts
    matrix[half:, :half] = -ts.T
    matrix[:half, :half] = a + multiply_by_panels(ts, t, threads, cancel)
    return matrix


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
