"""Products by panels and the inverse by halves, beside NumPy's."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from palate._linear_algebra import add_product, inverse, multiply_by_panels, weighted_products
from palate._native import Cancelled, CancelToken


def positive_definite(n, density=0.9, ridge=0.5):
    """Return co-occurrences of items, and a ridge: with dense histories it is ill-conditioned."""
    rng = np.random.default_rng(n)
    x = (rng.random((n + 5, n)) < density).astype(np.float32)
    matrix = x.T @ x / np.float32(np.sqrt(n))
    matrix[np.diag_indices(n)] += ridge * np.diag(matrix).mean() + np.float32(0.01)
    return matrix


@pytest.mark.parametrize("n", [1, 2, 191, 192, 193, 500])
@pytest.mark.parametrize("density", [0.05, 0.9, 1.0])
def test_the_inverse_equals_that_of_numpy(n, density):
    compare(positive_definite(n, density))


def test_the_inverse_of_a_large_matrix_equals_that_of_numpy():
    """Its condition number is 3,800; errors that grow with its square would be as large as it."""
    compare(positive_definite(2100))


def compare(matrix):
    found = inverse(matrix.copy(), threads=2)
    expected = np.linalg.inv(matrix.astype(np.float64))
    assert found.dtype == np.float32
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((found - expected) / scale).max() < 1e-5


@pytest.mark.parametrize("n", [100, 700, 2100])
def test_the_inverse_has_the_same_bits_at_any_number_of_threads(n):
    """Those that it is given, and those of BLAS."""
    expected = inverse(positive_definite(n), threads=1)
    for threads, blas in ((2, 1), (5, 2)):
        with threadpool_limits(blas, user_api="blas"):
            np.testing.assert_array_equal(inverse(positive_definite(n), threads), expected)


@pytest.mark.parametrize(
    ("rows", "columns", "k"), [(0, 5, 3), (3, 1, 0), (7, 1024, 5), (9, 2500, 33)]
)
def test_products_by_panels_equal_those_of_numpy(rows, columns, k):
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(n, k)).astype(np.float32) for n in (rows, columns))
    found = multiply_by_panels(left, right, threads=1)
    assert (found.dtype, found.shape) == (np.float32, (rows, columns))
    np.testing.assert_allclose(found, left.astype(float) @ right.T.astype(float), atol=1e-4)
    for threads in (2, 5):
        np.testing.assert_array_equal(multiply_by_panels(left, right, threads), found)


def test_a_cancelled_token_ends_both():
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        inverse(positive_definite(300), 2, token)
    with pytest.raises(Cancelled):
        multiply_by_panels(np.ones((2, 3), "f4"), np.ones((3000, 3), "f4"), 2, token)


def test_a_product_is_added_in_place_with_the_same_bits_at_any_number_of_threads():
    rng = np.random.default_rng(4)
    left, right = (rng.normal(size=(n, 7)).astype(np.float32) for n in (300, 2500))
    given = rng.normal(size=(300, 2500)).astype(np.float32)
    found = [given.copy() for _ in range(3)]
    for threads, table in enumerate(found, start=1):
        add_product(table, left, right, threads)
        assert (table == found[0]).all()
    expected = given + left.astype(float) @ right.T.astype(float)
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 5000])
def test_weighted_products(n):
    """The three products, of blocks in single precision, are those in double precision."""
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(n, k)).astype(np.float32) for k in (3, 5))
    weights = rng.gamma(2.0, size=n)
    x, y = (rows.astype(float) for rows in (left, right))
    expected = ((x.T * weights) @ x, (x.T * weights) @ y, (y.T * weights) @ y)
    for ours, theirs in zip(weighted_products(left, right, weights), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * max(n, 1))
