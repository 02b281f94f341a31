"""Taking in new ratings: profiles change, items stay, and drift is reported."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate


@pytest.fixture(scope="module")
def halves(ml100k):
    return palate.splits.at_time(ml100k, 0.2)


@pytest.fixture(scope="module")
def early(halves):
    return palate.Gibbs(sweeps=40, burn_in=10).fit(halves[0])


def test_updated_profiles_rest_on_all_ratings(early, halves, ml100k):
    updated, drift = early.update(halves[1])
    assert len(updated.ratings) == len(ml100k)
    everything = early.profiles(ml100k)
    np.testing.assert_allclose(updated.learned.user_table, everything.posteriors.table, 1e-4, 1e-4)
    np.testing.assert_array_equal(updated.learned.item_table, early.learned.item_table)
    assert drift["new_ratings"].sum() == len(halves[1])
    assert drift["z"].abs().is_sorted(descending=True)


def test_new_users_have_the_profiles_of_their_ratings(bayes):
    table = pl.DataFrame({"user": [9999, 9999], "item": [50, 100], "rating": [5, 1]})
    updated, _ = bayes.update(palate.read_ratings(table))
    assert updated.users.height == 944
    new = bayes.profile({50: 5, 100: 1})
    np.testing.assert_allclose(updated.user(9999).row, new.row, atol=1e-6)
    np.testing.assert_array_equal(updated.user(196).row, bayes.user(196).row)
    assert 9999 not in set(bayes.users["id"])


def test_a_new_rating_replaces_the_old_one_of_the_item(bayes):
    old = bayes.user(196).favourites(1)["id"][0]
    other = bayes.user(196).recommend(1)["id"][0]
    table = pl.DataFrame({"user": [196, 196], "item": [old, other], "rating": [1, 2]})
    updated, _ = bayes.update(palate.read_ratings(table))
    profile = updated.user(196)
    assert len(profile.rated) == len(bayes.user(196).rated) + 1
    rated = profile.favourites(99)
    assert rated.filter(pl.col("id") == old)["rating"].to_list() == [1]
    before, after = (p.predict(old)["prediction"][0] for p in (bayes.user(196), profile))
    assert after < before


def test_drift_is_found_where_an_item_is_rated_lower(early, halves):
    """A film that everybody likes half a star less: its z stands out, and others' do not."""
    late = halves[1]
    row = int(np.bincount(late.item).argmax())
    lowered = np.where(late.item == row, np.maximum(late.rating - 1, 1), late.rating)
    _, drift = early.update(replace(late, rating=lowered.astype(np.float32)))
    assert drift["id"][0] == late.items["id"][row]
    assert drift["drift"][0] < -0.5
    assert drift["z"][0] < -5
    unchanged = early.update(late)[1]
    assert (unchanged["z"].abs() > 2).mean() < 0.1


def test_few_items_drift_where_nothing_has_changed(ml100k):
    """Ratings held back at random: |z| beyond 2 for less than a tenth, with either solver."""
    train, valid = palate.splits.random(ml100k)
    for solver in (palate.Gibbs(sweeps=40, burn_in=10), palate.OneCycle()):
        assert (solver.fit(train).update(valid).drift["z"].abs() > 2).mean() < 0.1


def test_a_refit_is_due_when_many_ratings_are_newer_than_the_fit(early, halves):
    late = halves[1]
    few, rest = late.take(np.arange(2000)), late.take(np.arange(2000, len(late)))
    first = early.update(few)
    assert not first.refit.due
    assert first.refit.share == 2000 / len(first.model.ratings)
    second = first.model.update(rest)  # those of the first update count as well
    assert second.model.learned.added_ratings == len(late)
    assert second.refit.due
    assert second.refit.share == pytest.approx(0.2, abs=0.001)
    assert second.refit.sentence.startswith("A refit is due: 20.0% of 100,000 ratings are newer")
    again = second.model.update(few)  # the same pairs: nothing is added
    assert again.model.learned.added_ratings == len(late)
    known = halves[0].take(np.arange(300))
    assert early.update(known).refit.share == 0  # the items were fitted to them
    changed = np.where(np.arange(300) < 7, 6 - known.rating, known.rating).astype(np.float32)
    expected = np.count_nonzero(changed != known.rating)
    updated = early.update(replace(known, rating=changed)).model
    assert updated.learned.added_ratings == expected > 0
    assert set(updated.ratings.user[-expected:]) <= set(known.user[:7])


def test_a_refit_is_due_when_many_items_have_drifted(early, halves):
    few = halves[1].take(np.arange(4000))
    lower = np.maximum(few.rating - 2 * (few.item % 2), 1).astype(np.float32)  # of every other
    unchanged, changed = (early.update(r).refit for r in (few, replace(few, rating=lower)))
    assert not unchanged.due
    assert changed.due
    assert changed.share == unchanged.share < 0.05
    assert changed.items_moved > 0.1 * changed.items_measured > unchanged.items_moved
    one = few.take(few.item == few.item[0])
    alone = early.update(replace(one, rating=np.ones(len(one), np.float32))).refit
    assert (alone.items_measured, alone.items_moved, alone.due) == (1, 1, False)


def test_a_point_estimate_can_be_updated(small):
    model = palate.OneCycle(factors=2).fit(small)
    table = pl.DataFrame({"user": ["fay", "ann"], "item": ["tea", "gin"], "rating": [5, 1]})
    updated, drift = model.update(palate.read_ratings(table))
    assert updated.users["id"].to_list() == ["ann", "bob", "cat", "dan", "eve", "fay"]
    np.testing.assert_array_equal(updated.user("bob").row, model.user("bob").row)
    assert set(drift["id"]) == {"tea", "gin"}


def test_an_updated_model_is_saved_and_loaded(bayes, tmp_path):
    table = pl.DataFrame({"user": [9999, 9999], "item": [50, 100], "rating": [5, 1]})
    updated, _ = bayes.update(palate.read_ratings(table))
    updated.save(tmp_path / "model")
    back = palate.load(tmp_path / "model")
    assert back.user(9999).recommend().equals(updated.user(9999).recommend())


def test_ratings_that_do_not_fit_are_refused(bayes, small, tmp_path):
    with pytest.raises(palate.DataError, match="item ids are String in these ratings"):
        bayes.update(small)
    with pytest.raises(palate.DataError, match="there are no new ratings"):
        bayes.update(bayes.ratings.take(np.array([], dtype=np.int64)))
    text = pl.DataFrame({"user": ["a", "b"], "item": [50, 100], "rating": [5, 1]})
    with pytest.raises(palate.DataError, match="user ids are String in these ratings and Int"):
        bayes.update(palate.read_ratings(text))
    dated = pl.DataFrame(
        {
            "user": [1, 2],
            "item": [1, 2],
            "rating": [3, 4],
            "timestamp": [dt.datetime(2020, 1, 1)] * 2,
        }
    )
    with pytest.raises(palate.DataError, match=r"timestamps are datetime64.* and int64 in the mod"):
        bayes.update(palate.read_ratings(dated))
    bayes.save(tmp_path / "model", users=False)
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        palate.load(tmp_path / "model").update(bayes.ratings)


def test_the_cure_of_ids_of_another_type_is_one(small):
    model = palate.Gibbs(factors=2, sweeps=10, burn_in=2).fit(small)
    table = pl.DataFrame({"user": [1, 2], "item": ["tea", "gin"], "rating": [5, 1]})
    with pytest.raises(palate.DataError, match="user ids are Int64 in these") as error:
        model.update(palate.read_ratings(table))
    cure = str(error.value).partition("as in ")[2]
    cured = eval(cure, {"table": table, "pl": pl})
    assert "1" in model.update(palate.read_ratings(cured))[0].users["id"].to_list()


def test_users_keep_their_profiles_in_any_order_of_ids(ml100k):
    """`Ratings` are public, and the rows of their users can be in any order."""
    shuffled = np.random.default_rng(0).permutation(ml100k.users.height)
    ratings = replace(
        ml100k,
        user=np.argsort(shuffled).astype(np.int32)[ml100k.user],
        users=ml100k.users[shuffled],
    )
    model = palate.fit(ratings, palate.Gibbs(factors=4, sweeps=12, burn_in=4))
    new = pl.DataFrame({"user": [7, 7], "item": [242, 302], "rating": [1.0, 1.0]})
    updated, _ = model.update(palate.read_ratings(new, kind="ratings"))
    pairs = [196, 305, 6], [50, 100, 300]
    assert np.allclose(updated.predict(*pairs), model.predict(*pairs), atol=1e-5)
