"""Profiles of many people at once."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments, _native
from palate._threads import thread_count
from palate.data._ratings import Csr
from palate.inference._infer import covariance_at, infer
from palate.inference._prediction import need_spread, score_variance, status
from palate.model._profile import Profile

if TYPE_CHECKING:
    from palate.model._model import Model

# Covariances of so many numbers are held at a time.
_AT_A_TIME = 1 << 24


@dataclass(frozen=True, eq=False)
class Profiles:
    """Many people as a model sees them. ``profiles[row]`` is the `Profile` of one.

    Attributes
    ----------
    model
        The model.
    users
        Who they are: the column ``id``.
    table
        The mean of each person's k factors, then of their bias; shape (people, k + 1).
    ratings
        Their ratings, grouped by person.
    """

    model: Model
    users: pl.DataFrame
    table: NDArray[np.float32]
    ratings: Csr

    @classmethod
    def inferred(cls, model: Model, users: pl.DataFrame, ratings: Csr) -> Profiles:
        """Return the profiles of people who have given these ratings."""
        table = infer(ratings, model.parameters, thread_count(None)).mean
        return cls(model, users, table, ratings)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"<Profiles: {len(self):,} people; {self.model!r}>"

    def __getitem__(self, row: int) -> Profile:
        """Return the profile in a row, counted from 0, or from the end if it is negative.

        Raises
        ------
        IndexError
            If there is no such row.
        """
        row = range(len(self))[operator.index(row)]
        mine = slice(*self.ratings.starts[row : row + 2])
        covariance = self.covariances(np.array([row]))[0]
        partner, rating = self.ratings.partner[mine], self.ratings.rating[mine]
        return Profile(self.model, self.table[row], covariance, partner, rating)

    def score_rows(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the scores of pairs of rows; shape (n,)."""
        return _native.score_pairs(self.table, self.model.item_table, user, item)

    def sd_rows(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return how far ratings lie from the scores of pairs of rows, as a sd; shape (n,).

        Raises
        ------
        SettingError
            If the model is a point estimate.
        """
        need_spread(self.model.parameters)
        people, place = np.unique(user, return_inverse=True)
        sd, first = np.empty(len(user)), 0
        for some in self.blocks(people):
            pairs = np.flatnonzero((place >= first) & (place < first + len(some)))
            variance = score_variance(
                self.model.parameters,
                self.table[some],
                self.covariances(some),
                (place[pairs] - first).astype(np.int32),
                item[pairs],
            )
            sd[pairs] = np.sqrt(variance + self.model.parameters.noise_sd**2)
            first += len(some)
        return sd

    def recommend(
        self,
        n: int = 10,
        *,
        candidates: Any = None,
        exclude: Any = (),
        seen: bool = False,
        threads: int | None = None,
    ) -> pl.DataFrame:
        """Return the `n` items with the highest expected ratings for each person.

        Never more than a block of scores is held. See `Profile.recommend` for `n`, `candidates`,
        `exclude` and `seen`.

        Returns
        -------
        polars.DataFrame
            Person by person, the best first: user, id, item, prediction, ratings (how many the
            item has) and status ("known", "rarely rated" or "prior-only").

        Raises
        ------
        UnknownIdError
            If the model does not know one of the items named.
        """
        rows, scores = self.top_rows(
            n, self.model.choices(candidates, exclude), seen=seen, threads=threads
        )
        found = rows >= 0
        counts = self.model.item_counts[rows[found]]
        who = np.repeat(np.arange(len(rows)), found.sum(axis=1))
        best = self.model.item_frame(
            rows[found],
            prediction=self.model.link.rating(scores[found]),
            ratings=counts,
            status=status(counts),
        )
        return best.insert_column(0, self.users["id"].gather(who).alias("user"))

    def top_rows(
        self,
        n: int,
        allowed: NDArray[np.bool_],
        *,
        seen: bool = False,
        threads: int | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the rows of the best items and their scores; shapes (people, n), -1 for none."""
        starts, partner = self.ratings.starts, self.ratings.partner
        if seen:
            starts, partner = np.zeros_like(starts), partner[:0]
        best: tuple[NDArray[np.int32], NDArray[np.float32]] = _native.top_n(
            self.table,
            self.model.item_table,
            starts,
            partner,
            allowed,
            min(_arguments.integer("n", n, 1), len(allowed)),
            thread_count(threads),
        )
        return best

    def covariances(self, people: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Return the covariance of the profiles in some rows; shape (n, k + 1, k + 1)."""
        mine = self.ratings.take(people)
        return covariance_at(self.table[people], mine, self.model.parameters, thread_count(None))

    def blocks(self, people: NDArray[np.integer[Any]]) -> Iterator[NDArray[np.integer[Any]]]:
        """Give rows in blocks whose covariances fit into memory together."""
        step = max(1, _AT_A_TIME // self.table.shape[1] ** 2)
        for first in range(0, len(people), step):
            yield people[first : first + step]
