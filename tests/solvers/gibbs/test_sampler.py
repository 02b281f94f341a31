"""The sampler as a sampler: its draws have the distribution that they should have.

Each test states its tolerance in standard errors of a Monte Carlo mean, which for a chain are
taken from the means of long batches.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

import palate
from palate.solvers.gibbs import _chain, _row_variances
from palate.solvers.gibbs._chain import Chain
from palate.solvers.gibbs._people import LocalPeople
from palate.solvers.gibbs._row_block import Runtime
from palate.solvers.gibbs._row_prior import MatrixNormalWishart

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

    def __init__(self, ratings, prior=None, factors=FACTORS, seed=0):
        sizes = {"factors": factors, "sweeps": 10**9, "burn_in": 10**9 - 1}
        self.people = LocalPeople(ratings, seed, Runtime(1))
        self.chain = Chain(self.people, None, **sizes, seed=seed, prior=prior)
        self.chain._searching = 0  # which is not sampling yet
        self.sides = (self.chain._users, self.chain._items)
        self.blocks = (self.people.block, self.chain._item_rows)
        self.ratings, self.number = ratings, 0

    @property
    def features(self):
        """The features of both sides."""
        return [block.features.astype(float) for block in self.blocks]

    def sweep(self, standardised=None):
        if standardised is not None:
            of_users = self.people.block.__dict__
            order = np.argsort(self.ratings.user, kind="stable")
            of_users["standardised"] = of_users["ratings"]._replace(rating=standardised[order])
            of_users.pop("by_item", None)
        self.chain.sweep(self.number)
        self.number += 1
        return Draw(
            [block.rows.astype(float) for block in self.blocks],
            [block.precisions for block in self.blocks],
            [side.regression.penalties for side in self.sides],
            [side.freedom for side in self.sides],
            self.chain._alpha,
        )


class Draw(NamedTuple):
    """The state of a chain: lists of two have users, then items."""

    tables: list
    precisions: list
    penalties: list
    freedoms: list
    alpha: float

    def noise_sd(self, user, item):
        """Return the standard deviation of the rating of each cell."""
        return (self.alpha * self.precisions[0][user] * self.precisions[1][item]) ** -0.5


def predicted(users, items, user, item):
    return (users[user, :-1] * items[item, :-1]).sum(1) + users[user, -1] + items[item, -1]


def mean_and_error(values):
    """Return the mean of a chain and its standard error, by the means of batches."""
    batches = np.array_split(np.asarray(values), BATCHES)
    means = np.array([batch.mean(axis=0) for batch in batches])
    return means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(BATCHES)


def summary(draw, rating):
    """Return what the joint test compares: heavy tails are taken as logarithms."""
    parts = [np.log(draw.alpha), np.log(np.mean(rating**2))]
    for rows, precisions, penalties, freedom in zip(*draw[:4], strict=True):
        parts += [np.log(np.mean(rows[:, :-1] ** 2)), np.log(np.mean(rows[:, -1] ** 2))]
        parts += [np.tanh(rows[0, -1]), np.log(np.var(rows[:, -1]))]
        parts += [np.log(precisions[0]), np.log(precisions.mean()), *np.log(penalties[1:])]
        parts.append(np.log(freedom))
    return parts


# The default priors have such heavy tails that a chain would have to run for days; the code is the
# same for these.
TAME = MatrixNormalWishart(
    constant_penalty=0.3,
    penalty_shape=6.0,
    penalty_rate=4.0,
    scatter=8.0,
    bias_scatter=6.0,
    freedom=8,
)
NOISE = (5.0, 4.0)
FREEDOMS = np.array([8.0, 16.0, 32.0])


def from_the_prior(rng, features, user, item):
    """Draw everything from the joint distribution, by nothing but NumPy."""
    d = FACTORS + 1
    tables, precisions, penalties, freedoms = [], [], [], []
    for f in features:
        scatter = [TAME.scatter] * FACTORS + [TAME.bias_scatter]
        roots = rng.normal(size=(d + TAME.freedom, d)) / np.sqrt(scatter)
        root = np.linalg.cholesky(np.linalg.inv(roots.T @ roots))
        penalty = rng.gamma(TAME.penalty_shape, 1 / TAME.penalty_rate, 2)
        of_features = np.r_[TAME.constant_penalty, penalty[0], [penalty[1]] * (f.shape[1] - 2)]
        coefficients = rng.normal(size=(f.shape[1], d)) / np.sqrt(of_features[:, None]) @ root.T
        freedoms.append(rng.choice(FREEDOMS))
        precisions.append(rng.gamma(freedoms[-1] / 2, 2 / freedoms[-1], len(f)))
        # The precisions of users, the first side, are also those of their rows.
        scale = np.ones(len(f)) if tables else precisions[0] ** -0.5
        tables.append(f @ coefficients + scale[:, None] * rng.normal(size=(len(f), d)) @ root.T)
        penalties.append(np.r_[TAME.constant_penalty, penalty])
    alpha = rng.gamma(NOISE[0]) / NOISE[1]
    draw = Draw(tables, precisions, penalties, freedoms, alpha)
    return draw, rating_of(rng, draw, user, item)


def rating_of(rng, draw, user, item):
    return predicted(*draw.tables, user, item) + draw.noise_sd(user, item) * rng.normal(
        size=len(user)
    )


def test_joint_distribution(monkeypatch):
    """Geweke, "Getting it right" (JASA 2004): draws of parameters and data, made in two ways.

    Sweeps that alternate with fresh data must keep the prior's distribution. Each of the figures
    agrees within 4.5 standard errors. (One degree of freedom too many gives 6, a tenth
    of the residuals lost 20.)
    """
    for name, value in zip(("_NOISE_SHAPE", "_NOISE_RATE"), NOISE, strict=True):
        monkeypatch.setattr(_chain, name, value)
    monkeypatch.setattr(_row_variances, "_FREEDOMS", FREEDOMS)
    user, item = cells()
    rng = np.random.default_rng(0)
    chain = Sweeps(ratings_of(user, item, np.arange(len(user)) % 5), TAME)
    features = chain.features
    assert features[0].shape[1] > 3
    prior = [from_the_prior(rng, features, user, item) for _ in range(20_000)]
    independent = np.array([summary(*draw) for draw in prior])
    rating, found = prior[0][1], []
    with threadpool_limits(1, user_api="blas"):
        for _ in range(16_000):
            draw = chain.sweep(rating.astype(np.float32))
            rating = rating_of(rng, draw, user, item)
            found.append(summary(draw, rating))
    mean, error = mean_and_error(found)
    expected = independent.mean(axis=0)
    error = np.hypot(error, independent.std(axis=0) / np.sqrt(len(independent)))
    z = (mean - expected) / error
    assert np.abs(z).max() < 4.5, z.round(1)


def numpy_chain(features, user, item, rating, sweeps, rng):
    """Sample the same model once more: plain NumPy, double precision, other random numbers.

    Nothing is integrated out here: each block is drawn given all others.
    """
    d = FACTORS + 1
    tables = [rng.normal(size=(len(f), d)) * 0.1 for f in features]
    coefficients = [np.zeros((f.shape[1], d)) for f in features]
    penalties = [np.r_[2.0, np.ones(2)] for _ in features]
    freedoms, w = [30.0, 30.0], [np.ones(len(f)) for f in features]
    alpha = 1.0
    for _ in range(sweeps):
        for side, (own, others) in enumerate(((user, item), (item, user))):
            rows, f, b = tables[side], features[side], coefficients[side]
            m = f.shape[1]
            penalty = np.r_[penalties[side][:2], [penalties[side][2]] * (m - 2)]
            # The precisions of users, the first side, are also those of their rows.
            scale = w[0] if side == 0 else np.ones(len(f))
            rest = rows - f @ b
            inverse = np.diag([1.0] * FACTORS + [0.1]) + (rest.T * scale) @ rest
            inverse += (b.T * penalty) @ b
            draws = np.linalg.cholesky(np.linalg.inv(inverse)) @ rng.normal(
                size=(d, 2 * d + len(f) + m)
            )
            precision = draws @ draws.T
            k = (f.T * scale) @ f + np.diag(penalty)
            noise = np.linalg.cholesky(np.linalg.inv(k)) @ rng.normal(size=(m, d))
            b = np.linalg.solve(k, (f.T * scale) @ rows)
            b += noise @ np.linalg.cholesky(np.linalg.inv(precision)).T
            coefficients[side] = b
            squares = np.einsum("ij,jk,ik->i", b, precision, b)
            penalties[side][1] = rng.gamma(1 + d / 2) / (1 + squares[1] / 2)
            penalties[side][2] = rng.gamma(1 + (m - 2) * d / 2) / (1 + squares[2:].sum() / 2)
            given = own == np.arange(len(f))[:, None]  # the rows are independent of each other
            weight = alpha * given * w[side][:, None] * w[1 - side][others]
            z = np.c_[tables[1 - side][:, :-1], np.ones(len(tables[1 - side]))][others]
            target = rating - tables[1 - side][others, -1]
            a = scale[:, None, None] * precision + np.einsum("rn,ni,nj->rij", weight, z, z)
            c = scale[:, None] * ((f @ b) @ precision) + (weight * target) @ z
            noise = np.linalg.solve(
                np.linalg.cholesky(a).transpose(0, 2, 1), rng.normal(size=(len(f), d, 1))
            )
            rows[:] = (np.linalg.solve(a, c[:, :, None]) + noise)[:, :, 0]
            error = rating - predicted(*tables, user, item)
            squares = given @ (alpha * w[1 - side][others] * error**2)
            numbers = given.sum(1)
            if side == 0:
                rest = rows - f @ b
                squares = squares + np.einsum("ij,jk,ik->i", rest, precision, rest)
                numbers = numbers + d
            freedoms[side] = freedom_given(w[side], rng)
            w[side] = rng.gamma((freedoms[side] + numbers) / 2) / ((freedoms[side] + squares) / 2)
        total = np.sum(w[0][user] * w[1][item] * error**2)
        alpha = rng.gamma(1 + len(rating) / 2) / (1 + total / 2)
        yield Draw(
            [t.copy() for t in tables], list(w), [p.copy() for p in penalties], [*freedoms], alpha
        )


def freedom_given(precisions, rng):
    """Draw the freedom of gamma precisions."""
    half = _row_variances._FREEDOMS / 2
    of_shape = half * np.log(half) - np.array([math.lgamma(h) for h in half])
    log_p = len(precisions) * of_shape + half * np.sum(np.log(precisions) - precisions)
    p = np.exp(log_p - log_p.max())
    return rng.choice(_row_variances._FREEDOMS, p=p / p.sum())


def test_posterior_of_a_tiny_model(monkeypatch):
    """Beside a long chain in NumPy: the mean and spread of every prediction, and the noise.

    Within 4.5 standard errors, of some 20 + 20 + 4 figures.
    """
    monkeypatch.setattr(_row_variances, "_FREEDOMS", FREEDOMS)
    user, item = cells()
    rating = np.random.default_rng(3).normal(size=len(user)).astype(np.float32)
    rating = (rating - rating.mean()) / rating.std()
    every = np.divmod(np.arange(USERS * ITEMS), ITEMS)

    def figures(draw):
        score = predicted(*draw.tables, *every)
        others = [draw.alpha, draw.precisions[0][0], draw.precisions[1][0], draw.penalties[0][2]]
        return np.r_[score, np.abs(score), np.log(others)]

    chain = Sweeps(ratings_of(user, item, rating))
    with threadpool_limits(1, user_api="blas"):
        found = [figures(chain.sweep()) for _ in range(12_000)]
        rng = np.random.default_rng(4)
        twin = numpy_chain(chain.features, user, item, rating, 6_000, rng)
        expected = [figures(draw) for draw in twin]
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


def test_planted_variances_are_found(simulated):
    """Noise of 0.3 to 1.4 for each user: correlated above 0.9, and in 90% of the intervals.

    Three standard errors of 300 users are 5%.
    """
    ratings, score = simulated
    rng = np.random.default_rng(5)
    sd = 0.65 * np.exp(0.4 * rng.normal(size=ratings.users.height))
    rating = score[ratings.user, ratings.item] + sd[ratings.user] * rng.normal(size=len(ratings))
    model = palate.Gibbs().fit(replace(ratings, rating=rating.astype(np.float32)))
    found = model.user_biases("spread").sort("user")
    np.testing.assert_array_equal(found["user"], np.arange(len(sd)))
    assert np.corrcoef(np.log(found["spread"]), np.log(sd))[0, 1] > 0.9
    within = (found["spread_lower"].to_numpy() < sd) & (sd < found["spread_upper"].to_numpy())
    assert 0.85 < within.mean() < 0.95
    # The items' are equal.
    assert model.learned.parameters.variances.items.std() < 0.15
