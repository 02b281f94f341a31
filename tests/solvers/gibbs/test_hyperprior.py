"""The draws of a side's mean and precision, tested as distributions."""

import numpy as np
import pytest

from palate.solvers.gibbs._hyperprior import NormalWishart, RandomStream


@pytest.mark.parametrize("shape", [0.5, 0.9, 1.0, 3.5, 500.0])
def test_gamma_numbers_have_the_moments_of_their_shape(shape):
    """Mean and variance equal the shape; the variance's own error is sqrt((2 + 6 / shape) / n)."""
    draws, n = RandomStream(1, 2), 20_000
    numbers = np.array([draws.gamma(shape) for _ in range(n)])
    assert abs(numbers.mean() - shape) < 5 * np.sqrt(shape / n)
    assert abs(numbers.var() / shape - 1) < 5 * np.sqrt((2 + 6 / shape) / n)


def test_numbers_are_read_one_after_the_other():
    one, other = RandomStream(3, 4), RandomStream(3, 4)
    parts = np.concatenate([one.normal(4), one.normal(2)])
    np.testing.assert_array_equal(parts, other.normal(6))
    assert not np.allclose(RandomStream(3, 5).normal(6), parts)


def test_precision_and_mean_have_their_conditional_moments():
    """E Lambda = nu* W*; m has the mean m* and the covariance W*^-1 / (beta* (nu* - d - 1))."""
    rows = np.random.default_rng(0).normal(1, [0.5, 1, 2], size=(40, 3)).astype(np.float32)
    prior, n = NormalWishart(), 4000
    means, precisions = zip(*(prior.draw(rows, RandomStream(7, s)) for s in range(n)), strict=True)
    mean = rows.mean(0, dtype=np.float64)
    scatter = (rows - mean).T @ (rows - mean)
    inverse = np.eye(3) + scatter + 2 * 40 / 42 * np.outer(mean, mean)
    expected = 43 * np.linalg.inv(inverse)
    spread = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / 43 / n)
    assert (np.abs(np.mean(precisions, 0) - expected) < 5 * spread).all()
    covariance = inverse / (42 * (43 - 4))
    error = np.sqrt(np.diag(covariance) / n)
    assert (np.abs(np.mean(means, 0) - 40 / 42 * mean) < 5 * error).all()
    assert np.var(means, 0) == pytest.approx(np.diag(covariance), rel=0.15)


def test_two_rows_are_enough():
    rows = np.zeros((2, 30), dtype=np.float32)
    mean, precision = NormalWishart().draw(rows, RandomStream(0, 0))
    assert np.isfinite(mean).all()
    assert np.linalg.eigvalsh(precision).min() > 0
