"""The readings of a model: the methods of `Model` that return what was learned as tables."""

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl

from palate._computed_once import computed_once
from palate.analysis._axes import AxisNames
from palate.analysis._biases import item_biases, user_biases
from palate.analysis._map import item_map
from palate.analysis._mean_decomposition import (
    MeanDecomposition,
    decompose_item_means,
    decompose_user_means,
)
from palate.analysis._popularity import item_popularity
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._learned import Learned


class Readings:
    """The part of `Model` that shows what was learned; each reading is a polars table.

    Attributes
    ----------
    learned
        The data behind the model.
    """

    def __init__(self, learned: Learned) -> None:
        self.learned = learned

    @computed_once
    def user_posteriors(self) -> UserPosteriors:
        """The posteriors of the known users."""
        table = self.learned.require_user_table()
        return UserPosteriors(
            self.learned.parameters,
            table,
            self.learned.ratings_by_user,
            self.learned.require_user_variances(),
            self.learned.known_of_users,
        )

    @computed_once
    def item_means(self) -> MeanDecomposition:
        """The decomposition of the mean rating of each item."""
        return decompose_item_means(self.learned)

    @computed_once
    def user_means(self) -> MeanDecomposition:
        """The decomposition of the mean rating of each known user."""
        return decompose_user_means(self.learned, self.user_posteriors)

    @computed_once
    def axis_names(self) -> AxisNames:
        """The names of the axes and of their ends."""
        return AxisNames(self.learned)

    def biases(
        self,
        order: Literal["bias", "cautious", "gap", "spread"] | None = None,
        *,
        min_ratings: int | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> pl.DataFrame:
        """Return the items with their biases, and why each bias differs from the mean rating.

        A low bias means that people dislike the item even if they enjoy its kind; a high bias, that
        they like it even if they do not. The mean rating of an item is exactly::

            mean = mu + bias + raters_bias + raters_interaction + residual

        where raters_bias (how generous its raters are) is the mean of b_u over its ratings, and
        raters_interaction (how well it suits its raters) the mean of p_u . q_i. In a Gibbs model
        b_i is the main effect of a two-way analysis of variance of the expected ratings (Gelman,
        "Analysis of variance", Annals of Statistics 33, 2005). In a model with a sigmoid the terms
        are the changes of the expected rating as b_i, then b_u, then p_u . q_i are added to the
        score. Items without a training rating are left out.

        Parameters
        ----------
        order
            "bias": the highest first. "cautious" (the default if there are intervals): by the bound
            of the 90% interval nearest to zero, so that few ratings do not make extremes. "gap":
            the largest difference of ranks. "spread": the most divisive, by its lower bound.
        min_ratings
            Leave out items with fewer training ratings. By default 1, or 20 for "gap".
        where
            Only items with these values, as in ``{"genres": "Comedy", "year": "1990..1999"}``.

        Returns
        -------
        polars.DataFrame
            A row for each item. The columns from mean to residual are in units of the ratings.

            - id, item, ratings (the number of training ratings), mean (of these ratings), mu, bias
            - lower, upper: the 90% interval of the bias; null in a point estimate
            - raters_bias, raters_interaction, residual: null in a model without users
            - rank_by_mean, rank_by_bias (1 is the highest), gap (the first minus the second:
              positive where the mean understates the item), reason (its main causes in words; null
              in a model without users)
            - spread, spread_lower, spread_upper: the sd of ratings about their expectations (how
              divisive an item is) and its 90% interval; null in a point estimate

        Raises
        ------
        SettingError
            If the order or `where` does not exist, or a point estimate is asked for intervals.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.biases(where={"genres": "Comedy"}, min_ratings=50).height
        189
        """
        return item_biases(self.learned, self.item_means, order, min_ratings, where)

    def popularity(
        self,
        order: Literal["beyond_taste", "cautious"] | None = None,
        *,
        min_ratings: int | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> pl.DataFrame:
        """Return how much each item is picked, apart from how it is liked.

        Popularity beyond taste is the number n_i of training ratings of an item, relative to that
        of items which are liked equally well::

            beyond_taste_i = n_i / exp(a + c b_i)

        with the line of log n on the bias b by least squares. The variance of its logarithm is
        ``1 / n_i + c^2 var(b_i)``: a count is taken as Poisson distributed.

        Parameters
        ----------
        order
            "beyond_taste": the highest first. "cautious" (the default if there are intervals): by
            the bound of the 90% interval that is nearest to 1.
        min_ratings
            Leave out items with fewer training ratings, also when the line is fitted; by default
            20, or fewer in a small data set.
        where
            Only items with these values, as in `biases`.

        Returns
        -------
        polars.DataFrame
            A row for each item:

            - id, item, ratings (the number of training ratings)
            - bias, lower, upper: with its 90% interval; null in a point estimate
            - beyond_taste, beyond_taste_lower, beyond_taste_upper: likewise
            - rank_by_ratings, rank_by_bias (1 is the highest)
            - contrast: "picked often, liked little" where beyond_taste is surely above 1 and the
              bias surely below 0, "picked rarely, well liked" in the opposite case, else null

        Raises
        ------
        SettingError
            As in `biases`; and if the model was fitted to events or counts.

        Examples
        --------
        >>> import palate
        >>> model = palate.fit(palate.movielens("100k"))
        >>> model.popularity().filter(contrast="picked often, liked little")["item"][0]
        'Liar Liar (1997)'
        """
        return item_popularity(self.learned, self.item_means, order, min_ratings, where)

    def user_biases(
        self,
        order: Literal["bias", "cautious", "gap", "spread"] | None = None,
        *,
        min_ratings: int | None = None,
    ) -> pl.DataFrame:
        """Return the known users with their biases: who rates generously, and who severely.

        See `biases` for `order` and `min_ratings`. The intervals come from the users' profiles,
        which take the parameters of the items as known.

        Returns
        -------
        polars.DataFrame
            A row for each user with the columns user, ratings, mean, mu, bias, lower, upper,
            items_bias (the mean bias of the items that the user rated), items_interaction (how well
            these suit the user), residual, rank_by_mean, rank_by_bias, gap and reason, as in
            `biases`; spread, spread_lower and spread_upper: how far the user's ratings lie from
            their expectations.

        Raises
        ------
        UnknownIdError
            If the model was saved without users.
        SettingError
            If the order does not exist.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.user_biases().select("user", "ratings", "bias").height
        943
        """
        return user_biases(self.learned, self.user_means, self.user_posteriors, order, min_ratings)

    def axes(self, exemplars: int = 8) -> pl.DataFrame:
        """Return the axes of taste, with exemplars and associated item features.

        A Gibbs model is already on canonical axes: they are orthogonal over users and over items,
        and the strongest comes first. The factors of a point estimate are transformed to such axes.
        Exemplars and associations are of items with at least 20 training ratings, or fewer
        in a small data set. The association with a number is the correlation, with Fisher's 90%
        interval. For a category it is the standardised difference d between the items that have it
        and the others, converted to the correlation d / sqrt(d^2 + 4) of two groups of equal size
        (Borenstein et al., "Introduction to meta-analysis", 2009, chapters 4 and 7).

        Parameters
        ----------
        exemplars
            Maximum number of items to list at each end.

        Returns
        -------
        polars.DataFrame
            A row for each axis, the strongest first:

            - axis: the number of the axis, from 1
            - share: the fraction of the variance of all axes
            - name: such as "Romance, older <-> Horror, newer", from the associations whose interval
              lies beyond 0.2; null if there are none
            - low, high: lists of the exemplars at either end, in the cautious order: id, item,
              position, lower, upper, ratings. A position is the effect of one standard deviation of
              that taste on the score of the item
            - along: a list of associations, in the cautious order: column, value, association,
              lower, upper, items

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
        'newer Action <-> Drama'
        """
        return self.axis_names.axes(exemplars)

    def map(self, x: str = "axis 1", y: str = "axis 2") -> pl.DataFrame:
        """Return two coordinates of each item, the most rated first; `palate.plots.map` draws them.

        Parameters
        ----------
        x, y
            The horizontal and the vertical coordinate. "axis 1" and so on are positions on the axes
            of taste. "component 1" and so on are the principal components of the factors of the
            1,000 most rated items, as in the fastai book. "bias", "ratings" (the number of training
            ratings) and "mean" (their mean) are others, and so is every column of the items table
            that holds numbers or dates.

        Returns
        -------
        polars.DataFrame
            The columns id, item, x, x_lower, x_upper, y, y_lower, y_upper (90% intervals; null if a
            coordinate has none) and ratings. Axes and components are in units of the score, biases
            and means in units of the ratings, dates in years. Items that lack a coordinate are left
            out, and so are items without a training rating.

        Raises
        ------
        SettingError
            If a coordinate does not exist.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.map("year", "bias")["item"][0]
        'Star Wars (1977)'
        """
        return item_map(self.learned, self.item_means, x, y)
