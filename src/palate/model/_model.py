"""The model: what was learned of the items, and of the users who were there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _native
from palate.data._ratings import Csr, Ratings
from palate.errors import DataError, SettingError, UnknownIdError
from palate.inference._infer import Parameters, infer
from palate.inference._link import Link, mean_squared_error
from palate.interpret._axes import axes, ends
from palate.interpret._biases import Parts, item_biases, item_parts, user_biases, user_parts
from palate.interpret._canonical import Canonical, canonical
from palate.interpret._map import item_map
from palate.interpret._neighbours import similar_items, similar_users
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

    def biases(
        self,
        order: Literal["bias", "cautious", "gap"] | None = None,
        *,
        min_ratings: int | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> pl.DataFrame:
        """Return every item with its bias, and why that is not its mean rating.

        A low bias says that people dislike the item even where it is of a kind that they enjoy; a
        high one, that they like it even where it is not. An item's mean rating is, exactly::

            mean = mu + bias + raters_bias + raters_interaction + residual

        How generous its raters are, and how well it suits those who chose it, are the means of
        b_u and of p_u . q_i over its ratings. In a model by Gibbs b_i is the main effect of a
        two-way analysis of variance of the expected ratings (Gelman, "Analysis of variance",
        Annals of Statistics 33, 2005); for the sigmoid of the book's recipe the parts are the steps
        that the expected rating takes as b_i, then b_u, then p_u . q_i are put in. Items without
        a training rating are left out: they have learned nothing.

        Parameters
        ----------
        order
            The highest first by "bias"; by "cautious", the end of the interval that is nearer to
            zero, so that nothing with three ratings is on top or at the bottom by luck; or the
            largest difference of ranks first, "gap". By default cautious, or for a point estimate,
            which has no intervals, by bias.
        min_ratings
            Leave out items with fewer ratings; ranks are among those that are left. By default 1,
            or by "gap" 20 (fewer in a small table), since the mean of a few ratings is mostly luck.
        where
            Only items with these values, as in ``{"genres": "Comedy", "year": "1990..1999"}``.

        Returns
        -------
        polars.DataFrame
            Columns id, item, ratings (how many), mean (of the ratings), mu, bias, lower and upper
            (its 90% interval; null in a point estimate), raters_bias, raters_interaction and
            residual (null in a model without users), rank_by_mean, rank_by_bias (1 is the
            highest), gap (the first minus the second: positive where the mean does the item an
            injustice) and reason (in words; null with the parts). All but ranks are in units of
            the ratings.

        Raises
        ------
        SettingError
            If there is no such order or no such column, nothing has the value that is asked for,
            or a point estimate is asked to be cautious.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> comedies = model.biases(where={"genres": "Comedy"}, min_ratings=50)
        >>> comedies.height
        189
        """
        return item_biases(self, order, min_ratings, where)

    def user_biases(
        self,
        order: Literal["bias", "cautious", "gap"] | None = None,
        *,
        min_ratings: int | None = None,
    ) -> pl.DataFrame:
        """Return every known user with their bias: who is generous, and who is severe.

        See `biases` for `order` and `min_ratings`. The intervals are those of the profiles, with
        the items taken as known.

        Returns
        -------
        polars.DataFrame
            Columns user, ratings, mean, mu, bias, lower, upper, items_bias (how good the items are
            that they chose), items_interaction (how well these suit them), residual, rank_by_mean,
            rank_by_bias, gap and reason, as in `biases`.

        Raises
        ------
        UnknownIdError
            If the model was saved without users.
        SettingError
            If there is no such order.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.user_biases().select("user", "ratings", "bias").height
        943
        """
        return user_biases(self, order, min_ratings)

    def axes(self, exemplars: int = 8) -> pl.DataFrame:
        """Return the axes of taste, with what lies at their ends and what they go along with.

        A model by Gibbs is on canonical axes as it is (orthogonal over users and over items, the
        strongest first); a point estimate is turned to them. What an axis goes along with is
        measured over the items with enough ratings (20, or fewer in a small table): correlations
        with numbers, with Fisher's 90% interval; for categories the standardised difference d of
        their items from the others, as the correlation d / sqrt(d^2 + 4) of two groups of equal
        size (Borenstein et al., "Introduction to meta-analysis", 2009, chapters 4 and 7).

        Parameters
        ----------
        exemplars
            How many items to name at each end.

        Returns
        -------
        polars.DataFrame
            A row for each axis: axis (from 1), share (of the variance that all axes explain), name
            ("Romance, older <-> Horror, newer" from the clearest associations, those whose interval
            stays beyond 0.2; null where nothing is clear), low and high (lists of exemplars with
            enough ratings, the surest first: id, item, position, lower, upper, ratings; a position
            is what one standard deviation of that taste is worth, in units of the score), and along
            (a list of associations, the surest first: column, value, association, lower, upper,
            items).

        Raises
        ------
        SettingError
            If `exemplars` is out of range.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.axes()["name"][0]
        'Action, newer <-> Drama, older'
        """
        return axes(self, exemplars)

    def similar(
        self,
        item: Any,
        n: int = 10,
        *,
        order: Literal["similarity", "cautious"] | None = None,
        min_ratings: int | None = None,
    ) -> pl.DataFrame:
        """Return the `n` items whose factors point most nearly the same way as those of `item`.

        Similarity is the cosine of the angle between the factors, as in the fastai book's chapter
        8: its mean over 200 draws from the posteriors of both items' factors, or for a point
        estimate that of the factors. Items without a training rating are left out.

        Parameters
        ----------
        item
            An id or a title.
        n
            How many.
        order
            By "similarity", as in the book: the cosine of the factors as they were learned; or by
            "cautious", the lower end of its interval, which holds back items with few ratings. By
            default cautious; or for a point estimate, which has no intervals, by similarity among
            items with enough ratings.
        min_ratings
            Leave out items with fewer ratings: by default none, or for a point estimate without an
            `order` those with fewer than 20 (less in a small table).

        Returns
        -------
        polars.DataFrame
            Columns id, item, similarity, lower and upper (its 90% interval over the draws), sure
            (whether the interval is above zero: if not, too little is known to say), cosine (of the
            factors as they were learned), correlation (of the two items' scores over people at
            large) and ratings (how many). Interval and sure are null in a point estimate.

        Raises
        ------
        UnknownIdError
            If there is no such item, or nobody has rated it.
        SettingError
            If `n` or `order` is out of range, or a point estimate is asked to be cautious.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.similar("Star Wars (1977)", 2)["item"].to_list()
        ['Empire Strikes Back, The (1980)', 'Return of the Jedi (1983)']
        """
        return similar_items(self, item, n, order, min_ratings)

    def similar_users(
        self, user: Any, n: int = 10, *, order: Literal["similarity", "cautious"] | None = None
    ) -> pl.DataFrame:
        """Return the `n` users whose tastes are most like those of `user`.

        Similarity is the cosine of their positions on the canonical axes, each as it differs from
        the average user's. See `similar` for `order`.

        Returns
        -------
        polars.DataFrame
            Columns user, similarity, lower, upper and sure (from draws of both profiles), cosine,
            correlation (of the two users' scores over the items), ratings (how many) and common
            (how many of the items both have rated).

        Raises
        ------
        UnknownIdError
            If there is no such user, or the model was saved without users.
        SettingError
            If `n` or `order` is out of range.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.similar_users(196, 3).height
        3
        """
        return similar_users(self, user, n, order)

    def map(self, x: str = "axis 1", y: str = "axis 2") -> pl.DataFrame:
        """Return the items on a plane, those with most ratings first; `palate.plots.map` draws it.

        Parameters
        ----------
        x, y
            What is across and what is up: "axis 1" and so on; "component 1" and so on, the
            principal components of the 1,000 most rated items' factors as in the book; "bias",
            "ratings", "mean"; or a column of numbers or dates that is known of the items.

        Returns
        -------
        polars.DataFrame
            Columns id, item, x, x_lower, x_upper, y, y_lower, y_upper (90% intervals; null where
            there is none) and ratings. Items without a coordinate are left out. Axes and components
            are in units of the score, dates in years.

        Raises
        ------
        SettingError
            If there is no such coordinate.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.map("year", "bias")["item"][0]
        'Star Wars (1977)'
        """
        return item_map(self, x, y)

    def user(self, user: Any) -> Profile:
        """Return the profile of a user who was there when the model was trained.

        Raises
        ------
        UnknownIdError
            If there is no such user, or the model was saved without users.
        """
        ratings, table = self.known()
        row = self.user_row(user)
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

    def explore(self, height: int = 800) -> Any:
        """Show the explorer of this model in a frame of a notebook, `height` pixels high.

        Raises
        ------
        MissingExtraError
            Without the extra ``web``.
        """
        import palate  # noqa: PLC0415  (which knows the wings; a model does not)

        return palate.web.explore(self, height)

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

    @cached_property
    def canonical(self) -> Canonical:
        """The model on its canonical axes."""
        return canonical(self.parameters, self.item_counts > 0)

    @cached_property
    def item_parts(self) -> Parts:
        """What makes up the mean rating of each item."""
        return item_parts(self)

    @cached_property
    def user_parts(self) -> Parts:
        """What makes up the mean rating of each known user."""
        return user_parts(self)

    @cached_property
    def axis_ends(self) -> list[tuple[str, str]]:
        """What to call the low and the high end of each axis."""
        return ends(self.named_axes)

    @cached_property
    def named_axes(self) -> pl.DataFrame:
        """The axes with one exemplar at each end."""
        return self.axes(1)

    def user_row(self, user: Any) -> int:
        """Return the row of a known user; see `user`."""
        return user_row(self.known()[0].users, user)

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
