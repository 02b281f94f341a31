"""Lines that can't be read: left out where that is wanted, with how many there were and why."""

import polars as pl
import pytest

import palate
from palate.data import _text_file

BAD = (
    "user,item,rating,note\n"
    "a,1,5,\n"
    "a,2,4,x,y\n"  # line 3: too many fields
    "\n"
    'b,"3,2,\n'  # line 5: a quote that does not close
    "b,1,3\n"
    ",2,3,\n"  # line 7: no user
    "b,2,bad,\n"  # line 8: no number
    'c,1,2,"two\nlines"\n'
    "c,2,inf,\n"
)


@pytest.fixture(params=[1, 16, 1 << 16])
def blocks(request, monkeypatch):
    """Let lines be in one block, or each near the bounds of one."""
    monkeypatch.setattr(_text_file, "_FIRST_BLOCK", request.param)
    monkeypatch.setattr(_text_file, "_MAX_BLOCK", request.param)


def test_bad_lines_are_left_out_and_said(blocks, write):
    ratings = palate.read_ratings(write("r.csv", BAD), skip_bad_lines=True)
    assert ratings.frame().rows() == [("a", 1, 5.0), ("b", 1, 3.0), ("c", 1, 2.0)]
    assert ratings.source == (
        "r.csv: user, item, rating; not used: note; left out 5 lines that can't be read: line 3 (5 "
        "fields, but the first line has 4), line 5 (the quotes do not close (',' expected after "
        "'\"')), line 7 (the id is missing), ..."
    )


def test_a_quote_that_never_closes_costs_one_line(blocks, write):
    rows = "".join(f"u{n % 5},{n},{n % 5 + 1}\n" for n in range(99))
    ratings = palate.read_ratings(
        write("r.csv", f'user,item,rating\n"u0,9,4\n{rows}'), skip_bad_lines=True
    )
    assert len(ratings) == 99
    assert "left out 1 line that can't be read: line 2 (the quotes" in ratings.source


def test_a_quote_that_another_closes_costs_one_line(blocks, write):
    text = 'user,item,rating\nb,"3,2\na,5,1\nc,6",2,4\na,6,2\n'
    ratings = palate.read_ratings(write("r.csv", text), skip_bad_lines=True)
    assert ratings.frame().rows() == [("a", 5, 1.0), ("a", 6, 2.0)]
    assert "left out 2 lines that can't be read: line 2 (4 fields" in ratings.source


def test_lines_are_right_after_those_that_were_left_out(blocks, write):
    path = write("r.csv", BAD + "c,1,1,again\n")
    with pytest.raises(palate.DataError, match="line 9 and line 12 both rate item 1 by user 'c'"):
        palate.read_ratings(path, skip_bad_lines=True)
    ratings = palate.read_ratings(path, skip_bad_lines=True, duplicates="last")
    assert ratings.rating.tolist() == [5, 3, 1]


def test_without_bad_lines_nothing_is_said(write):
    ratings = palate.read_ratings(write("r.csv", "user,item,rating\na,1,5\nb,2,4\n"))
    assert palate.read_ratings(write("r.csv", "user,item,rating\na,1,5\nb,2,4\n")).source == (
        ratings.source
    )


def test_a_file_of_bad_lines_alone_is_refused(write):
    path = write("r.csv", "user,item,rating\na,1,5,6\nb,2,4,6\n")
    message = r"r.csv: nothing can be read; left out 2 lines .*: line 2 \(4 fields, but the first"
    with pytest.raises(palate.DataError, match=message):
        palate.read_ratings(path, skip_bad_lines=True)


def test_times_that_are_none(write):
    lines = "a,1,5,10\nb,2,4,soon\na,3,4,\nb,1,4,30\na,2,3,12\n"
    path = write("r.csv", "user,item,rating,timestamp\n" + lines)
    ratings = palate.read_ratings(path, skip_bad_lines=True)
    assert ratings.timestamp.tolist() == [10, 30, 12]
    assert "line 3 ('soon' is neither a number nor a date like 2024-01-31 18:00:00)" in (
        ratings.source
    )


def test_json_lines(write):
    lines = [
        '{"user":"a","item":1,"rating":5}',
        "",
        "{bad",
        '{"user":"b","item":2,"rating":3}',
        "7",
    ]
    path = write("r.jsonl", "\n".join(lines))
    ratings = palate.read_ratings(path, skip_bad_lines=True)
    assert ratings.frame().rows() == [("a", 1, 5.0), ("b", 2, 3.0)]
    assert "left out 2 rows that can't be read: line 3 (is not JSON (Exp" in ratings.source
    assert ratings.source.endswith(", line 5 (is not a JSON object)")
    with pytest.raises(palate.DataError, match=r"r.jsonl, line 3: is not JSON .*skip_bad_lines"):
        palate.read_ratings(path)
    path = write("r.jsonl", "7\n8\n")
    with pytest.raises(palate.DataError, match="line 1: is not a JSON object"):
        palate.read_ratings(path, skip_bad_lines=True)


def test_rows_of_a_table(write):
    table = pl.DataFrame({"user": ["a", None, "b"], "item": [1, 2, 3], "rating": [5.0, 4, 3]})
    ratings = palate.read_ratings(table, skip_bad_lines=True)
    assert ratings.source.endswith("left out 1 row that can't be read: row 2 (the id is missing)")
    events = palate.read_ratings(table.drop("rating"), skip_bad_lines=True)
    assert len(events) == 2


def test_lines_of_a_table_of_items(write):
    items = write("i.csv", "item,title\n1,A\n2,B,b\n3,C\n4,D\n")
    path = write("r.csv", "user,item,rating\na,1,5\na,2,3\nb,3,4\n")
    ratings = palate.read_ratings(path, items=items, skip_bad_lines=True)
    assert ratings.items["item"].to_list() == ["A", "2", "C", "D"]
    assert ratings.source.endswith(
        "of i.csv left out 1 line that can't be read: line 3 (3 fields, but the first line has 2); "
        "i.csv describes 2 of 3 items, and 1 more"
    )
