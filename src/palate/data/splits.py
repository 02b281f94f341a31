"""Splits into training and held-out ratings, over the same users and items."""

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments, _random_streams
from palate._native import permutation
from palate.data._ratings import Ratings, how_many
from palate.errors import DataError, SettingError

_ML_100K_RATINGS = 100_000
_ML_100K_FOLD = 20_000
_ML_100K_FOLDS = 5
# The SHA-256 of its user ids and item ids (int32) and ratings (float32), all little-endian, in the
# order of u.data.
_ML_100K_SHA256 = "fb49c54b1c8fb01e9967a27341b7d1ad40799bf411821a7d6c4b9c296b3f518e"


def random(ratings: Ratings, share: float = 0.2, *, seed: int = 0) -> tuple[Ratings, Ratings]:
    """Return (train, valid), where `valid` is a random `share` of all ratings.

    Raises
    ------
    SettingError
        If `share` is not between 0 and 1, or leaves one of the parts empty.
    """
    n_valid = int(len(ratings) * _arguments.fraction("share", share))
    if not 0 < n_valid < len(ratings):
        raise SettingError(
            f"share is {share:g}, which leaves one part of {how_many(ratings.kind, len(ratings))} "
            "empty; choose another one"
        )
    order = permutation(_arguments.seed(seed), _random_streams.SPLIT, len(ratings))
    return ratings.take(order[n_valid:]), ratings.take(order[:n_valid])


def folds(ratings: Ratings, n: int = 5, *, seed: int = 0) -> list[tuple[Ratings, Ratings]]:
    """Divide all ratings at random into `n` folds; return (train, valid) with each held out once.

    Raises
    ------
    SettingError
        If `n` is less than 2 or more than there are ratings.
    """
    _arguments.integer("folds", n, 2)
    if n > len(ratings):
        raise SettingError(
            f"folds is {n}; it can be at most the number of {ratings.kind}, {len(ratings):,}"
        )
    order = permutation(_arguments.seed(seed), _random_streams.SPLIT, len(ratings))
    parts = np.array_split(order, n)
    return [
        (ratings.take(np.concatenate(parts[:k] + parts[k + 1 :])), ratings.take(parts[k]))
        for k in range(n)
    ]


def official(ratings: Ratings, fold: int) -> tuple[Ratings, Ratings]:
    """Return (train, valid) of fold u1 to u5 of MovieLens 100k, as GroupLens published them.

    The test rows of fold k are the k-th 20,000 lines of ``u.data``.

    Raises
    ------
    SettingError
        If `fold` is not 1 to 5.
    DataError
        If these are not the 100,000 ratings of MovieLens 100k in the order of ``u.data``.
    """
    _arguments.integer("fold", fold, 1, _ML_100K_FOLDS)
    if not _is_ml_100k(ratings):
        what = "others, or in another order" if len(ratings) == _ML_100K_RATINGS else "ratings"
        raise DataError(
            "official folds are those of MovieLens 100k, with its 100,000 ratings in the order "
            f"of u.data; these are {len(ratings):,} {what}; read it with palate.movielens('100k')"
        )
    valid = np.zeros(len(ratings), dtype=bool)
    valid[(fold - 1) * _ML_100K_FOLD : fold * _ML_100K_FOLD] = True
    return ratings.take(~valid), ratings.take(valid)


def _is_ml_100k(ratings: Ratings) -> bool:
    """Return whether these are the ratings of MovieLens 100k, in the order of ``u.data``."""
    if len(ratings) != _ML_100K_RATINGS:
        return False
    checksum = hashlib.sha256()
    for side, row in ((ratings.users, ratings.user), (ratings.items, ratings.item)):
        ids = side["id"].cast(pl.Int32, strict=False).fill_null(0)  # an id may be text
        checksum.update(ids.to_numpy()[row].astype("<i4").tobytes())
    checksum.update(ratings.rating.astype("<f4").tobytes())
    return checksum.hexdigest() == _ML_100K_SHA256


def leave_last(ratings: Ratings, n: int = 1) -> tuple[Ratings, Ratings]:
    """Return (train, valid), where `valid` has the last `n` ratings of users with more than `n`.

    Of ratings at the same time, the one later in the table counts as later. Other users' later
    ratings stay in the training part, so it contains the future; with `at_time` it does not.

    Raises
    ------
    SettingError
        If `n` is less than 1, or no user has more than `n` ratings.
    DataError
        If the ratings have no timestamps.
    """
    _arguments.integer("n", n, 1)
    order = np.lexsort((_timestamps(ratings), ratings.user))
    counts = np.bincount(ratings.user, minlength=ratings.users.height)
    from_end = np.repeat(np.cumsum(counts), counts) - np.arange(len(ratings))
    valid = np.zeros(len(ratings), dtype=bool)
    valid[order] = (from_end <= n) & (np.repeat(counts, counts) > n)
    if not valid.any():
        raise SettingError(
            f"no user has more than {how_many(ratings.kind, n)}, and the fit needs one beside "
            "those that are held out; choose a smaller number, or another split"
        )
    return ratings.take(~valid), ratings.take(valid)


def at_time(ratings: Ratings, share: float = 0.2) -> tuple[Ratings, Ratings]:
    """Return (train, valid), where `valid` is the latest `share` of all ratings.

    The parts are divided at one point in time for all users. Ratings of the same time stay
    together, in the held-out part.

    Raises
    ------
    SettingError
        If `share` is not between 0 and 1, or leaves one of the parts empty.
    DataError
        If the ratings have no timestamps.
    """
    _arguments.fraction("share", share)
    time = _timestamps(ratings)
    cut = np.sort(time)[len(time) - max(1, int(len(time) * share))]
    valid = time >= cut
    if valid.all():
        raise SettingError(
            f"the latest {share:.0%} of the {ratings.kind} are as old as all the others"
        )
    return ratings.take(~valid), ratings.take(valid)


def _timestamps(ratings: Ratings) -> NDArray[np.generic]:
    if ratings.timestamp is None:
        raise DataError(
            f"these {ratings.kind} have no timestamps; name their column with timestamp=, or "
            "choose another split"
        )
    return ratings.timestamp
