"""Axes are kept where there is an interaction, and none is made up where there is only noise."""

import numpy as np
import polars as pl
import pytest

import palate
from palate.data._ratings import Csr
from palate.solvers.gibbs._detection import detectable_variance
from palate.solvers.gibbs._user_block import SumRatings, UserBlock

USERS, ITEMS, RATINGS = 1000, 500, 30_000
# What agrees in draws of a short chain agrees in those of a long one.
SHORT = {"sweeps": 120, "burn_in": 40}


def simulated(rank, biases, seed):
    """Return ratings with noise of sd 1, and the expectation of each."""
    rng = np.random.default_rng(seed)
    user, item = np.divmod(rng.permutation(USERS * ITEMS)[:RATINGS], ITEMS)
    score = np.full(RATINGS, 3.0)
    if biases:
        score += rng.normal(0, 0.4, USERS)[user] + rng.normal(0, 0.5, ITEMS)[item]
    p, q = rng.normal(size=(USERS, rank)), rng.normal(size=(ITEMS, rank)) * 0.4
    score += np.einsum("nk,nk->n", p[user], q[item])
    table = {"user": user, "item": item, "rating": score + rng.normal(size=RATINGS)}
    return palate.read_ratings(pl.DataFrame(table), kind="ratings"), score


@pytest.mark.parametrize("factors", [8, 32])
def test_pure_noise_has_no_axis_and_is_predicted_by_its_mean(factors):
    """At most 2 axes, where 24 to 96 were kept; and within 0.003 of the best possible RMSE."""
    ratings, score = simulated(0, biases=False, seed=1)
    train, valid = ratings.take(np.arange(24_000)), ratings.take(np.arange(24_000, RATINGS))
    model = palate.Gibbs(factors=factors, **SHORT).fit(train)
    assert model.factors <= 2
    best = np.sqrt(np.mean((valid.rating - score[24_000:]) ** 2))
    predicted = model.user_posteriors.scores(valid.user, valid.item) + model.learned.likelihood.mu
    assert np.sqrt(np.mean((valid.rating - predicted) ** 2)) < best + 0.003


@pytest.mark.parametrize("rank", [1, 3])
def test_planted_axes_are_found(rank):
    """The control: as many as there are, and hardly more."""
    ratings, score = simulated(rank, biases=True, seed=1)
    model = palate.Gibbs(**SHORT).fit(ratings)
    assert rank <= model.factors <= rank + 3
    predicted = model.user_posteriors.scores(ratings.user, ratings.item)
    assert np.corrcoef(predicted, score)[0, 1] > 0.88


def test_there_are_never_more_axes_than_factors(ml100k):
    assert palate.Gibbs(factors=8, sweeps=40, burn_in=10).fit(ml100k).factors <= 8


def test_the_detectable_variance_of_a_regular_table():
    """With 4 ratings of each user and 8 of each item: s^2 / (4 * 8)^1/2."""
    starts, item = np.arange(17) * 4, np.tile(np.arange(8, dtype=np.int32), 8)
    block = UserBlock(
        Csr(starts, item, np.ones(64, np.float32)), 8, known=None, seed=0, runtime=None
    )
    assert detectable_variance(SumRatings()(block), 2.0) == pytest.approx(2 / 32**0.5)
