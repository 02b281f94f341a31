"""The draws of the variances of rows: a planted one is found, and equal ones as well."""

import math

import numpy as np
import pytest

from palate.solvers.gibbs import _row_variances
from palate.solvers.gibbs._random_stream import RandomStream, RowStream
from palate.solvers.gibbs._row_variances import (
    drawn_freedom,
    drawn_precisions,
    log_gammas,
    log_likelihoods,
)


def sampled(counts, squares, sweeps=300):
    """Return the mean freedom and precisions of draws, and the draws of the precisions."""
    likelihoods = log_likelihoods(counts, squares, log_gammas(counts))
    freedoms, precisions = [], []
    for sweep in range(sweeps):
        freedom = drawn_freedom(likelihoods, RandomStream(3, sweep))
        freedoms.append(freedom)
        precisions.append(
            drawn_precisions(freedom, counts, squares, RowStream(4, sweep, np.arange(len(counts))))
        )
    return np.mean(freedoms), np.mean(precisions, axis=0), np.array(precisions)


def simulated(freedom, rows=3000, seed=0):
    """Return numbers of ratings, sums of squares and the precisions behind them."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 60, rows)
    precisions = rng.gamma(freedom / 2, 2 / freedom, rows)
    return counts, rng.chisquare(np.maximum(counts, 1)) * (counts > 0) / precisions, precisions


@pytest.mark.parametrize("freedom", [4.0, 12.0, 40.0])
def test_the_freedom_is_found(freedom):
    """Within 20%: neighbouring freedoms differ by as much."""
    counts, squares, _ = simulated(freedom)
    assert sampled(counts, squares)[0] == pytest.approx(freedom, rel=0.2)


def test_equal_variances_have_a_high_freedom():
    counts, squares, precisions = simulated(1e9)
    freedom, found, _ = sampled(counts, squares)
    assert freedom > 150
    np.testing.assert_allclose(found, precisions, atol=0.2)


def test_planted_precisions_lie_in_their_intervals_at_the_nominal_rate():
    """90% intervals; three standard errors of 3,000 rows are 0.016."""
    counts, squares, precisions = simulated(10.0)
    _, _, draws = sampled(counts, squares)
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    inside = (low < precisions) & (precisions < high)
    assert inside.mean() == pytest.approx(0.9, abs=0.02)


def test_the_likelihood_of_a_freedom_is_that_of_t_distributed_errors():
    """With one rating a row, an error has a t distribution."""
    errors = np.array([0.3, -1.2, 4.0])
    counts = np.ones(3, dtype=np.int64)
    found = log_likelihoods(counts, errors**2, log_gammas(counts))[[0, 9]]
    expected = []
    for f in _row_variances._FREEDOMS[[0, 9]]:
        constant = math.lgamma((f + 1) / 2) - math.lgamma(f / 2) - math.log(f) / 2
        expected.append(3 * constant - (f + 1) / 2 * np.log1p(errors**2 / f).sum())
    assert found[0] - found[1] == pytest.approx(expected[0] - expected[1])
