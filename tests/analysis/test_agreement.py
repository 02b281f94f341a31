"""Two items and two people, against slow twins over their ratings."""

import numpy as np
import polars as pl
import pytest

import palate
from palate.analysis._agreement import agreement, compare_items, compare_users


@pytest.fixture(scope="module")
def frame(ml100k):
    return ml100k.frame()


def rows_of(model, *ids):
    return [model.learned.item_index.row(one) for one in ids]


def joined(frame, column, on, first, second):
    """Return the ratings of two users or items of the same partners."""
    one, other = (frame.filter(pl.col(column) == which) for which in (first, second))
    return one.join(other, on=on, suffix="_other")


def test_the_correlation_has_fishers_interval():
    first, second = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 4, 3, 5])
    found = agreement(first, second)
    assert found.n == 5
    assert found.correlation == pytest.approx(np.corrcoef(first, second)[0, 1])
    centre, half = np.arctanh(found.correlation), 1.6448536 / np.sqrt(2)
    assert found.lower == pytest.approx(np.tanh(centre - half))
    assert found.upper == pytest.approx(np.tanh(centre + half))
    assert agreement(first, first).correlation == pytest.approx(1)
    for short in (first[:3], np.ones(5)):
        assert agreement(short, second[: len(short)]) == (len(short), None, None, None)
    assert agreement(first[:0], first[:0]).n == 0


def test_two_items_are_compared_over_the_people_who_have_both(bayes, frame):
    pair = compare_items(bayes.learned, *rows_of(bayes, 50, 100))
    both = joined(frame, "item", "user", 50, 100)
    assert pair.people.height == both.height
    assert pair.agreement.correlation == pytest.approx(
        np.corrcoef(both["rating"], both["rating_other"])[0, 1]
    )
    means = frame.group_by("user").agg(mean=pl.col("rating").mean())
    liked = both.join(means, on="user").filter(
        (pl.col("rating") >= pl.col("mean")) & (pl.col("rating_other") >= pl.col("mean"))
    )
    assert set(pair.people.filter("likes_both")["user"]) == set(liked["user"])
    assert pair.by_chance == pytest.approx(583 * 508 / 943)
    sums = (pair.people["first"] + pair.people["second"]).to_list()
    assert sums == sorted(sums, reverse=True)
    one = pair.people.row(0, named=True)
    assert frame.filter(user=one["user"], item=50)["rating"][0] == one["first"]
    assert frame.filter(user=one["user"], item=100)["rating"][0] == one["second"]


def test_the_probability_that_an_item_is_liked_better(bayes, model):
    rows = rows_of(bayes, 50, 100)
    pair, turned = (compare_items(bayes.learned, *r) for r in (rows, rows[::-1]))
    means = bayes.learned.item_biases[rows].astype(float)
    sds = bayes.learned.parameters.item_posterior.bias_sd[rows].astype(float)
    draws = means + sds * np.random.default_rng(0).normal(size=(100_000, 2))
    assert pair.first_higher == pytest.approx(np.mean(draws[:, 0] > draws[:, 1]), abs=0.01)
    assert turned.first_higher == pytest.approx(1 - pair.first_higher)
    close = compare_items(bayes.learned, *rows_of(bayes, 318, 64))
    assert 0.05 < close.first_higher < 0.95
    assert compare_items(model.learned, *rows).first_higher is None
    neighbours = bayes.similar(50, 5, order="similarity")
    other = rows_of(bayes, neighbours["id"][0])[0]
    found = compare_items(bayes.learned, rows[0], other).similarity
    assert found == pytest.approx(neighbours["cosine"][0], abs=1e-5)


def test_two_people_are_compared_over_the_items_that_both_have(bayes, frame):
    pair = compare_users(bayes.learned, 195, 0)
    both = joined(frame, "user", "item", 196, 1)
    assert set(pair.items["id"]) == set(both["item"])
    one = pair.items.row(0, named=True)
    assert frame.filter(user=196, item=one["id"])["rating"][0] == one["first"]
    assert frame.filter(user=1, item=one["id"])["rating"][0] == one["second"]
    assert pair.agreement.correlation == pytest.approx(
        np.corrcoef(both["rating"], both["rating_other"])[0, 1]
    )


def test_without_ratings_there_is_what_both_have(events, frame):
    rows = rows_of(events, 50, 100)
    pair = compare_items(events.learned, *rows)
    assert pair.people.height == joined(frame, "item", "user", 50, 100).height
    assert pair.people["likes_both"].null_count() == pair.people.height
    assert (pair.agreement, pair.similarity, pair.first_higher) == (None, None, None)
    people = compare_users(events.learned, 195, 0)
    assert people.items.height == 19
    assert people.agreement is None


def test_without_users_an_item_has_no_people(bayes, tmp_path):
    bayes.save(tmp_path / "m", users=False)
    alone = palate.load(tmp_path / "m").learned
    pair = compare_items(alone, 0, 1)
    assert (pair.people, pair.by_chance, pair.agreement) == (None, None, None)
    assert pair.first_higher == compare_items(bayes.learned, 0, 1).first_higher
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        compare_users(alone, 0, 1)
