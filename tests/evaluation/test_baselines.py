"""The baselines, beside their formulas and naive loops."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate
from palate.evaluation import _item_neighbours
from palate.evaluation._baselines import DampedMeans, GlobalMean, ItemNeighbours, Popularity


def row(table, name):
    return table["id"].to_list().index(name)


def test_baselines_equal_their_formulas(small):
    assert GlobalMean.of(small).predict(small, small.user, small.item)[0] == pytest.approx(3.4)
    assert Popularity.of(small).counts.tolist() == [2, 3, 2, 3]  # ale, gin, rum, tea
    damped = DampedMeans.of(small)
    tea, bob = row(small.items, "tea"), row(small.users, "bob")
    assert damped.items[tea] == pytest.approx((5 + 4 + 4 - 3 * 3.4) / (25 + 3))
    bias = (4 - 3.4 - damped.items[tea]) / (10 + 1)
    found = damped.predict(small, np.array([bob]), np.array([tea]))
    assert found[0] == pytest.approx(3.4 + damped.items[tea] + bias)


def test_people_are_known_by_what_is_given_of_them(small):
    """The biases of people come from the given ratings, not from those of the fit."""
    damped, tea = DampedMeans.of(small), row(small.items, "tea")
    someone = replace(small.take(small.user < 0), users=pl.DataFrame({"id": ["zoe"]}))
    found = damped.predict(someone, np.array([0]), np.array([tea]))
    assert found[0] == pytest.approx(3.4 + damped.items[tea])


def random_events(seed=0, people=40, items=25):
    rng = np.random.default_rng(seed)
    liked = rng.random((people, items)) < np.linspace(0.05, 0.6, items)
    liked[0] = False
    liked[0, 3] = True
    user, item = np.nonzero(liked)
    table = pl.DataFrame({"user": user, "item": item, "rating": np.ones(len(user))})
    return palate.read_ratings(table), liked


def naive_lists(liked, eligible, n, neighbours):
    """Return the lists of item neighbours by their definition, one pair of items at a time."""
    counts = liked.sum(axis=0)
    similarity = np.zeros((len(counts), len(counts)))
    for i in range(len(counts)):
        for j in range(len(counts)):
            if i != j:
                both = (liked[:, i] & liked[:, j]).sum()
                similarity[i, j] = both / (np.sqrt(counts[i] * counts[j]) + 50)
        kept = sorted(range(len(counts)), key=lambda j: (-similarity[i, j], j))[:neighbours]
        similarity[i, [j for j in range(len(counts)) if j not in kept]] = 0
        similarity[i] /= similarity[i].sum()
    lists = []
    for history in liked:
        score = similarity[history].sum(axis=0)
        unseen = np.flatnonzero(~history & eligible)
        lists.append(sorted(unseen, key=lambda j: (-round(score[j], 12), -counts[j], j))[:n])
    return lists


@pytest.mark.parametrize("neighbours", [4, 100])
def test_item_neighbours_equal_a_naive_loop(monkeypatch, neighbours):
    monkeypatch.setattr(_item_neighbours, "_NEIGHBOURS", neighbours)
    events, liked = random_events()
    eligible = np.arange(events.items.height) != 20
    found = ItemNeighbours.of(events).top_items(events, eligible, 6, threads=1)
    assert found.tolist() == naive_lists(liked, eligible, 6, neighbours)


def test_an_empty_history_gets_the_most_popular_items_and_a_short_list_ends_in_none(small):
    baseline = ItemNeighbours.of(small)
    nobody = replace(small.take(small.user < 0), users=pl.DataFrame({"id": ["zoe"]}))
    top = baseline.top_items(nobody, np.array([True, True, True, False]), 5, threads=1)
    assert top.tolist() == [[1, 0, 2, -1, -1]]  # gin, ale, rum
    assert ItemNeighbours.of(small).predict(small, small.user, small.item) is None


def test_cosines_equal_their_definition():
    events, liked = random_events(seed=1)
    first, second = np.random.default_rng(2).integers(events.items.height, size=(2, 300))
    columns = liked.astype(float)
    expected = [
        columns[:, i] @ columns[:, j] / max(1, np.sqrt(columns[:, i].sum() * columns[:, j].sum()))
        for i, j in zip(first, second, strict=True)
    ]
    assert _item_neighbours.cosines(events, first, second) == pytest.approx(expected)
