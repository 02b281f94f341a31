"""Mistakes that a user makes: one sentence says what was wrong, where, and what to do."""

import json
import re
import shlex
import shutil
import socket
import sys
import zipfile
from pathlib import Path

import pytest
from commands import run

import palate

RATINGS = "".join(f"u{n % 7},i{n % 5},{n % 3 + 1},{1000 + n}\n" for n in range(35))
HEADER = "user,item,rating,timestamp\n"
# What belongs to Python and not to the command line: name=value, a call, a constant.
PYTHON = re.compile(
    r"(?<![\w'-])(?!genres=)[a-z_]+=|\bpalate\.(?!json)\w+|\w\(\)"
    r"|\b(?:True|False|None|OneCycle|Gibbs)\b"
)

FILES = {
    "good.csv": HEADER + RATINGS,
    "clicks.csv": "user,item\n" + "".join(f"u{n % 7},i{n % 5}\n" for n in range(30)),
    "nameless.csv": RATINGS,
    "comma.csv": "user;item;rating\na;x;4,5\nb;y;3\n",
    "empty.csv": "",
    "names.csv": HEADER,
    "words.csv": "user,item,rating\na,x,good\nb,y,bad\n",
    "dates.csv": "user,item,rating\na,x,2024-01-31\nb,y,2024-02-01\n",
    "times.csv": "user,item,rating\na,x,1700000000\nb,y,1700000001\n",
    "twice.csv": "user,item,rating\na,x,1\nb,y,3\na,x,2\n",
    "ragged.csv": "user,item,rating\na,x,1\nb,y,3,hm\n",
    "gap.csv": "user,item,rating\na,x,1\nb,y,\n",
    "untimed.csv": "user,item,rating,timestamp\na,x,1,5\nb,y,2,\n",
    "one.csv": "user,item,rating\na,x,1\na,y,2\n",
    "equal.csv": "user,item,rating\na,x,5\na,y,5\nb,x,5\n",
    "numbers.csv": "user,item,rating\n12,1,4\n13,2,3\n12,2,1\n",
    "people.csv": "user,age\n0012,30\n0013,40\n",
    "films.csv": "code,name\ni1,One\ni2,Two\n",
    "others.csv": "item,title\n7,Seven\n8,Eight\n",
    "table.xlsx": b"PK\x03\x04",
    "picture.csv": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with these files, and models of ratings and of events."""
    folder = tmp_path_factory.mktemp("mistakes")
    for name, content in FILES.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        archive.writestr("ratings.csv", FILES["good.csv"])
        archive.writestr("movies.csv", "item,title\n")
    run("fit", folder / "good.csv", "-o", folder / "model", "--sweeps", 4, "--burn-in", 2)
    run("fit", folder / "clicks.csv", "-o", folder / "picks")
    run("fit", folder / "good.csv", "-o", folder / "point", "--solver", "one-cycle", "--factors", 2)
    return folder


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)
    before = {path.name for path in place.iterdir()}
    yield
    assert {path.name for path in place.iterdir()} == before  # a mistake leaves nothing behind


def mistake(*arguments):
    """Run a command that fails; return what it says."""
    out, err = run(*arguments, status=1)
    assert out == ""
    said = err.splitlines()[-1]
    assert said.startswith("palate: ")
    assert "Traceback" not in err
    assert not PYTHON.search(said), said
    return said.removeprefix("palate: ")


FIT = ("-o", "new")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("good.csv --rating stars", "good.csv has no column 'stars' for --rating; it has 'u"),
        ("nameless.csv --user user", "no column 'user' for --user; there are no names in it"),
        (
            "comma.csv",
            "line 2, column 'rating': '4,5' is not a number; if its comma stands before "
            "decimals, use --decimal ','",
        ),
        ("picks", "picks is the folder of a model; give the file that holds the table"),
        ("../", "is a folder without Parquet files; give the file that holds the table. The fold"),
        ("'*.parquet'", "no file matches *.parquet"),
        ("none.csv", "there is no file none.csv"),
        ("empty.csv", "empty.csv: the file is empty"),
        ("''", "the path is empty; give the file that holds the table"),
        ("names.csv", "names.csv: there are column names but no rows"),
        (
            "words.csv",
            "words.csv, line 2, column 'rating': 'good' is not a number; --kind events reads the "
            "table without it (and 1 more like it)",
        ),
        ("dates.csv", "'2024-01-31' is a time and not a rating; name its column with --timestamp"),
        ("times.csv", "column 'rating' looks like times (all above 1e+08); name it with --timest"),
        (
            "twice.csv",
            "line 2 and line 4 both rate item 'x' by user 'a' (repeats in all: 1); choose "
            "--duplicates first, last or mean, or --kind counts to add them up",
        ),
        (
            "ragged.csv",
            "ragged.csv, line 3: 4 fields, but the first line has 3; mend the line, or use "
            "--skip-bad-lines to do without",
        ),
        ("gap.csv", "gap.csv, line 3, column 'rating': the rating is missing"),
        ("untimed.csv", "the timestamp is missing; use --skip-bad-lines to do without"),
        ("table.xlsx", "table.xlsx: can't be read (File is not a zip file)"),
        ("picture.csv", "picture.csv: holds NUL bytes; it is not text, or must be saved as UTF-8"),
        ("two.zip", "two.zip: holds 2 files, and not one table (ratings.csv, movies.csv); unpack"),
        ("one.csv", "all 2 ratings are of one user, 'a'; there is nothing to compare it with"),
        (
            "equal.csv --solver gibbs",
            "these are events, not ratings: one-cycle and gibbs learn from ratings; use --solver "
            "choice, or read them with --kind ratings",
        ),
        (
            "good.csv --items films.csv",
            "films.csv: can't tell which column holds the item ids; name it with --item-id. The "
            "columns are 'code', 'name'",
        ),
        ("good.csv --items films.csv --item-id id", "has no column 'id' for --item-id"),
        (
            "good.csv --item-id code",
            "--item-id names a column of a table of items; give that table with --items. The "
            "column in the ratings is named with --item",
        ),
        (
            "good.csv --items others.csv",
            "none of the ids in column 'item' is an item of the ratings (it has '7', the "
            "ratings have 'i0'); name another column of ids with --item-id",
        ),
        (
            "numbers.csv --users people.csv",
            "none of the ids in column 'user' is a user of the ratings: '0012' here is '12' "
            "there; write them in the same way, with the same leading",
        ),
        ("good.csv --table seen", "--table names a table of a database, but this source is n"),
        ("ml-99k", "there is no MovieLens '99k'; there are 100k, latest-small"),
        ("https://example.org/r.csv", "https://example.org/r.csv is not a database; fetch the fil"),
        ("sqlite:///none.db", "there is no database file none.db"),
        ("good.csv --solver one-cycle --y-range 2 3", "which --y-range 2.0 3.0 can't re"),
        ("good.csv --valid 7", "--valid is 7.0; it must lie between 0 and 1, such as 0.2"),
        ("good.csv --valid 0.001", "--valid is 0.001, which leaves one part of 35 ratings empty"),
        ("clicks.csv --valid 0.2", "--valid measures the loss of ratings, and these are events"),
    ],
)
def test_tables_that_cannot_be_fitted(arguments, message):
    assert message in mistake("fit", *shlex.split(arguments), *FIT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("recommend model --user u9", "there is no user 'u9' among the 7 of this model; o"),
        ("similar model 'i 3'", "there is no item 'i 3'; the nearest are 'i3'"),
        ("explain model --user u1 --item i33", "no item 'i33'; the nearest are 'i3'"),
        ("predict model --user u1 --item zzz", "there is no item 'zzz'; one is 'i0'"),
        ("biases good.csv", "there is no model in good.csv: it is a file, and a model is a fold"),
        ("recommend none --user u1", "there is no model in none: it has no palate.json"),
        ("biases picks", "this needs a model of ratings; this one knows what people pick, not h"),
        ("similar picks --user u1", "this needs a model of ratings"),
        ("similar model i1 --by colour", '--by is \'colour\'; choose "taste" or "choice"'),
        ("recommend point --user u1 --cautious 0.1", "fit with --solver gibbs for int"),
        ("recommend model --user u1 --cautious 0.9", "--cautious is 0.9; it must be"),
        ("recommend model --rate i1=9", "the rating of 'i1' is 9, outside the model's sca"),
        ("recommend model --rate i1", "--rate 'i1' is not ITEM=RATING, such as"),
        ("biases model --where genres", "--where 'genres' is not COLUMN=VALUE, such as ge"),
        ("biases model --where genres=Noir", "there is no column 'genres'; these items ha"),
        ("map model --x colour", "there is no coordinate 'colour'; choose one of axis 1 t"),
        ("evaluate picks", "picks is the folder of a model; give the file that holds the table"),
        (
            "evaluate clicks.csv --split time",
            "these events have no timestamps; name their column with --timestamp, or choose "
            "another split",
        ),
        ("evaluate clicks.csv --folds 90", "--folds is 90; it can be at most the number of e"),
        (
            "evaluate clicks.csv --split users --share 0.01",
            "1% of the 7 people with at least two events leaves nobody to test",
        ),
        ("evaluate good.csv --share 0.3", "--share applies only to the splits random, time "),
        ("evaluate good.csv --split random --share 0.01", "--share is 0.01, which leav"),
        ("evaluate good.csv --split leave-last-9", "no user has more than 9 ratings"),
    ],
)
def test_requests_that_a_model_or_a_table_cannot_answer(arguments, message):
    assert message in mistake(*shlex.split(arguments))


def test_a_number_out_of_range_is_wrong_usage():
    out, err = run("recommend", "model", "--user", "u1", "-n", -3, status=2)
    assert out == ""
    assert "'-n'" in err
    assert "--decimal" in run("fit", "good.csv", *FIT, "--decimal", ";", status=2)[1]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("good.csv", "can't be written to good.csv: good.csv is not a folder; name another one"),
        (".", "holds something other than a model ("),
        pytest.param(
            "/proc/new",
            "a model can't be written to /proc/new: ",
            marks=pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc"),
        ),
    ],
)
def test_a_destination_that_cannot_be_written_is_refused_before_the_fit(output, message):
    _, err = run("fit", "good.csv", "-o", output, status=1)
    assert message in err.splitlines()[-1]
    assert "Read " not in err  # nothing has been read yet


def test_a_disk_that_is_full(tmp_path):
    """A limit on the size of files stops the writing as a full disk does."""
    resource = pytest.importorskip("resource", reason="needs Unix")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        said = mistake("fit", "good.csv", "-o", tmp_path / "m", "--sweeps", 4, "--burn-in", 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert f"the model can't be written to {tmp_path / 'm'}: " in said
    assert list((tmp_path / "m").iterdir()) == []


def test_a_model_of_a_newer_palate_and_a_damaged_one(tmp_path):
    shutil.copytree("model", tmp_path / "m")
    description = json.loads((tmp_path / "m" / "palate.json").read_text())
    (tmp_path / "m" / "palate.json").write_text(json.dumps(description | {"format": 99}))
    said = mistake("biases", tmp_path / "m")
    assert re.search(
        r"has format 99, from Palate .*, which reads formats up to \d+\. Upgrade", said
    )
    (tmp_path / "m" / "palate.json").write_text(json.dumps(description))
    arrays = next((tmp_path / "m").glob("arrays.*"))
    arrays.write_bytes(arrays.read_bytes()[:-1] + b"?")
    assert "is damaged or was changed: its checksum differs" in mistake("biases", tmp_path / "m")
    arrays.unlink()
    assert "is missing or can't be read" in mistake("biases", tmp_path / "m")
    (tmp_path / "m" / "palate.json").write_text("{")
    assert "palate.json can't be read" in mistake("biases", tmp_path / "m")


@pytest.mark.parametrize(
    ("arguments", "package", "message"),
    [
        (
            ("report", "model", "-o", "r.html"),
            "plotly",
            "need an extra: pip install 'palate[plots]'",
        ),
        (
            ("explore", "model"),
            "uvicorn",
            "the explorer requires an extra: pip install 'palate[web]'",
        ),
        (("fit", "sqlite:///x.db", *FIT), "connectorx", "needs an extra: pip install 'palate[db]'"),
    ],
)
def test_an_extra_that_is_not_installed(arguments, package, message, monkeypatch):
    for name in list(sys.modules):
        if name.startswith(("palate.plots", "palate.web")):
            monkeypatch.delitem(sys.modules, name)
    for wing in ("plots", "web"):
        monkeypatch.delitem(vars(palate), wing, raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    assert message in mistake(*arguments)


def test_a_port_that_is_taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = mistake("explore", "model", "--port", port, "--no-browser")
    assert f"can't listen on 127.0.0.1:{port} (" in said
    assert "choose another --port" in said


def test_a_database_that_does_not_answer():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    said = mistake("fit", f"postgresql://me:secret@127.0.0.1:{port}/shop", *FIT)
    assert f"no database answers at 127.0.0.1:{port} (" in said
    assert "secret" not in said


def test_what_looks_like_a_mistake_and_is_none(tmp_path):
    """Semicolons, a decimal comma and a bad line, where they are said."""
    text = "who;what;stars\na;x;4,5\nb;y;3;oh\nb;x;1,5\na;y;2\n"
    (tmp_path / "r.csv").write_text(text)
    options = [
        "--user",
        "who",
        "--item",
        "what",
        "--rating",
        "stars",
        "--sweeps",
        4,
        "--burn-in",
        2,
    ]
    reading = ["--decimal", ",", "--skip-bad-lines"]
    _, err = run("fit", tmp_path / "r.csv", "-o", tmp_path / "m", *options, *reading)
    assert "3 ratings from 1.5 to 4.5" in err
    assert "left out 1 line that can't be read: line 3 (4 fields, but the first line has 3)" in err
    _, err = run("evaluate", tmp_path / "r.csv", *options[:6], *reading, "--folds", 9, status=1)
    assert "--folds is 9; it can be at most the number of ratings, 3" in err
