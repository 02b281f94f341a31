"""The virtual hold-out beside real ones: the model is fitted again without what is held out."""

from dataclasses import replace

import choice_twins as twins
import numpy as np
import polars as pl
import pytest

import palate
from palate._native import CancelToken
from palate.solvers.choice._exact import ExactGraph
from palate.solvers.choice._histories import Histories, ridge_shape, user_weights, weighting_of
from palate.solvers.choice._hold_out import Candidate, HoldOut
from palate.solvers.choice._people import LocalPeople

USERS, ITEMS = 40, 30
EXPONENTS = np.array([0, 0.25], dtype=np.float32)


def table(seed=0, **columns):
    """Return ratings of 1 to 5 by users of whom some have few entries, and one has one."""
    rng = np.random.default_rng(seed)
    rows = [
        (u, int(i), int(rng.integers(1, 6)))
        for u in range(USERS)
        for i in rng.permutation(ITEMS)[: 1 if u == 0 else rng.integers(2, 15)]
    ]
    frame = pl.DataFrame(rows, schema=["user", "item", "rating"], orient="row")
    return palate.read_ratings(frame.with_columns(**columns))


def held_out_of(ratings, seed=0, threads=1, *, virtual=True):
    people = LocalPeople(ratings)
    held_out = people.hold_out(seed, virtual=virtual)
    return HoldOut(held_out, people.weight_sums(), threads, virtual=virtual)


def measured(ratings, strength=1.0, ridge=2.0, threads=1):
    weighting = weighting_of(ratings, strength)
    graph = ExactGraph(Histories.of(ratings, weighting), threads, CancelToken())
    hold_out = held_out_of(ratings, 0, threads)
    candidate = Candidate(graph.precision(ridge), weighting, graph.popularity, EXPONENTS)
    return hold_out, hold_out.ndcg(candidate)


def refitted(ratings, hold_out, strength, ridge):
    """Return the nDCG of real refits: X is weighted anew, and one user's row is replaced."""
    weighting = weighting_of(ratings, strength)
    by_user = Histories.of(ratings, weighting).by_user
    matrix = np.full((USERS, ITEMS), np.nan)
    matrix[by_user.row, by_user.partner] = by_user.rating
    counts = np.diff(by_user.starts)
    weight = user_weights(counts)
    x = np.nan_to_num(matrix)
    popularity = (weight[:, None] * x**2).sum(axis=0)
    diagonal = ridge * ridge_shape(popularity.astype(np.float32))
    out = []
    rows = hold_out._histories.row
    for n in range(len(hold_out)):
        own = rows == n
        items, held_out = hold_out._histories.partner[own], hold_out._held_out[own]
        full = np.isin(np.arange(ITEMS), items)
        user = next(u for u in range(USERS) if (~np.isnan(matrix[u]) == full).all())
        left = np.zeros(len(ratings), bool)
        left[(ratings.user == user) & ~np.isin(ratings.item, items[held_out])] = True
        alone = ratings.take(left)
        kept = np.full(ITEMS, np.nan)
        kept[alone.item] = weighting.values(np.zeros(len(alone), np.int32), 1, alone.rating)
        relevant = np.zeros(ITEMS, bool)
        relevant[items[hold_out._relevant[own]]] = True
        new_weight = weight[user] * np.sqrt(counts[user] / len(alone))
        out.append(
            [
                twins.refitted_ndcg(
                    *(matrix, weight, user, kept, new_weight, relevant, diagonal, exponent, 10)
                )[0]
                for exponent in EXPONENTS
            ]
        )
    return np.array(out)


@pytest.mark.parametrize("strength", [0.0, 1 / 3, 1.0])
@pytest.mark.parametrize("ridge", [0.5, 8.0])
def test_it_equals_a_refit_without_the_held_out_entries(strength, ridge):
    ratings = table()
    hold_out, found = measured(ratings, strength, ridge)
    assert len(hold_out) > USERS  # two parts of most histories
    np.testing.assert_allclose(found, refitted(ratings, hold_out, strength, ridge), atol=1e-9)


def test_parts_do_not_overlap_and_something_is_kept():
    hold_out = held_out_of(table())
    held_out = {}
    for n in range(len(hold_out)):
        own = hold_out._histories.row == n
        items, mask = hold_out._histories.partner[own], hold_out._held_out[own]
        assert 0 < mask.sum() < len(mask)
        assert mask.sum() == max(1, round(0.2 * len(mask)))
        assert not held_out.get(tuple(items), set()) & set(items[mask])
        held_out.setdefault(tuple(items), set()).update(items[mask])


def test_a_user_weighs_as_one_with_the_entries_that_are_kept():
    """All weights are the same multiple of n^-1/2, with and without the held-out entries."""
    hold_out = held_out_of(table())
    counts = np.diff(hold_out._histories.starts)
    kept = counts - np.bincount(hold_out._histories.row[hold_out._held_out])
    factor = np.concatenate([hold_out._weight * counts**0.5, hold_out._kept_weight * kept**0.5])
    np.testing.assert_allclose(factor, factor[0], rtol=1e-5)


def test_only_relevant_entries_are_looked_for():
    hold_out = held_out_of(table())
    assert (hold_out._histories.rating[hold_out._relevant] >= 4).all()
    assert (hold_out._histories.rating[hold_out._held_out & ~hold_out._relevant] < 4).all()


def test_a_held_out_item_that_nobody_else_has_is_not_found():
    """If the model had seen the held-out pair, the item would be in the list.

    Some users have an item of their own beside items that all have. In a model with the pair, it is
    known to go with the others; without it, nothing is known of it, and it can't be in a list.
    """
    rows = [(u, i) for u in range(30) for i in (0, 1, 2, 3, *([100 + u] if u < 5 else []))]
    ratings = palate.read_ratings(pl.DataFrame(rows, schema=["user", "item"], orient="row"))
    hold_out, found = measured(ratings)
    own = np.array(
        [
            hold_out._histories.partner[hold_out._relevant & (hold_out._histories.row == n)][0] > 3
            for n in range(len(hold_out))
        ]
    )
    assert own.any()
    assert not own.all()
    assert (found[own] == 0).all()
    np.testing.assert_allclose(found[~own], 1)  # the only candidate that others have


def test_no_structure_gives_no_more_than_chance():
    """Random histories: a leak of what is held out would show as a high nDCG."""
    rng = np.random.default_rng(1)
    rows = [(u, int(i)) for u in range(300) for i in rng.permutation(60)[:12]]
    ratings = palate.read_ratings(pl.DataFrame(rows, schema=["user", "item"], orient="row"))
    for ridge in (0.5, 2.0, 32.0):
        # Two or three of 50 candidates, in lists of 10 in random order, have an nDCG of 0.11.
        assert measured(ratings, ridge=ridge)[1].mean() == pytest.approx(0.11, abs=0.03)


def test_the_same_bits_at_any_number_of_threads_and_blocks(monkeypatch):
    ratings = table()
    expected = measured(ratings)[1]
    for threads in (2, 5):
        np.testing.assert_array_equal(measured(ratings, threads=threads)[1], expected)
    monkeypatch.setattr("palate.solvers.choice._hold_out._MAX_SCORES", 7 * ITEMS)
    np.testing.assert_array_equal(measured(ratings)[1], expected)


def test_the_seed_chooses_the_parts():
    ratings = table()
    first, again, other = (held_out_of(ratings, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first._held_out, again._held_out)
    assert (
        len(first._held_out) != len(other._held_out) or (first._held_out != other._held_out).any()
    )


def test_a_known_entry_of_low_rating_is_no_candidate():
    """A rating of 1 beside many of 5 counts little in a history, but it is known all the same."""
    ratings = table()
    low = replace(ratings, rating=np.where(ratings.item % 3 == 0, 1, 5).astype(np.float32))
    hold_out, found = measured(low, 1.0)
    np.testing.assert_allclose(found, refitted(low, hold_out, 1.0, 2.0), atol=1e-9)


def test_a_model_fitted_to_the_rest_is_measured_by_its_own_lists():
    """Where P is approximate, nothing is replaced: lists come from the model as it was fitted."""
    ratings = table()
    weighting = weighting_of(ratings, 1.0)
    hold_out = held_out_of(ratings, virtual=False)
    people = LocalPeople(ratings)
    rest = people.without(people.hold_out(0, virtual=False)).histories(weighting)
    assert len(rest.by_user.partner) == len(ratings) - hold_out._held_out.sum()
    graph = ExactGraph(rest, 1, CancelToken())
    candidate = Candidate(graph.precision(2.0), weighting, graph.popularity, EXPONENTS[:1])
    measured = hold_out.ndcg(candidate)[:, 0]
    kept = hold_out._histories.without(hold_out._held_out)
    weights = graph.precision(2.0).weights()
    scores = weights.scores(weighting.weighted(kept), 1)
    scores[kept.row, kept.partner] = -np.inf
    scores[:, graph.popularity == 0] = -np.inf
    row, item = hold_out._histories.row, hold_out._histories.partner
    for n in range(len(hold_out)):
        best = np.argsort(-scores[n], kind="stable")[:10]
        relevant = set(item[(row == n) & hold_out._relevant].tolist())
        gain = sum(1 / np.log2(p + 2) for p, j in enumerate(best) if j in relevant)
        ideal = sum(1 / np.log2(p + 2) for p in range(min(10, len(relevant))))
        assert measured[n] == pytest.approx(gain / ideal, abs=1e-6)
