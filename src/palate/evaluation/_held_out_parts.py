"""The parts of a table of ratings: what is fitted, what is given of people, what is held out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palate import _arguments, _random_streams
from palate._native import permutation
from palate.data import splits
from palate.data._duplicates import pair_numbers
from palate.data._ratings import Ratings, how_many
from palate.errors import DataError, SettingError
from palate.evaluation._alignment import over, require_same_ids, united

LEAK = (
    "training {} can be later than held-out ones, so these figures are more favourable than in "
    "use; split by time to measure what to expect in use"
)
_LEAK_FROM_OTHERS = (
    "training {} of other users can be later than a user's held-out ones; split by time to measure "
    "what to expect in use"
)
_MAX_PEOPLE = 10_000
# The number of random folds by default.
FOLDS = 5
# The splits that hold out a share.
_SHARED = ("time", "random", "users")


@dataclass(frozen=True, eq=False)
class Part:
    """One way to hold ratings out.

    Attributes
    ----------
    train
        The ratings that solvers and baselines are fitted to.
    given
        The ratings that are known of the people who are tested: `train` itself, or part of the
        histories of people who are not in `train`.
    valid
        The held-out ratings, over the same users as `given` and the same items as `train`.
    """

    train: Ratings
    given: Ratings
    valid: Ratings

    @property
    def outside(self) -> bool:
        """Whether the people who are tested are outside the fit."""
        return self.given is not self.train


def parts_of(
    ratings: Ratings,
    folds: int | str,
    split: str | None,
    share: float | None,
    seed: int,
    *,
    test: Ratings | None = None,
) -> tuple[list[Part], str, str | None]:
    """Return the parts, their description, and the warning of `Evaluation`."""
    if test is not None:
        if (folds, split, share) != (FOLDS, None, None):
            raise SettingError("test= holds ratings out itself; leave out folds=, split=, share=")
        return _parts_of_tables(ratings, test)
    if share is not None and split not in _SHARED:
        raise SettingError("share applies only to the splits random, time and users; leave it out")
    if split == "users":
        part = _outside_people(ratings, 0.2 if share is None else share, seed)
        n = part.given.users.height
        people = "one person" if n == 1 else f"each of {n:,} people"
        half = f"half of the {ratings.kind} of {people} outside the fit"
        description = f"{half}; the other half is given"
        return [part], description, LEAK.format(ratings.kind)
    pairs, description, warning = _splits(ratings, folds, split, share, seed)
    parts = [Part(train, train, valid) for train, valid in pairs]
    return parts, description, warning and warning.format(ratings.kind)


def _parts_of_tables(train: Ratings, test: Ratings) -> tuple[list[Part], str, str | None]:
    """Return the only part of two tables, its description, and the warning of `Evaluation`.

    Pairs of a user and an item that are in both are left out of the test.

    Raises
    ------
    DataError
        If the tables are of different kinds, their ids have different types, or all of the test is
        left out.
    """
    if not isinstance(test, Ratings) or len(test) == 0:
        raise DataError("there are no test ratings; read some with palate.read_ratings")
    if test.kind != train.kind:
        raise DataError(
            f"the test table holds {test.kind}, and the training table {train.kind}; read both "
            f'with kind="{train.kind}"'
        )
    require_same_ids(train, test, ("the training table", "the test table"))
    users, items = united([train.users, test.users]), united([train.items, test.items])
    fitted, held_out = over(train, users, items), over(test, users, items)
    known = np.isin(pair_numbers(held_out), pair_numbers(fitted))
    valid = held_out.take(~known)
    if len(valid) == 0:
        raise DataError(
            f"all {len(test):,} test {test.kind} are among the training {test.kind}; give others"
        )
    description = f"{how_many(test.kind, len(valid))} of the test table"
    if known.any():
        description += f"; {known.sum():,} more are among the training {test.kind} and left out"
    warning = LEAK.format(train.kind) if _overlap(train, valid) else None
    return [Part(fitted, fitted, valid)], description, warning


def _overlap(train: Ratings, test: Ratings) -> bool:
    """Return whether a training rating is known to be later than one of the test."""
    times = train.timestamp, test.timestamp
    if times[0] is None or times[1] is None or times[0].dtype.kind != times[1].dtype.kind:
        return False
    return bool(times[0].max() > times[1].min())


def _splits(
    ratings: Ratings, folds: int | str, split: str | None, share: float | None, seed: int
) -> tuple[Sequence[tuple[Ratings, Ratings]], str, str | None]:
    share = 0.2 if share is None else _arguments.fraction("share", share)
    if split == "time":
        return (
            [splits.at_time(ratings, share)],
            f"the latest {share:.0%} of the {ratings.kind}",
            None,
        )
    if split == "random":
        pairs = [splits.random(ratings, share, seed=seed)]
        return pairs, f"a random {share:.0%} of the {ratings.kind}", LEAK
    if split is not None:
        kind, _, number = str(split).rpartition("-")
        if kind != "leave-last" or not number.isdecimal():
            raise SettingError(
                f"there is no split {split!r}; choose random, time, users or leave-last-1 (or -2, "
                "...)"
            )
        pairs = [splits.leave_last(ratings, int(number))]
        last = f"the last {number} of each user's {ratings.kind}"
        return pairs, last, _LEAK_FROM_OTHERS
    if folds == "official":
        pairs = [splits.official(ratings, fold) for fold in range(1, 6)]
        return pairs, "the official folds u1 to u5", LEAK
    if isinstance(folds, str):
        raise SettingError(f'folds is {folds!r}; give a number, or "official"')
    return splits.folds(ratings, folds, seed=seed), f"{folds} random folds", LEAK


def _outside_people(ratings: Ratings, share: float, seed: int) -> Part:
    """Leave a random share of the people out of the fit, and hold out half of their ratings.

    This is strong generalisation (Marlin, "Modeling user rating profiles for collaborative
    filtering", NIPS 2003, section 5.1). Only people with at least two ratings are left out, at most
    10,000 of them.
    """
    share = _arguments.fraction("share", share)
    counts = np.bincount(ratings.user, minlength=ratings.users.height)
    divisible = np.flatnonzero(counts > 1)
    number = min(_MAX_PEOPLE, int(share * len(divisible)))
    if not number:
        raise SettingError(
            f"{share:.0%} of the {len(divisible):,} people with at least two {ratings.kind} leaves "
            "nobody to test; choose another share or split"
        )
    # The parts of one permutation that order the people and their ratings are independent.
    shuffled = permutation(
        _arguments.seed(seed), _random_streams.SPLIT, len(divisible) + len(ratings)
    )
    outside = np.zeros(len(counts), dtype=np.bool_)
    outside[divisible[shuffled[shuffled < len(divisible)][:number]]] = True
    held_out = _half_of_each(ratings, shuffled[shuffled >= len(divisible)] - len(divisible))
    held_out = held_out[outside[ratings.user]]
    train, tested = ratings.of_users(~outside), ratings.of_users(outside)
    # A model takes no rating outside the scale of its training ratings.
    inside = np.clip(tested.rating, train.rating.min(), train.rating.max())
    given = replace(tested, rating=inside).take(~held_out)
    return Part(train, given, tested.take(held_out))


def _half_of_each(ratings: Ratings, shuffled: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return half of each person's ratings as a mask, rounded down: the first as shuffled."""
    order = shuffled[np.argsort(ratings.user[shuffled], kind="stable")]
    counts = np.bincount(ratings.user, minlength=ratings.users.height)
    place = np.arange(len(ratings)) - np.repeat(np.cumsum(counts) - counts, counts)
    half = np.zeros(len(ratings), dtype=np.bool_)
    half[order] = place < np.repeat(counts // 2, counts)
    return half
