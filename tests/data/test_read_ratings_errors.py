"""Errors of `read_ratings`: each says what is wrong, where, and what to do."""

import gzip
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

import palate

GOOD = "user,item,rating\na,1,5\na,2,4\nb,1,3\n"


def refused(source, message, **options):
    with pytest.raises(palate.DataError, match=re.escape(message)) as caught:
        palate.read_ratings(source, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b,2,", "r.csv, line 5, column 'rating': the rating is missing"),
        ("b,2", "r.csv, line 5, column 'rating': the rating is missing"),
        ("b,2,NaN", "r.csv, line 5, column 'rating': the rating is NaN, not finite"),
        ("b,2,inf", "r.csv, line 5, column 'rating': the rating is inf, not finite"),
        ("b,2,1e60", "r.csv, line 5, column 'rating': the rating is 1e60, not finite"),
        ("b,2,good", "r.csv, line 5, column 'rating': 'good' is not a number"),
        (",2,3", "r.csv, line 5, column 'user': the id is missing"),
        ("b,,3", "r.csv, line 5, column 'item': the id is missing"),
        ("b,2,3,4", "r.csv, line 5: 4 fields, but the first line has 3"),
        (
            "a,2,3",
            "r.csv: line 3 and line 5 both rate item 2 by user 'a' (repeats in all: 1); "
            "choose duplicates='first', 'last' or 'mean'",
        ),
    ],
)
def test_a_bad_line_is_named(write, line, message):
    refused(write("r.csv", GOOD + line + "\n"), message)


def test_the_line_is_right_after_blank_lines_and_without_a_header(write):
    refused(write("r.csv", "user,item,rating\n\na,1,5\n\n\nb,2,x\n"), "line 6, column 'rating'")
    refused(write("r.tsv", "a\t1\t5\nb\t2\tx\n"), "r.tsv, line 2, column 'column 3': 'x' is not")


def test_the_number_of_other_bad_lines_is_given(write):
    refused(write("r.csv", GOOD + "b,2,\nb,3,\nb,4,\n"), "is missing (and 2 more like it)")


@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_bad_row_of_a_table_is_named(missing):
    table = pd.DataFrame({"user": [1, 2], "item": [1, 1], "rating": [4.0, missing]})
    refused(table, "table, row 2, column 'rating': the rating is missing")
    infinite = pl.DataFrame({"user": [1, 2], "item": [1, 2], "rating": [4.0, float("inf")]})
    refused(infinite, "table, row 2, column 'rating': the rating is inf, not finite")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "r.csv: the file is empty"),
        ("\n\n", "r.csv: the file is empty"),
        ("user,item,rating\n", "r.csv: there are column names but no rows"),
        ("user,what\na,1\n", "r.csv: can't tell which column is the item; name it with item=. The"),
        ("a,b,c\nx,y,5\n", "can't tell which column is the user; name it with user=. The columns"),
        ("just text\n", "r.csv: can't tell which column is the user"),
        (b"PK\x03\x04...", "r.csv: can't be read (File is not a zip file)"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-9], "r.csv: can't be read (Compressed file ended"),
    ],
)
def test_a_bad_file_is_refused(write, content, message):
    refused(write("r.csv", content), message)


def test_files_of_another_kind_are_refused(write, tmp_path):
    refused(tmp_path / "none.csv", f"there is no file {tmp_path / 'none.csv'}")
    refused(tmp_path, f"{tmp_path} is a folder without Parquet files; give the file that holds the")
    refused(write("r.parquet", "no parquet"), "r.parquet: can't be read as .parquet (")
    refused(write("r.jsonl", '{"user": 1}\n\n{"user": 1\n'), "r.jsonl, line 3: is not JSON (")
    refused(write("r.jsonl", '{"user": 1}\n[1]\n'), "r.jsonl, line 2: is not a JSON object")
    refused(write("r.csv", GOOD.encode("utf-16-le")), "r.csv: holds NUL bytes")
    refused(write("r.csv", gzip.compress(GOOD.encode())[:20] + b"??"), "r.csv: can't be read (")
    refused(
        write("r.db", b"SQLite format 3\0" + bytes(99)),
        "r.db: is an SQLite database; give it as sqlite:///",
    )
    refused("", "the path is empty")
    refused("https://example.org/r.csv", "is not a database; fetch the file and give its path")


def test_an_unknown_column_is_named_with_those_there_are(write):
    refused(
        write("r.csv", GOOD),
        "r.csv has no column 'stars' for rating=; it has 'user', 'item', 'rating'",
        rating="stars",
    )


def test_lines_are_right_where_fields_span_lines(write):
    text = 'user,item,title,rating\n1,10,"a\n\nb",3\n\n1,11,c,4\n2,10,"a\nb",x\n'
    refused(write("r.csv", text), "r.csv, line 7, column 'rating': 'x' is not a number")
    refused(
        write("r.jsonl", '{"user":1,"item":1,"rating":1}\n\n{"user":2,"item":1,"rating":"x"}'),
        "line 3",
    )
    refused(write("r.csv", GOOD + 'b,"2"x,3\n'), "r.csv, line 5: the quotes do not close")
    refused(write("r.csv", GOOD + ",,\n"), "r.csv, line 5, column 'user': the id is missing")


def test_a_column_that_is_there_twice(write):
    refused(write("r.csv", "user,user,item,rating\na,b,1,5\n"), "r.csv has two columns 'user'")
    refused(
        write("r.csv", GOOD),
        "the same column is named twice: user='item', item='item'",
        user="item",
        item="item",
    )


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["", "1", "2"], "line 2, column 'timestamp': the timestamp is missing"),
        (["1", "2", "soon"], "line 4, column 'timestamp': 'soon' is neither a number nor a date"),
        (
            ["2024-01-31 18:00:00", "soon", "2024-02-01 00:00:00"],
            "line 3, column 'timestamp': 'soon'",
        ),
        (["1.5", "nan", "2"], "line 3, column 'timestamp': the timestamp is nan, not finite"),
        (["soon", "later", "now"], "line 2, column 'timestamp': 'soon' is neither"),
    ],
)
def test_bad_timestamps(write, times, message):
    rows = [f"{'ab'[n % 2]},{n},5,{time}\n" for n, time in enumerate(times)]
    refused(write("r.csv", "user,item,rating,timestamp\n" + "".join(rows)), message)


def test_columns_of_the_wrong_type():
    mixed = pd.DataFrame({"user": ["a", 1], "item": [1, 2], "rating": [1, 2]})
    refused(mixed, "can't read a DataFrame as a table (")
    dates = pl.DataFrame({"user": [1, 2], "item": [1, 2], "rating": ["2024-01-01"] * 2})
    refused(dates.with_columns(pl.col("rating").str.to_date()), "column 'rating' holds Date")
    refused(7, "can't read a int as a table")
    good = pl.DataFrame({"user": [1, 2], "item": [1, 2], "rating": [3, 4]})
    for ids in ([b"a", b"b"], [["a"], ["b"]], [{"$oid": "a"}, {"$oid": "b"}]):
        refused(good.with_columns(user=pl.Series(ids)), "ids can be numbers, text, dates")
    flags = good.with_columns(timestamp=pl.Series([True, False]))
    refused(flags, "column 'timestamp' holds Boolean, not times")
    refused(good.lazy().select("nonsense"), "can't read a LazyFrame as a table")


def test_a_table_of_items_that_does_not_fit(write):
    ratings = write("r.csv", GOOD)
    twice = write("twice.csv", "item,title\n1,One\n1,Uno\n2,Two\n")
    refused(ratings, "twice.csv, line 2, column 'item': the id '1' appears", items=twice)
    nameless = write("nameless.csv", "title,colour\nOne,red\n")
    refused(ratings, "holds the item ids; name it with item_id=. The columns are", items=nameless)
    others = write("others.csv", "item,title\n7,Seven\n8,Eight\n")
    refused(ratings, "none of the ids in column 'item' is an item of the ratings", items=others)


def test_an_unknown_policy_for_duplicates(write):
    with pytest.raises(palate.SettingError, match="duplicates is 'min'"):
        palate.read_ratings(write("r.csv", GOOD), duplicates="min")
    with pytest.raises(palate.SettingError, match="this source is not a database"):
        palate.read_ratings(write("r.csv", GOOD), table="ratings")
