"""Likelihoods: expected ratings, their slopes, and the linear model that agrees at a score."""

from dataclasses import asdict

import numpy as np
import pytest

from palate.learned._likelihood import (
    LIKELIHOODS,
    Gaussian,
    SigmoidGaussian,
    evaluate_scalar,
    mean_squared_error,
)

GAUSSIAN = Gaussian(low=1.0, high=5.0, mu=3.5, noise_sd=0.9)
SIGMOID = SigmoidGaussian(low=0.0, high=5.5, noise_sd=0.8)
BOTH = pytest.mark.parametrize("likelihood", [GAUSSIAN, SIGMOID], ids=lambda one: one.name)
SCORES = np.array([-9, -2, -0.5, 0, 0.3, 1, 4], dtype=np.float32)


def test_expected_rating_of_gaussian_is_mu_plus_score_within_the_range():
    np.testing.assert_allclose(GAUSSIAN.unclipped(SCORES), 3.5 + SCORES, rtol=1e-6)
    np.testing.assert_allclose(GAUSSIAN.rating(SCORES), np.clip(3.5 + SCORES, 1, 5), rtol=1e-6)


def test_expected_rating_of_sigmoid_is_the_logistic_function_on_the_range():
    expected = 5.5 / (1 + np.exp(-SCORES.astype(float)))
    np.testing.assert_allclose(SIGMOID.rating(SCORES), expected, rtol=1e-5)
    np.testing.assert_array_equal(SIGMOID.unclipped(SCORES), SIGMOID.rating(SCORES))
    shifted = SigmoidGaussian(low=-1.0, high=3.0, noise_sd=1.0)
    np.testing.assert_allclose(shifted.rating(SCORES), -1 + 4 * expected / 5.5, atol=1e-6)


def test_sigmoid_of_extreme_scores_is_the_end_of_the_range():
    """Without a warning of overflow, which the test configuration would turn into an error."""
    extreme = np.array([-1e4, 1e4], dtype=np.float32)
    assert SIGMOID.rating(extreme).tolist() == [0, 5.5]
    assert SIGMOID.slope(extreme).tolist() == [0, 0]
    assert all(np.isfinite(part).all() for part in SIGMOID.working_response(extreme, extreme * 0))


@BOTH
def test_slope_equals_finite_differences(likelihood):
    step = np.float32(1e-2)
    differences = likelihood.unclipped(SCORES + step) - likelihood.unclipped(SCORES - step)
    expected = differences.astype(float) / (2 * float(step))
    np.testing.assert_allclose(likelihood.slope(SCORES), expected, rtol=1e-3, atol=1e-4)


@BOTH
def test_results_have_single_precision(likelihood):
    rating = likelihood.rating(SCORES)
    for values in (rating, likelihood.unclipped(SCORES), likelihood.slope(SCORES)):
        assert values.dtype == np.float32
    assert {part.dtype for part in likelihood.working_response(SCORES, rating)} == {rating.dtype}


@BOTH
def test_variance_is_that_of_the_noise(likelihood):
    np.testing.assert_allclose(likelihood.variance(SCORES), likelihood.noise_sd**2)
    assert likelihood.precision == pytest.approx(1 / likelihood.noise_sd**2)


def test_working_response_of_gaussian_is_the_same_at_every_score():
    """The linearisation is exact: response and weight do not depend on where it is made."""
    rating = np.array([1, 5, 2, 4, 3, 3, 1], dtype=np.float32)
    for scores in (SCORES, SCORES[::-1]):
        response, weight = GAUSSIAN.working_response(scores, rating)
        np.testing.assert_allclose(response, rating - 3.5)
        np.testing.assert_array_equal(weight, 1)


def test_working_response_of_sigmoid_solves_the_linearised_model():
    """The tangent at s takes the value r at the response; the weight is its squared slope."""
    scores = SCORES[1:]  # at -9 the slope is limited from below
    rating = np.array([1, 5, 2, 4, 3, 3], dtype=np.float32)
    response, weight = SIGMOID.working_response(scores, rating)
    slope = SIGMOID.slope(scores)
    np.testing.assert_allclose(SIGMOID.rating(scores) + slope * (response - scores), rating, 1e-4)
    np.testing.assert_allclose(weight, slope**2, rtol=1e-6)


@BOTH
def test_working_response_of_an_expected_rating_is_its_score(likelihood):
    response, _ = likelihood.working_response(SCORES, likelihood.unclipped(SCORES))
    np.testing.assert_allclose(response, SCORES, atol=1e-5)


@BOTH
def test_likelihood_is_restored_from_its_name_and_fields(likelihood):
    assert LIKELIHOODS[likelihood.name](**asdict(likelihood)) == likelihood
    assert set(LIKELIHOODS) == {"gaussian", "sigmoid"}


def test_only_the_gaussian_is_linear():
    assert GAUSSIAN.linear
    assert not SIGMOID.linear
    assert SIGMOID.mu == 0


def test_scalars_and_mean_squared_errors():
    assert evaluate_scalar(GAUSSIAN.rating, 0.25) == 3.75
    scores, ratings = np.float32([0.5, 9]), np.float32([3, 4])
    assert mean_squared_error(GAUSSIAN, scores, ratings) == pytest.approx((1 + 1) / 2)
