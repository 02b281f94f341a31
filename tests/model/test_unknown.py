"""Ids that a model does not know: refused or skipped, and those that were skipped are said."""

import numpy as np
import polars as pl
import pytest

import palate


def test_histories(both):
    given = {"Fargo (1996)": 5, "Nope": 4, 99_999: 3, "Titanic (1997)": 2}
    known = {"Fargo (1996)": 5, "Titanic (1997)": 2}
    with pytest.raises(palate.UnknownIdError, match="there is no item 'Nope'"):
        both.profile(given)
    profile = both.profile(given, unknown="skip")
    assert profile.skipped == ("Nope", 99_999)
    assert profile.recommend(5).equals(both.profile(known).recommend(5))
    assert both.profile(known, unknown="skip").skipped == ()


def test_histories_of_events(events):
    given = ["Fargo (1996)", "Nope"]
    assert events.profile(given, unknown="skip").skipped == ("Nope",)
    with pytest.raises(palate.DataError, match=r"'Fargo \(1996\)' has the number 3"):
        events.profile({"Nope": 1, "Fargo (1996)": 3}, unknown="skip")


NEW = pl.DataFrame({"user": [1, 1, 2, 3], "item": [50, 77_777, 50, 88_888], "rating": [5, 4, 3, 2]})


def test_tables_of_histories(both):
    new = palate.read_ratings(NEW)
    with pytest.raises(palate.UnknownIdError, match=r'2 of the items, .* with unknown="skip"'):
        both.profiles(new)
    profiles = both.profiles(new, unknown="skip")
    assert profiles.skipped == (77_777, 88_888)
    assert [len(profile.rated) for profile in profiles] == [1, 1, 0]
    one = new.take(new.user == 0)
    alone = palate.read_ratings(one.frame())
    assert both.profile(alone, unknown="skip").skipped == (77_777,)


def test_known_users(both):
    with pytest.raises(palate.UnknownIdError, match="there is no user 5000"):
        both.profiles(users=[196, 5000])
    profiles = both.profiles(users=[196, 5000, 1, 196], unknown="skip")
    assert profiles.users["id"].to_list() == [196, 1]
    assert profiles.skipped == (5000,)
    with pytest.raises(palate.SettingError, match="users chooses known users"):
        both.profiles(both.ratings, users=[1])


def test_candidates_and_exclusions(both):
    profile = both.user(196)
    expected = profile.recommend(3, exclude=[50])
    assert expected.skipped == ()
    found = profile.recommend(3, exclude=[50, "Nope", 99_999, "Nope"])
    assert found.equals(expected)
    assert found.skipped == ("Nope", 99_999)
    with pytest.raises(palate.UnknownIdError, match="there is no item 'Nope'"):
        profile.recommend(3, exclude=["Nope"], unknown="error")
    with pytest.raises(palate.UnknownIdError, match="there is no item 'Nope'"):
        profile.recommend(3, candidates=["Nope", 313])
    found = profile.recommend(3, candidates=["Nope", 313], exclude=["Nein"], unknown="skip")
    assert found["id"].to_list() == [313]
    assert found.skipped == ("Nope", "Nein")
    assert both.recommend(3, exclude=["Nope"]).skipped == ("Nope",)
    with pytest.raises(palate.SettingError, match=r"unknown is 'ignore'; it can be"):
        profile.recommend(3, unknown="ignore")


def test_an_ambiguous_title_is_never_skipped(both):
    """It may be an item that must not be recommended."""
    for unknown in (None, "skip"):
        with pytest.raises(palate.UnknownIdError, match="the title of 2 items"):
            both.user(1).recommend(3, exclude=["Kull the Conqueror (1997)"], unknown=unknown)


def test_predictions(both):
    found = both.user(196).predict([50, "Nope", "Heat (1995)"], unknown="skip")
    assert found.equals(both.user(196).predict([50, "Heat (1995)"]))
    assert found.skipped == ("Nope",)
    pairs = both.predict([196, 5000, 196], [50, 50, "Nope"], unknown="skip")
    assert np.isnan(pairs).tolist() == [False, True, True]
    assert pairs[0] == both.predict([196], [50])[0]


def test_updates(both):
    new = palate.read_ratings(NEW)
    if both.learned.has_intervals:  # a Gibbs model infers them
        assert both.update(new).model.learned.added_items == 2
    else:
        with pytest.raises(palate.UnknownIdError, match="2 of the items"):
            both.update(new)
    updated, drift = both.update(new, unknown="skip")
    assert drift.skipped == (77_777, 88_888)
    assert drift["id"].to_list() == [50]
    assert updated.items.equals(both.items)


def test_many_unknown_ids_take_no_search_each(both):
    """A hundred thousand of them fit into the body of a request."""
    many = [f"x{n}" for n in range(50_000)] + list(range(10**6, 10**6 + 50_000))
    found = both.user(196).recommend(3, exclude=many)
    assert len(found.skipped) == len(many)
