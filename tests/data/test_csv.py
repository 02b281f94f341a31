"""Text files are read block by block: what crosses their bounds, and how much memory it takes."""

import tracemalloc

import polars as pl
import pytest

import palate
from palate.data import _text_file


@pytest.fixture(params=[1, 7, 64])
def tiny_blocks(request, monkeypatch):
    """Let blocks be so small that every record is near the bounds of one."""
    monkeypatch.setattr(_text_file, "_FIRST_BLOCK", request.param)
    monkeypatch.setattr(_text_file, "_MAX_BLOCK", request.param)


def rows(path):
    return palate.read_ratings(path).frame().rows()


HEADER = "user,item,rating\n"
EXPECTED = [("a", 1, 5.0), ("b", 2, 4.0), ("a", 2, 3.0)]


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "a,1,5\nb,2,4\na,2,3\n",
        HEADER + "a,1,5\r\nb,2,4\r\na,2,3\r\n".replace("\r\n", "\r\n\r\n"),
        "\n\n" + HEADER + "\na,1,5\n\n\nb,2,4\na,2,3\n\n\n",
        (HEADER + "a,1,5\nb,2,4\na,2,3").replace("\n", "\r"),
        (HEADER + "a,1,5\nb,2,4\na,2,3\n").replace(",", "::"),
        HEADER + '"a",1,"5"\nb,"2",4\n"a","2",3\n',
        "a,1,5\nb,2,4\na,2,3\n",
    ],
    ids=["plain", "CRLF", "blank lines", "CR", "::", "quotes", "no header"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_alike_in_one_block_and_in_many(tiny_blocks, write, text, encoding):
    assert rows(write("r.csv", text.encode(encoding))) == EXPECTED


def test_a_quoted_field_may_span_blocks(tiny_blocks, write):
    text = HEADER + '"a\n\n""b"", c",1,5\nb,2,4\n'
    assert rows(write("r.csv", text)) == [('a\n\n"b", c', 1, 5.0), ("b", 2, 4.0)]


def test_short_lines_at_the_start_of_a_block(tiny_blocks, write):
    text = "user,item,rating,note\n" + "a,1,5\n" * 1 + "b,2,4,well\nc,3,3\n"
    assert rows(write("r.csv", text)) == [("a", 1, 5.0), ("b", 2, 4.0), ("c", 3, 3.0)]


def test_ids_are_text_in_all_blocks_if_one_of_them_is_text(tiny_blocks, write):
    """The first blocks hold whole numbers alone, and have to be turned back."""
    text = HEADER + "7,1,5\n 8 ,2,4\n9,1,3\nx,-3,2\n10,007,1\n"
    ratings = palate.read_ratings(write("r.csv", text))
    assert ratings.frame()["user"].to_list() == ["7", "8", "9", "x", "10"]
    assert ratings.frame()["item"].to_list() == ["1", "2", "1", "-3", "007"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b,9,x", "r.csv, line 6, column 'rating': 'x' is not a number"),
        ("b,9,3,4", "r.csv, line 6: 4 fields, but the first line has 3"),
        ('b,"9"x,3', "r.csv, line 6: the quotes do not close"),
        (",,", "r.csv, line 6, column 'user': the id is missing"),
    ],
)
def test_a_bad_line_is_named_in_any_block(tiny_blocks, write, line, message):
    path = write("r.csv", HEADER + f'"a\nb",1,5\n\nb,2,4\n{line}\nc,3,3\n')
    with pytest.raises(palate.DataError, match=message):
        palate.read_ratings(path)


def test_an_encoding_is_found_in_any_block(tiny_blocks, write):
    text = HEADER + "a,1,5\nb,1,4\nZoë €,2,4\n"
    assert rows(write("r.csv", text.encode("cp1252")))[-1] == ("Zoë €", 2, 4.0)


def test_a_file_is_never_whole_in_the_memory_of_python(tmp_path):
    """Python's own objects, which are all that tracemalloc sees, took six times the file."""
    n = 1_000_000
    table = pl.select(
        user=pl.int_range(n) // 100,
        item=pl.int_range(n) % 1000,
        rating=pl.int_range(n) % 5 + 1,
        review=pl.lit("not used " * 4),
    )
    path = tmp_path / "r.csv"
    table.write_csv(path)
    tracemalloc.start()
    ratings = palate.read_ratings(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(ratings) == n
    assert peak < 0.8 * path.stat().st_size
