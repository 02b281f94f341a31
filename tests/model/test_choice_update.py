"""Taking in new events, and new ratings in a model of both questions."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate

ROWS = [(u, int(i)) for u in range(40) for i in np.random.default_rng(u).permutation(25)[:6]]
FRAME = pl.DataFrame(ROWS, schema=["user", "item"], orient="row")


@pytest.fixture(scope="module")
def events():
    return palate.fit(palate.read_ratings(FRAME))


@pytest.fixture(scope="module")
def counts():
    return palate.fit(palate.read_ratings(FRAME.with_columns(count=1 + pl.col("item") % 4)))


@pytest.fixture(scope="module")
def both():
    table = FRAME.with_columns(rating=1 + (pl.col("item") + pl.col("user")) % 5)
    return palate.fit(palate.read_ratings(table), palate.Gibbs(factors=2, sweeps=10, burn_in=4))


def new_events(rows):
    return palate.read_ratings(pl.DataFrame(rows, schema=["user", "item"], orient="row"))


def test_events_are_added(events):
    known = [i for u, i in ROWS if u == 3]
    other = next(i for i in range(25) if i not in known)
    updated, drift = events.update(new_events([(3, other), (99, 1), (99, 2), (3, known[0])]))
    assert updated.users.height == 41
    assert len(updated.ratings) == len(ROWS) + 3  # one of them was known
    assert updated.ratings.kind == "events"
    for name in ("score", "id"):
        expected = events.profile([*known, other]).recommend(5)[name]
        assert updated.user(3).recommend(5)[name].to_list() == pytest.approx(expected.to_list())
        expected = events.profile([1, 2]).recommend(5)[name]
        assert updated.user(99).recommend(5)[name].to_list() == pytest.approx(expected.to_list())
    assert updated.user(4).recommend(5).equals(events.user(4).recommend(5))
    assert updated.learned.choice is events.learned.choice
    assert drift.columns == ["id", "item", "new_ratings"]
    assert drift["new_ratings"].sum() == 4
    assert drift["new_ratings"].is_sorted(descending=True)
    again = events.update(new_events(ROWS)).refit  # the events of the fit
    assert again.share == 0
    assert events.users.height == 40


def test_new_counts_are_added_to_the_old_ones(counts):
    user, item = ROWS[0]
    table = pl.DataFrame({"user": [user, 99], "item": [item, item], "count": [50, 3]})
    updated, _ = counts.update(palate.read_ratings(table, kind="counts"))
    assert len(updated.ratings) == len(ROWS) + 1
    favourite = updated.user(user).favourites(1)
    assert (favourite["id"][0], favourite["rating"][0]) == (item, 50 + 1 + item % 4)
    assert updated.user(99).recommend(5).equals(counts.profile({item: 3}).recommend(5))
    assert counts.user(user).history.rating.max() <= 4
    learned = updated.learned
    assert learned.added_ratings == 1  # the other pair is of the fit
    assert learned.ratings.frame().row(-1)[:2] == (99, item)
    most = np.finfo(np.float32).max
    huge = palate.read_ratings(table.with_columns(count=pl.lit(most)), kind="counts")
    with pytest.raises(palate.DataError, match="the sum of an old and a new count is too large"):
        counts.update(huge).model.update(huge)


def test_a_model_of_both_is_updated_in_both(both):
    table = pl.DataFrame({"user": [99, 99, 3], "item": [1, 2, 7], "rating": [5, 1, 2]})
    updated, drift = both.update(palate.read_ratings(table))
    new = both.profile({1: 5, 2: 1})
    for by in ("both", "choice", "rating"):
        found, expected = (p.recommend(5, by=by) for p in (updated.user(99), new))
        assert found["id"].equals(expected["id"])
        np.testing.assert_allclose(found["prediction"], expected["prediction"], rtol=1e-5)
        assert updated.user(4).recommend(5, by=by).equals(both.user(4).recommend(5, by=by))
    assert 7 not in set(updated.user(3).recommend(25)["id"])
    assert {"drift", "z"} <= set(drift.columns)


def test_an_updated_model_is_saved_and_loaded(events, tmp_path):
    updated, _ = update = events.update(new_events([(99, 1), (99, 2)]))
    assert (update.refit.due, update.refit.items_moved) == (False, None)
    assert update.refit.share == 2 / len(updated.ratings)
    updated.save(tmp_path / "model")
    back = palate.load(tmp_path / "model")
    assert back.recommend(5).equals(updated.recommend(5))


def test_a_table_of_another_kind_is_refused(events, counts, both):
    tables = {model.ratings.kind: model.ratings for model in (events, counts, both)}
    for model in (events, counts, both):
        for kind, ratings in tables.items():
            if kind != model.ratings.kind:
                with pytest.raises(
                    palate.DataError, match=f"these are {kind}, and the model was fitted to "
                ):
                    model.update(ratings)


def test_events_that_do_not_fit_are_refused(events, tmp_path):
    with pytest.raises(palate.UnknownIdError, match="does not know 1 of the items, such as 77"):
        events.update(new_events([(1, 77)]))
    with pytest.raises(palate.DataError, match="user ids are String"):
        events.update(new_events([("a", 1)]))
    with pytest.raises(palate.DataError, match="there are no new ratings"):
        events.update(events.ratings.take(np.zeros(0, np.int64)))
    events.save(tmp_path / "model", users=False)
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        palate.load(tmp_path / "model").update(events.ratings)


def test_users_keep_their_histories_in_any_order_of_ids(events):
    shuffled = np.random.default_rng(0).permutation(40)
    ratings = replace(
        events.ratings,
        user=np.argsort(shuffled).astype(np.int32)[events.ratings.user],
        users=events.ratings.users[shuffled],
    )
    updated, _ = palate.fit(ratings).update(new_events([(99, 1)]))
    for user in (0, 17, 39):
        assert set(updated.user(user).rated) == set(events.user(user).rated)
