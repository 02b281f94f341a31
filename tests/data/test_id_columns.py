"""Tables of ids: which columns, with and without a header."""

import polars as pl
import pytest

import palate
from palate.data._id_columns import read_ids


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("user\n1\n2\n", ["1", "2"]),
        ("userId;country\n007;NL\n", ["007"]),
        ("1\n2\n", ["1", "2"]),
        ("id\n1\n", ["1"]),
        ("age,ID\n24,1\n", ["1"]),
        ("user\n", []),
    ],
)
def test_users(write, text, users):
    assert read_ids(write("users.csv", text), ["user"])["user"].to_list() == users


@pytest.mark.parametrize(
    "text", ["user,item\n1,a\n", "movieId\tuserId\tdate\na\t1\t2024\n", "1::a\n", "1,a,5\n"]
)
def test_pairs(write, text):
    found = read_ids(write("pairs.csv", text), ["user", "item"])
    assert found.to_dict(as_series=False) == {"user": ["1"], "item": ["a"]}


def test_tables(tmp_path):
    frame = pl.DataFrame({"who": [1.0, 2.0], "what": [3, 4]})
    frame.write_parquet(tmp_path / "pairs.parquet")
    for source in (frame, tmp_path / "pairs.parquet"):
        found = read_ids(source, ["user", "item"])
        assert found.to_dict(as_series=False) == {"user": ["1", "2"], "item": ["3", "4"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user,thing,extra\n1,2,3\n", "x.csv: can't tell which column holds the item ids; call it"),
        ("1\n2\n", "can't tell which column holds the user and the item ids"),
        ("user,item\n1,2\n,3\n", "x.csv, line 3, column 'user': there is no id"),
        ("", "x.csv: the file is empty"),
    ],
)
def test_errors(write, text, message):
    with pytest.raises(palate.DataError, match=message):
        read_ids(write("x.csv", text), ["user", "item"])
