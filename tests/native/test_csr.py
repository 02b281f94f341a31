"""Grouping by row, beside NumPy's stable sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate import _native


@given(st.lists(st.integers(0, 6), max_size=50))
def test_groups_equal_a_stable_sort(rows):
    rows = np.array(rows, dtype=np.int32)
    starts, order = _native.group_by_row(rows, 7)
    np.testing.assert_array_equal(order, np.argsort(rows, kind="stable"))
    np.testing.assert_array_equal(starts, np.searchsorted(np.sort(rows), np.arange(8)))


def test_a_row_out_of_range_is_refused():
    with pytest.raises(IndexError, match="row 3 of 3"):
        _native.group_by_row(np.array([0, 3], dtype=np.int32), 3)
    with pytest.raises(IndexError, match="row -1 of 3"):
        _native.group_by_row(np.array([-1], dtype=np.int32), 3)


def test_other_types_are_refused_and_never_converted():
    with pytest.raises(TypeError):
        _native.group_by_row(np.array([0, 1], dtype=np.int64), 3)


@given(st.lists(st.tuples(st.integers(0, 6), st.floats(-9, 9, width=32)), max_size=50))
def test_counts_and_sums_equal_bincount(entries):
    rows = np.array([row for row, _ in entries], dtype=np.int32)
    values = np.array([value for _, value in entries], dtype=np.float32)
    counts, sums = _native.count_and_sum(rows, values, 7)
    np.testing.assert_array_equal(counts, np.bincount(rows, minlength=7))
    np.testing.assert_array_equal(sums, np.bincount(rows, weights=values, minlength=7))


def test_sums_need_a_value_for_each_row():
    with pytest.raises(ValueError, match="one length"):
        _native.count_and_sum(np.zeros(2, dtype=np.int32), np.zeros(1, dtype=np.float32), 3)
