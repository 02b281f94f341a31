"""Profiles of many people."""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._words import THEY
from palate.analysis._axes import AxisNames
from palate.analysis._item_table import ItemTable
from palate.analysis._list_options import ListOptions
from palate.analysis._many_recommendations import ManyRecommendations, WrittenLists
from palate.analysis._vectors import VectorsBy, as_column, people_vectors
from palate.data._ratings import Csr
from palate.data._table_writer import replacing_table
from palate.inference._lists import By, Choices, question, top_items
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned
from palate.learned._lookup import Unknown
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
    skipped
        The ids of users or items that the model does not know, where these were skipped.
    """

    learned: Learned
    users: pl.DataFrame
    histories: Csr
    rating_posteriors: UserPosteriors | None
    axis_names: AxisNames
    skipped: tuple[Any, ...] = ()

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
        return Profile(self.learned, history, posterior, self.axis_names, pronouns=THEY)

    def take(self, rows: NDArray[np.int64], skipped: tuple[Any, ...] = ()) -> "Profiles":
        """Return the profiles in some rows, in that order, and what was skipped to find them."""
        posteriors = self.rating_posteriors
        return Profiles(
            self.learned,
            self.users[rows],
            self.histories.take(rows),
            None if posteriors is None else posteriors.take(rows),
            self.axis_names,
            skipped,
        )

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
            Choices(
                self.learned.rated if eligible is None else eligible,
                Csr.empty(len(self)) if seen else self.histories,
            ),
            by=question(self.learned, by),
            threads=threads,
        ).rows

    def recommend(
        self,
        n: int = 10,
        *,
        candidates: Any = None,
        exclude: Iterable[Any] = (),
        where: Mapping[str, Any] | None = None,
        seen: bool = False,
        by: By | None = None,
        balance: float | None = None,
        cautious: float | None = None,
        diversity: float = 0.0,
        calibrate: str | None = None,
        explain: bool = False,
        unknown: Unknown | None = None,
        candidates_by_user: Any = None,
        exclude_by_user: Any = None,
        threads: int | None = None,
    ) -> ItemTable:
        """Return the `n` best items for each person.

        See `Profile.recommend` for the arguments that are not listed here. `cautious`, `diversity`,
        `calibrate` and `explain` are applied person by person, which takes a millisecond or more
        for each. For lists that do not fit into memory see `write_recommendations`.

        Parameters
        ----------
        candidates_by_user, exclude_by_user
            Tables of a user and an item in each row, as a path or as a table of polars, pandas or
            Arrow: the items that the list of this user is chosen from (nothing else, and nothing
            for other users); items to leave out of their list.
        threads
            The number of threads; by default one per available CPU.

        Returns
        -------
        ItemTable
            A polars table whose attribute `skipped` has what was skipped. Person by person, the
            best first: user, and the columns of `Profile.recommend`; sd where it is known.

        Raises
        ------
        UnknownIdError
            If an item is unknown and not to be skipped, or a title names several items.
        SettingError, DataError
            If an argument is out of range, the model can't answer the question, or a table can't be
            read.
        """
        choice = (candidates, exclude, where, seen, by, balance, cautious, diversity)
        options = ListOptions(
            n, *choice, calibrate, explain, unknown, candidates_by_user, exclude_by_user
        )
        lists = self._lists(options)
        return ItemTable.of(lists.frame(np.arange(len(self)), threads), lists.skipped)

    def write_recommendations(
        self,
        path: str | Path,
        n: int = 10,
        *,
        candidates: Any = None,
        exclude: Iterable[Any] = (),
        where: Mapping[str, Any] | None = None,
        seen: bool = False,
        by: By | None = None,
        balance: float | None = None,
        cautious: float | None = None,
        diversity: float = 0.0,
        calibrate: str | None = None,
        explain: bool = False,
        unknown: Unknown | None = None,
        candidates_by_user: Any = None,
        exclude_by_user: Any = None,
        threads: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> WrittenLists:
        """Write the `n` best items for each person to a file; see `recommend`.

        Lists are made and written block by block, so that memory does not grow with their number.
        The file appears under its name when it is complete.

        Parameters
        ----------
        path
            A file whose name ends in .parquet, .csv or .jsonl; it is replaced if it exists. It has
            the columns of `recommend` except for ratings and status.
        progress
            Is called after each block with the number of people who have their lists.

        Raises
        ------
        OSError
            If the file can't be written.
        UnknownIdError, SettingError, DataError
            As in `recommend`; also for another ending of the name.
        """
        choice = (candidates, exclude, where, seen, by, balance, cautious, diversity)
        options = ListOptions(
            n, *choice, calibrate, explain, unknown, candidates_by_user, exclude_by_user
        )
        with replacing_table(Path(path)) as table:
            return self._lists(options).write(table, threads, progress)

    def vectors(self, by: VectorsBy) -> pl.DataFrame:
        """Return the vector of each person; see `Model.vectors`.

        Returns
        -------
        polars.DataFrame
            The columns user and vector.

        Raises
        ------
        SettingError
            If there are no vectors by this question, or the model can't answer it.
        """
        table = None if self.rating_posteriors is None else self.rating_posteriors.table
        found = people_vectors(self.learned, self.histories, table, by)
        return pl.DataFrame({"user": self.users["id"], "vector": as_column(found)})

    def _lists(self, options: ListOptions) -> ManyRecommendations:
        users = self.users["id"]
        return ManyRecommendations(
            self.learned, users, self.histories, self.rating_posteriors, options
        )
