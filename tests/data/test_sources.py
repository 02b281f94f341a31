"""The sources beyond a single text file: several files, archives, matrices, other text."""

import bz2
import io
import lzma
import subprocess
import sys
import uuid
import zipfile

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

import palate

ROWS = [("ann", 1, 5.0), ("ann", 2, 3.5), ("bob", 1, 1.0), ("bob", 3, 4.0)]
FRAME = pl.DataFrame(ROWS, schema=["user", "item", "rating"], orient="row")
CSV = FRAME.write_csv()


def rows(source, **options):
    return palate.read_ratings(source, **options).frame().rows()


@pytest.mark.parametrize(
    "text",
    [
        "ann 1 5\nann 2 3.5\nbob 1 1\nbob 3 4\n",
        " user  item\trating \n ann   1 \t 5\nann 2  3.5 \n\nbob   1   1\nbob\t3\t 4",
        '"user" "item" "rating"\r\n"ann" 1 5\r\nann 2 3.5\r\nbob 1 1\r\nbob 3 4\r\n',
    ],
    ids=["blanks", "any white space", "quotes"],
)
def test_text_with_white_space_between_the_columns(write, text):
    assert rows(write("r.txt", text)) == ROWS


def test_a_bad_line_among_those_with_white_space(write):
    path = write("r.txt", "ann 1 5\nann 2 3.5 hm\nbob 1 1\n")
    with pytest.raises(palate.DataError, match="line 2: 4 fields, but the first line has 3; mend"):
        palate.read_ratings(path)
    assert len(palate.read_ratings(path, skip_bad_lines=True)) == 2


def test_blanks_in_titles_separate_nothing(write):
    """Where each title has two words, blanks would divide all lines equally."""
    text = "user\titem\trating\ttitle\na\t1\t5\tThe Birds\nb\t2\t4\tThe Sting\n"
    assert palate.read_ratings(write("r.tsv", text)).items["item"].to_list() == [
        "The Birds",
        "The Sting",
    ]
    ragged = write("r.csv", "Ann Lee,1,5\nBob Ray,2,4,note\n")
    with pytest.raises(palate.DataError, match="line 2: 4 fields, but the first line has 3"):
        palate.read_ratings(ragged)
    numbers = "".join(f"1\t{n}\t5\t9\n" for n in range(60))
    with pytest.raises(palate.DataError, match="line 61, column 'column 3': the rating is missing"):
        palate.read_ratings(write("numbers.tsv", f"{numbers}2\t3\t\t4\n"))


@pytest.fixture
def spark(tmp_path):
    """Return a folder such as Spark writes."""
    folder = tmp_path / "ratings.parquet"
    folder.mkdir()
    FRAME[:2].write_parquet(folder / "part-00000.snappy.parquet")
    FRAME[:0].write_parquet(folder / "part-00001.snappy.parquet")
    FRAME[2:].write_parquet(folder / "part-00002.snappy.parquet")
    for name in ("_SUCCESS", "._SUCCESS.crc", ".part-00000.snappy.parquet.crc", "_x.parquet"):
        (folder / name).write_bytes(b"no table")
    (folder / "_temporary").mkdir()
    FRAME.write_parquet(folder / "_temporary" / "part-00009.parquet")
    return folder


def test_a_folder_of_parquet_files(spark):
    assert rows(spark) == ROWS
    assert rows(str(spark / "*.parquet")) == ROWS
    with pytest.raises(palate.DataError, match=r"The folder has ratings\.parquet$"):
        palate.read_ratings(spark.parent)
    bad = FRAME.with_columns(rating=pl.Series([5, 4, None, 3]))
    bad.write_parquet(spark / "part-00003.parquet")
    message = r"ratings.parquet \(4 files\), part-00003.parquet, row 3, column 'rating': the rating"
    with pytest.raises(palate.DataError, match=message):
        palate.read_ratings(spark)


def test_a_pattern_of_text_files(write, tmp_path):
    for number, part in enumerate((FRAME[:3], FRAME[3:])):
        write(f"r{number}.csv", part.write_csv())
    assert rows(tmp_path / "r?.csv") == ROWS
    write("r2.csv", "user,item,rating\nann,9,bad\n")
    with pytest.raises(palate.DataError, match=r"r2.csv, line 2, column 'rating': 'bad' is not"):
        palate.read_ratings(tmp_path / "r?.csv")
    ratings = palate.read_ratings(tmp_path / "r?.csv", skip_bad_lines=True)
    assert len(ratings) == len(ROWS)
    assert "r2.csv, line 2 ('bad' is not a number)" in ratings.source
    write("r3.csv", "user,what,rating\nann,9,3\n")
    with pytest.raises(palate.DataError, match=r"r0\.csv has the columns 'user', 'item', 'ra"):
        palate.read_ratings(tmp_path / "r?.csv")
    FRAME.write_parquet(tmp_path / "r9.parquet")
    with pytest.raises(palate.DataError, match=r"r0\.csv and r9\.parquet differ in their format"):
        palate.read_ratings(tmp_path / "r[09].*")
    with pytest.raises(palate.DataError, match="no file matches"):
        palate.read_ratings(tmp_path / "none*.csv")


def test_a_name_with_the_characters_of_a_pattern(write):
    assert rows(write("r[1].csv", CSV)) == ROWS


def test_arrow_files_and_streams(tmp_path):
    for name in ("r.feather", "r.arrow"):
        FRAME.write_ipc(tmp_path / name)
        assert rows(tmp_path / name) == ROWS
    FRAME.write_ipc_stream(tmp_path / "r.arrow")
    assert rows(tmp_path / "r.arrow") == ROWS
    (tmp_path / "r.feather").write_text("no arrow")
    with pytest.raises(palate.DataError, match=r"r.feather: can't be read as .feather \("):
        palate.read_ratings(tmp_path / "r.feather")


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return path


@pytest.mark.parametrize(("module", "name"), [(bz2, "bzip2"), (lzma, "xz")])
def test_other_compressed_files(module, name, tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(module.compress(b"user,item,rating\n1,2,3\n"))
    with pytest.raises(palate.DataError, match=f"r.csv: is compressed by {name}, and only gzip"):
        palate.read_ratings(path)


def test_a_zip_of_one_table(tmp_path):
    parquet = io.BytesIO()
    FRAME.write_parquet(parquet)
    assert rows(zipped(tmp_path / "r.zip", ratings__csv=CSV)) == ROWS
    assert rows(zipped(tmp_path / "r.zip", ratings__parquet=parquet.getvalue())) == ROWS
    assert rows(zipped(tmp_path / "r.zip", ratings__jsonl=FRAME.write_ndjson())) == ROWS
    with zipfile.ZipFile(tmp_path / "r.zip", "w") as archive:
        archive.writestr("data/", "")
        archive.writestr("data/ratings.csv", CSV)
        archive.writestr("__MACOSX/data/._ratings.csv", "rubbish")
    assert rows(tmp_path / "r.zip") == ROWS


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a__csv": "x", "b__csv": "y"}, r"r.zip: holds 2 files, and not one table \(a.csv, b.csv"),
        ({}, "r.zip: holds 0 files, and not one table"),
        ({"[Content_Types]__xml": "", "x": ""}, "r.zip: is a spreadsheet or a document; save its"),
    ],
)
def test_a_zip_of_something_else(tmp_path, members, message):
    with pytest.raises(palate.DataError, match=message):
        palate.read_ratings(zipped(tmp_path / "r.zip", **members))


@pytest.mark.parametrize("form", ["csr_array", "coo_matrix", "dia_array", "lil_matrix"])
def test_sparse_matrices(form):
    """Rows are users, columns items; what is not stored is no rating."""
    dense = np.array([[5.0, 0, 3], [0, 0, 0], [0, 4, 0]])
    matrix = getattr(scipy.sparse, form)(dense)
    assert sorted(rows(matrix)) == [(0, 0, 5.0), (0, 2, 3.0), (2, 1, 4.0)]
    titles = pl.DataFrame({"item": [0, 1, 2], "title": ["A", "B", "C"]})
    ratings = palate.read_ratings(matrix, items=titles, kind="counts")
    assert ratings.kind == "counts"
    assert ratings.items["item"].to_list() == ["A", "B", "C"]
    assert palate.read_ratings(matrix != 0).kind == "events"
    with pytest.raises(palate.DataError, match="rows are users, columns items"):
        palate.read_ratings(scipy.sparse.coo_array(np.array([1, 0, 2])))


def test_scipy_is_not_imported():
    code = "import palate, sys; palate.read_ratings({'user': [1, 2], 'item': [1, 2]})"
    code += "; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


IDS = [uuid.UUID(int=n) for n in (1, 2, 1)]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, dict])
def test_uuids_are_ids_as_text(frame):
    table = frame({"user": IDS, "item": ["a", "b", "b"], "rating": [3, 4, 5]})
    ratings = palate.read_ratings(table)
    assert ratings.users["id"].to_list() == [str(IDS[0]), str(IDS[1])]
    users = frame({"user": IDS[:2], "age": [30, 40]})
    assert palate.read_ratings(table, users=users).users["age"].to_list() == [30, 40]
    if frame is pd.DataFrame:
        numbered = table.rename(columns={"user": 0, "item": 1, "rating": 2})
        assert palate.read_ratings(numbered, user="0", item="1", rating="2").users.height == 2
    missing = frame({"user": [None, *IDS[1:]], "item": [1, 2, 3], "rating": [3, 4, 5]})
    with pytest.raises(palate.DataError, match="row 1, column 'user': the id is missing"):
        palate.read_ratings(missing)


@pytest.mark.parametrize(
    "text",
    [
        "user;item;rating\na;1;4,5\nb;2;3\n",
        'user,item,rating\na,1,"4,5"\nb,2,3\n',
        "a 1 4,5\nb 2 3,0\n",
        "a;1;4,5\nb;2;3,0\n",
        "user\titem\trating\na\t1\t4,5\nb\t2\t3\n",
    ],
)
def test_a_decimal_comma_is_said_and_not_guessed(write, text):
    path = write("r.csv", text)
    assert rows(path, decimal=",") == [("a", 1, 4.5), ("b", 2, 3.0)]
    if not path.read_text().startswith("a 1"):  # where the comma separates two columns
        with pytest.raises(palate.DataError, match=r"'4,5' is not a number; .* use decimal=','"):
            palate.read_ratings(path)


def test_numbers_that_are_not_those_of_the_decimal_separator(write):
    path = write("r.csv", "user;item;rating\na;1;4,5\nb;2;1.234\n")
    with pytest.raises(palate.DataError, match=r"line 3, column 'rating': '1.234' is not a number"):
        palate.read_ratings(path, decimal=",")
    assert rows(write("r.txt", "1 2 4\n2 3 5\n"), decimal=",") == [(1, 2, 4.0), (2, 3, 5.0)]
    with pytest.raises(palate.SettingError, match=r"decimal is ';'; it can be '.' or ','"):
        palate.read_ratings(path, decimal=";")


def test_a_decimal_comma_in_a_table_of_items(write):
    items = write("i.csv", "item;title;price\n1;A, B;2,5\n2;C;3\n")
    path = write("r.csv", "user;item;rating\na;1;4,5\nb;2;3\n")
    assert palate.read_ratings(path, items=items, decimal=",").items["price"].to_list() == [2.5, 3]
    assert palate.read_ratings(path, items=items, decimal=",").items["item"][0] == "A, B"


def test_the_ids_of_tables_of_items_and_users_can_be_named(write):
    items = write("i.csv", "item,code,title\nx,1,A\ny,2,B\n")
    users = write("u.csv", "nick,user\nann,9\nbob,8\n")
    path = write("r.csv", CSV)
    ratings = palate.read_ratings(path, items=items, item_id="code", users=users, user_id="nick")
    assert ratings.items["item"].to_list() == ["A", "B", "3"]
    assert ratings.users["user"].to_list() == ["9", "8"]
    with pytest.raises(palate.DataError, match=r"i\.csv has no column 'id' for item_id=; it has"):
        palate.read_ratings(path, items=items, item_id="id")
    with pytest.raises(palate.SettingError, match="item_id= names a column of a table of items"):
        palate.read_ratings(path, item_id="code")


@pytest.mark.parametrize("other", ["0012", "00012 "])
def test_ids_that_differ_in_zeros_are_shown(write, other):
    path = write("r.csv", "user,item,rating\n12,1,4\n13,2,3\n")
    users = pl.DataFrame({"user": [other, "0099"], "age": [1, 2]})
    with pytest.raises(palate.DataError, match=rf"{other.strip()}' here is '12' there; write them"):
        palate.read_ratings(path, users=users)
    users = pl.DataFrame({"user": ["x", "y"], "age": [1, 2]})
    with pytest.raises(palate.DataError, match=r"it has 'x', the ratings have '12'\); name an"):
        palate.read_ratings(path, users=users)
