"""Variates from a stream of random numbers, tested as distributions."""

import numpy as np
import pytest

from palate.solvers.gibbs._random_stream import RandomStream, RowStream


@pytest.mark.parametrize("shape", [0.5, 0.9, 1.0, 3.5, 500.0])
def test_gamma_numbers_have_the_moments_of_their_shape(shape):
    """Mean and variance equal the shape; the variance's own error is sqrt((2 + 6 / shape) / n)."""
    n = 20_000
    numbers = RandomStream(1, 2).gammas(np.full(n, shape))
    assert abs(numbers.mean() - shape) < 5 * np.sqrt(shape / n)
    assert abs(numbers.var() / shape - 1) < 5 * np.sqrt((2 + 6 / shape) / n)


def test_shapes_may_differ():
    shapes = np.tile([0.5, 1.0, 30.0], 20_000)
    numbers = RandomStream(5, 6).gammas(shapes).reshape(-1, 3)
    error = np.sqrt(shapes[:3] / len(numbers))
    assert (np.abs(numbers.mean(axis=0) - shapes[:3]) < 5 * error).all()
    assert np.abs(np.corrcoef(numbers.T) - np.eye(3)).max() < 0.04


def test_numbers_are_read_one_after_the_other():
    one, other = RandomStream(3, 4), RandomStream(3, 4)
    parts = np.concatenate([one.normal(4), one.normal(2)])
    np.testing.assert_array_equal(parts, other.normal(6))
    assert not np.allclose(RandomStream(3, 5).normal(6), parts)


@pytest.mark.parametrize("shape", [1.0, 1.5, 30.0])
def test_gamma_numbers_of_rows_have_the_moments_of_their_shape(shape):
    n = 20_000
    numbers = RowStream(1, 2, 5 + np.arange(n)).gammas(np.full(n, shape))
    assert abs(numbers.mean() - shape) < 5 * np.sqrt(shape / n)
    assert abs(numbers.var() / shape - 1) < 5 * np.sqrt((2 + 6 / shape) / n)


def test_any_block_of_rows_draws_its_own_numbers():
    """To the bit, also those of rows that were rejected before, 5% at a shape of 1."""
    shapes, rows = np.tile([1.0, 1.2, 7.0], 1000), np.arange(3000)
    whole = RowStream(3, 4, rows).gammas(shapes), RowStream(3, 4, rows).uniforms()
    for part in (rows[:750], rows[750:], rows[::7], rows[[2, 700, 2900]]):
        random = RowStream(3, 4, part)
        np.testing.assert_array_equal(random.gammas(shapes[part]), whole[0][part])
        np.testing.assert_array_equal(random.uniforms(), whole[1][part])


def test_uniform_numbers_of_rows_are_uniform():
    numbers = RowStream(3, 4, np.arange(20_000)).uniforms()
    assert np.quantile(numbers, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.015)
