"""Recommendations for many people, who are taken in blocks of any size."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._words import THEY
from palate.analysis._eligible_items import eligible_items, items_by_user
from palate.analysis._item_columns import counts_and_status, scores_and_chances
from palate.analysis._list_options import ListOptions
from palate.analysis._recommendations import reasons, score_quantiles
from palate.analysis._variety import Variety
from palate.data._ratings import Csr
from palate.data._table_writer import TableFile
from palate.inference._lists import Choices, Lists, Workspace, top_items
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned
from palate.learned._lookup import distinct_names

# Maximum numbers of rows of a block that is written to a file, and of its people; fewer if their
# lists are made one by one, so that progress is seen.
_MAX_ROWS, _MAX_PEOPLE, _MAX_ONE_BY_ONE = 1 << 17, 1 << 13, 1 << 9
_NOT_WRITTEN = ("ratings", "status")


class WrittenLists(NamedTuple):
    """What was written to a file.

    Attributes
    ----------
    users
        The number of people.
    rows
        The number of rows.
    skipped
        The ids and titles that were given and that the model does not know, each once.
    """

    users: int
    rows: int
    skipped: tuple[Any, ...]


class ManyRecommendations:
    """Makes the lists of many people; what holds for all of them is found once.

    Parameters
    ----------
    learned
        The data behind the model.
    users
        The ids of the people.
    histories
        Their histories.
    posteriors
        Their posteriors; None for events and counts.
    options
        What the lists should hold.

    Attributes
    ----------
    skipped
        The ids and titles that were given and are unknown.

    Raises
    ------
    DataError
        If a table of candidates or exclusions can't be read.
    SettingError
        If an option is out of range, or the model can't answer the question.
    UnknownIdError
        If an item is unknown and not to be skipped, or a title names several items.
    """

    def __init__(
        self,
        learned: Learned,
        users: pl.Series,
        histories: Csr,
        posteriors: UserPosteriors | None,
        options: ListOptions,
    ) -> None:
        self._learned, self._users, self._options = learned, users, options
        self._histories, self._posteriors = histories, posteriors
        self._by, self._quantile = options.ranking(learned), options.quantile()
        self._workspace = Workspace()
        self._variety = Variety(learned, options.diversity, options.calibrate)
        eligible = eligible_items(
            learned,
            candidates=options.candidates,
            exclude=options.exclude,
            where=options.where,
            unknown=options.unknown,
            unrated=options.candidates_by_user is not None,
        )
        self._choices, skipped = self._by_user(eligible.mask)
        self.skipped = distinct_names([*eligible.skipped, *skipped])

    def _by_user(self, eligible: NDArray[np.bool_]) -> tuple[Choices, tuple[Any, ...]]:
        """Return what the list of each person is chosen from, and what was skipped."""
        options, skipped = self._options, ()
        left_out, only = Csr.empty(len(self._users)) if options.seen else self._histories, None
        if options.exclude_by_user is not None:
            table, unknown = options.exclude_by_user, options.unknown or "skip"
            excluded = items_by_user(self._learned, self._users, table, unknown)
            left_out, skipped = left_out.together(excluded.items), excluded.skipped
        if options.candidates_by_user is not None:
            table, unknown = options.candidates_by_user, options.unknown or "error"
            found = items_by_user(self._learned, self._users, table, unknown)
            only, skipped = found.items, (*skipped, *found.skipped)
        return Choices(eligible, left_out, only), skipped

    def frame(self, people: NDArray[np.integer[Any]], threads: int | None) -> pl.DataFrame:
        """Return the lists of the people in some rows; see `Profiles.recommend`."""
        learned, histories = self._learned, self._histories.take(people)
        users = None if self._posteriors is None else self._posteriors.take(people)
        lists = self._lists(histories, users, self._choices.take(people), threads)
        found = lists.rows >= 0
        person, place = np.nonzero(found)
        items, key = lists.rows[found], lists.scores[found]
        chances = None if lists.chances is None else lists.chances[found]
        scores, columns = key, {}
        if users is not None:
            rating_scores = key
            if self._by != "rating" or self._quantile is not None:
                rating_scores = users.scores(person.astype(np.int32), items)
            scores = rating_scores if self._by == "rating" else key
            columns = {"prediction": learned.likelihood.rating(rating_scores)}
            if learned.has_intervals:
                sd = users.rating_sd(person.astype(np.int32), items)
                columns["sd"] = sd.astype(np.float32)
        frame = learned.item_frame(
            items,
            user=self._users.gather(people[person]),
            rank=place + 1,
            **scores_and_chances(learned, scores, chances),
            **columns,
            **counts_and_status(learned, items),
        ).select("user", "rank", pl.exclude("user", "rank"))
        if self._quantile is not None:
            frame = frame.with_columns(at_least=learned.likelihood.rating(key))
        if self._options.explain:
            why = self._reasons(histories, users, lists)
            frame = frame.with_columns(pl.Series("reason", why, dtype=pl.String))
        return frame

    def _lists(
        self, histories: Csr, users: UserPosteriors | None, choices: Choices, threads: int | None
    ) -> Lists:
        """Return the list of each person; cautious ones have the quantiles as scores."""
        n = self._options.n
        most = self._variety.candidates(n)
        if self._quantile is not None and users is not None:
            lists = self._cautious(users, choices, most)
        else:
            lists = top_items(
                self._learned,
                histories,
                users,
                most,
                choices,
                by=self._by,
                chances=True,
                threads=threads,
                workspace=self._workspace,
            )
        return lists if most == n else lists.at(self._varied(histories, lists))

    def _cautious(self, users: UserPosteriors, choices: Choices, n: int) -> Lists:
        assert self._quantile is not None
        n = min(n, len(choices.eligible))
        rows = np.full((len(users), n), -1, dtype=np.int32)
        quantiles = np.zeros((len(users), n), dtype=np.float32)
        for person in range(len(users)):
            user = users.one(person)
            scores = user.scores(self._learned.item_table)
            key = score_quantiles(self._learned, user, scores, self._quantile)
            items = np.flatnonzero(choices.take(np.array([person])).of_one())
            best = items[np.argsort(-key[items], kind="stable")[:n]]
            rows[person, : len(best)], quantiles[person, : len(best)] = best, key[best]
        return Lists(rows, quantiles, None)

    def _varied(self, histories: Csr, lists: Lists) -> NDArray[np.intp]:
        """Return the places of the items that are chosen for each person; shape (people, n)."""
        rows, scores, n = lists.rows, lists.scores, self._options.n
        chosen = np.full((len(rows), min(n, rows.shape[1])), -1)  # where none is left, rows is -1
        for person, found in enumerate(rows >= 0):
            history = histories.take(np.array([person]))
            places = self._variety.choose(history, rows[person, found], scores[person, found], n)
            chosen[person, : len(places)] = places
        return chosen

    def _reasons(self, histories: Csr, users: UserPosteriors | None, lists: Lists) -> list[str]:
        """Return the reason for each item of each list."""
        found: list[str] = []
        for person, rows in enumerate(lists.rows):
            history = histories.take(np.array([person]))
            user = users.one(person) if users is not None and self._by == "rating" else None
            found += reasons(self._learned, history, user, rows[rows >= 0], self._by, pronouns=THEY)
        return found

    def write(
        self, table: TableFile, threads: int | None, progress: Callable[[int], None] | None
    ) -> WrittenLists:
        """Write all lists block by block; see `Profiles.write_recommendations`."""
        people, rows = len(self._users), 0
        n, varied = self._options.n, self._variety.candidates(self._options.n) > self._options.n
        one_by_one = self._quantile is not None or varied or self._options.explain
        step = min(_MAX_ONE_BY_ONE if one_by_one else _MAX_PEOPLE, max(1, _MAX_ROWS // n))
        for first in range(0, max(people, 1), step):
            block = np.arange(first, min(first + step, people))
            frame = self.frame(block, threads).drop(_NOT_WRITTEN)
            table.append(frame)
            rows += frame.height
            if progress is not None:
                progress(first + len(block))
        return WrittenLists(people, rows, self.skipped)
