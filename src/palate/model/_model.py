"""The model: what was learned of the items, and of the users who were there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _checks, _native
from palate.data._ratings import Ratings
from palate.errors import SettingError, UnknownIdError
from palate.model._link import Link
from palate.model._lookup import item_row, user_row
from palate.model._profile import Profile


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
    """A fitted model.

    The score of user u and item i is ``p_u . q_i + b_u + b_i``, and the rating is `link` of it.

    Attributes
    ----------
    items
        The items: the columns ``id`` and ``item`` (the title, else the id as text), and
        whatever else is known of them.
    item_table
        For each item its k factors, then its bias; shape (items, k + 1).
    item_counts, item_means
        How many ratings each item was trained on, and their mean (NaN where there were none);
        shape (items,).
    users, user_table
        The same for users; None in a model that was saved without them.
    ratings
        The ratings it was trained on; None in a model that was saved without users.
    link
        From scores to ratings.
    fit
        How the model came about.
    """

    items: pl.DataFrame
    item_table: NDArray[np.float32]
    item_counts: NDArray[np.int64]
    item_means: NDArray[np.float32]
    users: pl.DataFrame | None
    user_table: NDArray[np.float32] | None
    ratings: Ratings | None
    link: Link
    fit: Fit

    @classmethod
    def trained(
        cls,
        ratings: Ratings,
        user_table: NDArray[np.float32],
        item_table: NDArray[np.float32],
        link: Link,
        fit: Fit,
    ) -> "Model":
        """Return the model of `ratings` with the tables that a solver has learned."""
        counts = np.bincount(ratings.item, minlength=ratings.items.height)
        sums = np.bincount(ratings.item, weights=ratings.rating, minlength=len(counts))
        with np.errstate(invalid="ignore"):
            means = (sums / counts).astype(np.float32)
        return cls(
            items=ratings.items,
            item_table=item_table,
            item_counts=counts,
            item_means=means,
            users=ratings.users,
            user_table=user_table,
            ratings=ratings,
            link=link,
            fit=fit,
        )

    def __repr__(self) -> str:
        users = "no users" if self.users is None else f"{self.users.height:,} users"
        return (
            f"<Model: {self.items.height:,} items, {users}, {self.factors} factors, by "
            f"{self.fit.solver}; {self.fit.source}>"
        )

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
        return self.item_frame(rows).with_columns(
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
        row = item_row(self.items, item)
        lengths = np.linalg.norm(self.item_factors, axis=1)
        lengths[lengths == 0] = 1
        cosine = self.item_factors @ self.item_factors[row] / (lengths * lengths[row])
        others = np.flatnonzero((self.item_counts > 0) & (np.arange(len(cosine)) != row))
        rows = others[np.argsort(-cosine[others], kind="stable")[:n]]
        return self.item_frame(rows).with_columns(
            similarity=cosine[rows], ratings=self.item_counts[rows]
        )

    def user(self, user: Any) -> Profile:
        """Return the profile of a user who was there when the model was trained.

        Raises
        ------
        UnknownIdError
            If there is no such user, or the model was saved without users.
        """
        row = user_row(self._users(), user)
        assert self.user_table is not None
        rated = np.array([], dtype=np.int32)
        rating = np.array([], dtype=np.float32)
        if self.ratings is not None:
            mine = self.ratings.user == row
            rated, rating = self.ratings.item[mine], self.ratings.rating[mine]
        return Profile(self, self.user_table[row], rated, rating)

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
        if len(users) != len(items):
            raise SettingError(f"there are {len(users)} users for {len(items)} items; pair them")
        known = self._users()
        user_rows = {user: user_row(known, user) for user in set(users)}
        item_rows = {item: item_row(self.items, item) for item in set(items)}
        return self.predict_rows(
            np.array([user_rows[user] for user in users], dtype=np.int32),
            np.array([item_rows[item] for item in items], dtype=np.int32),
        )

    def predict_rows(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return the expected rating for rows of the user and the item table; shape (n,)."""
        self._users()
        assert self.user_table is not None
        return self.link.rating(_native.score_pairs(self.user_table, self.item_table, user, item))

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

    def item_frame(self, rows: NDArray[np.int64]) -> pl.DataFrame:
        """Return the columns id and item at `rows`."""
        return self.items.select("id", "item")[rows]

    def _users(self) -> pl.DataFrame:
        if self.users is None:
            raise UnknownIdError("this model was saved without its users; it knows none of them")
        return self.users
