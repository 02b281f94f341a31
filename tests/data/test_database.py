"""Ratings from real databases: an SQLite file, and PostgreSQL if one is available."""

import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing

import psycopg
import pytest

import palate

ROWS = [("ann", 1, 5.0), ("ann", 2, 3.5), ("bob", 1, 1.0)]


@pytest.fixture
def sqlite_file(tmp_path):
    path = tmp_path / "my ratings.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE seen (user TEXT, item INTEGER, rating REAL)")
        db.executemany("INSERT INTO seen VALUES (?, ?, ?)", ROWS)
        db.execute("CREATE TABLE films (item INTEGER, title TEXT)")
        db.executemany("INSERT INTO films VALUES (?, ?)", [(1, "One"), (2, "Two")])
        db.commit()
    return path


def test_the_only_table_of_ratings_is_found(sqlite_file):
    ratings = palate.read_ratings(f"sqlite:///{sqlite_file}", items="films")
    assert ratings.frame().rows() == ROWS
    assert ratings.items["item"].to_list() == ["One", "Two"]
    assert ratings.source.startswith("table seen: user, item, rating")


@pytest.mark.parametrize("slashes", ["sqlite://", "sqlite:///"])
def test_database_urls_with_either_number_of_slashes(sqlite_file, slashes):
    assert len(palate.read_ratings(f"{slashes}{sqlite_file}", table="seen")) == len(ROWS)


def test_a_relative_path(sqlite_file, monkeypatch):
    monkeypatch.chdir(sqlite_file.parent)
    assert len(palate.read_ratings("sqlite:///my ratings.db")) == len(ROWS)


def test_a_query(sqlite_file):
    query = "SELECT item AS user, user AS item, rating FROM seen"
    ratings = palate.read_ratings(f"sqlite:///{sqlite_file}", table=query)
    assert ratings.users["id"].to_list() == [1, 2]


def test_a_table_whose_name_holds_a_dot(sqlite_file):
    with closing(sqlite3.connect(sqlite_file)) as db:
        db.executescript('ALTER TABLE seen RENAME TO "all.seen"; CREATE TABLE "a.b" (c TEXT)')
    assert len(palate.read_ratings(f"sqlite:///{sqlite_file}")) == len(ROWS)


def test_databases_that_cannot_be_read_are_refused(sqlite_file, tmp_path):
    url = f"sqlite:///{sqlite_file}"
    with pytest.raises(palate.DataError, match="there is no database file"):
        palate.read_ratings(f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(palate.DataError, match=r"the database can't be read: .*no such table"):
        palate.read_ratings(url, table="missing")
    with closing(sqlite3.connect(sqlite_file)) as db:
        db.execute("CREATE TABLE more AS SELECT * FROM seen")
        db.commit()
    with pytest.raises(palate.DataError, match=r"more than one table .* are seen, more"):
        palate.read_ratings(url)
    with closing(sqlite3.connect(sqlite_file)) as db:
        db.executescript("DROP TABLE more; DROP TABLE seen")
    with pytest.raises(palate.DataError, match=r"no table .* The tables are films"):
        palate.read_ratings(url)


def test_a_row_of_the_database_is_named(sqlite_file):
    with closing(sqlite3.connect(sqlite_file)) as db:
        db.execute("INSERT INTO seen VALUES ('bob', 2, NULL)")
        db.commit()
    with pytest.raises(palate.DataError, match="table seen, row 4, column 'rating': the rating is"):
        palate.read_ratings(f"sqlite:///{sqlite_file}")


def test_without_the_extra_it_says_what_to_install(sqlite_file, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(palate.MissingExtraError, match=r"pip install 'palate\[db\]'"):
        palate.read_ratings(f"sqlite:///{sqlite_file}")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:{}/shop", r"no database answers at 127\.0\.0\.1:\d+ \(.*\); check the address"),
        ("nowhere.invalid/shop", r"no database answers at nowhere\.invalid:5432 \("),
        ("localhost:many/shop", "the database URL can't be read: Port could not be cast"),
    ],
)
def test_a_server_that_cannot_be_reached_is_named(address, message):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"postgresql://me:secret@{address.format(unused.getsockname()[1])}"
    with pytest.raises(palate.DataError, match=message) as caught:
        palate.read_ratings(url)
    assert "secret" not in str(caught.value)


WATCHED = """
import os, sys, palate
from importlib.abc import MetaPathFinder

class Watch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "connectorx.connectorx":  # reads the variable
            print(os.environ.get("RUST_LOG"))

sys.meta_path.insert(0, Watch())
palate.read_ratings(sys.argv[1])
print(os.environ.get("RUST_LOG"))
"""


def test_the_driver_writes_no_log(sqlite_file):
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, f"sqlite:///{sqlite_file}"],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "RUST_LOG"},
    )
    assert done.stdout.split() == ["off", "None"]


@pytest.fixture
def postgres():
    url = os.environ.get("PALATE_TEST_POSTGRES")
    if url is None:
        assert "CI" not in os.environ, "CI starts a PostgreSQL and sets PALATE_TEST_POSTGRES"
        pytest.skip(
            "set PALATE_TEST_POSTGRES to the URL of an empty PostgreSQL database "
            "(Debian: apt-get install postgresql)"
        )
    return url


def test_postgresql(postgres):
    with psycopg.connect(postgres) as db:
        db.execute("DROP TABLE IF EXISTS seen")
        db.execute('CREATE TABLE seen ("user" TEXT, item INTEGER, rating REAL)')
        db.cursor().executemany("INSERT INTO seen VALUES (%s, %s, %s)", ROWS)
    assert palate.read_ratings(postgres).frame().rows() == ROWS
    assert palate.read_ratings(postgres, table="public.seen").frame().rows() == ROWS
    with pytest.raises(palate.DataError, match="the database can't be read"):
        palate.read_ratings(postgres, table="missing")
