"""The half-sweep of the Gibbs sampler: each draw beside its twin's, from the same numbers."""

import numpy as np
import pytest
import twins

from palate import _native

ROWS, PARTNERS = 30, 40
ALPHA, MU = 1.7, 0.3
ARGUMENTS = (
    *("starts", "partner", "rating", "weight", "order"),
    *("partners", "precision", "shift", "spread"),
)


class Side:
    """Ratings of 30 rows, the last without any, and the first with a fifth of them all."""

    def __init__(self, columns, n=1500, seed=0):
        rng = np.random.default_rng(seed)
        row = np.where(rng.random(n) < 0.2, 0, rng.integers(0, ROWS - 1, n)).astype(np.int32)
        self.starts, order = _native.group_by_row(row, ROWS)
        self.partner = rng.integers(0, PARTNERS, n).astype(np.int32)[order]
        self.rating = rng.normal(size=n).astype(np.float32)
        self.partners = rng.normal(size=(PARTNERS, columns)).astype(np.float32)
        root = rng.normal(size=(columns, columns))
        self.precision = root @ root.T / columns + np.eye(columns)
        # Each row has a prior mean of its own.
        self.shift = rng.normal(size=(ROWS, columns)).astype(np.float32)
        self.weight = rng.gamma(5, 0.2, n).astype(np.float32)
        self.spread = rng.gamma(5, 0.2, ROWS).astype(np.float32)
        self.order = np.argsort(-np.diff(self.starts), kind="stable").astype(np.int32)

    def draw(self, seed=5, stream=9, threads=1, **changes):
        arrays = [changes.get(name, getattr(self, name)) for name in ARGUMENTS]
        return _native.sample_rows(*arrays, ALPHA, MU, seed, stream, threads)


@pytest.mark.parametrize("columns", [2, 3, 9, 16, 17, 33, 65])
def test_each_draw_equals_its_twins(columns):
    side = Side(columns)
    rows, squares = side.draw()
    for row in range(ROWS):
        own = slice(side.starts[row], side.starts[row + 1])
        expected, residuals = twins.sample_row(
            side.partners[side.partner[own]], side.rating[own], side.weight[own], side.precision,
            side.shift[row], ALPHA, MU,
            noise=side.spread[row] * _native.normals(5, 9, columns, row * (-(-columns // 16) * 16)),
        )  # fmt: skip
        np.testing.assert_allclose(rows[row], expected, atol=2e-4, rtol=2e-4)
        total = np.sum(side.weight[own] * residuals**2)
        assert squares[row] == pytest.approx(total, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("columns", [2, 9, 17, 33])
def test_squares_of_ratings_almost_without_noise(columns):
    """Noise of 1e-4 leaves squares a hundred million times below the ratings' own."""
    side = Side(columns, n=6000)
    side.rating = twins.ratings_almost_without_noise(side, MU)
    arrays = (getattr(side, name) for name in ARGUMENTS)
    drawn, squares = _native.sample_rows(*arrays, 1e8, MU, 5, 9, 1)
    for r in range(ROWS):
        own = slice(side.starts[r], side.starts[r + 1])
        partners = side.partners[side.partner[own]]
        residuals = twins.residuals(partners, side.rating[own], drawn[r], MU)
        total = np.sum(side.weight[own] * residuals**2)
        assert squares[r] == pytest.approx(total, rel=1e-6, abs=0)


def test_without_weights_and_with_one_prior_all_rows_are_alike():
    side = Side(9)
    same = np.tile(side.shift[:1], (ROWS, 1))
    ones = side.draw(weight=np.ones(1500, np.float32), shift=same)
    found = side.draw(weight=np.zeros(0, np.float32), shift=side.shift[:1])
    for one, other in zip(found, ones, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_draws_have_the_posteriors_mean_and_covariance():
    """Over 20,000 draws of one row: means and covariances within five standard errors."""
    side, columns, n = Side(4), 4, 20_000
    draws = np.array([side.draw(stream=s)[0][3] for s in range(n)])
    own = slice(side.starts[3], side.starts[4])
    a, c = twins.posterior(
        side.partners[side.partner[own]], side.rating[own], side.weight[own], side.precision,
        side.shift[3], ALPHA, MU,
    )  # fmt: skip
    covariance = np.linalg.inv(a)
    spread = np.diag(covariance)
    assert (np.abs(draws.mean(0) - covariance @ c) < 5 * np.sqrt(spread / n)).all()
    error = np.sqrt((np.outer(spread, spread) + covariance**2) / n)
    assert (np.abs(np.cov(draws.T) - covariance) < 5 * error).all()
    assert draws.shape == (n, columns)


@pytest.mark.parametrize("threads", [2, 8])
def test_the_same_bits_at_any_number_of_threads_and_in_any_order(threads):
    side = Side(33)
    for one, many in zip(side.draw(), side.draw(threads=threads), strict=True):
        np.testing.assert_array_equal(one, many)
    backwards = side.order[::-1].copy()
    np.testing.assert_array_equal(side.draw()[0], side.draw(order=backwards)[0])


def test_a_block_of_rows_is_drawn_like_all_of_them():
    side, first = Side(33), 11
    starts, order = side.starts[first:] - side.starts[first], np.arange(ROWS - first)
    arrays = {
        **{"starts": starts, "order": order.astype(np.int32), "shift": side.shift[first:]},
        "spread": side.spread[first:],
        **{name: getattr(side, name)[side.starts[first] :] for name in ("partner", "rating")},
        "weight": side.weight[side.starts[first] :],
    }
    arrays = [arrays.get(name, getattr(side, name)) for name in ARGUMENTS]
    block = _native.sample_rows(*arrays, ALPHA, MU, 5, 9, 1, first_row=first)
    for part, whole in zip(block, side.draw(), strict=True):
        np.testing.assert_array_equal(part, whole[first:])


def test_another_stream_gives_other_draws():
    side = Side(9)
    assert not np.allclose(side.draw(stream=9)[0], side.draw(stream=10)[0])
    assert not np.allclose(side.draw(seed=5)[0], side.draw(seed=6)[0])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"starts": np.arange(ROWS + 1)},
            ValueError,
            "lengths of starts, partner and rating do not match",
        ),
        ({"precision": np.eye(8)}, ValueError, "as many coordinates"),
        ({"shift": np.zeros((1, 8), np.float32)}, ValueError, "as many coordinates"),
        (
            {"shift": np.zeros((2, 9), np.float32)},
            ValueError,
            "shift must have one row, or one for",
        ),
        ({"weight": np.ones(3, np.float32)}, ValueError, "weight must be empty or have an entry"),
        ({"spread": np.ones(3, np.float32)}, ValueError, "spread must be empty or have an entry"),
        ({"partners": np.zeros((3, 9), np.float32)}, IndexError, "partner: row"),
        ({"order": np.full(ROWS, ROWS, np.int32)}, IndexError, "order: row 30 of 30"),
        ({"rating": np.zeros(1500)}, TypeError, "incompatible"),
        ({"threads": 0}, ValueError, "sample_rows: threads must be at least 1, got 0"),
        ({"threads": -1}, ValueError, "sample_rows: threads must be at least 1, got -1"),
    ],
)
def test_bad_arguments_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        Side(9).draw(**changes)
