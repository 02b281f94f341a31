"""Forgetting people: nothing of them is left in the model, its files, and the ratings to refit."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import palate

# What nobody but the user "ghost" has: an id, an item with its title and genre, an occupation.
UNIQUE = [b"ghost", b"spectre", b"Spectral film", b"haunting", b"medium"]


def table(**extra):
    """Return ratings of 30 people and the ghost, with tables of items and users."""
    pairs = [(u, i) for u in range(30) for i in range(12) if (u + i) % 6]
    rows = [(f"u{u}", f"i{i}", 1.0 + (u * i + u) % 5, u + i) for u, i in pairs]
    rows += [("ghost", "spectre", 3.5, 77777777), ("ghost", "i1", 2.5, 88888888)]
    ratings = pl.DataFrame(rows, schema=["user", "item", "rating", "timestamp"], orient="row")
    items = pl.DataFrame(
        {
            "item": [*(f"i{n}" for n in range(12)), "spectre", "unrated"],
            "title": [*(f"Film {n}" for n in range(12)), "Spectral film", "Catalogue film"],
            "genre": [*(["war", "love"] * 6), "haunting", "love"],
        }
    )
    jobs = [*(["baker", "clerk", "nurse"] * 10), "medium"]
    users = pl.DataFrame(
        {
            "user": [*(f"u{n}" for n in range(30)), "ghost"],
            "age": [*(20 + n % 9 for n in range(30)), 97],
            "job": pl.Series(jobs, dtype=pl.Enum(sorted(set(jobs)))),
        }
    )
    return palate.read_ratings(ratings, items=items, users=users, kind="ratings", **extra)


@pytest.fixture(scope="module")
def haunted():
    return palate.fit(table(), palate.Gibbs(factors=3, sweeps=12, burn_in=4))


def content(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_no_byte_of_them_is_left_in_the_folder(haunted, tmp_path):
    haunted.save(tmp_path / "m")
    before = {path.name for path in (tmp_path / "m").iterdir()}
    assert [text for text in UNIQUE if text not in content(tmp_path / "m")] == []
    palate.load(tmp_path / "m").forget("ghost").save(tmp_path / "m")
    assert [text for text in UNIQUE if text in content(tmp_path / "m")] == []
    after = {path.name for path in (tmp_path / "m").iterdir()}
    assert before & after == {"palate.json"}
    back = palate.load(tmp_path / "m")
    assert "ghost" not in back.users["id"].to_list()
    assert 77777777 not in back.ratings.timestamp
    ages = [f for f in back.learned.parameters.user_prior.known.features if f.column == "age"]
    assert [(f.lowest, f.highest) for f in ages] == [(20, 28)]
    assert not np.isin([3.5, 2.5], back.ratings.rating).any()
    assert back.items["id"].to_list() == [item for item in haunted.items["id"] if item != "spectre"]
    assert set(back.recommend(3)["user"]) == {f"u{n}" for n in range(30)}
    with pytest.raises(palate.UnknownIdError, match="no user 'ghost'"):
        back.user("ghost")


def test_others_and_the_items_stay_as_they_are(haunted):
    left = haunted.forget("ghost")
    assert left.user("u3").predict("i5").equals(haunted.user("u3").predict("i5"))
    assert left.learned.item_counts[left.learned.item_index.row("i1")] == 25
    for by in ("both", "choice", "rating"):
        expected = haunted.user("u7").recommend(5, by=by, seen=True, exclude=["spectre"])
        found = left.user("u7").recommend(5, by=by, seen=True)
        assert found["id"].to_list() == expected["id"].to_list()
        np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-5)
    new = {"i1": 5, "i2": 1}
    known = {"age": 25, "job": "nurse"}
    np.testing.assert_allclose(
        left.profile(new, features=known).row, haunted.profile(new, features=known).row, atol=1e-6
    )
    assert left.learned.item_counts.tolist() == left.ratings.item_means()[0].tolist()
    assert "unrated" in left.items["id"].to_list()
    assert "haunting" not in left.features()["value"].to_list()
    assert "medium" not in left.user_features()["value"].to_list()
    parameters = left.learned.parameters
    for known in (parameters.user_prior.known, parameters.item_prior.known):
        assert not {"medium", "haunting"} & {value for _, value in known.names}
    assert left.features().height == haunted.features().height - 1


def test_after_it_ratings_can_be_added_and_people_forgotten_again(haunted, tmp_path):
    left = haunted.forget(["ghost", "u3"])
    new = pl.DataFrame({"user": ["u4", "v"], "item": ["i1", "spectre"], "rating": [1.0, 2.0]})
    updated = left.update(palate.read_ratings(new, kind="ratings")).model
    assert updated.learned.added_items == 1
    assert updated.learned.added_ratings == 2
    again = updated.forget("u4")
    again.save(tmp_path / "m")
    back = palate.load(tmp_path / "m")
    assert (back.learned.added_items, back.learned.added_ratings) == (1, 1)
    assert back.forget("v").learned.added_items == 0
    found, expected = (m.user("v").recommend(3).drop("ratings") for m in (back, updated))
    assert found.equals(expected)


def test_models_of_picks(tmp_path, monkeypatch):
    """Weights of pairs of items are left for the others, in both forms."""
    rows = table().frame().select("user", "item")
    for most in (1000, 5):
        monkeypatch.setattr("palate.solvers.choice._search._MAX_EXACT", most)
        model = palate.fit(palate.read_ratings(rows))
        left = model.forget("ghost")
        left.save(tmp_path / "m")
        assert b"spectre" not in content(tmp_path / "m")
        loaded, options = palate.load(tmp_path / "m"), {"seen": True, "exclude": ["spectre"]}
        expected = model.profile(["i1", "i4"]).recommend(9, **options)
        found = loaded.profile(["i1", "i4"]).recommend(9, seen=True)
        np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-5)


def test_a_point_estimate(tmp_path):
    model = palate.OneCycle(factors=2, epochs=1).fit(table())
    model.forget("ghost").save(tmp_path / "m")
    assert [text for text in UNIQUE if text in content(tmp_path / "m")] == []
    assert palate.load(tmp_path / "m").user("u1").recommend(2).height == 2


def test_what_can_not_be_forgotten(haunted, tmp_path):
    with pytest.raises(palate.UnknownIdError, match=r"no user 'gost'.*nearest are 'ghost'"):
        haunted.forget(["u1", "gost"])
    assert haunted.forget(["gost"], unknown="skip") is haunted
    with pytest.raises(palate.DataError, match="no ratings are left"):
        haunted.forget(haunted.users["id"])
    rows = {"user": ["new", "new"], "item": ["new 1", "new 2"], "rating": [2.0, 4.0]}
    new = palate.read_ratings(pl.DataFrame(rows), kind="ratings")
    with pytest.raises(palate.DataError, match="no item is left that the model was fitted to"):
        haunted.update(new).model.forget(haunted.users["id"])
    haunted.save(tmp_path / "m", users=False)
    with pytest.raises(palate.UnknownIdError, match="saved without its users"):
        palate.load(tmp_path / "m").forget("ghost")


def test_ratings_without_users_leave_no_trace_in_a_refit(tmp_path):
    ratings = table()
    row = ratings.users["id"].to_list().index("ghost")
    by_rows = ratings.take(ratings.user != row)
    assert "ghost" in by_rows.users["id"].to_list()  # the parts of a split share their users
    left = ratings.without_users(["ghost"])
    assert left.users["id"].to_list() == [user for user in ratings.users["id"] if user != "ghost"]
    assert left.frame().equals(ratings.frame().filter(pl.col("user") != "ghost"))
    assert left.shares_ids(left.take(np.arange(5)))
    model = palate.fit(left, palate.Gibbs(factors=2, sweeps=8, burn_in=2))
    model.save(tmp_path / "m")
    assert [text for text in UNIQUE if text in content(tmp_path / "m")] == []
    assert "ghost" not in model.recommend(2)["user"].to_list()


def test_ratings_without_users_that_are_not_there():
    ratings = table()
    with pytest.raises(palate.UnknownIdError, match="no user 'gost'"):
        ratings.without_users("gost")
    with pytest.raises(palate.DataError, match="no ratings are left"):
        ratings.without_users(ratings.users["id"])
    dated = replace(ratings, timestamp=np.array([dt.datetime(2020, 1, 1)] * len(ratings), "M8[us]"))
    assert len(dated.without_users("ghost").timestamp) == len(ratings) - 2
