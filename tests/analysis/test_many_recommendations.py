"""Lists for many people: every option as for one person, tables by user, and files."""

import json

import numpy as np
import polars as pl
import pytest

import palate
from palate.analysis import _many_recommendations


def same_lists(model, users, every, **options):
    for user in users:
        own = every.filter(pl.col("user") == user).drop("user")
        alone = model.user(user).recommend(**options)
        assert own["id"].equals(alone["id"])
        for name in set(own.columns) - {"reason", "item", "status"}:
            np.testing.assert_allclose(own[name], alone[name], rtol=1e-4, atol=1e-6)
        if "reason" in alone.columns:
            assert own["reason"].to_list() == alone["reason"].to_list()


@pytest.mark.parametrize(
    "options",
    [
        {"where": {"genres": "Comedy", "year": "1990..1995"}},
        {"cautious": 0.1},
        {"cautious": 0.1, "explain": True, "exclude": [50, 100], "seen": True},
        {"by": "rating", "explain": True},
        {"explain": True, "where": {"genres": "Drama"}},
        {"diversity": 0.5, "explain": True, "candidates": range(1, 500)},
    ],
    ids=str,
)
def test_each_person_gets_the_list_of_their_own_profile(both, options):
    users = (1, 196, 300)
    every = both.profiles(users=users).recommend(6, **options)
    same_lists(both, users, every, n=6, **options)
    assert every["user"].unique(maintain_order=True).to_list() == list(users)


def test_where_keeps_only_items_that_meet_all_conditions(both):
    where = {"genres": "Comedy", "year": "1990..1995"}
    best = both.user(196).recommend(20, where=where)
    rows = both.items.filter(pl.col("id").is_in(best["id"].implode()))
    assert best.height == 20
    assert rows["genres"].str.contains("Comedy").all()
    assert rows["year"].is_between(1990, 1995).all()
    with pytest.raises(palate.SettingError, match="there is no column 'genre'"):
        both.recommend(3, where={"genre": "Comedy"})


def test_a_table_has_exclusions_and_candidates_of_each_user(both):
    usual = both.profiles(users=[1, 196, 300]).recommend(3)
    mine = usual.filter(pl.col("user") == 196)
    table = mine.select(pl.col("user"), pl.col("id").alias("item"))
    found = both.profiles(users=[1, 196, 300]).recommend(3, exclude_by_user=table)
    assert found.filter(pl.col("user") != 196).equals(usual.filter(pl.col("user") != 196))
    assert set(found.filter(pl.col("user") == 196)["id"]).isdisjoint(mine["id"])
    same_lists(both, [196], found, n=3, exclude=mine["id"])
    table = pl.DataFrame({"user": ["196", "196", "1"], "item": ["Heat (1995)", "313", "313"]})
    for by in ("both", "choice", "rating"):
        found = both.profiles(users=[1, 196, 300]).recommend(3, by=by, candidates_by_user=table)
        same_lists(both, [196], found, n=3, by=by, candidates=["Heat (1995)", 313])
        assert set(found["user"]) <= {1, 196}
    best = both.profiles(users=[196]).recommend(
        3, cautious=0.1, candidates_by_user=table, exclude=[313], seen=True
    )
    assert best["item"].to_list() == ["Heat (1995)"]


def test_unknown_items_of_tables_are_skipped_or_refused(both):
    table = pl.DataFrame({"user": [1, 1, 7_000], "item": ["50", "Nope", "100"]})
    people = both.profiles(users=[1, 2])
    assert people.recommend(2, exclude_by_user=table).skipped == ("Nope",)
    with pytest.raises(palate.UnknownIdError, match="there is no item 'Nope'"):
        people.recommend(2, candidates_by_user=table)
    found = people.recommend(2, candidates_by_user=table, unknown="skip", seen=True)
    assert found["id"].to_list() == [50]
    assert found.skipped == ("Nope",)
    with pytest.raises(palate.DataError, match="none of the users of this table, such as 'x'"):
        people.recommend(2, exclude_by_user=pl.DataFrame({"user": ["x"], "item": ["50"]}))
    nothing = pl.DataFrame({"user": [], "item": []}, schema={"user": pl.Int64, "item": pl.Int64})
    assert people.recommend(2, exclude_by_user=nothing).equals(people.recommend(2))


def test_lists_are_the_same_at_any_number_of_threads(both, monkeypatch):
    monkeypatch.setattr("palate.inference._lists._MAX_SCORES", 50 * 1682)
    assert both.recommend(5, threads=1).equals(both.recommend(5, threads=3))


READERS = {".parquet": pl.read_parquet, ".csv": pl.read_csv, ".jsonl": pl.read_ndjson}


@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("by", ["both", "rating"])
def test_files_have_the_lists_of_everybody(both, tmp_path, monkeypatch, suffix, by):
    monkeypatch.setattr(_many_recommendations, "_MAX_ROWS", 500)
    path, done = tmp_path / f"lists{suffix}", []
    path.write_text("old")
    written = both.profiles().write_recommendations(path, 5, by=by, progress=done.append)
    found, expected = READERS[suffix](path), both.recommend(5, by=by)
    assert found.columns == [c for c in expected.columns if c not in {"ratings", "status"}]
    for name in found.columns:
        if found[name].dtype.is_float():
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
        else:
            assert found[name].to_list() == expected[name].to_list()
    assert written == (943, expected.height, ())
    assert done == [*range(100, 943, 100), 943]
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_without_anybody_has_its_columns(both, tmp_path):
    people = both.profiles(users=[])
    for suffix in (".parquet", ".csv"):
        assert people.write_recommendations(tmp_path / f"x{suffix}").rows == 0
        assert READERS[suffix](tmp_path / f"x{suffix}").columns[:3] == ["user", "rank", "id"]


def test_after_a_failure_the_old_file_remains(both, tmp_path, monkeypatch):
    monkeypatch.setattr(_many_recommendations, "_MAX_ROWS", 500)

    def stop(done):
        raise KeyboardInterrupt

    for suffix in READERS:
        path = tmp_path / f"lists{suffix}"
        path.write_text("old")
        with pytest.raises(KeyboardInterrupt):
            both.profiles().write_recommendations(path, 5, progress=stop)
        assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(palate.SettingError, match=r"format of 'lists\.txt'; let the name end in"):
        both.profiles().write_recommendations(tmp_path / "lists.txt")
    with pytest.raises(FileNotFoundError):
        both.profiles().write_recommendations(tmp_path / "no" / "lists.csv")


def test_lists_of_events_have_neither_expected_ratings_nor_a_cautious_order(events, tmp_path):
    path = tmp_path / "lists.jsonl"
    events.profiles(users=[196]).write_recommendations(path, 2)
    first = json.loads(path.read_text().splitlines()[0])
    assert list(first) == ["user", "rank", "id", "item", "score", "chance"]
    with pytest.raises(palate.SettingError, match="needs a model of ratings"):
        events.recommend(cautious=0.1)
