"""MovieLens by name: from a given path, the cache folder, GroupLens or, for 100k, PyPI."""

import hashlib
import http.client
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import platformdirs
import polars as pl

from palate._log import log
from palate.data._ratings import Ratings
from palate.data._read_ratings import read_ratings
from palate.data._sources import open_table
from palate.errors import DataError, DownloadError, SettingError, first_line

_GROUPLENS = "https://files.grouplens.org/datasets/movielens/"
_TIMEOUT_SECONDS = 20
_ML_100K_SHA256 = "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490"
_WHEEL_ITEMS_SHA256 = "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532"
_WHEEL_USERS_SHA256 = "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972"
# RecBole ships MovieLens 100k as its example: the same ratings, where GroupLens is blocked.
_WHEEL = "recbole==1.2.1"
_WHEEL_FOLDER = "recbole/dataset_example/ml-100k/"

# The MD5 that GroupLens publishes beside each archive; latest-small changes from time to time.
_ARCHIVE_MD5 = {
    "100k": "0e33842e24a9c977be4e0107933c0723",
    "latest-small": None,
    "1m": "c4d9eecfca2ab87c1945afe126590906",
    "10m": "ce571fd55effeba0271552578f2648bd",
    "20m": "cd245b17a1ae2cc31bb14903e1204af3",
    "25m": "6b51fb2759a8657d3bfcbfc42b592ada",
    "32m": "d472be332d4daa821edc399621853b57",
}

# fmt: off
GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)
# The occupations of 1m, by number.
_WORK_1M = (
    "other", "academic/educator", "artist", "clerical/admin", "college/grad student",
    "customer service", "doctor/health care", "executive/managerial", "farmer", "homemaker",
    "K-12 student", "lawyer", "programmer", "retired", "sales/marketing", "scientist",
    "self-employed", "technician/engineer", "tradesman/craftsman", "unemployed", "writer",
)
# fmt: on


def movielens(name: str = "100k", *, path: str | Path | None = None) -> Ratings:
    """Return a MovieLens data set (Harper and Konstan 2015, doi:10.1145/2827872).

    Parameters
    ----------
    name
        "100k", "latest-small", "1m", "10m", "20m", "25m" or "32m"; "ml-100k" and so on too.
    path
        A folder or archive from GroupLens. Without it, the data come from the cache folder
        (``PALATE_DATA``, or else the user's cache folder), or else from GroupLens; if GroupLens
        can't be reached, MovieLens 100k comes from a package on PyPI that contains it. Downloads
        are checked (except latest-small, which has no fixed checksum) and stored in the cache
        folder.

    Returns
    -------
    Ratings
        With titles, and genres as "Action|Comedy"; of 100k and 1m also the users' ages, genders and
        occupations. `Ratings.source` says where they came from.

    Raises
    ------
    SettingError
        If there is no data set of that name.
    DataError
        If `path` does not hold it.
    DownloadError
        If it can't be fetched; the message says what to do.
    """
    name = name.removeprefix("ml-")
    if name not in _ARCHIVE_MD5:
        raise SettingError(f"there is no MovieLens {name!r}; there are {', '.join(_ARCHIVE_MD5)}")
    if path is not None:
        return _read_path(name, Path(path))
    folder = cache_folder() / f"ml-{name}"
    if folder.is_dir():
        return _read_folder(name, folder, f"the cache folder {folder}")
    source = _fetch(name, folder)
    return _read_folder(name, folder, source)


def cache_folder() -> Path:
    """Return the folder of downloaded data: ``PALATE_DATA``, or else the user's cache folder."""
    folder = os.environ.get("PALATE_DATA")
    return Path(folder) if folder else Path(platformdirs.user_cache_dir("palate"))


def _read_path(name: str, path: Path) -> Ratings:
    if path.is_dir():
        return _read_folder(name, path, str(path))
    if not path.is_file():
        raise DataError(f"there is no folder or archive {path}")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(scratch)
        except zipfile.BadZipFile as error:
            raise DataError(f"{path} is not a zip archive, or is damaged") from error
        return _read_folder(name, _only_folder(Path(scratch)), str(path))


def _only_folder(folder: Path) -> Path:
    inside = [child for child in folder.iterdir() if child.is_dir()]
    return inside[0] if len(inside) == 1 else folder


def _read_folder(name: str, folder: Path, source: str) -> Ratings:
    for ratings_file, items_file, read_items in _LAYOUTS:
        if (folder / ratings_file).is_file() and (folder / items_file).is_file():
            log.debug("MovieLens %s comes from %s", name, source)
            ratings = read_ratings(
                folder / ratings_file,
                items=read_items(folder / items_file),
                users=_read_users(folder),
                kind="ratings",
            )
            return replace(ratings, source=f"MovieLens {name} from {source}")
    raise DataError(
        f"{folder} does not hold MovieLens {name}: it has none of the pairs "
        + ", ".join(f"{ratings} and {items}" for ratings, items, _ in _LAYOUTS)
        + ". Delete it to download the data again, or give the folder with path="
    )


def _read_u_item(path: Path) -> pl.DataFrame:
    """Read the items of 100k in the format of GroupLens, with flags for 19 genres."""
    raw = pl.read_csv(
        path,
        separator="|",
        has_header=False,
        encoding="latin-1",
        quote_char=None,
        infer_schema=False,
        new_columns=["movieId", "title", "released", "video", "url", *GENRES_100K],
    )
    genres = pl.concat_str(
        [pl.when(pl.col(genre) == "1").then(pl.lit(genre)) for genre in GENRES_100K],
        separator="|",
        ignore_nulls=True,
    )
    return _with_year(raw.select("movieId", pl.col("title").str.strip_chars(), genres=genres))


def _read_recbole_items(path: Path) -> pl.DataFrame:
    """Read the items of 100k in the format of RecBole: separate years, and one typing error."""
    raw = pl.read_csv(path, separator="\t", quote_char=None, infer_schema=False)
    raw.columns = ["movieId", "name", "year", "genres"]
    titled = pl.format("{} ({})", pl.col("name").str.strip_chars(), pl.col("year"))
    title = pl.when(pl.col("name") == "unkonwn").then(pl.lit("unknown")).otherwise(titled)
    genres = pl.col("genres").str.replace_all(" ", "|")
    return _with_year(raw.select("movieId", title=title, genres=genres))


def _read_movies_dat(path: Path) -> pl.DataFrame:
    """Read the items of 1m and 10m: id::title::genres, in Latin-1 and in UTF-8."""
    frame = open_table(path, lambda fields: False).read()
    frame.columns = ["movieId", "title", "genres"]
    return _with_year(frame)


def _read_movies_csv(path: Path) -> pl.DataFrame:
    return _with_year(pl.read_csv(path, infer_schema=False))


def _read_users(folder: Path) -> pl.DataFrame | None:
    """Read the users of 100k and 1m, without their zip codes; None for the other data sets."""
    for name, columns in _USER_FILES.items():
        if (folder / name).is_file():
            users = open_table(folder / name, lambda fields: "user_id:token" in fields).read()
            users.columns = columns
            if name == "users.dat":
                users = users.with_columns(
                    pl.col("occupation").cast(pl.Int32).replace_strict(dict(enumerate(_WORK_1M)))
                )
            return users.select("userId", pl.col("age").cast(pl.Int32), "gender", "occupation")
    return None


_USER_FILES = {
    "u.user": ["userId", "age", "gender", "occupation", "zip"],
    "ml-100k.user": ["userId", "age", "gender", "occupation", "zip"],
    "users.dat": ["userId", "gender", "age", "occupation", "zip"],
}


def _with_year(items: pl.DataFrame) -> pl.DataFrame:
    """Add the year that a title ends with: "Fargo (1996)"."""
    year = pl.col("title").str.extract(r"\((\d{4})\)\D*$").cast(pl.Int32)
    return items.insert_column(2, items.select(year.alias("year")).to_series())


_LAYOUTS: tuple[tuple[str, str, Callable[[Path], pl.DataFrame]], ...] = (
    ("u.data", "u.item", _read_u_item),
    ("u.data", "ml-100k.item", _read_recbole_items),
    ("ratings.dat", "movies.dat", _read_movies_dat),
    ("ratings.csv", "movies.csv", _read_movies_csv),
)


def _fetch(name: str, folder: Path) -> str:
    """Download the data set to `folder`, and return the name of the source that had it."""
    url = f"{_GROUPLENS}ml-{name}.zip"
    sources: list[tuple[str, Callable[[Path], None]]] = [
        ("GroupLens", partial(_fetch_archive, url, _ARCHIVE_MD5[name]))
    ]
    if name == "100k":
        sources.append((f"the package {_WHEEL} on PyPI", _fetch_wheel))
    failures = []
    for source, fetch in sources:
        try:
            with _new_folder(folder) as scratch:
                fetch(scratch)
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{source} failed: {_reason(error)}")
        else:
            return f"{source} ({'; '.join(failures)})" if failures else source
    raise DownloadError(
        f"MovieLens {name} can't be fetched: {'; '.join(failures)}. Fetch {url} where there is a "
        f"network and give the file with path= (--data on the command line), or unpack it to "
        f"{folder}"
    )


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder that is renamed to `folder` on success and deleted on failure."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield scratch
        if not folder.exists():
            scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _fetch_archive(url: str, md5: str | None, folder: Path) -> None:
    archive = folder / "archive.zip"
    digest = hashlib.md5(usedforsecurity=False)
    with (
        urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response,
        archive.open("wb") as file,
        _progress(url.rsplit("/", 1)[1], int(response.headers.get("Content-Length") or 0)) as tick,
    ):
        expected = response.headers.get("Content-Length")
        received = 0
        while chunk := response.read(1 << 18):
            file.write(chunk)
            digest.update(chunk)
            received += len(chunk)
            tick(len(chunk))
    if expected is not None and received != int(expected):
        raise DownloadError(f"the download broke off after {received:,} of {expected} bytes")
    if md5 is not None and digest.hexdigest() != md5:
        raise DownloadError(f"the archive has MD5 {digest.hexdigest()}, not {md5}")
    unpacked = folder / "unpacked"
    try:
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(unpacked)
    except zipfile.BadZipFile as error:
        raise DownloadError("the archive is damaged") from error
    for child in _only_folder(unpacked).iterdir():
        child.rename(folder / child.name)
    shutil.rmtree(unpacked)
    archive.unlink()


def _fetch_wheel(folder: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise DownloadError("pip is not installed here")
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        command += ["--only-binary=:all:", "--dest", scratch, _WHEEL]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise DownloadError(errors[-1] if errors else f"pip ended with {done.returncode}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            ratings = wheel.read(_WHEEL_FOLDER + "ml-100k.inter").split(b"\n", 1)[1]
            items, users = (
                wheel.read(f"{_WHEEL_FOLDER}ml-100k.{side}") for side in ("item", "user")
            )
    for name, data, digest in (
        ("u.data", ratings, _ML_100K_SHA256),
        ("ml-100k.item", items, _WHEEL_ITEMS_SHA256),
        ("ml-100k.user", users, _WHEEL_USERS_SHA256),
    ):
        if hashlib.sha256(data).hexdigest() != digest:
            raise DownloadError(f"the data in {_WHEEL} are not MovieLens 100k")
        (folder / name).write_bytes(data)


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a function that reports progress, as a bar on stderr if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415  (slow to import and rarely needed)
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn  # noqa: PLC0415

    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total or None)
        yield lambda n: progress.advance(task, n)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return first_line(error)
