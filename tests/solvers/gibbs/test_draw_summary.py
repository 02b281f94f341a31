"""The draw summary beside the dense mean and the dense covariance of the draws."""

from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from palate.data._ratings import Csr
from palate.learned._item_posterior import ItemCovariances
from palate.solvers.gibbs import _draw_summary
from palate.solvers.gibbs._draw_summary import DrawSummary, shrunk
from palate.solvers.gibbs._row_block import Runtime
from palate.solvers.gibbs._sums import merged
from palate.solvers.gibbs._user_block import UserBlock

USERS, ITEMS, FACTORS = 20, 15, 8
NO_COVARIANCE = np.zeros((FACTORS + 1, FACTORS + 1))


@pytest.fixture
def draws():
    rng = np.random.default_rng(0)
    shapes = ((USERS, FACTORS + 1), (ITEMS, FACTORS + 1))
    return [[rng.normal(0.5, 1, shape).astype(np.float32) for shape in shapes] for _ in range(6)]


def scores(users, items):
    return users[:, :-1] @ items[:, :-1].T + users[:, -1:] + items[:, -1]


class Summed:
    """The summary of draws of both sides, by users in some blocks."""

    def __init__(self, users, factors, draws, blocks=1):
        self.people = Blocks(users, blocks)
        self.summary = DrawSummary(self.people, users, factors, draws, seed=0)

    def add(self, users, items, covariance):
        for block in self.people.blocks:
            block.rows = users[block.first : block.first + len(block)]
        mean = users.mean(axis=0, dtype=np.float64)
        sums = self.people.total(self.summary.step(mean, items))
        self.summary.add(sums, mean, items, covariance)

    def result(self, scale):
        """Return the users, and the result with all else."""
        result = self.summary.result(scale)
        return np.concatenate([block.table for block in self.people.blocks]), result


class Blocks:
    """Users without ratings, in blocks."""

    def __init__(self, users, blocks):
        self.items, self.blocks = pl.DataFrame({"id": range(ITEMS)}), []
        for rows in np.array_split(np.arange(users), blocks):
            ratings = Csr.empty(len(rows))
            options = {"known": None, "seed": 0, "runtime": Runtime(1), "first": int(rows[0])}
            self.blocks.append(UserBlock(ratings, ITEMS, **options))

    def total(self, step):
        return merged([step(block) for block in self.blocks])

    def change(self, step):
        self.total(step)


def form_of(draws, scale=1.0, blocks=1):
    summed = Summed(USERS, FACTORS, len(draws), blocks)
    for draw in draws:
        summed.add(*draw, NO_COVARIANCE)
    users, result = summed.result(scale)
    return Form(result.mu, users, result.items)


class Form(NamedTuple):
    """The mean of draws, as main effects and axes."""

    mu: float
    users: np.ndarray
    items: np.ndarray


@pytest.mark.parametrize("blocks", [2, 7])
def test_users_in_blocks_are_summed_up_to_the_same(draws, blocks):
    for one, other in zip(form_of(draws), form_of(draws, blocks=blocks), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize("scale", [1, 12.5])
def test_where_the_sketch_is_wide_enough_it_is_the_mean_of_the_draws(draws, scale, monkeypatch):
    monkeypatch.setattr(_draw_summary, "_MIN_SHARE", 1e-12)
    form = form_of(draws, scale)
    mean = scale * np.mean([scores(*draw) for draw in draws], axis=0)
    np.testing.assert_allclose(form.mu + scores(form.users, form.items), mean, atol=1e-4 * scale)


def test_main_effects_and_axes_have_their_properties(draws):
    form = form_of(draws)
    mean = np.mean([scores(*draw) for draw in draws], axis=0)
    assert form.mu == pytest.approx(mean.mean(), abs=1e-5)
    np.testing.assert_allclose(form.users[:, -1], mean.mean(1) - mean.mean(), atol=1e-5)
    np.testing.assert_allclose(form.items[:, -1], mean.mean(0) - mean.mean(), atol=1e-5)
    users, items = form.users[:, :-1], form.items[:, :-1]
    np.testing.assert_allclose(users.T @ users / USERS, np.eye(users.shape[1]), atol=1e-5)
    products = items.T @ items
    np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-4)
    assert (np.diff(np.diag(products)) < 0).all()
    np.testing.assert_allclose(users.sum(0), 0, atol=1e-4)
    np.testing.assert_allclose(items.sum(0), 0, atol=1e-4)
    assert (form.items[:, -1] @ items >= 0).all()


def test_rotations_of_the_draws_change_nothing(draws):
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(FACTORS, FACTORS)))[0]
    turned = [
        [np.c_[rows[:, :-1] @ rotation, rows[:, -1]].astype(np.float32) for rows in draw]
        for draw in draws
    ]
    one, other = form_of(draws), form_of(turned)
    np.testing.assert_allclose(one.items, other.items, atol=1e-3)


@pytest.mark.parametrize("most", [1 << 26, 0])
def test_covariances_are_those_of_the_draws(draws, most, monkeypatch):
    """Of the draws after half of them: the last two of six of eight, on the final axes."""
    monkeypatch.setattr(_draw_summary, "_MIN_PRELIMINARY_SHARE", 1e-12)
    monkeypatch.setattr(_draw_summary, "_MIN_SHARE", 1e-12)
    monkeypatch.setattr(_draw_summary, "_MAX_ELEMENTS", most)
    monkeypatch.setattr(_draw_summary, "shrunk", lambda covariances, draws, floor: covariances)
    rank = 3  # in a space of three axes, nothing is lost from one draw to the next
    fixed = np.random.default_rng(5).normal(size=(USERS, rank))
    rng = np.random.default_rng(6)
    low = [
        [
            np.c_[fixed, rng.normal(size=USERS)].astype(np.float32),
            rng.normal(0.5, 1, (ITEMS, rank + 1)).astype(np.float32),
        ]
        for _ in range(6)
    ]
    summed = Summed(USERS, rank, draws=8)
    for draw in low:
        summed.add(*draw, np.eye(rank + 1))
    table, result = summed.result(2.0)
    posterior, users = result.item_posterior, table[:, :-1].astype(np.float64)
    centred = [(u[:, :-1] - u[:, :-1].mean(0)) @ i[:, :-1].T.astype(float) for u, i in low]
    factors = np.array([2 * (x - x.mean(1)[:, None]).T @ users / USERS for x in centred[4:]])
    away = factors - factors.mean(axis=0)
    expected = np.einsum("sni,snj->nij", away, away) / 2
    if most:
        found = posterior.covariances.matrices()
        np.testing.assert_allclose(found, expected, atol=1e-3)
    else:  # exact where the preliminary axes are the final ones
        assert posterior.covariances.values.shape == (ITEMS, rank)
    means = [np.mean(scores(*draw), axis=0) for draw in low]
    biases = np.array([2 * (mean - mean.mean()) for mean in means])
    np.testing.assert_allclose(posterior.bias_sd, biases.std(axis=0), rtol=1e-3)


def test_the_prior_covariance_is_that_of_users_on_the_final_axes(monkeypatch):
    """Of simulated users: their covariance on the axes, where all draws span the same three."""
    monkeypatch.setattr(_draw_summary, "_MIN_PRELIMINARY_SHARE", 1e-12)
    monkeypatch.setattr(_draw_summary, "_MIN_SHARE", 1e-12)
    rank, people, scale = 3, 5000, 2.0
    rng = np.random.default_rng(3)
    items = np.c_[rng.normal(0.4, 1, (ITEMS, rank)), rng.normal(size=ITEMS)].astype(np.float32)
    root = rng.normal(size=(rank + 1, rank + 1))
    users = (rng.normal(size=(people, rank + 1)) @ root).astype(np.float32)
    covariance = np.cov(users.T.astype(float))
    summed = Summed(people, rank, draws=4)
    for _ in range(4):  # the same in other coordinates
        turn = np.linalg.qr(rng.normal(size=(rank, rank)))[0]
        whole = np.block([[turn, np.zeros((rank, 1))], [np.zeros(rank), 1.0]])
        turned = [(table @ whole).astype(np.float32) for table in (users, items)]
        summed.add(*turned, whole.T @ covariance @ whole)
    table, result = summed.result(scale)
    expected = np.cov(table.T.astype(float))
    np.testing.assert_allclose(result.user_covariance, expected, rtol=1e-3, atol=2e-3)


def covariances_of(rng, items, k, draws, correlation):
    """Return sample covariances of draws whose factors all have the given correlation."""
    common, own = rng.normal(size=(draws, items, 1)), rng.normal(size=(draws, items, k))
    factors = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    away = factors - factors.mean(axis=0)
    values = np.einsum("dni,dnj->nij", away, away).reshape(items, -1) / draws
    return ItemCovariances(values, k)


@pytest.mark.parametrize("draws", [1, 2, 5, 33])
def test_covariances_of_few_draws_become_positive_definite(draws):
    """Fewer draws than factors have no full rank; with a floor on variances of 0 for one draw."""
    rng, k = np.random.default_rng(0), 8
    singular = covariances_of(rng, 50, k, draws, 0.0)
    found = shrunk(singular, draws, np.full(k, 1e-6)).matrices()
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))
    assert (np.linalg.eigvalsh(found)[:, 0] > 0).all()
    np.linalg.cholesky(found)
    variances = np.diagonal(found, axis1=1, axis2=2)
    np.testing.assert_allclose(variances, np.maximum(singular.variances, 1e-6))


@pytest.mark.parametrize(("correlation", "low", "high"), [(0.0, 0.0, 0.1), (0.6, 0.55, 0.65)])
def test_shrinkage_removes_chance_correlations_and_no_others(correlation, low, high):
    """Independent factors stay independent; true correlations of 0.6 stay nearly the same."""
    k, draws = 6, 40
    covariances = covariances_of(np.random.default_rng(1), 400, k, draws, correlation)
    found = shrunk(covariances, draws, np.full(k, 1e-9)).matrices().mean(axis=0)
    sd = np.sqrt(np.diag(found))
    off = (found / np.outer(sd, sd))[~np.eye(k, dtype=bool)]
    assert low <= np.abs(off).mean() < high


def test_shrunk_covariances_fit_further_draws_better_than_the_sample_does():
    """By the likelihood of fresh draws; the control is the sample with the smallest ridge."""
    rng, k, draws = np.random.default_rng(2), 10, 14
    root = np.linalg.cholesky(0.3 + 0.7 * np.eye(k))
    train, test = (rng.normal(size=(n, 200, k)) @ root.T for n in (draws, 400))
    away = train - train.mean(axis=0)
    sample = np.einsum("dni,dnj->nij", away, away) / draws

    def likelihood(matrices):
        solved = np.linalg.solve(matrices, (test - train.mean(axis=0)).transpose(1, 2, 0))
        squares = np.einsum("nkd,dnk->n", solved, test - train.mean(axis=0)) / len(test)
        return -(squares + np.linalg.slogdet(matrices)[1]).mean() / 2

    flat = ItemCovariances(sample.reshape(200, -1), k)
    fit_of_shrunk = likelihood(shrunk(flat, draws, np.full(k, 1e-9)).matrices())
    assert fit_of_shrunk > likelihood(sample + 1e-6 * np.eye(k)) + 1
    assert fit_of_shrunk > likelihood(sample * np.eye(k))
