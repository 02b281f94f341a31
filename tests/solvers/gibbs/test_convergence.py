"""The chain ends when the two halves of its draws agree, within stated bounds."""

import numpy as np
import pytest

import palate
from palate.solvers.gibbs import _convergence
from palate.solvers.gibbs._convergence import CHECKS, Convergence
from palate.solvers.gibbs._people import LocalPeople
from palate.solvers.gibbs._row_block import Runtime


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    pairs = rng.permutation(30 * 12)[:200]
    rating = rng.normal(3, 1, 200).round(2)
    return palate.read_ratings(
        {"user": pairs // 12, "item": pairs % 12, "rating": rating}, kind="ratings"
    )


class Compared:
    """The comparison of draws of both sides."""

    def __init__(self, table):
        self.people = LocalPeople(table, 0, Runtime(1))
        self.convergence = Convergence(self.people, len(table))

    def add(self, users, items):
        self.people.block.rows = users
        self.convergence.add(self.people.total(self.convergence.scores(items)))


def draws_of(table, n, drift=0.0):
    """Return independent draws whose user biases go up by `drift` from the first to the last."""
    rng = np.random.default_rng(1)
    for draw in range(n):
        users = rng.normal(0, 0.1, (table.users.height, 4)).astype(np.float32)
        users[:, -1] += drift * draw / n
        yield users, rng.normal(0, 0.1, (table.items.height, 4)).astype(np.float32)


def test_the_error_is_that_of_the_dense_scores(table):
    compared, scores = Compared(table), []
    convergence = compared.convergence
    for users, items in draws_of(table, 88):
        compared.add(users, items)
        scores.append(users[:, :-1] @ items[:, :-1].T + users[:, -1:] + items[:, -1])
    assert convergence.draws == 88
    halves = np.mean(scores[:44], axis=0) - np.mean(scores[44:], axis=0)
    by_user = table.by_user()
    at = halves[by_user.row, np.roll(by_user.partner, len(table) // 2)]
    assert convergence.error == pytest.approx(np.mean(at**2) / 4, rel=1e-4)


def test_the_error_is_the_variance_of_the_mean_over_the_draws(table):
    """Of independent scores with a known variance v, it is v / n, within 15%."""
    compared = Compared(table)
    for users, items in draws_of(table, 352):
        compared.add(users, items)
    variance = 0.01 + 0.01 + 3 * 0.1**4  # of both biases and of the products of three factors
    assert compared.convergence.error == pytest.approx(variance / 352, rel=0.15)


def test_a_drift_counts_as_an_error(table):
    still, drifting = Compared(table), Compared(table)
    for draw, moved in zip(draws_of(table, 88), draws_of(table, 88, drift=1.0), strict=True):
        still.add(*draw)
        drifting.add(*moved)
    assert still.convergence.reached(0.1)
    assert not drifting.convergence.reached(0.1)
    assert drifting.convergence.error == pytest.approx(0.5**2 / 4, rel=0.1)


def test_it_is_judged_at_the_checks_alone_and_the_last_one_is_enough(table, monkeypatch):
    monkeypatch.setattr(_convergence, "_MAX_ERROR", 0.0)
    compared = Compared(table)
    convergence, reached = compared.convergence, []
    for draw in draws_of(table, CHECKS[-1]):
        compared.add(*draw)
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
