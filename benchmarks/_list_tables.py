"""The tables of `lists.py`, each with its splits and what counts as relevant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

import palate

Split = tuple[palate.Ratings, palate.Ratings]


class NotThereError(Exception):
    """A table can't be had; says which file is missing and where."""


@dataclass(frozen=True)
class Table:
    """One table and its protocol.

    Attributes
    ----------
    title
        The table, the split and what is relevant, in one line.
    splits
        The pairs of a training and a held-out part. A table of events has ratings of 1 only.
    n
        The length of the lists.
    relevant
        The lowest rating of a relevant held-out item.
    """

    title: str
    splits: Sequence[Split]
    n: int = 10
    relevant: float = -np.inf


def per_user(ratings: palate.Ratings, share: float, seed: int) -> Split:
    """Hold out a random `share` of each user's ratings, rounded."""
    order = np.random.default_rng(seed).permutation(len(ratings))
    order = order[np.argsort(ratings.user[order], kind="stable")]
    counts = np.bincount(ratings.user, minlength=ratings.users.height)
    place = np.arange(len(ratings)) - np.repeat(np.cumsum(counts) - counts, counts)
    held_out = np.zeros(len(ratings), dtype=bool)
    held_out[order] = place < np.repeat(np.rint(counts * share), counts)
    return ratings.take(~held_out), ratings.take(held_out)


def events(*parts: pl.DataFrame) -> palate.Ratings:
    """Read the columns user and item as events: no ratings, so all of them are 1."""
    pairs = pl.concat([part.select("user", "item") for part in parts])
    pairs = pairs.unique(maintain_order=True)
    return palate.read_ratings(pairs.with_columns(rating=pl.lit(1.0)))


def folds(_: Path | None) -> Table:
    ratings = palate.movielens("100k")
    splits = [palate.splits.official(ratings, fold) for fold in range(1, 6)]
    return Table("MovieLens 100k, official folds u1 to u5, relevant: 4 and more", splits, 10, 4)


def random(_: Path | None) -> Table:
    ratings = palate.movielens("100k")
    splits = [per_user(ratings, 0.25, seed) for seed in range(3)]
    return Table("MovieLens 100k, a random quarter of each user's ratings, three seeds", splits)


def last(_: Path | None) -> Table:
    splits = [palate.splits.leave_last(palate.movielens("100k"))]
    return Table("MovieLens 100k, the last rating of each user", splits)


def last_liked(_: Path | None) -> Table:
    splits = [palate.splits.leave_last(palate.movielens("100k"))]
    title = "MovieLens 100k, the last rating of each user, relevant: 4 and more"
    return Table(title, splits, 10, 4)


def gowalla(folder: Path | None) -> Table:
    parts = [_gowalla_part(folder, name) for name in ("train", "test")]
    both, training = events(*parts), np.arange(sum(map(len, parts))) < len(parts[0])
    split = both.take(training), both.take(~training)
    return Table("Gowalla, the split of LightGCN's authors", [split], 20)


def _gowalla_part(folder: Path | None, name: str) -> pl.DataFrame:
    """Read a part: a line per user, which is the user and then their items."""
    path = _find(folder, f"gowalla-{name}.parquet", f"gowalla/{name}.txt")
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    rows = [np.fromstring(line, dtype=np.int32, sep=" ") for line in path.read_text().splitlines()]
    user = np.concatenate([np.repeat(row[:1], len(row) - 1) for row in rows])
    return pl.DataFrame({"user": user, "item": np.concatenate([row[1:] for row in rows])})


def ml_1m(folder: Path | None) -> Table:
    try:
        pairs = pl.read_parquet(_find(folder, "ml-1m-ratings.parquet"))
    except NotThereError:
        try:
            pairs = palate.movielens("1m").frame()
        except palate.PalateError as error:
            raise NotThereError(error) from error
    splits = [palate.splits.random(events(pairs))]
    return Table("MovieLens 1M as events, a random fifth", splits, 20)


def anime(folder: Path | None) -> Table:
    ratings = palate.read_ratings(_tabs(folder, "anime/anime_ratings.dat.gz"))
    splits = [palate.splits.random(ratings)]
    return Table("Anime, a random fifth, relevant: 8 and more", splits, 10, 8)


def steam(folder: Path | None) -> Table:
    splits = [palate.splits.random(events(_tabs(folder, "steam/game_purchase.dat.gz")))]
    return Table("Steam purchases as events, a random fifth", splits)


def _tabs(folder: Path | None, name: str) -> pl.DataFrame:
    """Read a file of three columns with a header."""
    columns = ["user", "item", "rating"]
    return pl.read_csv(_find(folder, name), separator="\t", new_columns=columns)


def _find(folder: Path | None, *names: str) -> Path:
    """Return the first of these files that exists in the folder."""
    if folder is None:
        raise NotThereError(f"--data FOLDER with {' or '.join(names)} is not given")
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise NotThereError(f"there is no {' or '.join(names)} in {folder}")


TABLES: dict[str, Callable[[Path | None], Table]] = {
    "folds": folds,
    "random": random,
    "last": last,
    "last-liked": last_liked,
    "gowalla": gowalla,
    "ml-1m": ml_1m,
    "anime": anime,
    "steam": steam,
}
