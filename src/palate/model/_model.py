"""The model: what was learned of the items, and of the users who were there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _checks, _native
from palate.data._ratings import Csr, Ratings
from palate.errors import DataError, SettingError, UnknownIdError
from palate.model._inference import Parameters, infer
from palate.model._link import Link, mean_squared_error
from palate.model._lookup import ItemNames, user_row
from palate.model._people import many_people, one_person
from palate.model._profile import Profile
from palate.model._profiles import Profiles
from palate.model._update import Update, update


@dataclass(frozen=True)
class Fit:
    """How a model came about.

    Attributes
    ----------
    solver, settings
        The solver's name, and every setting it used, the seed among them.
    source
        Where the ratings came from.
    history
        A row for each epoch or sweep.
    interrupted
        Whether Ctrl-C ended the fit early.
    """

    solver: str
    settings: dict[str, Any]
    source: str
    history: list[dict[str, Any]] = field(default_factory=list)
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted model: items are learned, users are inferred.

    Attributes
    ----------
    items
        The items: the columns ``id`` and ``item`` (the title, else the id as text), and
        whatever else is known of them.
    parameters
        What was learned of the items and of people at large.
    item_counts, item_means
        How many ratings each item was trained on, and their mean (NaN where there were none);
        shape (items,).
    ratings
        The ratings of the users who were there; None in a model that was saved without users.
    user_table
        For each of them the k factors, then the bias; shape (users, k + 1); or None.
    fit
        How the model came about.
    """

    items: pl.DataFrame
    parameters: Parameters
    item_counts: NDArray[np.int64]
    item_means: NDArray[np.float32]
    ratings: Ratings | None
    user_table: NDArray[np.float32] | None
    fit: Fit

    @classmethod
    def trained(
        cls, ratings: Ratings, parameters: Parameters, user_table: NDArray[np.float32], fit: Fit
    ) -> "Model":
        """Return the model of `ratings` with what a solver has learned."""
        counts = np.bincount(ratings.item, minlength=ratings.items.height)
        sums = np.bincount(ratings.item, weights=ratings.rating, minlength=len(counts))
        with np.errstate(invalid="ignore"):
            means = (sums / counts).astype(np.float32)
        return cls(
            items=ratings.items,
            parameters=parameters,
            item_counts=counts,
            item_means=means,
            ratings=ratings,
            user_table=user_table,
            fit=fit,
        )

    def __repr__(self) -> str:
        users = "no users" if self.users is None else f"{self.users.height:,} users"
        return (
            f"<Model: {self.items.height:,} items, {users}, {self.factors} factors, by "
            f"{self.fit.solver}; {self.fit.source}>"
        )

    @property
    def users(self) -> pl.DataFrame | None:
        """The users who were there: the column ``id``; None in a model saved without them."""
        return None if self.ratings is None else self.ratings.users

    @property
    def item_table(self) -> NDArray[np.float32]:
        """The factors and the bias of each item; shape (items, k + 1)."""
        return self.parameters.item_table

    @property
    def link(self) -> Link:
        """What turns scores into ratings."""
        return self.parameters.link

    @property
    def factors(self) -> int:
        """How many factors an item has."""
        return int(self.item_table.shape[1]) - 1

    @property
    def item_factors(self) -> NDArray[np.float32]:
        """The factors of each item; shape (items, k)."""
        return self.item_table[:, :-1]

    @property
    def item_biases(self) -> NDArray[np.float32]:
        """The bias of each item, in units of the score; shape (items,)."""
        return self.item_table[:, -1]

    @property
    def history(self) -> pl.DataFrame:
        """The fit as it went, a row for each epoch or sweep."""
        return pl.DataFrame(self.fit.history)

    def biases(self) -> pl.DataFrame:
        """Return every item with its bias, the highest first.

        A low bias says that people dislike the item even where it is of a kind that they enjoy; a
        high one, that they like it even where it is not. It is in units of the score, before the
        link. Items without a training rating are left out: they have learned nothing.

        Returns
        -------
        polars.DataFrame
            Columns id, item, bias, ratings (how many) and mean (of the ratings).
        """
        rows = np.flatnonzero(self.item_counts)
        rows = rows[np.argsort(-self.item_biases[rows], kind="stable")]
        return self.item_frame(
            rows,
            bias=self.item_biases[rows],
            ratings=self.item_counts[rows],
            mean=self.item_means[rows],
        )

    def similar(self, item: Any, n: int = 10) -> pl.DataFrame:
        """Return the `n` items whose factors point most nearly the same way as those of `item`.

        Similarity is the cosine of the angle between the factors. Items without a training
        rating are left out.

        Returns
        -------
        polars.DataFrame
            Columns id, item, similarity and ratings (how many), the most similar first.

        Raises
        ------
        UnknownIdError
            If there is no such item.
        """
        _checks.whole("n", n, 1)
        row = self.names.row(item)
        lengths = np.linalg.norm(self.item_factors, axis=1)
        lengths[lengths == 0] = 1
        cosine = self.item_factors @ self.item_factors[row] / (lengths * lengths[row])
        others = np.flatnonzero((self.item_counts > 0) & (np.arange(len(cosine)) != row))
        rows = others[np.argsort(-cosine[others], kind="stable")[:n]]
        return self.item_frame(rows, similarity=cosine[rows], ratings=self.item_counts[rows])

    def user(self, user: Any) -> Profile:
        """Return the profile of a user who was there when the model was trained.

        Raises
        ------
        UnknownIdError
            If there is no such user, or the model was saved without users.
        """
        ratings, table = self.known()
        row = user_row(ratings.users, user)
        mine = np.flatnonzero(ratings.user == row)
        rated = Csr(np.array([0, len(mine)]), ratings.item[mine], ratings.rating[mine])
        return Profiles(self, ratings.users[row : row + 1], table[row : row + 1], rated)[0]

    def profile(self, ratings: Mapping[Any, float] | Ratings) -> Profile:
        """Return the profile of anybody, inferred from their ratings; the model stays as it is.

        Parameters
        ----------
        ratings
            A rating for each item, by its id or title, as in ``{"Fargo (1996)": 5}``; or the
            `Ratings` of one user. It may be empty: then the profile is what is known of a
            stranger.

        Raises
        ------
        UnknownIdError
            If the model does not know one of the items.
        DataError
            If an item is named twice, a rating is off the model's scale, or the `Ratings` are
            of several users.
        """
        if isinstance(ratings, Ratings):
            if ratings.users.height != 1:
                raise DataError(
                    f"these are the ratings of {ratings.users.height:,} users; use profiles"
                )
            return self.profiles(ratings)[0]
        rated = one_person(self, ratings)
        one = infer(rated, self.parameters, threads=1, covariances=True)
        return Profile(self, one.mean[0], one.covariance[0], rated.partner, rated.rating)

    def profiles(self, ratings: Ratings | None = None) -> Profiles:
        """Return the profiles of many people: of the known users, or of those of `ratings`.

        Raises
        ------
        UnknownIdError
            If the model was saved without users and no `ratings` are given, or does not know
            an item of theirs.
        DataError
            If a rating is off the model's scale.
        """
        if ratings is not None:
            grouped = many_people(self, ratings)
            return Profiles.inferred(self, ratings.users, grouped)
        known, table = self.known()
        return Profiles(self, known.users, table, known.by_user())

    def recommend(self, n: int = 10, **choices: Any) -> pl.DataFrame:
        """Return the `n` best items for every known user; see `Profiles.recommend`."""
        return self.profiles().recommend(n, **choices)

    def update(self, ratings: Ratings) -> Update:
        """Take in new ratings of known and new users; see `Update`.

        Their profiles are inferred again from all their ratings, old and new; where somebody has
        rated an item again, the new rating counts. Items stay as they were learned. Timestamps
        are kept where both the old and the new ratings have them.

        Raises
        ------
        UnknownIdError
            If the model was saved without users, or does not know an item of `ratings`: a refit
            learns it.
        DataError
            If there are no ratings, one is off the model's scale, or ids or timestamps are of
            another type.
        """
        return update(self, ratings)

    def predict(self, users: Sequence[Any], items: Sequence[Any]) -> NDArray[np.float32]:
        """Return the rating that each user is expected to give the item beside it.

        Parameters
        ----------
        users, items
            Ids (for items, titles too); as many of one as of the other.

        Returns
        -------
        numpy.ndarray
            Shape (n,), in units of the ratings.

        Raises
        ------
        UnknownIdError
            If the model does not know one of them.
        """
        if not all(isinstance(some, Sequence | np.ndarray | pl.Series) for some in (users, items)):
            raise SettingError(
                "give a list of users and a list of items, as many of one as of both"
            )
        if len(users) != len(items):
            raise SettingError(f"there are {len(users)} users for {len(items)} items; pair them")
        known, _ = self.known()
        user_rows = {user: user_row(known.users, user) for user in set(users)}
        item_rows = {item: self.names.row(item) for item in set(items)}
        return self.predict_rows(
            np.array([user_rows[user] for user in users], dtype=np.int32),
            np.array([item_rows[item] for item in items], dtype=np.int32),
        )

    def predict_rows(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the expected rating for rows of the user and the item table; shape (n,)."""
        _, table = self.known()
        return self.link.rating(_native.score_pairs(table, self.item_table, user, item))

    def loss(self, ratings: Ratings) -> float:
        """Return the mean squared error on ratings of known users and items.

        Raises
        ------
        DataError
            If there are no ratings, or they are over other users or items than the model's own.
        """
        known, table = self.known()
        if not isinstance(ratings, Ratings) or len(ratings) == 0:
            raise DataError("there are no ratings to measure the loss on")
        if not known.shares_ids(ratings):
            raise DataError("these ratings are over other users or items than the model")
        score = _native.score_pairs(table, self.item_table, ratings.user, ratings.item)
        return mean_squared_error(self.link, score, ratings.rating)

    def save(self, path: str | Path, *, users: bool = True) -> None:
        """Write the model to the folder `path`, in place of a model that is there.

        A crash at any moment leaves the old model or the new one. Without `users` neither they
        nor their ratings are written.

        Raises
        ------
        ModelFileError
            If the folder can't be written, or holds something other than a model.
        """
        from palate.model._storage import save  # noqa: PLC0415  (storage makes models)

        save(self, Path(path), users=users)

    def known(self) -> tuple[Ratings, NDArray[np.float32]]:
        """Return the known users' ratings and rows.

        Raises
        ------
        UnknownIdError
            If the model was saved without users.
        """
        if self.ratings is None or self.user_table is None:
            raise UnknownIdError("this model was saved without its users; it knows none of them")
        return self.ratings, self.user_table

    @cached_property
    def names(self) -> ItemNames:
        """What finds an item by its id or title."""
        return ItemNames(self.items)

    def choices(self, candidates: Any = None, exclude: Any = ()) -> NDArray[np.bool_]:
        """Return which items may be recommended: candidates, or those with a training rating."""
        allowed = self.item_counts > 0
        if candidates is not None:
            allowed[:] = False
            allowed[self.names.rows(candidates)] = True
        allowed[self.names.rows(exclude)] = False
        return allowed

    def item_frame(self, rows: NDArray[np.integer[Any]], **columns: Any) -> pl.DataFrame:
        """Return the columns id and item at `rows`, and `columns`."""
        names = {name: self.items[name].gather(rows) for name in ("id", "item")}
        return pl.DataFrame(names | columns)
