"""Profiles of many people."""

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from palate.analysis._axes import AxisNames
from palate.analysis._recommendations import recommendations_for_all
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned
from palate.model._profile import Profile


@dataclass(frozen=True, eq=False)
class Profiles:
    """The profiles of many people; ``profiles[row]`` is the `Profile` of one of them.

    Attributes
    ----------
    learned
        The data behind the model.
    users
        The people: the column ``id``.
    posteriors
        Their posteriors, in the order of `users`.
    axis_names
        The names of the axes.
    """

    learned: Learned
    users: pl.DataFrame
    posteriors: UserPosteriors
    axis_names: AxisNames

    def __len__(self) -> int:
        return len(self.posteriors)

    def __repr__(self) -> str:
        return f"<Profiles: {len(self):,} people; {self.learned!r}>"

    def __getitem__(self, row: int) -> Profile:
        """Return the profile in a row, counted from 0, or from the end if `row` is negative.

        Raises
        ------
        IndexError
            If there is no such row.
        """
        row = range(len(self))[operator.index(row)]
        return Profile(self.learned, self.posteriors.one(row), self.axis_names)

    def recommend(
        self,
        n: int = 10,
        *,
        candidates: Any = None,
        exclude: Iterable[Any] = (),
        seen: bool = False,
        threads: int | None = None,
    ) -> pl.DataFrame:
        """Return the `n` items with the highest expected ratings for each person.

        Scores are computed and discarded block by block. See `Profile.recommend` for `n`,
        `candidates`, `exclude` and `seen`.

        Returns
        -------
        polars.DataFrame
            Person by person, the best first: user, id, item, prediction, ratings (the number of
            training ratings of the item) and status, as in `Profile.predict`.

        Raises
        ------
        UnknownIdError
            If an item is unknown, or a title names several items.
        SettingError
            If `n` or `threads` is out of range.
        """
        return recommendations_for_all(
            self.learned,
            self.posteriors,
            self.users["id"],
            n,
            candidates=candidates,
            exclude=exclude,
            seen=seen,
            threads=threads,
        )
