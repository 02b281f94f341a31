"""Products of sparse rows with tables that are taken by rows, or piece by piece for many rows."""

from itertools import pairwise

import choice_twins as twins
import numpy as np
import pytest

from palate import _native

# More rows than a piece has; columns that fill neither the last panel nor the last few of them.
ROWS, COLUMNS, WIDTH = 500, 2100, 1100


@pytest.fixture(scope="module")
def left():
    """Return many terms, in no order, with a row that has none."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(0, 90, ROWS)
    sizes[7] = 0
    columns = [rng.permutation(COLUMNS)[:size] for size in sizes]
    values = rng.normal(size=sizes.sum()).astype(np.float32)
    starts = np.cumsum([0, *sizes])
    return starts, np.concatenate(columns).astype(np.int32), values


def dense_of(starts, columns, values, width):
    table = np.zeros((len(starts) - 1, width))
    table[np.repeat(np.arange(len(table)), np.diff(starts)), columns] = values
    return table


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(1)
    table = rng.normal(size=(COLUMNS, WIDTH)) * (rng.random((COLUMNS, WIDTH)) < 0.1)
    table[40] = 0
    return table.astype(np.float32)


def test_products_of_many_rows_equal_the_twin(left, table):
    assert len(left[1]) > 8 * COLUMNS  # otherwise they are computed row by row
    expected = dense_of(*left, COLUMNS) @ table.astype(float)
    np.testing.assert_allclose(_native.multiply(*left, table, 2), expected, atol=3e-5)
    sparse = _native.multiply_sparse(*left, *twins.csr(table), WIDTH, 2)
    np.testing.assert_allclose(sparse, expected, atol=3e-5)


def test_few_rows_have_the_product_of_many(left, table):
    """A few are multiplied row by row."""
    starts, columns, values = left
    few = starts[:6], columns[: starts[5]], values[: starts[5]]
    for function, right in (
        (_native.multiply, (table,)),
        (_native.multiply_sparse, (*twins.csr(table), WIDTH)),
    ):
        np.testing.assert_allclose(
            function(*few, *right, 1), function(*left, *right, 1)[:5], atol=3e-5
        )


def test_columns_out_of_order_are_no_problem(left, table):
    starts, columns, values = twins.csr(table)
    turned = columns.copy(), values.copy()
    for first, last in pairwise(starts):
        for array in turned:
            array[first:last] = array[first:last][::-1]
    found = _native.multiply_sparse(*left, starts, *turned, WIDTH, 2)
    expected = _native.multiply_sparse(*left, starts, columns, values, WIDTH, 2)
    np.testing.assert_allclose(found, expected, atol=3e-5)


@pytest.mark.parametrize("wrong", [-1, WIDTH])
def test_a_column_outside_the_table_is_refused(left, table, wrong):
    starts, columns, values = twins.csr(table)
    columns[-1] = wrong
    with pytest.raises(IndexError, match="a column is outside the table"):
        _native.multiply_sparse(*left, starts, columns, values, WIDTH, 2)


def test_the_same_bits_at_any_number_of_threads(left, table):
    for function, right in (
        (_native.multiply, (table,)),
        (_native.multiply_sparse, (*twins.csr(table), WIDTH)),
    ):
        found = [function(*left, *right, threads) for threads in (1, 2, 5)]
        assert all((one == found[0]).all() for one in found)


def test_a_large_product_is_complete():
    """It lies on large pages."""
    rows = 40_000
    one = np.arange(rows + 1), np.zeros(rows, np.int32), np.arange(rows).astype(np.float32)
    product = _native.multiply(*one, np.ones((1, 64), np.float32), 2)
    assert product.nbytes > 8 << 20
    assert (product == np.arange(rows)[:, None]).all()
