"""The known users of a model: the methods of `Model` that infer, list and forget them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._item_table import ItemTable
from palate.analysis._vectors import Vectors, VectorsBy, item_vectors
from palate.errors import SettingError
from palate.inference._lists import By
from palate.learned._lookup import Unknown
from palate.learned._without_users import without_users
from palate.model._neighbours import Neighbours
from palate.model._profile import Profile
from palate.model._profiles import Profiles


class KnownUsers(Neighbours):
    """The part of `Model` that concerns the known users."""

    def user(self, user: Any) -> Profile:
        """Return the profile of a known user, by id.

        Raises
        ------
        UnknownIdError
            If the user is unknown, or the model was saved without users.
        """
        return self._known_profiles()[self.learned.user_index.row(user)]

    def _known_profiles(self) -> Profiles:
        """Return the profiles of all known users."""
        known = self.learned.require_users()
        posteriors = self.user_posteriors if self.learned.has_ratings else None
        histories = self.learned.ratings_by_user
        return Profiles(self.learned, known.users, histories, posteriors, self.axis_names)

    def _profiles_of(self, users: Iterable[Any], unknown: Unknown) -> Profiles:
        """Return the profiles of some known users, in the order in which they are given first."""
        everyone = self._known_profiles()
        found = self.learned.user_index.find(users, unknown)
        rows = list(dict.fromkeys(found.known.tolist()))
        return everyone.take(np.array(rows, dtype=np.int64), found.skipped)

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
        """Return the `n` best items for each known user; see `Profiles.recommend`.

        For some of them see ``profiles(users=...)``; to write a file, which may be larger than the
        memory, ``profiles().write_recommendations(...)``.

        Raises
        ------
        UnknownIdError
            If an item is unknown and not to be skipped, or the model was saved without users.
        SettingError, DataError
            As in `Profiles.recommend`.
        """
        return self._known_profiles().recommend(
            n,
            candidates=candidates,
            exclude=exclude,
            where=where,
            seen=seen,
            by=by,
            balance=balance,
            cautious=cautious,
            diversity=diversity,
            calibrate=calibrate,
            explain=explain,
            unknown=unknown,
            candidates_by_user=candidates_by_user,
            exclude_by_user=exclude_by_user,
            threads=threads,
        )

    def predict(
        self, users: Sequence[Any], items: Sequence[Any], *, unknown: Unknown = "error"
    ) -> NDArray[np.float32]:
        """Return the expected ratings of pairs of a user and an item.

        Parameters
        ----------
        users, items
            The ids of n users, and the ids or titles of n items.
        unknown
            What to do with pairs of which the model does not know the user or the item: an "error",
            or "skip" them: they are NaN.

        Returns
        -------
        numpy.ndarray
            In units of the ratings; shape (n,).

        Raises
        ------
        UnknownIdError
            If a user or an item is unknown and not to be skipped, or the model was saved without
            users.
        SettingError
            If `users` and `items` are not sequences of the same length.
        """
        if not all(isinstance(ids, Sequence | np.ndarray | pl.Series) for ids in (users, items)):
            raise SettingError("users and items must be two lists of the same length")
        if len(users) != len(items):
            raise SettingError(
                f"there are {len(users)} users and {len(items)} items; give a user for each item"
            )
        user = self.learned.user_index.find(users, unknown).rows.astype(np.int32)
        item = self.learned.item_index.find(items, unknown).rows.astype(np.int32)
        known = (user >= 0) & (item >= 0)
        ratings = np.full(len(user), np.nan, dtype=np.float32)
        scores = self.user_posteriors.scores(user[known], item[known])
        ratings[known] = self.learned.likelihood.rating(scores)
        return ratings

    def vectors(self, by: VectorsBy) -> Vectors:
        """Return vectors of the items and the known users, for an index of vectors.

        The inner product of the vectors of a person and of an item is a score, so that the items
        with the largest inner products are the person's list. Items that `recommend` leaves out,
        those of the history and those without training ratings, are left out by the caller.

        Parameters
        ----------
        by
            "rating": the inner product is the expected rating, before it is clipped to the scale
            (in a model with a sigmoid, the argument of the sigmoid). With k factors::

                user [p_u, 1, mu + b_u],   item [q_i, b_i, 1]

            "choice": it is nearly the choice score. The exact score needs a vector as long as
            the items are many; this one has the 128 directions in which scores differ most (all
            of them, where there are fewer items). Eight of ten items of a list are the same, and
            the nDCG@10 on the official folds of MovieLens 100k is 0.420 instead of 0.421. With the
            weights B = U S V' and the discount d of `palate.Choice`::

                user [x_u B V, e_u],   item [d_i V_i, c_i]

            where e_u is 1 for a person without a history and else 0, and c_i the popularity of the
            item relative to the highest. Scores by "both" are no inner products.

        Returns
        -------
        Vectors
            Two tables, `items` and `users`, with the column vector of arrays of fixed size in
            single precision. `Profile.vector` and `Profiles.vectors` return those of other people.

        Raises
        ------
        SettingError
            If `by` is something else, or the model can't answer the question.

        Examples
        --------
        >>> import palate
        >>> model = palate.fit(palate.movielens("100k"))
        >>> items = model.vectors("rating").items
        >>> scores = items["vector"].to_numpy() @ model.user(196).vector("rating")
        >>> items["item"][int(scores.argmax())] == model.user(196).recommend(
        ...     1, by="rating", seen=True
        ... )["item"][0]
        True
        """
        known = None if self.learned.users is None else self._known_profiles().vectors(by)
        return Vectors(item_vectors(self.learned, by), known)

    def forget(self, users: Iterable[Any], *, unknown: Unknown = "error") -> Self:
        """Return a model without some users: without all that is known of them.

        Their ratings, profiles and features are gone, and so are the items that nobody else has
        rated. Save the model in its folder to remove them from the files as well. The parameters of
        all other items are those of the fit, to which these users contributed: that ends with the
        next fit, to ratings without them (see `Ratings.without_users`).

        Parameters
        ----------
        users
            Their ids, or one id.
        unknown
            What to do with users that the model does not know: an "error", or "skip" them.

        Raises
        ------
        UnknownIdError
            If a user is unknown and not to be skipped, or the model was saved without users.
        DataError
            If no ratings are left, or no items that the model was fitted to.
        """
        known = self.learned.require_users()
        gone = np.zeros(known.users.height, dtype=np.bool_)
        gone[self.learned.user_index.find(users, unknown).known] = True
        return type(self)(without_users(self.learned, gone)) if gone.any() else self
