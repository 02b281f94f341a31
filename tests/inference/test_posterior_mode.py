"""Posteriors of users: the mode where full Gauss-Newton steps overshoot, and no work twice."""

from dataclasses import replace

import numpy as np
import pytest

import palate
from palate.data._ratings import Csr
from palate.inference import _user_posterior
from palate.inference._user_posterior import infer
from palate.learned._likelihood import Gaussian, SigmoidGaussian
from palate.learned._parameters import Parameters
from palate.learned._user_prior import UserPrior

# The book's range of ratings.
LOW, HIGH = 0.0, 5.5


@pytest.fixture
def overshooting():
    """One person of two ratings, whose first full step is far too long.

    At the prior's mean the one item has a score where the sigmoid is nearly flat.
    """
    items = np.array([[3.0, 5.5], [-1.9, -4.0]], dtype=np.float32)
    rating = np.array([5.0, 2.5], dtype=np.float32)
    parameters = Parameters(
        items, SigmoidGaussian(LOW, HIGH, 0.3), UserPrior(np.zeros((1, 2)), 4 * np.eye(2))
    )
    return Csr(np.array([0, 2]), np.arange(2, dtype=np.int32), rating), parameters


def minus_log_posterior(x, ratings, parameters):
    """Twice that, up to a constant, at points x of the shape (n, 2)."""
    score = x @ np.c_[parameters.item_table[:, 0], np.ones(2)].T + parameters.item_table[:, 1]
    error = ratings.rating - LOW - (HIGH - LOW) / (1 + np.exp(-score))
    return (error**2).sum(1) / 0.3**2 + (x**2).sum(1) / 4


def test_a_person_whose_full_step_overshoots_is_found(overshooting):
    """The full step makes things worse; the mode is as good as the best point of a fine grid."""
    ratings, parameters = overshooting
    solver = _user_posterior._RowSolver(ratings, parameters, 1)
    start = np.zeros((1, 2), dtype=np.float32)
    full = solver.solve_linearised(start).mean
    assert solver.loss(full) > 2 * solver.loss(start)
    found = minus_log_posterior(infer(ratings, parameters, 1).mean.astype(float), *overshooting)
    grid = np.stack(np.meshgrid(np.linspace(-6, 6, 601), np.linspace(-6, 6, 601)), -1)
    best = minus_log_posterior(grid.reshape(-1, 2), *overshooting).min()
    assert found <= best + 1e-3
    assert found < 0.1 * minus_log_posterior(start.astype(float), *overshooting)


def test_the_loss_falls_for_everybody(ml100k, model):
    """With a fifth of the noise: nobody is left at the prior's mean if a step helps."""
    parameters = model.learned.parameters
    sharp = replace(parameters, likelihood=replace(parameters.likelihood, noise_sd=0.15))
    grouped = ml100k.by_user()
    solver = _user_posterior._RowSolver(grouped, sharp, 2)
    start = np.tile(sharp.user_prior.mean.astype(np.float32), (943, 1))
    mode = infer(grouped, sharp, 2).mean
    assert (solver.loss(mode) < solver.loss(start)).all()


def test_steps_ask_the_kernel_for_means_alone(model, monkeypatch):
    """Inverting A is most of the work of a step, and only the last call needs it."""
    kernel, wanted = _user_posterior.infer_rows, []

    def recorded(*arguments):
        *_, covariances, squares, _ = arguments
        wanted.append((covariances, squares))
        return kernel(*arguments)

    monkeypatch.setattr(_user_posterior, "infer_rows", recorded)
    profile = model.profile({"Fargo (1996)": 5, "Titanic (1997)": 2})
    assert profile.covariance.shape == (51, 51)
    *steps, last = wanted
    assert len(steps) > 2
    assert set(steps) == {(False, False)}
    assert last == (True, False)


def test_ratings_on_another_scale_are_an_error(model):
    parameters = model.learned.parameters
    ratings = Csr(np.array([0, 1]), np.zeros(1, np.int32), np.array([np.inf], np.float32))
    with pytest.raises(palate.DataError, match="a profile is not finite; are the ratings on"):
        infer(ratings, replace(parameters, likelihood=Gaussian(1, 5, 3.0, 1.0)), 1)
