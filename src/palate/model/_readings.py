"""The readings of a model: tables of what it has learned, with `Model` as their facade."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import polars as pl

from palate.analysis._axes import AxisNames, axes
from palate.analysis._biases import item_biases, user_biases
from palate.analysis._map import item_map
from palate.analysis._mean_decomposition import (
    MeanDecomposition,
    decompose_item_means,
    decompose_user_means,
)
from palate.analysis._neighbours import similar_items, similar_users
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned


class Readings:
    """The readings of what was learned, each a polars table.

    Attributes
    ----------
    learned
        The data behind the model.
    """

    def __init__(self, learned: Learned) -> None:
        self.learned = learned

    @cached_property
    def user_posteriors(self) -> UserPosteriors:
        """The posteriors of the known users."""
        _, table = self.learned.require_users()
        return UserPosteriors(self.learned.parameters, table, self.learned.ratings_by_user)

    @cached_property
    def item_means(self) -> MeanDecomposition:
        """The decomposition of the mean rating of each item."""
        return decompose_item_means(self.learned)

    @cached_property
    def user_means(self) -> MeanDecomposition:
        """The decomposition of the mean rating of each known user."""
        return decompose_user_means(self.learned, self.user_posteriors)

    @cached_property
    def axis_names(self) -> AxisNames:
        """The names of the axes and of their ends."""
        return AxisNames(self.learned)

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
        return item_biases(self.learned, self.item_means, order, min_ratings, where)

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
        return user_biases(self.learned, self.user_means, order, min_ratings)

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
        return axes(self.learned, exemplars)

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
        8: its mean over 400 draws from the posteriors of both items' factors, or for a point
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
        return similar_items(self.learned, item, n, order, min_ratings)

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
        return similar_users(self.learned, self.user_posteriors, user, n, order)

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
        return item_map(self.learned, self.item_means, x, y)
