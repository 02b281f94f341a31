"""Profiles: each posterior beside its twin's, with every kind of covariance and weight."""

import numpy as np
import pytest
import twins

from palate import _native

ROWS, PARTNERS = 30, 40
ALPHA, MU = 1.7, 0.3


class Side:
    """Ratings of 30 rows, the last without any, and the first with a fifth of them all."""

    def __init__(self, columns, covariance="full", weights=True, n=1500, seed=0):
        rng = np.random.default_rng(seed)
        row = np.where(rng.random(n) < 0.2, 0, rng.integers(0, ROWS - 1, n)).astype(np.int32)
        self.starts, order = _native.group_by_row(row, ROWS)
        self.partner = rng.integers(0, PARTNERS, n).astype(np.int32)[order]
        self.rating = rng.normal(size=n).astype(np.float32)
        self.weight = rng.random(n if weights else 0).astype(np.float32)
        self.partners = rng.normal(size=(PARTNERS, columns)).astype(np.float32)
        roots = rng.normal(size=(PARTNERS, columns - 1, columns - 1)) / 3
        self.full = roots @ roots.transpose(0, 2, 1)
        if covariance == "diagonal":
            self.full *= np.eye(columns - 1)
        self.covariance = {
            "full": self.full.reshape(PARTNERS, -1),
            "diagonal": np.einsum("nii->ni", self.full),
            "none": np.zeros((0, 1)),
        }[covariance].astype(np.float32)
        if covariance == "none":
            self.full *= 0
        root = rng.normal(size=(columns, columns))
        self.precision = root @ root.T / columns + np.eye(columns)
        # Each row has a prior mean of its own.
        self.shift = rng.normal(size=(ROWS, columns)).astype(np.float32)

    def infer(self, threads=1, covariances=True, squares=True, alpha=ALPHA, **changes):
        names = ("starts", "partner", "rating", "weight", "partners", "covariance")
        arrays = [changes.get(name, getattr(self, name)) for name in (*names, "precision", "shift")]
        return _native.infer_rows(*arrays, alpha, MU, threads, covariances, squares)


@pytest.mark.parametrize("columns", [2, 3, 9, 16, 17, 33, 65])
@pytest.mark.parametrize("covariance", ["full", "diagonal", "none"])
def test_each_posterior_equals_its_twins(columns, covariance):
    side = Side(columns, covariance)
    means, covariances, squares = side.infer()
    for row in range(ROWS):
        own = slice(side.starts[row], side.starts[row + 1])
        partner = side.partner[own]
        mean, spread, expected = twins.infer_row(
            side.partners[partner], side.full[partner], side.rating[own], side.weight[own],
            side.precision, side.shift[row], ALPHA, MU,
        )  # fmt: skip
        np.testing.assert_allclose(means[row], mean, atol=3e-4, rtol=3e-4)
        np.testing.assert_allclose(
            covariances[row].reshape(columns, columns), spread, atol=1e-4, rtol=1e-3
        )
        np.testing.assert_allclose(squares[row], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("covariance", ["full", "diagonal", "none"])
@pytest.mark.parametrize("weights", [False, True])
def test_expected_squares_of_ratings_almost_without_noise(covariance, weights):
    columns, alpha = 17, 1e8
    side = Side(columns, covariance, weights=weights, n=6000)
    side.full, side.covariance = side.full * 1e-10, side.covariance * np.float32(1e-10)
    side.rating = twins.ratings_almost_without_noise(side, MU)
    means, covariances, squares = side.infer(alpha=alpha)
    for r in range(ROWS):
        own = slice(side.starts[r], side.starts[r + 1])
        partner, weight = side.partner[own], side.weight[own] if weights else 1.0
        residuals = twins.residuals(side.partners[partner], side.rating[own], means[r], MU)
        moment = np.einsum(
            "ni,nj->nij", *[np.c_[side.partners[partner, :-1], np.ones(len(partner))]] * 2
        )
        moment[:, :-1, :-1] += side.full[partner]
        mean = means[r, :-1].astype(np.float64)
        expected = np.sum(weight * residuals**2)
        expected += np.sum(weight * np.einsum("nij,i,j->n", side.full[partner], mean, mean))
        inverse = covariances[r].reshape(columns, columns).astype(np.float64)
        expected += np.einsum("n,nij,ij->", np.broadcast_to(weight, len(partner)), moment, inverse)
        assert squares[r].sum() == pytest.approx(expected, rel=1e-4, abs=0)


def test_the_expected_squares_are_what_draws_average_to():
    """Over 20,000 draws of a row and of its partners' factors: within five standard errors."""
    side, rng, n = Side(4, weights=False), np.random.default_rng(1), 20_000
    means, covariances, squares = side.infer()
    own = slice(side.starts[3], side.starts[4])
    partner = side.partner[own]
    x = rng.multivariate_normal(means[3], covariances[3].reshape(4, 4).astype(float), size=n)
    total = np.zeros(n)
    for j, rating in zip(partner, side.rating[own], strict=True):
        q = rng.multivariate_normal(side.partners[j, :-1], side.full[j], size=n)
        predicted = (q * x[:, :-1]).sum(1) + x[:, -1] + side.partners[j, -1] + MU
        total += (rating - predicted) ** 2
    assert abs(total.mean() - squares[3].sum()) < 5 * total.std() / np.sqrt(n)


def test_weights_of_one_change_nothing():
    side = Side(17, weights=False)
    ones = side.infer(weight=np.ones(1500, np.float32))
    for one, other in zip(side.infer(), ones, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("threads", [2, 8])
def test_the_same_bits_at_any_number_of_threads(threads):
    side = Side(33)
    for one, many in zip(side.infer(), side.infer(threads=threads), strict=True):
        np.testing.assert_array_equal(one, many)


@pytest.mark.parametrize("covariances", [False, True])
@pytest.mark.parametrize("squares", [False, True])
def test_covariances_and_squares_only_where_they_are_asked_for(covariances, squares):
    side = Side(9)
    everything = side.infer()
    wanted = side.infer(covariances=covariances, squares=squares)
    np.testing.assert_array_equal(wanted[0], everything[0])
    np.testing.assert_array_equal(wanted[1], everything[1][: ROWS * covariances])
    np.testing.assert_array_equal(wanted[2], everything[2][: ROWS * squares])
    assert wanted[1].shape == (ROWS * covariances, 81)


def test_a_weak_prior_affects_no_other_row():
    """Rows one after the other share buffers; with pivots below 1 these once grew without end."""
    side = Side(17, "none", weights=False)
    weak = {"precision": np.eye(17) * 1e-3, "shift": np.zeros((1, 17), np.float32)}
    starts = np.arange(ROWS * 50 + 1) // 50 * 0
    starts[-1] = 1500
    means, covariances, _ = side.infer(starts=starts, **weak)
    assert np.isfinite(means).all()
    np.testing.assert_allclose(covariances[0].reshape(17, 17), np.eye(17) * 1e3, rtol=1e-5)
    np.testing.assert_array_equal(covariances[:-1], np.tile(covariances[0], (ROWS * 50 - 1, 1)))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"starts": np.arange(ROWS + 1)},
            ValueError,
            "lengths of starts, partner and rating do not match",
        ),
        ({"precision": np.eye(8)}, ValueError, "as many coordinates"),
        (
            {"shift": np.zeros((2, 9), np.float32)},
            ValueError,
            "shift must have one row, or one for",
        ),
        ({"weight": np.ones(3, np.float32)}, ValueError, "weight must be empty or have an entry"),
        (
            {"covariance": np.ones((40, 9), np.float32)},
            ValueError,
            "covariance must hold factors x factors",
        ),
        (
            {"covariance": np.ones((39, 8), np.float32)},
            ValueError,
            "covariance must hold factors x factors",
        ),
        ({"partners": np.zeros((3, 9), np.float32)}, IndexError, "partner: row"),
        ({"rating": np.zeros(1500)}, TypeError, "incompatible"),
        ({"threads": 0}, ValueError, "infer_rows: threads must be at least 1, got 0"),
        ({"threads": -1}, ValueError, "infer_rows: threads must be at least 1, got -1"),
    ],
)
def test_bad_arguments_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        Side(9).infer(**changes)
