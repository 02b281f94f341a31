"""The best items of many users, beside the twin's, which makes the whole table of scores."""

import numpy as np
import pytest
import twins

from palate import _native

FIRST_SAW_ONE = np.array([0, *[1] * 50])
FALLING = np.array([0, 2, *[1] * 49])


class Case:
    """Small whole numbers: scores are exact in single precision, and many of them are equal."""

    def __init__(self, users=50, items=300, k=5, most_seen=40, seed=0):
        rng = np.random.default_rng(seed)
        self.users = rng.integers(-3, 4, (users, k + 1)).astype(np.float32)
        self.items = rng.integers(-3, 4, (items, k + 1)).astype(np.float32)
        self.seen = [rng.integers(0, items, rng.integers(most_seen + 1)) for _ in range(users)]
        self.seen_starts = np.cumsum([0, *map(len, self.seen)])
        self.seen_items = np.concatenate([np.zeros(0), *self.seen]).astype(np.int32)
        self.allowed = rng.random(items) < 0.8

    def top_n(self, n, threads=1, **changes):
        names = ("users", "items", "seen_starts", "seen_items", "allowed")
        arrays = [changes.get(name, getattr(self, name)) for name in names]
        return _native.top_n(*arrays, n, threads)

    def check(self, n):
        rows, scores = self.top_n(n)
        expected = twins.top_n(self.users, self.items, self.seen, self.allowed, n)
        assert (rows.dtype, scores.dtype) == (np.int32, np.float32)
        np.testing.assert_array_equal(rows, expected[0])
        np.testing.assert_array_equal(scores, expected[1])


@pytest.mark.parametrize("k", [0, 1, 2, 15, 16, 17, 64])
@pytest.mark.parametrize("n", [1, 10, 310])
def test_the_same_rows_and_scores_as_the_twin(k, n):
    Case(k=k).check(n)


@pytest.mark.parametrize("users", [1, 6, 7, 96, 101])
@pytest.mark.parametrize("items", [1, 63, 64, 65, 200])
def test_at_any_number_of_users_and_items(users, items):
    Case(users, items, most_seen=items // 2).check(10)


def test_rows_of_real_numbers():
    rng = np.random.default_rng(1)
    case = Case()
    case.users, case.items = (
        rng.normal(size=(size, 65)).astype(np.float32) for size in (len(case.users), 300)
    )
    rows, scores = case.top_n(20)
    expected = twins.top_n(case.users, case.items, case.seen, case.allowed, 20)
    np.testing.assert_allclose(scores, expected[1], atol=2e-5)
    pairs = _native.score_pairs(
        case.users, case.items, np.repeat(np.arange(50, dtype=np.int32), 20), rows.ravel()
    )
    np.testing.assert_allclose(scores.ravel(), pairs, atol=2e-5)


def test_of_equal_scores_the_lower_rows_come_first():
    case = Case(most_seen=0)
    case.items[:] = case.items[0]
    rows, scores = case.top_n(10)
    np.testing.assert_array_equal(rows, np.tile(np.flatnonzero(case.allowed)[:10], (50, 1)))
    np.testing.assert_array_equal(scores, np.tile(scores[:, :1], 10))


def test_where_too_few_items_are_left_the_rest_is_empty():
    case = Case(users=7, items=5, most_seen=0)
    rows, scores = case.top_n(3, allowed=np.array([0, 0, 2, 0, 1], np.uint8))
    assert (np.sort(rows[:, :2]) == [2, 4]).all()
    assert (rows[:, 2] == -1).all()
    assert np.isneginf(scores[:, 2]).all()
    none = case.top_n(3, allowed=np.zeros(5, bool))
    assert (none[0] == -1).all()
    assert np.isneginf(none[1]).all()


def test_items_in_ascending_order_of_score():
    """Each is better than all before it: nothing is left out without a closer look."""
    case = Case(items=1000)
    case.items[:, -1] += 100 * np.arange(1000)
    case.check(10)


def test_flags_may_be_bytes():
    case = Case()
    expected = case.top_n(10)
    for one, other in zip(
        expected, case.top_n(10, allowed=case.allowed.astype(np.uint8)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_no_users_or_no_items():
    assert Case(users=0).top_n(3)[0].shape == (0, 3)
    case = Case(users=2, most_seen=0)
    rows, _ = case.top_n(3, items=np.zeros((0, 6), np.float32), allowed=np.zeros(0, bool))
    np.testing.assert_array_equal(rows, np.full((2, 3), -1))


@pytest.mark.parametrize("threads", [2, 8])
def test_the_same_bits_at_any_number_of_threads(threads):
    rng = np.random.default_rng(2)
    case = Case(users=500)
    case.users, case.items = (rng.normal(size=(size, 34)).astype(np.float32) for size in (500, 300))
    for one, many in zip(case.top_n(10), case.top_n(10, threads), strict=True):
        np.testing.assert_array_equal(one, many)


@pytest.mark.parametrize("last", [1, 4, 250])
def test_the_same_bits_for_a_user_alone_and_among_others(last):
    rng = np.random.default_rng(3)
    case = Case(users=500)
    case.users = rng.normal(size=(500, 6)).astype(np.float32)
    alone = case.top_n(
        10,
        users=case.users[:last],
        seen_starts=case.seen_starts[: last + 1],
        seen_items=case.seen_items[: case.seen_starts[last]],
    )
    for one, many in zip(alone, case.top_n(10), strict=True):
        np.testing.assert_array_equal(one, many[:last])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"users": np.zeros((50, 7), np.float32)}, ValueError, "same number of columns"),
        (
            {"users": np.zeros((9, 6), np.float32)},
            ValueError,
            "seen_starts must rise from 0 to",
        ),
        (
            {"seen_items": np.zeros(3, np.int32)},
            ValueError,
            "seen_starts must rise from 0 to",
        ),
        (
            {"seen_starts": np.arange(51)},
            ValueError,
            "seen_starts must rise from 0 to",
        ),
        (
            {"seen_starts": FALLING, "seen_items": np.zeros(1, np.int32)},
            ValueError,
            "seen_starts must rise from 0 to",
        ),
        (
            {"seen_starts": FIRST_SAW_ONE, "seen_items": np.full(1, -1, np.int32)},
            IndexError,
            "seen_items: row -1 of 300",
        ),
        (
            {"seen_starts": FIRST_SAW_ONE, "seen_items": np.full(1, 300, np.int32)},
            IndexError,
            "seen_items: row 300 of 300",
        ),
        ({"allowed": np.ones(299, bool)}, ValueError, "allowed must have 300 flags, got 299"),
        ({"allowed": np.ones(300, np.float32)}, TypeError, "bool or uint8"),
        ({"allowed": np.ones(600, bool)[::2]}, TypeError, "incompatible"),
        ({"items": np.zeros((300, 6))}, TypeError, "incompatible"),
        ({"n": 0}, ValueError, "n must be at least 1"),
        ({"n": -1}, TypeError, "incompatible"),
        ({"threads": 0}, ValueError, "top_n: threads must be at least 1, got 0"),
        ({"threads": -1}, ValueError, "top_n: threads must be at least 1, got -1"),
    ],
)
def test_bad_arguments_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        Case().top_n(**{"n": 10, **changes})
