"""Metrics, on cases that can be worked out by hand and beside naive loops."""

import numpy as np
import polars as pl
import pytest

import palate
from palate.evaluation import _metric_formulas as formulas


def rows(*lists):
    return np.array(lists, dtype=np.int32)


def test_errors():
    error = np.array([3.0, -4.0])
    assert formulas.rmse(error) == pytest.approx(np.sqrt(12.5))
    assert formulas.mae(error) == pytest.approx(3.5)
    assert formulas.rmse(error[:0]) is None
    assert formulas.mae(error[:0]) is None


def test_intervals():
    """Of normal errors they hold what they should; their width is 2 z sd."""
    error = np.random.default_rng(0).normal(0, 2, 100_000)
    coverage, width = formulas.interval(error, np.full(100_000, 2.0), 0.9)
    assert coverage == pytest.approx(0.9, abs=0.005)
    assert width == pytest.approx(2 * 1.6448536 * 2)
    assert formulas.interval(np.array([0.0, 9.0]), np.array([1.0, 3.0]), 0.5)[0] == 0.5


def test_the_best_list_has_an_ndcg_of_one_even_where_it_is_too_short():
    user, item = np.zeros(5, np.int32), np.arange(5, dtype=np.int32)
    best = formulas.Judged.of(rows([4, 0]), user, item)
    assert (formulas.ndcg(best), formulas.average_precision(best)) == ([1], [1])
    assert formulas.recall(best) == [2 / 5]
    nothing = formulas.Judged.of(rows([7, 8]), user, item)
    assert (formulas.ndcg(nothing), formulas.recall(nothing)) == ([0], [0])


def test_catalogue_coverage():
    assert formulas.catalogue_coverage(rows([1, 2], [2, -1]), 8) == 0.25
    assert formulas.catalogue_coverage(rows([-1]), 0) is None


@pytest.fixture(scope="module")
def events():
    user, item = np.nonzero(np.random.default_rng(4).random((30, 12)) < 0.3)
    return palate.read_ratings(pl.DataFrame({"user": user, "item": item, "rating": 1.0 + user % 2}))


@pytest.fixture(scope="module")
def lists():
    rng = np.random.default_rng(5)
    top = np.array([rng.permutation(12)[:4] for _ in range(30)], dtype=np.int32)
    top[0, 2:], top[1, 1:], top[2] = -1, -1, -1
    return top


def test_novelty_equals_a_naive_loop(events, lists):
    having = {item: set(events.user[events.item == item].tolist()) for item in range(12)}
    people, means = len(set(events.user.tolist())), []
    for listed in lists.tolist():
        bits = [-np.log2(len(having[item]) / people) for item in listed if item >= 0]
        if bits:
            means.append(np.mean(bits))
    assert len(means) == 29
    assert formulas.novelty(lists, events) == pytest.approx(np.mean(means))
    assert formulas.novelty(lists[2:3], events) is None


def test_diversity_equals_a_naive_loop(events, lists):
    columns = np.zeros((30, 12))
    columns[events.user, events.item] = 1
    columns /= np.linalg.norm(columns, axis=0)
    means = []
    for listed in lists:
        known = listed[listed >= 0]
        unlike = [
            1 - columns[:, i] @ columns[:, j]
            for place, i in enumerate(known)
            for j in known[:place]
        ]
        if unlike:
            means.append(np.mean(unlike))
    assert len(means) == 28
    assert formulas.diversity(lists, events) == pytest.approx(np.mean(means))
    assert formulas.diversity(lists[1:3], events) is None


def test_genre_divergence_equals_a_naive_loop(events, lists):
    genres = (np.random.default_rng(6).random((12, 3)) < 0.5).astype(float)
    genres[7] = 0
    genres[[0, 1, 2]] = np.eye(3)
    genres /= np.maximum(genres.sum(axis=1, keepdims=True), 1)
    given, divergences = events.by_user(), []
    for person, listed in enumerate(lists):
        history = given.partner[slice(*given.starts[person : person + 2])]
        p, q = (
            np.mean([genres[i] for i in items if i >= 0 and genres[i].any()] or [[0] * 3], axis=0)
            for items in (history, listed)
        )
        if p.any() and q.any():
            terms = [a * np.log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q, strict=True) if a]
            divergences.append(sum(terms))
    assert 25 < len(divergences) < 30
    found = formulas.genre_divergence(lists, given, genres)
    assert found == pytest.approx(np.mean(divergences))


def test_lists_in_the_proportions_of_the_history_have_no_divergence(events):
    given, genres = events.by_user().take(np.array([3])), np.eye(2)[np.arange(12) % 2]
    assert formulas.genre_divergence(given.partner[None], given, genres) == pytest.approx(0)
    one_sided = formulas.genre_divergence(rows([0, 2, 4]), given, genres)
    assert 0.5 < one_sided < np.log(100)
    assert formulas.genre_divergence(rows([-1, -1]), given, genres) is None
