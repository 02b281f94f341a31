"""The sampler as a sampler: its draws have the distribution that they should have.

Each test states its tolerance in standard errors of a Monte Carlo mean, which for a chain are
taken from the means of long batches.
"""

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

import palate
from palate._native import CancelToken
from palate.solvers.gibbs import _chain
from palate.solvers.gibbs._chain import Chain
from palate.solvers.gibbs._hyperprior import NormalWishart

USERS, ITEMS, FACTORS = 5, 4, 2
BATCHES = 40


def ratings_of(user, item, rating):
    table = pl.DataFrame({"user": user, "item": item, "rating": np.asarray(rating, float)})
    return palate.read_ratings(table)


def cells():
    """All pairs of a user and an item but a few."""
    user, item = np.divmod(np.arange(USERS * ITEMS), ITEMS)
    present = (user + 2 * item) % 5 > 0
    return user[present], item[present]


class Sweeps:
    """The sampler's sweeps, on ratings in units of their own."""

    def __init__(self, ratings, factors=FACTORS, seed=0):
        sizes = {"factors": factors, "sweeps": 10**9, "burn_in": 10**9 - 1}
        self.chain = Chain(ratings, None, **sizes, seed=seed, threads=1, cancel=CancelToken())
        self.ratings, self.number = ratings, 0

    def sweep(self, standardised=None):
        if standardised is not None:
            for side, row in (("_by_user", "user"), ("_by_item", "item")):
                grouped = getattr(self.chain, side)
                order = np.argsort(getattr(self.ratings, row), kind="stable")
                setattr(self.chain, side, grouped._replace(rating=standardised[order]))
        self.chain.sweep(self.number)
        self.number += 1
        return self.chain._users, self.chain._items, self.chain._alpha


def predicted(users, items, user, item):
    return (users[user, :-1] * items[item, :-1]).sum(1) + users[user, -1] + items[item, -1]


def mean_and_error(values):
    """Return the mean of a chain and its standard error, by the means of batches."""
    batches = np.array_split(np.asarray(values), BATCHES)
    means = np.array([batch.mean(axis=0) for batch in batches])
    return means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(BATCHES)


def summary(users, items, alpha, rating):
    """Return what the joint test compares: heavy tails are taken as logarithms."""
    parts = [np.log(alpha), np.log(np.mean(rating**2))]
    for rows in (users, items):
        parts += [np.log(np.mean(rows[:, :-1] ** 2)), np.log(np.mean(rows[:, -1] ** 2))]
        parts += [np.tanh(rows[0, -1]), np.log(np.var(rows[:, -1]))]
    return parts


# The default priors have such heavy tails that a chain would have to run for days; the code is the
# same for these.
TAME = NormalWishart(beta=0.3, scatter=8.0, freedom=8)
NOISE = (5.0, 4.0)


def from_the_prior(rng, user, item):
    """Draw everything from the joint distribution, by nothing but NumPy."""
    d = FACTORS + 1
    tables = []
    for rows in (USERS, ITEMS):
        roots = rng.normal(size=(d + TAME.freedom, d)) / np.sqrt(TAME.scatter)
        root = np.linalg.cholesky(np.linalg.inv(roots.T @ roots))
        mean = root @ rng.normal(size=d) / np.sqrt(TAME.beta)
        tables.append(mean + rng.normal(size=(rows, d)) @ root.T)
    alpha = rng.gamma(NOISE[0]) / NOISE[1]
    rating = predicted(*tables, user, item) + rng.normal(size=len(user)) / np.sqrt(alpha)
    return *tables, alpha, rating


def test_joint_distribution(monkeypatch):
    """Geweke, "Getting it right" (JASA 2004): draws of parameters and data, made in two ways.

    Sweeps that alternate with fresh data must keep the prior's distribution. Each of the figures
    agrees within 4.5 standard errors. (One degree of freedom too many gives 6, a tenth
    of the residuals lost 20.)
    """
    for name, value in zip(("_NOISE_SHAPE", "_NOISE_RATE"), NOISE, strict=True):
        monkeypatch.setattr(_chain, name, value)
    user, item = cells()
    rng = np.random.default_rng(0)
    independent = np.array([summary(*from_the_prior(rng, user, item)) for _ in range(20_000)])
    chain = Sweeps(ratings_of(user, item, np.arange(len(user)) % 5))
    chain.chain._hyperprior = TAME
    _, _, _, rating = from_the_prior(rng, user, item)
    found = []
    with threadpool_limits(1, user_api="blas"):
        for _ in range(20_000):
            users, items, alpha = chain.sweep(rating.astype(np.float32))
            rating = predicted(users.astype(float), items, user, item)
            rating += rng.normal(size=len(user)) / np.sqrt(alpha)
            found.append(summary(users, items, alpha, rating))
    mean, error = mean_and_error(found)
    expected = independent.mean(axis=0)
    error = np.hypot(error, independent.std(axis=0) / np.sqrt(len(independent)))
    z = (mean - expected) / error
    assert np.abs(z).max() < 4.5, z.round(1)


def numpy_chain(user, item, rating, sweeps, rng):
    """Sample the same model once more: plain NumPy, double precision, other random numbers."""
    d, beta = FACTORS + 1, NormalWishart().beta
    tables = [rng.normal(size=(rows, d)) * 0.1 for rows in (USERS, ITEMS)]
    alpha = 1.0
    for _ in range(sweeps):
        for side, (own, others) in enumerate(((user, item), (item, user))):
            rows, n = tables[side], len(tables[side])
            mean = rows.mean(axis=0)
            away = rows - mean
            inverse = np.eye(d) + away.T @ away + beta * n / (beta + n) * np.outer(mean, mean)
            root = np.linalg.cholesky(np.linalg.inv(inverse))
            draws = root @ rng.normal(size=(d, d + n))
            precision = draws @ draws.T
            noise = np.linalg.solve(
                np.linalg.cholesky((beta + n) * precision).T, rng.normal(size=d)
            )
            centre = n * mean / (beta + n) + noise
            given = own == np.arange(n)[:, None]  # the rows are independent of each other
            z = np.c_[tables[1 - side][:, :-1], np.ones(len(tables[1 - side]))][others]
            target = alpha * (rating - tables[1 - side][others, -1])
            a = precision + alpha * np.einsum("rn,ni,nj->rij", given, z, z)
            c = precision @ centre + (given * target) @ z
            noise = np.linalg.solve(
                np.linalg.cholesky(a).transpose(0, 2, 1), rng.normal(size=(n, d, 1))
            )
            rows[:] = (np.linalg.solve(a, c[:, :, None]) + noise)[:, :, 0]
        error = rating - predicted(*tables, user, item)
        alpha = rng.gamma(1 + len(rating) / 2) / (1 + np.sum(error**2) / 2)
        yield *tables, alpha


def test_posterior_of_a_tiny_model():
    """Beside a long chain in NumPy: the mean and spread of every prediction, and the noise.

    Within 4.5 standard errors, of some 15 + 15 + 1 figures.
    """
    user, item = cells()
    rating = np.random.default_rng(3).normal(size=len(user)).astype(np.float32)
    rating = (rating - rating.mean()) / rating.std()
    every = np.divmod(np.arange(USERS * ITEMS), ITEMS)

    def figures(users, items, alpha):
        score = predicted(users.astype(float), items, *every)
        return np.r_[score, np.abs(score), np.log(alpha)]

    chain = Sweeps(ratings_of(user, item, rating))
    with threadpool_limits(1, user_api="blas"):
        found = [figures(*chain.sweep()) for _ in range(15_000)]
    rng = np.random.default_rng(4)
    expected = [figures(*draw) for draw in numpy_chain(user, item, rating, 6_000, rng)]
    (one, error), (other, other_error) = mean_and_error(found[500:]), mean_and_error(expected[500:])
    z = (one - other) / np.hypot(error, other_error)
    assert np.abs(z).max() < 4.5, z.round(1)


@pytest.fixture(scope="module")
def simulated():
    """Ratings of 300 users of 120 items from a known model, and that model's item biases."""
    rng = np.random.default_rng(7)
    users, items, n = 300, 120, 12_000
    p, q = rng.normal(size=(users, 3)), rng.normal(size=(items, 3)) * [0.6, 0.4, 0.3]
    user_bias, item_bias = rng.normal(0, 0.4, users), rng.normal(0, 0.5, items)
    score = 3.5 + user_bias[:, None] + item_bias + p @ q.T
    cell = rng.permutation(users * items)[:n]
    user, item = np.divmod(cell, items)
    rating = score[user, item] + rng.normal(0, 0.7, n)
    return ratings_of(user, item, rating), score


def test_simulated_parameters_lie_in_their_intervals(simulated):
    """At the nominal rate: main effects of 120 items in 90% intervals, 82% to 97% of them.

    (With 120 independent ones, three standard errors are 8%.) And the noise within 2%.
    """
    ratings, score = simulated
    model = palate.Gibbs(seed=1).fit(ratings)
    truth = score.mean(axis=0) - score.mean()
    learned = model.learned.parameters
    within = np.abs(learned.item_table[:, -1] - truth) < 1.6449 * learned.item_posterior.bias_sd
    assert 0.82 < within.mean() < 0.97
    assert learned.likelihood.noise_sd == pytest.approx(0.7, rel=0.02)


@pytest.mark.parametrize(("quantile", "share"), [(1.6449, 0.9), (0.6745, 0.5)])
def test_held_out_ratings_lie_in_their_intervals(simulated, quantile, share):
    """At the nominal rate, within 0.025 (three standard errors of 3,000 ratings are 0.016)."""
    train, valid = palate.splits.random(simulated[0], 0.25)
    model = palate.Gibbs(seed=1).fit(train)
    profiles = model.profiles()
    expected = model.learned.likelihood.mu + profiles.posteriors.scores(valid.user, valid.item)
    z = np.abs(valid.rating - expected) / profiles.posteriors.rating_sd(valid.user, valid.item)
    assert np.mean(z < quantile) == pytest.approx(share, abs=0.025)
