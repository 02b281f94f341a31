"""The parts of a table of ratings: what is fitted, what is given of people, what is held out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments, _random_streams
from palate._native import permutation
from palate.data import splits
from palate.data._ratings import Ratings
from palate.errors import SettingError

_LEAK = (
    "training {} can be later than held-out ones, so these figures are more favourable than in "
    "use; split by time to measure what to expect in use"
)
_LEAK_FROM_OTHERS = (
    "training {} of other users can be later than a user's held-out ones; split by time to measure "
    "what to expect in use"
)
_MAX_PEOPLE = 10_000
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
    ratings: Ratings, folds: int | str, split: str | None, share: float | None, seed: int
) -> tuple[list[Part], str, str | None]:
    """Return the parts, their description, and the warning of `Evaluation`."""
    if share is not None and split not in _SHARED:
        raise SettingError("share applies only to the splits random, time and users; leave it out")
    if split == "users":
        part = _outside_people(ratings, 0.2 if share is None else share, seed)
        n = part.given.users.height
        people = "one person" if n == 1 else f"each of {n:,} people"
        half = f"half of the {ratings.kind} of {people} outside the fit"
        description = f"{half}; the other half is given"
        return [part], description, _LEAK.format(ratings.kind)
    pairs, description, warning = _splits(ratings, folds, split, share, seed)
    parts = [Part(train, train, valid) for train, valid in pairs]
    return parts, description, warning and warning.format(ratings.kind)


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
        return pairs, f"a random {share:.0%} of the {ratings.kind}", _LEAK
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
        return pairs, "the official folds u1 to u5", _LEAK
    if isinstance(folds, str):
        raise SettingError(f'folds is {folds!r}; give a number, or "official"')
    return splits.folds(ratings, folds, seed=seed), f"{folds} random folds", _LEAK


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
    train, tested = _of_people(ratings, ~outside), _of_people(ratings, outside)
    # A model takes no rating outside the scale of its training ratings.
    inside = np.clip(tested.rating, train.rating.min(), train.rating.max())
    given = replace(tested, rating=inside).take(~held_out)
    return Part(train, given, tested.take(held_out))


def _of_people(ratings: Ratings, chosen: NDArray[np.bool_]) -> Ratings:
    """Return the ratings of the chosen people, over these people only."""
    rows = (np.cumsum(chosen) - 1).astype(np.int32)
    part = ratings.take(chosen[ratings.user])
    return replace(part, user=rows[part.user], users=ratings.users.filter(pl.Series(chosen)))


def _half_of_each(ratings: Ratings, shuffled: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return half of each person's ratings as a mask, rounded down: the first as shuffled."""
    order = shuffled[np.argsort(ratings.user[shuffled], kind="stable")]
    counts = np.bincount(ratings.user, minlength=ratings.users.height)
    place = np.arange(len(ratings)) - np.repeat(np.cumsum(counts) - counts, counts)
    half = np.zeros(len(ratings), dtype=np.bool_)
    half[order] = place < np.repeat(counts // 2, counts)
    return half
