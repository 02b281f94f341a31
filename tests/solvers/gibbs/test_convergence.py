"""The chain ends when the two halves of its draws agree, within stated bounds."""

import numpy as np
import pytest

import palate
from palate.solvers.gibbs import _convergence
from palate.solvers.gibbs._convergence import CHECKS, Convergence


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    pairs = rng.permutation(30 * 12)[:200]
    rating = rng.normal(3, 1, 200).round(2)
    return palate.read_ratings(
        {"user": pairs // 12, "item": pairs % 12, "rating": rating}, kind="ratings"
    )


def draws_of(table, n, drift=0.0):
    """Return independent draws whose user biases go up by `drift` from the first to the last."""
    rng = np.random.default_rng(1)
    for draw in range(n):
        users = rng.normal(0, 0.1, (table.users.height, 4)).astype(np.float32)
        users[:, -1] += drift * draw / n
        yield users, rng.normal(0, 0.1, (table.items.height, 4)).astype(np.float32)


def test_the_error_is_that_of_the_dense_scores(table):
    convergence, scores = Convergence(table), []
    for users, items in draws_of(table, 88):
        convergence.add(users, items)
        scores.append(users[:, :-1] @ items[:, :-1].T + users[:, -1:] + items[:, -1])
    assert convergence.draws == 88
    halves = np.mean(scores[:44], axis=0) - np.mean(scores[44:], axis=0)
    rows = np.arange(len(table))
    at = halves[table.user[rows], table.item[np.roll(rows, len(rows) // 2)]]
    assert convergence.error == pytest.approx(np.mean(at**2) / 4, rel=1e-4)


def test_the_error_is_the_variance_of_the_mean_over_the_draws(table):
    """Of independent scores with a known variance v, it is v / n, within 15%."""
    convergence = Convergence(table)
    for users, items in draws_of(table, 352):
        convergence.add(users, items)
    variance = 0.01 + 0.01 + 3 * 0.1**4  # of both biases and of the products of three factors
    assert convergence.error == pytest.approx(variance / 352, rel=0.15)


def test_a_drift_counts_as_an_error(table):
    still, drifting = Convergence(table), Convergence(table)
    for draw, moved in zip(draws_of(table, 88), draws_of(table, 88, drift=1.0), strict=True):
        still.add(*draw)
        drifting.add(*moved)
    assert still.reached(0.1)
    assert not drifting.reached(0.1)
    assert drifting.error == pytest.approx(0.5**2 / 4, rel=0.1)


def test_it_is_judged_at_the_checks_alone_and_the_last_one_is_enough(table, monkeypatch):
    monkeypatch.setattr(_convergence, "_MAX_ERROR", 0.0)
    convergence = Convergence(table)
    reached = []
    for draw in draws_of(table, CHECKS[-1]):
        convergence.add(*draw)
        reached += [convergence.draws] * convergence.reached(1.0)
    assert reached == [CHECKS[-1]]


@pytest.mark.parametrize(("max_error", "sweeps"), [(0.0, 728), (np.inf, 200)])
def test_the_bounds_of_the_chain(table, monkeypatch, max_error, sweeps):
    monkeypatch.setattr(_convergence, "_MAX_ERROR", max_error)
    model = palate.Gibbs(factors=2).fit(table)
    assert len(model.fit.history) == model.fit.settings["sweeps"] == sweeps


def test_the_number_of_sweeps_that_is_planned(table):
    default = palate.Gibbs()
    assert [default.planned(n) for n in (0, 199, 200, 279, 280, 727, 728)] == [
        *(200, 200, 280, 280, 376),
        *(728, 728),
    ]
    assert palate.Gibbs(sweeps=30).planned(0) == 30
    assert len(palate.Gibbs(factors=2, sweeps=30).fit(table).fit.history) == 30
    text = " ".join(palate.Gibbs.__doc__.split())
    assert f"{default.planned(0)} sweeps at least, and {default.planned(10**6)} at most" in text
