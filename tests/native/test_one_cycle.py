"""The lazy kernel beside its twin, which moves every row in every step."""

import copy

import numpy as np
import pytest
import twins

from palate import _native
from palate.solvers._one_cycle import schedule

USERS, ITEMS = 300, 120


class Problem:
    """A small fit: sparse enough that rows miss from none to hundreds of steps."""

    def __init__(self, factors=5, steps=200, batch=16, wd=0.1, seed=0):
        rng = np.random.default_rng(seed)
        n = steps * batch
        # Popularity falls off steeply, so that the last rows miss nearly every step.
        self.user = (USERS * rng.random(n) ** 3).astype(np.int32)
        self.item = (ITEMS * rng.random(n) ** 4).astype(np.int32)
        self.rating = rng.integers(1, 6, n).astype(np.float32)
        self.order = rng.permutation(n).astype(np.int64)
        tables = [0.1 * rng.normal(size=(rows, factors + 1)) for rows in (USERS, ITEMS)]
        self.tables = [table.astype(np.float32) for table in tables]
        self.settings = (*schedule(steps, 0.01), wd, 0.0, 5.5)
        self.batch = batch

    def kernel(self):
        return _native.OneCycle(self.user, self.item, self.rating, *self.tables, *self.settings)

    def native(self, threads=1, calls=1):
        kernel = self.kernel()
        parts = np.split(self.order, calls)
        losses = [kernel.run(part, self.batch, threads) for part in parts]
        return np.concatenate(losses), *kernel.tables()

    def changed(self, **attributes):
        other = copy.copy(self)
        other.__dict__.update(attributes)
        return other

    def twin(self, dtype=np.float32):
        tables = [table.astype(dtype) for table in self.tables]
        kernel = twins.OneCycle(*tables, *self.settings)
        losses = [
            kernel.step(self.user[rows], self.item[rows], self.rating[rows])
            for rows in self.order.reshape(-1, self.batch)
        ]
        return np.array(losses), *kernel.tables


@pytest.mark.parametrize("factors", [1, 5, 14, 50])
@pytest.mark.parametrize("wd", [0.0, 0.1, 5.0])
def test_the_same_path_as_the_twin(factors, wd):
    """After 200 steps every parameter agrees to 1e-4, and so does every loss on the way."""
    problem = Problem(factors, wd=wd)
    for native, twin in zip(problem.native(), problem.twin(), strict=True):
        np.testing.assert_allclose(native, twin, atol=1e-4, rtol=0)


def test_rows_that_miss_more_steps_than_momentum_lasts():
    """Over 1,500 steps some rows rest longer than the kernel follows their momentum."""
    problem = Problem(steps=1500, batch=4)
    rested = np.flatnonzero(np.bincount(problem.user, minlength=USERS) == 1)
    assert len(rested) > 0
    for native, twin in zip(problem.native(), problem.twin(), strict=True):
        np.testing.assert_allclose(native, twin, atol=3e-4, rtol=0)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_same_bits_at_any_number_of_threads(threads):
    problem = Problem(steps=20, batch=2048)
    for one, many in zip(problem.native(), problem.native(threads), strict=True):
        np.testing.assert_array_equal(one, many)


def test_the_same_bits_in_one_call_or_many():
    problem = Problem()
    for one, many in zip(problem.native(), problem.native(calls=8), strict=True):
        np.testing.assert_array_equal(one, many)


def test_reading_the_tables_changes_nothing():
    problem = Problem()
    kernel = problem.kernel()
    for part in np.split(problem.order, 8):
        kernel.run(part, problem.batch, 1)
        kernel.tables()
    for read, unread in zip(kernel.tables(), problem.native()[1:], strict=True):
        np.testing.assert_array_equal(read, unread)


@pytest.mark.parametrize("scale", [1e-3, 1e2, 1e4, 1e6, 1e8])
def test_ratings_of_any_scale(scale):
    """Ratings a thousand times smaller or a hundred million times larger take the same path."""
    problem = Problem()
    problem.rating *= np.float32(scale)
    problem.settings = (*problem.settings[:3], 0.0, 5.5 * scale)
    for native, twin in zip(problem.native()[1:], problem.twin(np.float64)[1:], strict=True):
        np.testing.assert_allclose(native, twin, atol=1e-4, rtol=0)
        assert np.quantile(np.abs(native - twin), 0.99) < 2e-6


def test_bad_arguments_are_refused():
    problem = Problem()
    kernel = problem.kernel()
    with pytest.raises(ValueError, match="no steps left"):
        kernel.run(np.tile(problem.order, 2), problem.batch, 1)
    with pytest.raises(ValueError, match="batch must be at least 1"):
        kernel.run(problem.order, 0, 1)
    with pytest.raises(ValueError, match=r"OneCycle\.run: threads must be at least 1, got 0"):
        kernel.run(problem.order, problem.batch, 0)
    with pytest.raises(ValueError, match=r"OneCycle\.run: threads must be at least 1, got -1"):
        kernel.run(problem.order, problem.batch, -1)
    with pytest.raises(IndexError, match="order: row"):
        kernel.run(problem.order + 1, problem.batch, 1)
    for change, error, message in (
        ({"user": problem.user[:-1]}, ValueError, "same length"),
        ({"item": problem.item + np.int32(1)}, IndexError, "item: row"),
        ({"user": problem.user.astype(np.int64)}, TypeError, "incompatible"),
        (
            {"settings": (*schedule(3, 0.1)[:1], *schedule(4, 0.1)[1:], 0, 0, 5)},
            ValueError,
            "lr and beta",
        ),
        ({"settings": (np.ones(1), np.ones(1), 0, 0, 5)}, ValueError, "betas must be above 0"),
        ({"settings": (np.ones(1), np.full(1, 0.9), 0, 5, 5)}, ValueError, "low must be below"),
    ):
        with pytest.raises(error, match=message):
            problem.changed(**change).kernel()
