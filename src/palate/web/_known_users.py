"""What the service computes about known users: their list, histories, likes, and rating counts."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._computed_once import computed_once
from palate.analysis._mean_decomposition import user_biases_in_ratings
from palate.analysis._rating_counts import rating_counts
from palate.analysis._residuals import Residuals
from palate.errors import SettingError
from palate.model._model import Model
from palate.web import _person_responses as people
from palate.web import _responses as res
from palate.web import _user_requests as of_users
from palate.web._json import Ids, json_rows, json_value

_OF_RATINGS = {"mean", "bias", "spread", "expected", "residual", "surprise", "leverage"}
# Integers between these are taken as seconds since 1970: from 1973 to 2286.
_LEAST_SECONDS, _MOST_SECONDS = 10**8, 10**10


class KnownUsers:
    """Answers requests about the known users of one model."""

    def __init__(self, model: Model, ids: Ids, user_ids: Ids) -> None:
        self.model, self._ids, self._user_ids = model, ids, user_ids
        self._orders: dict[tuple[str, bool], NDArray[np.uint32]] = {}

    @computed_once
    def table(self) -> pl.DataFrame:
        """Every user with a history; what needs ratings is null in a model that has none.

        The columns are user, text (the id as text), ratings, mean, bias and spread.
        """
        learned = self.model.learned
        ratings = learned.require_users()
        counts, means = ratings.user_means()
        table = pl.DataFrame({"user": ratings.users["id"], "ratings": counts})
        columns: dict[str, Any] = dict.fromkeys(("mean", "bias", "spread"))
        if learned.has_ratings:
            columns |= {"mean": means, "bias": user_biases_in_ratings(learned)}
            if learned.parameters.variances is not None:
                spread = np.sqrt(learned.require_user_variances())
                columns["spread"] = learned.likelihood.noise_sd * spread
        return table.with_columns(
            pl.col("user").cast(pl.String).alias("text"),
            *(
                pl.lit(None, pl.Float64).alias(name)
                if values is None
                else pl.Series(name, values, dtype=pl.Float64)
                for name, values in columns.items()
            ),
        ).filter(pl.col("ratings") > 0)

    def user_list(self, query: of_users.UsersQuery) -> people.Users:
        """Return a page of the known users whose ids begin with the text searched for.

        Raises
        ------
        UnknownIdError
            If the model was saved without its users.
        SettingError
            If the order needs ratings and the model has none.
        """
        if query.sort in _OF_RATINGS:
            self.model.learned.require_rating_model()
        order = self._order(query.sort, query.descending)
        if query.search:
            begins = self.table["text"].str.starts_with(query.search).to_numpy()
            order = order[begins[order]]
        rows = self.table.drop("text")[order[query.rows]]
        users = [
            people.User(
                **{name: json_value(value) for name, value in row.items()}
                | {"user": self._user_ids[row["user"]]}
            )
            for row in rows.iter_rows(named=True)
        ]
        return people.Users(total=len(order), page=query.page, size=query.size, users=users)

    def _order(self, sort: str, descending: bool) -> NDArray[np.uint32]:
        """Return the rows of `table` in an order, which is kept: a page is a small part of it."""
        if (sort, descending) not in self._orders:
            place = (
                self.table.select(sort)
                .with_row_index("row")
                .sort(sort, "row", descending=[descending, False], nulls_last=True)
            )
            self._orders[sort, descending] = place["row"].to_numpy()
        return self._orders[sort, descending]

    def history(self, query: of_users.HistoryQuery) -> people.History:
        """Return a page of the history of a known user.

        Raises
        ------
        UnknownIdError
            If the model does not know the user.
        SettingError
            If the order needs ratings, or times, that the model does not have.
        """
        table = self.history_table(query)
        entries = [people.HistoryEntry(**row) for row in json_rows(table[query.rows], self._ids)]
        return people.History(
            user=self._user_ids[self.model.learned.require_users().users["id"][self._row(query)]],
            total=table.height,
            page=query.page,
            size=query.size,
            entries=entries,
        )

    def history_table(self, query: of_users.HistoryOrder) -> pl.DataFrame:
        """Return the history of a known user as a table, in the order of a query; see `history`."""
        learned, row = self.model.learned, self._row(query)
        known = learned.require_users()
        if query.sort in _OF_RATINGS:
            learned.require_rating_model()
        own = np.flatnonzero(known.user == row)
        items, columns = known.item[own], self._expectations(row, known.item[own])
        times = None if known.timestamp is None else known.timestamp[own]
        frame = learned.item_frame(
            items, rating=known.rating[own], **columns, time=_as_text(times, len(own))
        )
        sort = query.sort or ("rating" if times is None or learned.has_ratings else "time")
        key = frame[sort]
        if sort == "time":
            if times is None:
                raise SettingError(
                    "the ratings of this model have no times; sort by another column"
                )
            key = pl.Series(times)
        elif sort == "surprise":
            key = key.abs()
        place = key.arg_sort(descending=query.descending, nulls_last=True)
        return frame[place]

    def _row(self, query: of_users.HistoryOrder) -> int:
        return self.model.learned.user_index.row(query.user)

    def _expectations(self, row: int, items: NDArray[np.int32]) -> dict[str, Any]:
        """Return what is expected of each rating given the others; nulls without ratings."""
        learned = self.model.learned
        if not learned.has_ratings:
            names = ("expected", "residual", "surprise", "leverage")
            return {name: pl.Series([None] * len(items), dtype=pl.Float64) for name in names}
        person = self.model.user_posteriors.one(row)
        found = Residuals(learned, person)
        order = np.argsort(person.rated, kind="stable")
        place = order[np.searchsorted(person.rated[order], items)]
        return {
            "expected": found.expected[place],
            "residual": (person.rating - found.expected)[place],
            "surprise": found.surprise[place],
            "leverage": found.leverage[place],
        }

    def similar(self, query: of_users.SimilarUsersQuery) -> people.SimilarUsers:
        """Return the users whose tastes are most like those of a known user.

        Raises
        ------
        UnknownIdError
            If the model does not know the user.
        SettingError
            If the model has no ratings.
        """
        self.model.learned.require_rating_model()
        found = self.model.similar_users(query.user, query.n)
        return people.SimilarUsers(
            users=[
                people.SimilarUser(**row | {"user": self._user_ids[row["user"]]})
                for row in found.iter_rows(named=True)
            ]
        )

    def rating_counts(
        self, query: of_users.RatingCountsQuery, steps: list[float]
    ) -> res.RatingCounts:
        """Return how often each step of the scale was given to an item or by a user, and expected.

        Raises
        ------
        UnknownIdError
            If there is no such item or user.
        SettingError
            If the model has no ratings.
        """
        learned = self.model.learned
        learned.require_rating_model()
        known = learned.require_users()
        if query.item is not None:
            own = known.item == learned.item_index.row(query.item)
        else:
            own = known.user == learned.user_index.row(query.user)
        entries = np.flatnonzero(own)
        found = rating_counts(learned, self.model.user_posteriors, entries, np.array(steps))
        rows = zip(steps, found.observed.tolist(), found.expected.tolist(), strict=True)
        return res.RatingCounts(
            steps=[res.RatingCount(rating=r, observed=n, expected=x) for r, n, x in rows]
        )


def _as_text(times: NDArray[Any] | None, n: int) -> pl.Series:
    """Return times as dates where they are dates or seconds since 1970, else as they are."""
    if times is None:
        return pl.Series([None] * n, dtype=pl.String)
    column = pl.Series(times)
    if column.dtype.is_integer() and column.is_between(_LEAST_SECONDS, _MOST_SECONDS).all():
        column = pl.from_epoch(column, "s")
    return (column.dt.date() if column.dtype.is_temporal() else column).cast(pl.String)
