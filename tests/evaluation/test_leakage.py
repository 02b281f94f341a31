"""No held-out pair of a user and an item reaches the features that a fit makes of pairs."""

import numpy as np
import pytest

import palate
from palate.evaluation import _evaluate
from palate.solvers.gibbs import _chain

SOLVER = palate.Gibbs(factors=2, sweeps=3, burn_in=1)


@pytest.fixture(scope="module")
def some(ml100k):
    return ml100k.take(np.flatnonzero(ml100k.user < 60))


@pytest.fixture
def fits(monkeypatch):
    """Return the ratings, grouped by user, that the features of each fit were made of."""
    fits, make = [], _chain.pair_features

    def made(people, totals, **options):
        fits.append(people.block.ratings)
        return make(people, totals, **options)

    monkeypatch.setattr(_chain, "pair_features", made)
    return fits


def pairs(ratings, user, item):
    """Return pairs of rows as pairs of ids."""
    users, items = ratings.users["id"].to_numpy()[user], ratings.items["id"].to_numpy()[item]
    return set(zip(users.tolist(), items.tolist(), strict=True))


@pytest.mark.parametrize(
    "split", [{"folds": 3}, {"split": "random"}, {"split": "time"}, {"split": "users"}]
)
def test_evaluate_makes_features_of_training_pairs_alone(some, fits, split, monkeypatch):
    parts, measure = [], _evaluate.Test

    def recorded(part, ratings, threads):
        parts.append(part)
        return measure(part, ratings, threads)

    monkeypatch.setattr(_evaluate, "Test", recorded)
    palate.evaluate(some, SOLVER, **split)
    assert len(fits) == len(parts) == split.get("folds", 1)
    for part, fit in zip(parts, fits, strict=True):
        hidden = pairs(part.valid, part.valid.user, part.valid.item)
        assert hidden
        assert not hidden & pairs(part.train, fit.row, fit.partner)
        assert not hidden & pairs(part.given, part.given.user, part.given.item)


def test_valid_is_not_among_the_pairs_of_a_fit(some, fits):
    train, valid = palate.splits.random(some, 0.3)
    SOLVER.fit(train, valid)
    (fit,) = fits
    hidden = pairs(valid, valid.user, valid.item)
    assert not hidden & pairs(train, fit.row, fit.partner)
    assert hidden
