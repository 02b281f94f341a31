"""Vectors for an index: their inner products are the scores, by rating exactly."""

import numpy as np
import pytest

import palate
from palate.learned._choice import LowRankWeights
from palate.learned._choice_directions import ChoiceDirections

GIVEN = {"Fargo (1996)": 5, "Titanic (1997)": 2}


def products(vectors):
    return vectors.users["vector"].to_numpy() @ vectors.items["vector"].to_numpy().T


def test_by_rating_the_product_is_the_score(either):
    vectors, learned = either.vectors("rating"), either.learned
    assert vectors.items.columns == ["id", "item", "ratings", "vector"]
    assert vectors.items["vector"].dtype.shape == (either.factors + 2,)
    assert vectors.users["user"].to_list() == either.users["id"].to_list()
    users, items = vectors.users["user"].to_list()[:50], vectors.items["id"].to_list()[:50]
    scores = products(vectors)[np.arange(50), np.arange(50)]
    rating = scores if learned.likelihood.linear else learned.likelihood.rating(scores)
    rating = np.clip(rating, learned.likelihood.low, learned.likelihood.high)
    np.testing.assert_allclose(rating, either.predict(users, items), atol=1e-5)


def test_a_new_person_by_rating(both):
    me = both.profile(GIVEN)
    items = both.vectors("rating").items
    scores = items["vector"].to_numpy() @ me.vector("rating")
    best = items["id"].gather(np.argsort(-scores)[:10]).to_list()
    assert best == me.recommend(10, by="rating", seen=True)["id"].to_list()


def top_ten(scores, ratings):
    scores = scores.copy()
    scores[ratings.user, ratings.item] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, :10].astype(np.int32)


def test_by_choice_the_lists_are_nearly_those_of_the_model(choice):
    lists = top_ten(products(choice.vectors("choice")), choice.ratings)
    exact = choice.profiles().top_items(10, by="choice")
    shared = [len(set(ours) & set(theirs)) for ours, theirs in zip(lists, exact, strict=True)]
    assert np.mean(shared) > 7.8
    unseen = np.ones((len(lists), choice.items.height), dtype=bool)
    unseen[choice.ratings.user, choice.ratings.item] = False
    scores = choice.learned.choice.scores(choice.learned.ratings_by_user, threads=1)[unseen]
    error = products(choice.vectors("choice"))[unseen] - scores
    assert np.linalg.norm(error) < 0.35 * np.linalg.norm(scores)
    assert choice.vectors("choice").items["vector"].dtype.shape == (129,)


@pytest.mark.parametrize("by", ["choice", "rating"])
def test_vectors_of_one_person_and_of_many_are_the_same(both, by):
    known = both.vectors(by).users
    for user in (1, 196):
        vector = known.filter(user=user)["vector"].to_numpy()[0]
        np.testing.assert_allclose(both.user(user).vector(by), vector, rtol=1e-6)
    some = both.profiles(users=[196, 1]).vectors(by)
    assert some.equals(known.filter(known["user"].is_in([1, 196])).reverse())


def test_a_person_without_a_history_gets_what_is_popular(choice):
    items = choice.vectors("choice").items
    scores = items["vector"].to_numpy() @ choice.profile({}).vector("choice")
    popularity = choice.learned.choice.popularity
    np.testing.assert_allclose(scores, popularity / popularity.max(), rtol=1e-6)


@pytest.fixture(scope="module")
def low_rank():
    """Weights as of many items, but of 40, with neighbours at random."""
    rng = np.random.default_rng(0)
    row = np.sort(rng.choice(40, 120)).astype(np.int32)
    starts = np.searchsorted(row, np.arange(41))
    left, right = (rng.normal(size=(40, 3)).astype(np.float32) for _ in range(2))
    return LowRankWeights(
        left, right, starts, rng.integers(0, 40, 120, np.int32), rng.random(120, np.float32)
    )


def as_matrix(weights):
    matrix = weights.left @ weights.right.T
    rows = np.repeat(np.arange(40), np.diff(weights.starts))
    np.add.at(matrix, (rows, weights.neighbours), weights.values)
    return matrix


@pytest.mark.parametrize("threads", [1, 2])
def test_directions_of_few_items_are_exact(low_rank, choice, threads):
    directions = ChoiceDirections.of(low_rank, threads)
    product = directions.of_history @ directions.of_item.T
    np.testing.assert_allclose(product, as_matrix(low_rank), atol=1e-4)
    gram = directions.of_item.T @ directions.of_item
    np.testing.assert_allclose(gram, np.eye(40), atol=1e-4)
    assert (directions.of_item.max(axis=0) == np.abs(directions.of_item).max(axis=0)).all()


def test_directions_are_the_leading_singular_vectors(choice):
    matrix = choice.learned.choice.weights.matrix.astype(np.float64)
    of_history, of_item = choice.learned.choice_directions
    kept = np.linalg.norm(of_history.astype(np.float64) @ of_item.T)
    size = np.linalg.norm(matrix, 2)
    assert np.linalg.norm(of_history[:, 0]) == pytest.approx(size, rel=1e-3)
    best = np.sqrt(np.sort(np.linalg.eigvalsh(matrix.T @ matrix))[-128:].sum())
    assert kept == pytest.approx(best, rel=0.01)


def test_events_have_vectors_by_choice_alone(events):
    assert events.vectors("choice").users.height == events.users.height
    with pytest.raises(palate.SettingError, match="a model of ratings"):
        events.vectors("rating")


def test_what_has_no_vectors(both, bayes, altered):
    with pytest.raises(palate.SettingError, match='"both" are no inner products; choose'):
        both.vectors("both")
    with pytest.raises(palate.SettingError, match="by is 'taste'"):
        both.user(1).vector("taste")
    with pytest.raises(palate.SettingError, match="no choice model"):
        bayes.profiles().vectors("choice")
    without = altered(bayes, ratings=None, user_table=None)
    assert without.vectors("rating").users is None
