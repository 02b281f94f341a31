"""MovieLens: the real data, and a local server that works, breaks off or does not exist."""

import functools
import hashlib
import http.server
import socket
import threading
import zipfile
from pathlib import Path

import pytest

import palate
from palate.data import _movielens

BOOK = [
    "Children of the Corn: The Gathering (1996)",
    "Lawnmower Man 2: Beyond Cyberspace (1996)",
    "Beautician and the Beast, The (1997)",
    "Crow: City of Angels, The (1996)",
    "Home Alone 3 (1997)",
    "L.A. Confidential (1997)",
    "Titanic (1997)",
    "Silence of the Lambs, The (1991)",
    "Shawshank Redemption, The (1994)",
    "Star Wars (1977)",
]


def test_the_100k(ml100k):
    assert (len(ml100k), ml100k.users.height, ml100k.items.height) == (100_000, 943, 1682)
    assert ml100k.items["item"].n_unique() == 1664
    assert ml100k.items["item"].is_in(BOOK).sum() == len(BOOK)
    assert ml100k.frame().row(0) == (196, 242, 3.0, 881250949)
    toy_story = ml100k.items.row(0, named=True)
    assert toy_story == {
        "id": 1,
        "item": "Toy Story (1995)",
        "year": 1995,
        "genres": "Animation|Children's|Comedy",
    }


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; a path that holds "broken" breaks off half-way."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        data = Path(self.translate_path(self.path)).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.server.broken else data)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Run a server in GroupLens's place, with latest-small's layout, and an empty cache folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    with zipfile.ZipFile(folder / "ml-latest-small.zip", "w") as archive:
        archive.writestr("ml-latest-small/ratings.csv", RATINGS_CSV)
        archive.writestr("ml-latest-small/movies.csv", MOVIES_CSV)
    monkeypatch.setenv("PALATE_DATA", str(tmp_path / "cache"))
    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.broken = False
        monkeypatch.setattr(_movielens, "_GROUPLENS", f"http://127.0.0.1:{running.server_port}/")
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


RATINGS_CSV = "userId,movieId,rating,timestamp\n1,1,4.0,1\n1,3,4.5,2\n2,1,0.5,3\n"
MOVIES_CSV = "movieId,title,genres\n1,Toy Story (1995),Comedy\n3,Heat (1995),Action|Crime\n"


def test_an_archive_is_fetched_once(server, tmp_path):
    ratings = palate.movielens("latest-small")
    assert ratings.source == "MovieLens latest-small from GroupLens"
    assert ratings.items["item"].to_list() == ["Toy Story (1995)", "Heat (1995)"]
    assert ratings.items["year"].to_list() == [1995, 1995]
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["ml-latest-small"]
    server.broken = True
    assert "the cache folder" in palate.movielens("ml-latest-small").source


def test_an_incomplete_download_is_not_stored(server, tmp_path):
    server.broken = True
    with pytest.raises(palate.DownloadError, match=r"IncompleteRead|broke off"):
        palate.movielens("latest-small")
    assert list((tmp_path / "cache").iterdir()) == []
    server.broken = False
    assert len(palate.movielens("latest-small")) == 3


def test_a_reply_that_is_not_http_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("PALATE_DATA", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            connection, _ = listening.accept()
            connection.recv(1024)
            connection.sendall(b"garbage\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        port = listening.getsockname()[1]
        monkeypatch.setattr(_movielens, "_GROUPLENS", f"http://127.0.0.1:{port}/")
        with pytest.raises(palate.DownloadError, match="GroupLens failed: garbage"):
            palate.movielens("1m")
        thread.join()


def test_a_wrong_checksum_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setitem(_movielens._ARCHIVE_MD5, "latest-small", "0" * 32)
    with pytest.raises(palate.DownloadError, match=r"has MD5 [0-9a-f]{32}, not 0000"):
        palate.movielens("latest-small")
    right = hashlib.md5((tmp_path / "served" / "ml-latest-small.zip").read_bytes()).hexdigest()
    monkeypatch.setitem(_movielens._ARCHIVE_MD5, "latest-small", right)
    assert len(palate.movielens("latest-small")) == 3


def test_the_error_without_a_network_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PALATE_DATA", str(tmp_path))
    monkeypatch.setattr(_movielens, "_GROUPLENS", "http://127.0.0.1:1/")
    monkeypatch.setattr(_movielens, "_WHEEL", "no-such-package-of-palate==1")
    with pytest.raises(palate.DownloadError) as caught:
        palate.movielens("100k")
    message = str(caught.value)
    assert "GroupLens failed: [Errno" in message
    assert "no-such-package-of-palate" in message
    assert "give the file with path=" in message
    assert list(tmp_path.iterdir()) == []


def test_the_package_is_used_if_grouplens_fails(tmp_path, monkeypatch, ml100k):
    monkeypatch.setenv("PALATE_DATA", str(tmp_path))
    monkeypatch.setattr(_movielens, "_GROUPLENS", "http://127.0.0.1:1/")
    fetched = palate.movielens("100k")
    assert "recbole==1.2.1 on PyPI (GroupLens failed" in fetched.source
    assert fetched.frame().equals(ml100k.frame())
    assert fetched.items.equals(ml100k.items)


def grouplens_100k(folder):
    """Write three ratings in the layout of GroupLens's ml-100k, in Latin-1."""
    folder.mkdir()
    (folder / "u.data").write_bytes(b"196\t1\t3\t881250949\n22\t2\t1\t878887116\n22\t1\t5\t1\n")
    flags = "|0|0|0|1|1|1" + "|0" * 13
    items = (
        f"1|Toy Story (1995)|01-Jan-1995||url{flags}\n2|\xc1 k\xf6ldum klaka  (1994)|||{flags}\n"
    )
    (folder / "u.item").write_bytes(items.encode("latin-1"))
    (folder / "u.user").write_text("22|25|M|writer|40206\n196|49|F|none|55105\n")


def test_a_folder_in_grouplens_layout(tmp_path):
    grouplens_100k(tmp_path / "ml-100k")
    ratings = palate.movielens("100k", path=tmp_path / "ml-100k")
    assert ratings.items.rows() == [
        (1, "Toy Story (1995)", 1995, "Animation|Children's|Comedy"),
        (2, "Á köldum klaka  (1994)", 1994, "Animation|Children's|Comedy"),
    ]
    assert str(tmp_path) in ratings.source
    assert ratings.users.columns == ["id", "age", "gender", "occupation"]
    assert ratings.users.rows() == [(22, 25, "M", "writer"), (196, 49, "F", "none")]
    (tmp_path / "ml-100k" / "u.user").unlink()
    assert palate.movielens("100k", path=tmp_path / "ml-100k").users.columns == ["id"]


def test_an_archive_of_the_1m_layout(tmp_path):
    with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w") as archive:
        archive.writestr("ml-1m/ratings.dat", "1::1193::5::978300760\n2::661::3::978302109\n")
        archive.writestr(
            "ml-1m/movies.dat",
            "661::James & the Giant Peach: A Tale (1996)::Animation\n"
            "1193::One Flew Over (1975)::Drama\n",
        )
        archive.writestr("ml-1m/users.dat", "1::F::1::10::48067\n2::M::56::16::70072\n")
    ratings = palate.movielens("1m", path=tmp_path / "ml-1m.zip")
    assert ratings.items["item"][0] == "James & the Giant Peach: A Tale (1996)"
    assert ratings.items["year"].to_list() == [1996, 1975]
    assert ratings.users.rows() == [(1, 1, "F", "K-12 student"), (2, 56, "M", "self-employed")]


def test_a_path_without_the_data_is_refused(tmp_path):
    with pytest.raises(palate.DataError, match="there is no folder or archive"):
        palate.movielens("100k", path=tmp_path / "none")
    with pytest.raises(palate.DataError, match="does not hold MovieLens 100k"):
        palate.movielens("100k", path=tmp_path)
    (tmp_path / "bad.zip").write_text("no archive")
    with pytest.raises(palate.DataError, match="not a zip archive, or is damaged"):
        palate.movielens("100k", path=tmp_path / "bad.zip")
    with pytest.raises(palate.SettingError, match="there is no MovieLens '7m'; there are 100k"):
        palate.movielens("7m")
