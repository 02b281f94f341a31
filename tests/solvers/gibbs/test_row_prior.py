"""The draws of the prior of a side's rows, tested as distributions."""

import numpy as np
import pytest

from palate._linear_algebra import products
from palate.solvers.gibbs._random_stream import RandomStream
from palate.solvers.gibbs._row_prior import Regression

CONSTANT = np.ones((40, 1), dtype=np.float32)


def of(features, blocks):
    """Return the regression on these features."""
    return Regression(products(features, features), blocks)


def drawn(regression, features, rows, stream, **options):
    """Draw the prior of rows with these features."""
    sums = products(features, features), products(features, rows), products(rows, rows)
    return regression.draw(*sums, RandomStream(7, stream), **options)


def test_precision_and_mean_have_their_conditional_moments():
    """E Lambda = nu* W*; m has the mean m* and the covariance W*^-1 / (beta* (nu* - d - 1)).

    nu* is d + d + n. With the constant alone: Salakhutdinov and Mnih (2008), equation 14.
    """
    rows = np.random.default_rng(0).normal(1, [0.5, 1, 2], size=(40, 3)).astype(np.float32)
    regression, n = of(CONSTANT, []), 4000
    draws = [drawn(regression, CONSTANT, rows, s) for s in range(n)]
    means = np.array([draw.coefficients[0] for draw in draws])
    precisions = np.array([draw.precision for draw in draws])
    mean = rows.mean(0, dtype=np.float64)
    scatter = (rows - mean).T @ (rows - mean)
    inverse = np.diag([1, 1, 0.1]) + scatter + 2 * 40 / 42 * np.outer(mean, mean)
    expected = 46 * np.linalg.inv(inverse)
    spread = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / 46 / n)
    assert (np.abs(precisions.mean(0) - expected) < 5 * spread).all()
    covariance = inverse / (42 * (46 - 4))
    error = np.sqrt(np.diag(covariance) / n)
    assert (np.abs(means.mean(0) - 40 / 42 * mean) < 5 * error).all()
    assert np.var(means, 0) == pytest.approx(np.diag(covariance), rel=0.15)


def test_a_search_has_no_freedom_beyond_the_dimension():
    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    regression = of(CONSTANT, [])
    for searching, freedom in ((True, 43), (False, 46)):
        draws = [
            drawn(regression, CONSTANT, rows, s, searching=searching).precision for s in range(4000)
        ]
        mean = rows.mean(0, dtype=np.float64)
        inverse = np.diag([1, 1, 0.1]) + (rows - mean).T @ (rows - mean).astype(float)
        inverse += 2 * 40 / 42 * np.outer(mean, mean)
        ratio = np.mean(draws, axis=0) @ inverse / freedom
        np.testing.assert_allclose(np.diag(ratio), 1, atol=0.03)


def test_coefficients_have_their_conditional_moments():
    """B has the mean M = K^-1 F'X, and the covariance K^-1_ff W*^-1 / (nu* - d - 1) in row f."""
    rng, n = np.random.default_rng(0), 3000
    features = np.c_[CONSTANT, rng.normal(size=(40, 3))].astype(np.float32)
    rows = (features @ rng.normal(size=(4, 2)) + rng.normal(size=(40, 2))).astype(np.float32)
    found = []
    for s in range(n):
        regression = of(features, [1, 2])
        regression.penalties[1:] = 3.0, 5.0
        found.append(drawn(regression, features, rows, s).coefficients)
    f, x = features.astype(float), rows.astype(float)
    k = f.T @ f + np.diag([2.0, 3.0, 5.0, 5.0])
    mean = np.linalg.solve(k, f.T @ x)
    inverse = np.diag([1, 0.1]) + x.T @ x - x.T @ f @ mean
    variance = np.outer(np.diag(np.linalg.inv(k)), np.diag(inverse)) / (44 - 3)
    assert (np.abs(np.mean(found, axis=0) - mean) < 5 * np.sqrt(variance / n)).all()
    assert np.var(found, axis=0) == pytest.approx(variance, rel=0.2)


def test_the_penalty_of_a_block_that_explains_nothing_grows():
    """A block of pure noise is shut off; one that explains much is not."""
    rng = np.random.default_rng(0)
    useful, noise = rng.normal(size=(2, 2000, 10))
    features = np.c_[np.ones(2000), useful, noise].astype(np.float32)
    rows = (useful @ rng.normal(size=(10, 4)) + rng.normal(size=(2000, 4))).astype(np.float32)
    regression, penalties = of(features, [10, 10]), []
    for sweep in range(60):
        drawn(regression, features, rows, sweep)
        penalties.append(regression.penalties.copy())
    _, of_useful, of_noise = np.mean(penalties[20:], axis=0)
    assert 0.3 < of_useful < 3
    assert of_noise > 15


def test_blocks_without_features_are_left_out():
    assert len(of(CONSTANT, [0, 0]).penalties) == 1


def test_two_rows_are_enough():
    rows = np.zeros((2, 30), dtype=np.float32)
    found = drawn(of(CONSTANT[:2], []), CONSTANT[:2], rows, 0)
    assert np.isfinite(found.coefficients).all()
    assert np.linalg.eigvalsh(found.precision).min() > 0


def test_covariances_from_sums_are_those_of_the_rows():
    rng = np.random.default_rng(0)
    features = np.c_[CONSTANT, rng.normal(size=(40, 3))].astype(np.float32)
    rows, coefficients = rng.normal(size=(40, 2)).astype(np.float32), rng.normal(size=(4, 2))
    means = features @ coefficients
    regression = of(features, [3])
    rest = regression.residual_covariance(
        *(products(features, features), products(features, rows), products(rows, rows)),
        coefficients,
    )
    np.testing.assert_allclose(rest, (rows - means).T @ (rows - means) / 40, rtol=1e-5)
    explained = regression.explained_covariance(coefficients)
    np.testing.assert_allclose(explained, np.cov(means.T, bias=True), rtol=1e-5)
