"""Profiles of many people."""

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._axes import AxisNames
from palate.analysis._recommendations import recommendations_for_all
from palate.data._ratings import Csr
from palate.inference._lists import By, question, top_items
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
    histories
        Their ratings, events or counts, in the order of `users`.
    rating_posteriors
        Their posteriors; None for events and counts.
    axis_names
        The names of the axes.
    """

    learned: Learned
    users: pl.DataFrame
    histories: Csr
    rating_posteriors: UserPosteriors | None
    axis_names: AxisNames

    def __len__(self) -> int:
        return self.users.height

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
        posteriors = self.rating_posteriors
        posterior = None if posteriors is None else posteriors.one(row)
        history = self.histories.take(np.array([row]))
        return Profile(self.learned, history, posterior, self.axis_names)

    @property
    def posteriors(self) -> UserPosteriors:
        """The posteriors.

        Raises
        ------
        SettingError
            If the model was fitted to events or counts.
        """
        if self.rating_posteriors is None:
            self.learned.require_rating_model()
        assert self.rating_posteriors is not None
        return self.rating_posteriors

    def top_items(
        self,
        n: int = 10,
        *,
        eligible: NDArray[np.bool_] | None = None,
        by: By | None = None,
        seen: bool = False,
        threads: int | None = None,
    ) -> NDArray[np.int32]:
        """Return the rows of the `n` best items for each person; shape (people, n).

        The rows are those of `Model.items`, the best first, and -1 where fewer items are left. See
        `Profile.recommend` for `n`, `by` and `seen`.

        Parameters
        ----------
        eligible
            The items to choose from, by default all that have training ratings; shape (items,).
        threads
            The number of threads; by default one per available CPU.

        Raises
        ------
        SettingError
            If `n`, `by` or `threads` is out of range, or the model can't answer the question.
        """
        return top_items(
            self.learned,
            self.histories,
            self.rating_posteriors,
            n,
            self.learned.rated if eligible is None else eligible,
            by=question(self.learned, by),
            seen=seen,
            threads=threads,
        ).rows

    def recommend(
        self,
        n: int = 10,
        *,
        candidates: Any = None,
        exclude: Iterable[Any] = (),
        seen: bool = False,
        by: By | None = None,
        diversity: float = 0.0,
        calibrate: str | None = None,
        threads: int | None = None,
    ) -> pl.DataFrame:
        """Return the `n` best items for each person.

        Scores are computed and discarded block by block. See `Profile.recommend` for `n`,
        `candidates`, `exclude`, `seen`, `by`, `diversity` and `calibrate`; the last two are applied
        person by person, which takes a millisecond or more for each.

        Returns
        -------
        polars.DataFrame
            Person by person, the best first: user, and the columns of `Profile.recommend` except
            for sd.

        Raises
        ------
        UnknownIdError
            If an item is unknown, or a title names several items.
        SettingError
            If an argument is out of range, or the model can't answer the question.
        """
        return recommendations_for_all(
            self.learned,
            self.histories,
            self.rating_posteriors,
            self.users["id"],
            n,
            candidates=candidates,
            exclude=exclude,
            seen=seen,
            by=by,
            diversity=diversity,
            calibrate=calibrate,
            threads=threads,
        )
