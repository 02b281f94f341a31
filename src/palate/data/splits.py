"""Ways to hold ratings back: each returns (train, valid) over the same users and items."""

import numpy as np
from numpy.typing import NDArray

from palate import _arguments, _random_streams
from palate._native import permutation
from palate.data._ratings import Ratings
from palate.errors import DataError, SettingError

_ML_100K_RATINGS = 100_000
_ML_100K_FOLD = 20_000
_ML_100K_FOLDS = 5


def random(ratings: Ratings, share: float = 0.2, *, seed: int = 0) -> tuple[Ratings, Ratings]:
    """Hold back a random `share` of all ratings.

    Raises
    ------
    SettingError
        If `share` is not between 0 and 1, or leaves one of the parts empty.
    """
    held_back = int(len(ratings) * _arguments.fraction("share", share))
    if not 0 < held_back < len(ratings):
        raise SettingError(f"{share:.0%} of {len(ratings)} ratings leaves one part empty")
    order = permutation(_arguments.seed(seed), _random_streams.SPLIT, len(ratings))
    return ratings.take(order[held_back:]), ratings.take(order[:held_back])


def folds(ratings: Ratings, n: int = 5, *, seed: int = 0) -> list[tuple[Ratings, Ratings]]:
    """Share all ratings out at random among `n` folds, and hold back each of them once.

    Raises
    ------
    SettingError
        If `n` is less than 2 or more than there are ratings.
    """
    _arguments.integer("folds", n, 2)
    if n > len(ratings):
        raise SettingError(f"folds is {n}; there are only {len(ratings)} ratings to share out")
    order = permutation(_arguments.seed(seed), _random_streams.SPLIT, len(ratings))
    parts = np.array_split(order, n)
    return [
        (ratings.take(np.concatenate(parts[:k] + parts[k + 1 :])), ratings.take(parts[k]))
        for k in range(n)
    ]


def official(ratings: Ratings, fold: int) -> tuple[Ratings, Ratings]:
    """Return fold u1 to u5 of MovieLens 100k, as GroupLens published them.

    The test rows of fold k are the k-th 20,000 lines of ``u.data`` as it stands.

    Raises
    ------
    SettingError
        If `fold` is not 1 to 5.
    DataError
        If these are not the 100,000 ratings of MovieLens 100k.
    """
    _arguments.integer("fold", fold, 1, _ML_100K_FOLDS)
    if len(ratings) != _ML_100K_RATINGS:
        raise DataError(
            f"official folds are those of MovieLens 100k with its 100,000 ratings in their order; "
            f"these are {len(ratings):,}"
        )
    valid = np.zeros(len(ratings), dtype=bool)
    valid[(fold - 1) * _ML_100K_FOLD : fold * _ML_100K_FOLD] = True
    return ratings.take(~valid), ratings.take(valid)


def leave_last(ratings: Ratings, n: int = 1) -> tuple[Ratings, Ratings]:
    """Hold back the last `n` ratings of each user who has more than `n`.

    Ties in time fall to the rating that stands later in the table. Other users' later ratings
    stay in the training part, so the future leaks into it; `at_time` does not leak.

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
        raise SettingError(f"n is {n}; no user has more ratings than that")
    return ratings.take(~valid), ratings.take(valid)


def at_time(ratings: Ratings, share: float = 0.2) -> tuple[Ratings, Ratings]:
    """Hold back the latest `share` of all ratings: one point in time for everybody.

    Ratings of the same moment stay together, in the part that is held back.

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
        raise SettingError(f"the latest {share:.0%} of the ratings are as old as all the others")
    return ratings.take(~valid), ratings.take(valid)


def _timestamps(ratings: Ratings) -> NDArray[np.generic]:
    if ratings.timestamp is None:
        raise DataError(
            "these ratings have no timestamps; name their column with timestamp= (--timestamp), or "
            "split otherwise"
        )
    return ratings.timestamp
