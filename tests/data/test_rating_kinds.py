"""Tables of events and of counts: what `read_ratings` recognises, and what it makes of them."""

import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import polars as pl
import pytest

import palate

PICKED = [("ann", 1), ("ann", 2), ("bob", 1), ("bob", 3)]
FRAME = pl.DataFrame(PICKED, schema=["user", "item"], orient="row")
OVERRIDE = '(kind="ratings" overrides)'


def values(numbers, name="rating"):
    """Return a table in which each of the numbers is of another user."""
    return pl.DataFrame({"user": range(len(numbers)), "item": 1, name: numbers}, strict=False)


def database(folder):
    path = folder / "r.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE seen (user TEXT, item INTEGER)")
        db.executemany("INSERT INTO seen VALUES (?, ?)", PICKED)
        db.execute("CREATE TABLE films (item INTEGER, title TEXT)")
        db.commit()
    return f"sqlite:///{path}"


def written(method, name):
    def write(folder):
        getattr(FRAME, method)(folder / name)
        return folder / name

    return write


def text(lines):
    def write(folder):
        (folder / "r.txt").write_text(lines)
        return folder / "r.txt"

    return write


SOURCES = {
    "CSV": written("write_csv", "r.csv"),
    "TSV": text("user\titem\nann\t1\nann\t2\nbob\t1\nbob\t3\n"),
    "no header": text("ann,1\nann,2\nbob,1\nbob,3\n"),
    "Parquet": written("write_parquet", "r.parquet"),
    "JSON lines": written("write_ndjson", "r.jsonl"),
    "JSON": written("write_json", "r.json"),
    "polars": lambda folder: FRAME,
    "pandas": lambda folder: pd.DataFrame(PICKED, columns=["user", "item"]),
    "Arrow": lambda folder: FRAME.to_arrow(),
    "database": database,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_table_without_ratings_holds_events(source, tmp_path):
    events = palate.read_ratings(source(tmp_path))
    assert events.kind == "events"
    assert events.frame().rows() == [(*pair, 1.0) for pair in PICKED]
    assert "no ratings, read as events" in events.source
    assert repr(events).startswith("<Ratings: 4 events by 2 users of 3 items; ")


def test_repeated_events_are_counted_with_the_latest_timestamp():
    table = pl.DataFrame(
        {"user": ["a", "b", "a", "a"], "item": [1, 1, 1, 2], "timestamp": [9, 3, 5, 4]}
    )
    counts = palate.read_ratings(table)
    assert counts.kind == "counts"
    assert counts.frame().rows() == [("a", 1, 2.0, 9), ("b", 1, 1.0, 3), ("a", 2, 1.0, 4)]
    assert counts.source.endswith("no ratings, read as counts; repeated rows added up: 1")
    assert "3 counts from 1 to 2 by" in repr(counts)
    assert counts.frame().equals(palate.read_ratings(table, kind="counts").frame())
    events = palate.read_ratings(table, kind="events")
    assert events.frame().rows() == [("a", 1, 1.0, 9), ("b", 1, 1.0, 3), ("a", 2, 1.0, 4)]
    assert events.source.endswith("repeated rows left out: 1")


@pytest.mark.parametrize("equal", [1, 5, 3.5, -1, True])
def test_ratings_that_are_all_equal_are_events(equal):
    table = values([equal] * 3)
    events = palate.read_ratings(table)
    assert (events.kind, events.rating.tolist()) == ("events", [1, 1, 1])
    assert events.source.endswith(f"all ratings are {float(equal):g}, read as events {OVERRIDE}")
    ratings = palate.read_ratings(table, kind="ratings")
    assert (ratings.kind, ratings.rating.tolist()) == ("ratings", [float(equal)] * 3)
    assert palate.read_ratings(table[:1]).kind == "ratings"


TAIL = [1] * 30 + [*range(2, 11), 150, 900]


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        (TAIL, "counts"),
        ([0.1 * n for n in TAIL[:-2]] + [120.5, 11754.0], "counts"),
        ([-1, *TAIL], "ratings"),
        ([*TAIL[:-2], 900, 900], "ratings"),  # one value that may be an error
        ([1, 2, 3, 4, 5, 99, 150, 900] * 2 + [1] * 30, "ratings"),  # few different values
        (range(101), "ratings"),
        ([1] * 90 + list(range(101)), "ratings"),
        (range(1001), "ratings"),
        (np.linspace(-10, 10, 99), "ratings"),
        ([0, 1, 1, 0], "ratings"),
        ([4], "ratings"),
    ],
)
def test_counts_are_known_by_their_long_tail(numbers, kind):
    read = palate.read_ratings(values(list(numbers)))
    assert read.kind == kind
    assert read.source.endswith(f"read as counts {OVERRIDE}") is (kind == "counts")


@pytest.mark.parametrize("name", ["plays", "Hours", "play_count", "quantity", "weight:float"])
def test_counts_are_known_by_their_name(name):
    counts = palate.read_ratings(values([3, 1, 2], name))
    assert (counts.kind, counts.rating.tolist()) == ("counts", [3, 1, 2])
    assert f"{name} read as counts {OVERRIDE}" in counts.source
    assert palate.read_ratings(values([3, 1, 2], name), kind="ratings").kind == "ratings"
    both = values([3, 1, 2], name).with_columns(rating=pl.Series([5, 4, 3]))
    assert palate.read_ratings(both).rating.tolist() == [5, 4, 3]


def test_a_count_of_0_is_no_event():
    table = pl.DataFrame({"user": [1, 2, 3, 3], "item": [1, 2, 3, 1], "plays": [0, 3, 0, 2]})
    titles = pl.DataFrame({"item": [1, 2, 3], "title": ["One", "Two", "Three"]})
    counts = palate.read_ratings(table, items=titles)
    assert counts.frame().rows() == [(2, 2, 3.0), (3, 1, 2.0)]
    assert counts.items["item"].to_list() == ["One", "Two"]
    assert counts.users["id"].to_list() == [2, 3]
    assert "rows with a count of 0 left out: 2" in counts.source


def test_counts_of_repeated_pairs_are_added_up_without_rounding():
    table = pl.DataFrame({"user": 1, "item": [1] * 3 + [2], "plays": [2.0**24, 1, 1, 7]})
    assert palate.read_ratings(table).rating.tolist() == [2**24 + 2, 7]


def test_values_of_events_are_not_read():
    table = values([None, float("nan"), 3])
    assert palate.read_ratings(table, kind="events").rating.tolist() == [1, 1, 1]
    words = values(["bad", "good", "3"])
    assert palate.read_ratings(words, kind="events").source.endswith("not used: rating")


@pytest.mark.parametrize(
    ("table", "kind", "message"),
    [
        (values([1, -3, 0], "plays"), None, "row 2, column 'plays': the count is -3, and can't"),
        (values([4, -3, 0]), "counts", "row 2, column 'rating': the count is -3, and can't be neg"),
        (values([0, 0]), None, "column 'rating': every value is 0, so there are no events"),
        (values([0, 0]), "counts", "every value is 0, so there are no events; kind='ratings'"),
        (values([1.0, float("nan")], "plays"), None, "row 2, column 'plays': the count is nan, no"),
        (values([1, None], "plays"), None, "row 2, column 'plays': the count is missing"),
        (values([None, None]), None, 'missing; kind="events" reads the table without it (and 1'),
        (values(["a", "b"]), None, "'a' is not a number; kind=\"events\" reads the table without"),
        (FRAME, "ratings", "can't tell which column is the rating; name it with rating="),
        (pl.DataFrame({"user": 1, "item": 1, "plays": [2e38, 3e38]}), None, "counts is too large"),
        (FRAME[:0], None, "there are column names but no rows"),
    ],
)
def test_bad_values_are_refused(table, kind, message):
    with pytest.raises(palate.DataError) as caught:
        palate.read_ratings(table, kind=kind)
    assert message in str(caught.value)


def test_an_unknown_kind_is_refused():
    with pytest.raises(
        palate.SettingError, match="kind is 'clicks'; it can be 'ratings', 'events'"
    ):
        palate.read_ratings(FRAME, kind="clicks")


def test_text_ids_without_a_header_are_read_by_position(write):
    path = write("r.csv", "ann,tea\nbob,rum\nann,rum\n")
    with pytest.raises(palate.DataError, match="or without a header 'column 1', 'column 2'"):
        palate.read_ratings(path)
    assert len(palate.read_ratings(path, user="column 1")) == 3


def test_times_in_the_third_column_are_not_taken_for_ratings(write):
    path = write("r.tsv", "ann\t1\t1286025600\nbob\t1\t1286025700\nann\t1\t1286025800\n")
    with pytest.raises(palate.DataError, match="column 'column 3' looks like times"):
        palate.read_ratings(path)
    counts = palate.read_ratings(path, timestamp="column 3")
    assert counts.frame().rows() == [("bob", 1, 1.0, 1286025700), ("ann", 1, 2.0, 1286025800)]


def test_a_table_of_ratings_is_preferred_in_a_database(tmp_path):
    url = database(tmp_path)
    with closing(sqlite3.connect(tmp_path / "r.db")) as db:
        db.executescript(
            "CREATE TABLE rated (user, item, rating); INSERT INTO rated VALUES (1,1,5)"
        )
    assert palate.read_ratings(url).kind == "ratings"
    assert palate.read_ratings(url, table="seen").kind == "events"


def test_parts_are_of_the_same_kind():
    table = pl.DataFrame({"user": [1, 1, 1, 2, 2], "item": [1, 2, 3, 1, 2], "timestamp": range(5)})
    events = palate.read_ratings(table)
    splits = palate.splits
    for parts in (
        splits.random(events, 0.4),
        splits.folds(events, 2)[0],
        splits.leave_last(events),
        splits.at_time(events, 0.4),
    ):
        assert [part.kind for part in parts] == ["events", "events"]
