"""The kernels of the choice model beside their twins."""

import choice_twins as twins
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate import _native

USERS, ITEMS = 60, 45


def histories(users=USERS, items=ITEMS, share=0.2, seed=0):
    """Return X with small whole numbers, so that sums are exact, and weights."""
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 4, (users, items)) * (rng.random((users, items)) < share)
    return x.astype(np.float32), rng.integers(1, 5, users).astype(np.float32) / 4


def both_ways(x):
    return *twins.csr(x.T), *twins.csr(x)


def outputs(threads, x, weight, dense, scale, allowed):
    """Return what every kernel makes of the same data."""
    left = twins.csr(x)
    scores = _native.multiply(*left, dense, threads)
    return [
        scores,
        _native.multiply_sparse(*left, *twins.csr(dense), dense.shape[1], threads),
        _native.co_occurrences(*both_ways(x), weight, threads),
        *_native.best_items(scores, left[0], left[1], allowed, 7, threads),
        hold_out(x, weight, threads=threads),
        hold_out_scores(x, weight, left[2] / 2, weight, dense, 0.25, threads),
        *listed(_native.largest_co_occurrences(*both_ways(x), weight, scale, 5, threads)),
    ]


def listed(lists):
    """Return the lists without what is after their ends, which is undefined."""
    items, values, counts = lists
    inside = np.arange(items.shape[1]) < counts[:, None]
    return items[inside], values[inside], counts


def hold_out(x, weight, threads=1, **changes):
    """Call `held_out_ndcg` with every second entry held out."""
    starts, items, values = twins.csr(x)
    held_out = np.arange(len(items)) % 2 == 0
    kept = np.where(held_out, 0, values).astype(np.float32)
    ridge = np.full(x.shape[1], 2.0)
    precision = np.linalg.inv(twins.co_occurrences(x, weight) + np.diag(ridge)).astype(np.float32)
    arguments = {
        "starts": starts,
        "items": items,
        "values": values,
        "kept": kept,
        "relevant": held_out,
        "weight": weight,
        "kept_weight": weight,
        "full_product": _native.multiply(starts, items, values, precision, 1),
        "kept_product": _native.multiply(starts, items, kept, precision, 1),
        "diagonal": np.diag(precision).copy(),
        "popularity": (weight[:, None] * x**2).sum(axis=0),
        "exponents": np.array([0, 0.25], np.float32),
        "factor": np.zeros((0, 0), np.float32),
        "n": 10,
        "threads": threads,
    }
    return _native.held_out_ndcg(**{**arguments, **changes})


def hold_out_scores(x, weight, kept, kept_weight, precision, exponent, threads=1):
    """Call `held_out_scores`."""
    starts, items, values = twins.csr(x)
    products = (_native.multiply(starts, items, row, precision, 1) for row in (values, kept))
    popularity = (weight[:, None] * x**2).sum(axis=0)
    given = (kept, weight, kept_weight, *products, np.diag(precision).copy(), popularity)
    return _native.held_out_scores(starts, items, values, *given, exponent, threads)


def real(seed=0):
    rng = np.random.default_rng(seed)
    x, weight = histories()
    dense = rng.normal(size=(ITEMS, ITEMS)).astype(np.float32)
    x = (x * rng.random(x.shape)).astype(np.float32)
    return x, weight, dense, rng.random(ITEMS).astype(np.float32), np.ones(ITEMS, bool)


@pytest.mark.parametrize("width", [0, 1, 15, 16, 17, 100])
def test_products_equal_the_twins_at_real_numbers(width):
    rng = np.random.default_rng(1)
    x = real()[0]
    dense = (rng.normal(size=(ITEMS, width)) * (rng.random((ITEMS, width)) < 0.5)).astype("f4")
    expected = x.astype(float) @ dense.astype(float)
    product = _native.multiply(*twins.csr(x), dense, 2)
    sparse = _native.multiply_sparse(*twins.csr(x), *twins.csr(dense), width, 2)
    assert (product.dtype, product.shape) == (np.float32, (USERS, width))
    np.testing.assert_allclose(product, expected, atol=1e-5)
    np.testing.assert_allclose(sparse, expected, atol=1e-5)


def test_co_occurrences_equal_the_twin():
    x, weight = histories()
    x[3] = 0  # a user without entries
    x[:, 5] = 0  # an item that nobody has
    weight[4] = 0
    result = _native.co_occurrences(*both_ways(x), weight, 2)
    np.testing.assert_array_equal(result, twins.co_occurrences(x, weight))


def test_rows_of_some_items_are_those_of_all():
    x, weight = histories()
    scale = np.linspace(0.5, 1, ITEMS).astype(np.float32)
    some, users = slice(10, 17), twins.csr(x)
    part = _native.co_occurrences(*twins.csr(x.T[some]), *users, weight, 2, width=ITEMS)
    np.testing.assert_array_equal(part, twins.co_occurrences(x, weight)[some])
    lists = _native.largest_co_occurrences(*both_ways(x), weight, scale, 5, 2)
    found = _native.largest_co_occurrences(
        *twins.csr(x.T[some]), *users, weight, scale, 5, 2, first=10
    )
    for ours, theirs in zip(listed(found), listed([part[some] for part in lists]), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_sums_of_co_occurrences_are_in_double_precision():
    """In single precision, 100,000 terms of 0.1 sum to 9,998.6."""
    x = np.full((100_000, 2), 1, np.float32)
    weight = np.full(len(x), 0.1, np.float32)
    expected = np.float32(np.float64(weight[0]) * len(x))
    assert (_native.co_occurrences(*both_ways(x), weight, 1) == expected).all()


@settings(max_examples=40, deadline=None)
@given(
    users=st.integers(1, 12),
    items=st.integers(1, 20),
    share=st.floats(0, 1),
    most=st.integers(1, 25),
    threads=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_the_largest_co_occurrences_equal_the_twin(users, items, share, most, threads, seed):
    """There are many ties, rows with fewer others than `most`, and rows with none."""
    x, weight = histories(users, items, share, seed)
    scale = np.random.default_rng(seed).choice([0.25, 0.5, 1], items).astype(np.float32)
    found, values, counts = _native.largest_co_occurrences(
        *both_ways(x), weight, scale, most, threads
    )
    for i, (row, value) in enumerate(twins.largest_co_occurrences(x, weight, scale, most)):
        assert counts[i] == len(row)
        np.testing.assert_array_equal(found[i, : counts[i]], row)
        np.testing.assert_array_equal(values[i, : counts[i]], value.astype(np.float32))


@pytest.mark.parametrize("n", [1, 10, 60])
def test_the_best_items_equal_the_twin(n):
    rng = np.random.default_rng(2)
    scores = rng.integers(-3, 4, (USERS, ITEMS)).astype(np.float32)  # with many ties
    seen = [rng.permutation(ITEMS)[: rng.integers(ITEMS)] for _ in range(USERS)]
    starts = np.cumsum([0, *map(len, seen)])
    allowed = rng.random(ITEMS) < 0.7
    rows, best = _native.best_items(
        scores, starts, np.concatenate(seen).astype(np.int32), allowed, n, 2
    )
    expected = twins.best_items(scores, seen, allowed, n)
    np.testing.assert_array_equal(rows, expected[0])
    np.testing.assert_array_equal(best, expected[1])


def test_no_users_or_no_items():
    empty = np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
    assert _native.multiply(*empty, np.zeros((3, 4), np.float32), 1).shape == (0, 4)
    assert _native.co_occurrences(*empty, *empty, empty[2], 1).shape == (0, 0)
    scores = np.zeros((2, 0), np.float32)
    rows, _ = _native.best_items(scores, np.zeros(3, np.int64), empty[1], np.ones(0, bool), 2, 1)
    assert (rows == -1).all()


@pytest.mark.parametrize("exponent", [0.0, 0.25])
@pytest.mark.parametrize("seed", range(4))
def test_the_hold_out_of_the_twin_is_a_refit(seed, exponent):
    """Scores have no ties here; lists of the two are therefore equal, and so is their nDCG."""
    rng = np.random.default_rng(seed)
    x, weight = histories(30, 25, 0.3, seed)
    x = (x * (0.5 + rng.random(x.shape))).astype(np.float32)
    starts, items, values = twins.csr(x)
    held_out = rng.random(len(items)) < 0.4
    relevant = held_out & (rng.random(len(items)) < 0.7)
    kept = np.where(held_out, 0, values * 1.25).astype(np.float32)  # weighted anew
    kept_weight = 1.5 * weight
    ridge = 1 + rng.random(25)
    precision = np.linalg.inv(twins.co_occurrences(x, weight) + np.diag(ridge)).astype(np.float32)
    found = hold_out(
        x,
        weight,
        kept=kept,
        relevant=relevant,
        kept_weight=kept_weight,
        full_product=_native.multiply(starts, items, values, precision, 1),
        kept_product=_native.multiply(starts, items, kept, precision, 1),
        diagonal=np.diag(precision).copy(),
        exponents=np.array([exponent], np.float32),
    )
    scores = hold_out_scores(x, weight, kept, kept_weight, precision, exponent)
    ranked = scores > -np.inf
    matrix = np.where(x > 0, x, np.nan)
    for user in range(30):
        own = slice(starts[user], starts[user + 1])
        row = np.full(25, np.nan)
        row[items[own][~held_out[own]]] = kept[own][~held_out[own]]
        mask = np.zeros(25, bool)
        mask[items[own][relevant[own]]] = True
        expected, score = twins.refitted_ndcg(
            *(matrix, weight, user, row, kept_weight[user], mask, ridge, exponent, 10)
        )
        assert found[user, 0] == pytest.approx(expected, abs=1e-9)
        np.testing.assert_array_equal(ranked[user], np.isfinite(score))
        np.testing.assert_allclose(scores[user, ranked[user]], score[ranked[user]], atol=1e-4)


def test_the_hold_out_multiplies_scores_by_the_factor():
    x, weight = histories(20, 30)
    plain = hold_out(x, weight)
    np.testing.assert_array_equal(hold_out(x, weight, factor=np.ones((20, 30), "f4")), plain)
    last = np.ones((20, 30), np.float32)
    starts, items, _ = twins.csr(x)
    held_out = np.arange(len(items)) % 2 == 0
    rows = np.repeat(np.arange(20), np.diff(starts))
    last[rows[held_out], items[held_out]] = 1e6
    assert hold_out(x, weight, factor=last)[:, 0].mean() > plain[:, 0].mean() + 0.1


@pytest.mark.parametrize("threads", [2, 5])
def test_the_same_bits_at_any_number_of_threads(threads):
    for one, many in zip(outputs(1, *real()), outputs(threads, *real()), strict=True):
        np.testing.assert_array_equal(one, many)


LEFT = [np.array([0, 1]), np.array([0], np.int32), np.ones(1, np.float32)]
DENSE = np.ones((1, 2), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: _native.multiply(LEFT[0] + 1, *LEFT[1:], DENSE, 1), ValueError, "must rise"),
        (lambda: _native.multiply(LEFT[0][:0], *LEFT[1:], DENSE, 1), ValueError, "at least one"),
        (lambda: _native.multiply(*LEFT[:2], LEFT[2][:0], DENSE, 1), ValueError, "same length"),
        (lambda: _native.multiply(*LEFT, DENSE[:0], 1), IndexError, "columns: row 0 of 0"),
        (lambda: _native.multiply(*LEFT, DENSE, 0), ValueError, "threads must be at least 1"),
        (lambda: _native.multiply_sparse(*LEFT, *LEFT, 0, 1), IndexError, "right_columns"),
        (lambda: _native.multiply_sparse(*LEFT, *LEFT, 1, -1), ValueError, "threads must be"),
        (lambda: _native.co_occurrences(*LEFT, *LEFT, DENSE[0], 1), ValueError, "a weight for"),
        (
            lambda: _native.co_occurrences(*LEFT[:1], LEFT[1] + 1, LEFT[2], *LEFT, LEFT[2], 1),
            IndexError,
            "user: row 1 of 1",
        ),
        (
            lambda: _native.co_occurrences(*LEFT, LEFT[0], LEFT[1] - 1, *LEFT[2:], LEFT[2], 1),
            IndexError,
            "item: row -1 of 1",
        ),
        (
            lambda: _native.largest_co_occurrences(*LEFT, *LEFT, LEFT[2], LEFT[2][:0], 1, 1),
            ValueError,
            "a scale for each item",
        ),
        (
            lambda: _native.largest_co_occurrences(*LEFT, *LEFT, *LEFT[2:] * 2, 1, 1, first=1),
            ValueError,
            "a scale for each item",
        ),
        (
            lambda: _native.largest_co_occurrences(*LEFT, *LEFT, LEFT[2], LEFT[2], 0, 1),
            ValueError,
            "most must be at least 1",
        ),
        (
            lambda: _native.best_items(DENSE, LEFT[0], LEFT[1], np.ones(3, bool), 1, 1),
            ValueError,
            "allowed",
        ),
        (
            lambda: _native.best_items(DENSE, LEFT[0], LEFT[1], np.ones(2, bool), 0, 1),
            ValueError,
            "n must be at least 1",
        ),
        (
            lambda: _native.best_items(DENSE, LEFT[0], LEFT[1] + 2, np.ones(2, bool), 1, 1),
            IndexError,
            "seen_items: row 2 of 2",
        ),
        (
            lambda: _native.best_items(DENSE.astype(float), *LEFT[:2], np.ones(2, bool), 1, 1),
            TypeError,
            "incompatible",
        ),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kept": np.zeros(3, "f4")}, "kept and values"),
        ({"relevant": np.ones(3, bool)}, "relevant"),
        ({"kept_weight": np.ones(3, "f4")}, "two weights for each user"),
        ({"full_product": np.zeros((USERS, 2), "f4")}, "users x items"),
        ({"factor": np.ones((USERS, 2), "f4")}, "factor must be"),
        ({"popularity": np.ones(3, "f4")}, "popularity each"),
        ({"n": 0}, "n must be at least 1"),
        ({"threads": 0}, "threads must be at least 1"),
    ],
)
def test_bad_arguments_of_the_hold_out_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        hold_out(*histories(), **changes)


def test_a_cancelled_token_ends_a_kernel():
    x, weight, dense, scale, _ = real()
    token = _native.CancelToken()
    token.cancel()
    left = twins.csr(x)
    for call in (
        lambda: _native.multiply(*left, dense, 2, token),
        lambda: _native.multiply_sparse(*left, *twins.csr(dense), ITEMS, 2, token),
        lambda: _native.co_occurrences(*both_ways(x), weight, 2, token),
        lambda: _native.largest_co_occurrences(*both_ways(x), weight, scale, 5, 2, token),
    ):
        with pytest.raises(_native.Cancelled):
            call()
