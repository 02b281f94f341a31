"""`read_ratings`: every format, the ids of the source, and which columns are used."""

import datetime as dt
import gzip
import uuid

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import palate

ROWS = [("ann", 1, 5.0, 100), ("ann", 2, 3.5, 200), ("bob", 1, 1.0, 50), ("bob", 3, 4.0, 75)]
COLUMNS = ["user", "item", "rating", "timestamp"]
FRAME = pl.DataFrame(ROWS, schema=COLUMNS, orient="row")


def rows(ratings):
    return ratings.frame().rows()


def lines(separator, header=True, end="\n"):
    table = [COLUMNS] if header else []
    return end.join(separator.join(map(str, row)) for row in [*table, *ROWS]) + end


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(
    ("name", "separator"),
    [("r.csv", ","), ("r.tsv", "\t"), ("r.dat", "::"), ("r.txt", ";"), ("r.data", "|")],
)
def test_text_with_any_separator(write, name, separator, header):
    ratings = palate.read_ratings(write(name, lines(separator, header)))
    assert rows(ratings) == ROWS
    assert ("by position" in ratings.source) is not header


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + lines(",").encode(),
        lines(",", end="\r\n").encode(),
        lines(",").encode("utf-16"),
        gzip.compress(lines(",").encode(), mtime=0),
        lines(",").strip().encode(),
        lines(",").replace("ann", '"ann"').encode(),
        lines(",", end="\r").encode(),
        lines(", ").encode(),
    ],
    ids=["BOM", "CRLF", "UTF-16", "gzip", "no last newline", "quotes", "CR", "blanks"],
)
def test_encodings_line_ends_and_quotes(write, content):
    assert rows(palate.read_ratings(write("r.csv", content))) == ROWS


def test_latin_1_is_read_where_utf_8_fails(write):
    path = write("r.csv", "user,item,rating\nJosé,1,5\nZoë,2,4\nZoë,1,3\n".encode("latin-1"))
    assert palate.read_ratings(path).users["id"].to_list() == ["José", "Zoë"]


def test_json_lines_and_json(write):
    assert rows(palate.read_ratings(write("r.jsonl", FRAME.write_ndjson()))) == ROWS
    assert rows(palate.read_ratings(write("r.json", FRAME.write_json()))) == ROWS
    late = '{"user":1,"item":1,"rating":4}\n' + "".join(
        f'{{"user":2,"item":{n},"rating":4}}\n' for n in range(2, 300)
    )
    late += '{"user":3,"item":1,"rating":4.5}\n'
    assert palate.read_ratings(write("r.jsonl", b"\xef\xbb\xbf" + late.encode())).rating[-1] == 4.5


def test_parquet(tmp_path):
    FRAME.write_parquet(tmp_path / "r.parquet")
    assert rows(palate.read_ratings(tmp_path / "r.parquet")) == ROWS


@pytest.mark.parametrize(
    "table",
    [FRAME, FRAME.lazy(), FRAME.to_arrow(), pd.DataFrame(ROWS, columns=COLUMNS)],
    ids=["polars", "lazy", "Arrow", "pandas"],
)
def test_tables_in_memory(table):
    assert rows(palate.read_ratings(table)) == ROWS


def test_blank_lines_are_skipped(write):
    path = write("r.csv", lines(",").replace("\nbob", "\n\nbob"))
    assert rows(palate.read_ratings(path)) == ROWS


IDS = [
    st.integers(-(2**63), 2**63 - 1),
    st.text(min_size=1),
    st.dates(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
]


@given(st.data())
@settings(deadline=None)
def test_ids_of_any_type_are_kept(data):
    ids = data.draw(st.sampled_from(IDS))
    users = data.draw(st.lists(ids, min_size=2, max_size=2, unique=True))
    items = data.draw(
        st.lists(data.draw(st.sampled_from(IDS)), min_size=2, max_size=9, unique=True)
    )
    table = pl.DataFrame(
        {"user": users[:1] * len(items) + users[1:], "item": [*items, items[0]], "rating": 3.0}
    )
    back = palate.read_ratings(table).frame()
    assert back["user"].to_list() == table["user"].to_list()
    assert back["item"].to_list() == table["item"].to_list()


def test_ids_in_text_are_numbers_only_where_all_are(write):
    ratings = palate.read_ratings(write("r.csv", "user,item,rating\n7,007,1\n8,7,2\n-9,7,3\n"))
    assert ratings.users["id"].to_list() == [-9, 7, 8]
    assert ratings.items["id"].to_list() == ["007", "7"]


def test_uuids_and_categories(write):
    ids = [str(uuid.UUID(int=n)) for n in range(3)]
    frame = pd.DataFrame({"user": pd.Categorical(ids), "item": [1, 2, 1], "rating": [1, 2, 3]})
    assert palate.read_ratings(frame).users["id"].to_list() == ids


@pytest.mark.parametrize(
    "header",
    [
        "userId,movieId,rating,timestamp",
        "User-ID,ISBN,Book-Rating,date",
        "user_id:token,item_id:token,rating:float,timestamp:float",
        "reviewerID,asin,overall,unixReviewTime",
        "customer_id,sku,stars,reviewed_at",
        "timestamp,rating,item,user",
    ],
)
def test_usual_column_names_are_found(write, header):
    names = header.split(",")
    values = {"user": "7,8,8", "item": "1,2,1", "rating": "1,2,3", "timestamp": "4,5,6"}
    order = ["timestamp", "rating", "item", "user"] if names[-1] == "user" else list(values)
    body = zip(*(values[role].split(",") for role in order), strict=True)
    ratings = palate.read_ratings(write("r.csv", "\n".join([header, *map(",".join, body)])))
    assert rows(ratings) == [(7, 1, 1.0, 4), (8, 2, 2.0, 5), (8, 1, 3.0, 6)]


def test_columns_can_be_named_and_the_source_lists_them(write):
    path = write("r.csv", "who,what,score,stars,memo\na,x,1,5,hm\nb,y,2,4,oh\nb,x,3,3,well\n")
    ratings = palate.read_ratings(path, user="who", item="what", rating="stars")
    assert ratings.rating.tolist() == [5, 4, 3]
    assert ratings.source == "r.csv: user = who, item = what, rating = stars; not used: score, memo"
    assert ratings.source in repr(ratings)


def test_columns_without_a_header_can_be_named_by_position(write):
    path = write("r.csv", "1,a,5\n2,b,4\n1,b,3\n")
    ratings = palate.read_ratings(path, user="column 2", item="column 1")
    assert ratings.users["id"].to_list() == ["a", "b"]
    assert ratings.items["id"].to_list() == [1, 2]


def test_timestamps_of_every_kind(write):
    def read(values):
        table = "".join(f"a{n},{n % 2},3,{value}\n" for n, value in enumerate(values))
        return palate.read_ratings(write("r.csv", "user,item,rating,timestamp\n" + table)).timestamp

    assert read(["30", "10", "20"]).tolist() == [30, 10, 20]
    assert read(["1.5", "2", "0.5"]).tolist() == [1.5, 2, 0.5]
    assert read(["2024-01-02 03:04:05", "2023-01-01 00:00:00"]).argmax() == 0
    typed = FRAME.with_columns(timestamp=pl.Series([dt.datetime(2024, 1, d) for d in (1, 2, 3, 4)]))
    assert palate.read_ratings(typed).timestamp.dtype.kind == "M"
    assert palate.read_ratings(typed, timestamp=False).timestamp is None


def test_movielens_latest_smalls_layout(write):
    write(
        "ratings.csv",
        "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,3,4.5,964981247\n2,1,0.5,5\n",
    )
    items = write(
        "movies.csv",
        'movieId,title,genres\n1,Toy Story (1995),Animation|Children\n2,"Unrated, The",Drama\n'
        '3,"Grumpier, and ""Old"" Men (1995)",Comedy\n',
    )
    ratings = palate.read_ratings(items.parent / "ratings.csv", items=items)
    assert ratings.items.to_dict(as_series=False) == {
        "id": [1, 2, 3],
        "item": ["Toy Story (1995)", "Unrated, The", 'Grumpier, and "Old" Men (1995)'],
        "genres": ["Animation|Children", "Drama", "Comedy"],
    }
    assert ratings.item.tolist() == [0, 2, 0]
    assert ratings.source.endswith("movies.csv describes 2 of 2 items, and 1 more")


def test_items_that_nobody_has_picked_are_not_added_to_events():
    events = FRAME.select("user", "item").unique()
    items = pl.DataFrame({"item": [1, 2, 3, 4], "title": list("abcd")})
    assert palate.read_ratings(events, items=items).items["item"].to_list() == list("abc")


def test_items_are_joined_across_types_and_may_be_missing():
    items = pl.DataFrame({"movie": ["1", "2", "x"], "name": ["One", None, "?"], "id": [7, 8, 9]})
    ratings = palate.read_ratings(FRAME, items=items)
    assert ratings.items.to_dict(as_series=False) == {
        "id": [1, 2, 3],
        "item": ["One", "2", "3"],
        "id_": [7, 8, None],
    }


@pytest.mark.parametrize(
    ("key", "ids", "unrated"),
    [
        ("item", [1.0, 2.0, None], []),
        ("item", ["1", " 2", "x"], []),
        ("movieId", [1, 2, 9], ["Nine"]),
    ],
)
def test_the_column_of_ids_is_the_one_that_matches(key, ids, unrated):
    items = pl.DataFrame({key: ids, "title": ["One", "Two", "Nine"]}, strict=False)
    if key != "item":
        items = items.with_columns(item=pl.lit("game"))
    names = palate.read_ratings(FRAME, items=items).items["item"].to_list()
    assert names == ["One", "Two", "3", *unrated]


@pytest.mark.parametrize(
    "days",
    [
        [dt.date(2024, 1, day) for day in (1, 2, 3)],
        [dt.datetime(2024, 1, day, 18, 30, tzinfo=dt.UTC) for day in (1, 2, 3)],
        [dt.time(day) for day in (1, 2, 3)],
    ],
)
@pytest.mark.parametrize("as_text", [False, True])
def test_items_that_nobody_has_rated_are_added_where_ids_are_dates(days, as_text):
    items = pl.DataFrame({"item": days, "title": ["One", "Two", "Three"]})
    if as_text:
        items = items.with_columns(pl.col("item").cast(pl.String))
    ratings = pl.DataFrame({"user": [7, 8], "item": days[:2], "rating": [1, 2]})
    found = palate.read_ratings(ratings, items=items).items
    assert found.rows() == list(zip(days, ["One", "Two", "Three"], strict=True))


def test_a_table_of_users_is_joined(write):
    """By id, whatever its type; other users are left out, and missing ones have nulls."""
    ratings = pl.DataFrame({"user": [7, 9, 8], "item": ["a", "b", "a"], "rating": [1, 2, 3]})
    users = write("users.csv", "user_id,id,age\n9,x,30\n7,y,20\n5,z,10\n")
    found = palate.read_ratings(ratings, users=users)
    assert found.users.to_dict(as_series=False) == {
        "id": [7, 8, 9],
        "id_": ["y", None, "x"],
        "age": ["20", None, "30"],
    }
    assert found.source.endswith("users.csv describes 2 of 3 users")
    table = pl.DataFrame({"id": ["9", "7"], "age": [30, 20]})
    assert palate.read_ratings(ratings, users=table).users["age"].to_list() == [20, None, 30]
    plain = write("plain.csv", "9,30\n7,20\n")
    assert palate.read_ratings(ratings, users=plain).users.columns == ["id", "column 2"]


@pytest.mark.parametrize(
    ("users", "message"),
    [
        ({"user": ["ann", "ann"], "age": [2, 3]}, "the id 'ann' appears more than once"),
        ({"user": [70], "age": [2]}, "none of the ids in column 'user' is a user of the ratings"),
        ({"age": [2]}, "can't tell which column holds the user ids; name it with user_id=. The"),
    ],
)
def test_users_that_cannot_be_joined_are_refused(users, message):
    with pytest.raises(palate.DataError, match=message):
        palate.read_ratings(FRAME, users=pl.DataFrame(users))


def test_fractions_do_not_match_integer_ids():
    ratings = pl.DataFrame({"user": [1, 1, 2], "item": [1, 2, 2], "rating": [1, 2, 3]})
    items = pl.DataFrame({"item": [1.9, 2.0], "title": ["wrong", "right"]})
    with pytest.raises(palate.DataError, match="none of the ids"):
        palate.read_ratings(ratings, items=items)


@pytest.mark.parametrize(
    ("line", "item"),
    [("1,a::b,4", "a::b"), ("1,10,4,a|b|c|d|e", 10), ('"1";"x,y,z,w";"4"', "x,y,z,w")],
)
def test_the_separator_divides_all_lines_equally(write, line, item):
    more = "\n2," + "9,3" + (",|" if line.count(",") > 2 and ";" not in line else "")
    text = line + (more if ";" not in line else "\n2;9;3") + "\n"
    ratings = palate.read_ratings(write("r.csv", text), timestamp=False)
    assert item in ratings.items["id"].to_list()


def test_names_are_ids_where_there_are_no_others():
    plays = {"user_id": [1, 2, 3], "song_name": ["a", "b", "a"], "plays": [1, 2, 30]}
    ratings = palate.read_ratings(plays)
    assert ratings.kind == "counts"
    assert ratings.items["id"].to_list() == ["a", "b"]
    bought = {"user": [1, 2], "game": [10, 20], "Game Name": ["Chess", "Go"], "rating": [3, 4]}
    assert palate.read_ratings(bought).items.rows() == [(10, "Chess"), (20, "Go")]


def test_titles_in_the_ratings_themselves():
    """The book merges titles into its ratings table: five columns."""
    book = pl.DataFrame(
        [(196, 242, 3, 881250949, "Kolya (1996)"), (63, 242, 3, 875747190, "Kolya (1996)"),
         (226, 9, 5, 883888671, "Dead Man Walking (1995)")],
        schema=["user", "movie", "rating", "timestamp", "title"],
        orient="row",
    )  # fmt: skip
    assert palate.read_ratings(book).items["item"].to_list() == [
        "Dead Man Walking (1995)",
        "Kolya (1996)",
    ]
