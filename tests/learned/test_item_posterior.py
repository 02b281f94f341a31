"""Covariances of items: full matrices and diagonals beside plain NumPy."""

import numpy as np
import pytest

from palate.learned._item_posterior import ItemCovariances

ITEMS, FACTORS = 6, 4


def matrices_and_covariances(full):
    """Return covariance matrices, shape (items, k, k), and the object that holds the same."""
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(ITEMS, FACTORS, FACTORS))
    matrices = roots @ roots.transpose(0, 2, 1)
    if full:
        return matrices, ItemCovariances(matrices.reshape(ITEMS, -1), FACTORS)
    diagonals = np.einsum("nii->ni", matrices).copy()
    return diagonals[:, :, None] * np.eye(FACTORS), ItemCovariances(diagonals, FACTORS)


@pytest.fixture(params=[True, False], ids=["full", "diagonal"])
def both(request):
    return matrices_and_covariances(request.param)


@pytest.fixture
def moments():
    """Return symmetric matrices, one for each item."""
    halves = np.random.default_rng(1).normal(size=(ITEMS, FACTORS, FACTORS))
    return halves + halves.transpose(0, 2, 1)


def test_matrices_and_variances(both):
    matrices, covariances = both
    assert len(covariances) == ITEMS
    np.testing.assert_allclose(covariances.matrices(), matrices)
    np.testing.assert_allclose(covariances.variances, np.einsum("nii->ni", matrices))


@pytest.mark.parametrize("full", [True, False])
def test_full_matrices_are_recognised(full):
    assert matrices_and_covariances(full)[1].full is full


def test_one_factor_is_full_and_diagonal_at_once():
    covariances = ItemCovariances(np.array([[2.0], [3.0]]), 1)
    assert covariances.matrices().tolist() == [[[2.0]], [[3.0]]]
    assert covariances.variances.tolist() == [[2.0], [3.0]]


def test_sum_over_items(both):
    matrices, covariances = both
    weights = np.random.default_rng(2).random(len(matrices))
    expected = np.einsum("n,nij->ij", weights, matrices)
    np.testing.assert_allclose(covariances.sum(weights), expected)


def test_traces_with_one_matrix(both, moments):
    matrices, covariances = both
    expected = [np.trace(matrix @ moments[0]) for matrix in matrices]
    np.testing.assert_allclose(covariances.traces(moments[0]), expected)


def test_traces_with_a_matrix_for_each_pair(both, moments):
    matrices, covariances = both
    rows = np.array([5, 0, 0, 3])
    found = covariances.paired_traces(rows, moments[:4])
    expected = [np.trace(matrices[row] @ moments[n]) for n, row in enumerate(rows)]
    np.testing.assert_allclose(found, expected)


def test_variance_along_a_direction(both):
    matrices, covariances = both
    direction = np.array([1.0, -2.0, 0.5, 3.0])
    expected = [direction @ matrix @ direction for matrix in matrices]
    np.testing.assert_allclose(covariances.along(direction), expected)


def test_rows_are_taken(both):
    matrices, covariances = both
    np.testing.assert_allclose(covariances.take(np.array([4, 1])).matrices(), matrices[[4, 1]])


@pytest.mark.parametrize("columns", [FACTORS, 2])
def test_transformed_is_the_covariance_of_transformed_factors(both, columns):
    """Of a diagonal, only the diagonal of the result is kept."""
    matrices, covariances = both
    transform = np.random.default_rng(2).normal(size=(FACTORS, columns))
    found = covariances.transformed(transform)
    expected = transform.T @ matrices @ transform
    if not covariances.full:
        expected = expected * np.eye(columns)
    assert found.factors == columns
    np.testing.assert_allclose(found.matrices(), expected, atol=1e-12)


def test_precision_can_be_changed(both):
    matrices, covariances = both
    single = covariances.astype(np.float32)
    assert single.values.dtype == np.float32
    np.testing.assert_allclose(single.matrices(), matrices, rtol=1e-6)
