"""Profiles: what a model infers about one person."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._axes import AxisNames
from palate.analysis._explanation import Explanation, explain
from palate.analysis._portrait import Portrait, portrait
from palate.analysis._questions import next_questions
from palate.analysis._recommendations import favourites, predictions, recommendations
from palate.inference._user_posterior import UserPosterior
from palate.learned._learned import Learned


@dataclass(frozen=True, eq=False)
class Profile:
    """The posterior of one person's factors and bias, a normal distribution.

    `Model.user` returns the profile of a known user, `Model.profile` that of anyone with ratings.

    Attributes
    ----------
    learned
        The data behind the model.
    posterior
        The posterior, and the ratings that it was inferred from.
    axis_names
        The names of the axes.
    """

    learned: Learned
    posterior: UserPosterior
    axis_names: AxisNames

    def __repr__(self) -> str:
        return f"<Profile: {len(self.rated):,} ratings, bias {self.row[-1]:+.2f}; {self.learned!r}>"

    @property
    def row(self) -> NDArray[np.float32]:
        """The posterior mean of the k factors, then of the bias; shape (k + 1,)."""
        return self.posterior.mean

    @property
    def covariance(self) -> NDArray[np.float32]:
        """The posterior covariance of `row`, given the items; shape (k + 1, k + 1)."""
        return self.posterior.covariance

    @property
    def rated(self) -> NDArray[np.int32]:
        """The rows, in `Model.items`, of the items that the person has rated; shape (m,)."""
        return self.posterior.rated

    @property
    def rating(self) -> NDArray[np.float32]:
        """The ratings of these items; shape (m,)."""
        return self.posterior.rating

    def predict(self, items: Any) -> pl.DataFrame:
        """Return the expected ratings of `items` by this person.

        Parameters
        ----------
        items
            One id or title, or several.

        Returns
        -------
        polars.DataFrame
            A row for each item, in the given order:

            - id, item
            - prediction: the expected rating, in units of the ratings
            - sd: the standard deviation of the rating about the prediction, from the uncertainty of
              the person, that of the item, and the noise; null in a point estimate
            - ratings: the number of training ratings of the item
            - status: "known", "rarely rated" (1 to 4 training ratings) or "prior-only" (none)

        Raises
        ------
        UnknownIdError
            If an item is unknown, or a title names several items.
        """
        return predictions(self.learned, self.posterior, items)

    def recommend(
        self,
        n: int = 10,
        *,
        candidates: Any = None,
        exclude: Iterable[Any] = (),
        seen: bool = False,
        cautious: float | None = None,
        explain: bool = False,
    ) -> pl.DataFrame:
        """Return the `n` items with the highest expected ratings.

        Parameters
        ----------
        n
            Maximum number of items to return.
        candidates
            Ids or titles of the items to choose from; by default all that have a training rating.
        exclude
            Ids or titles of items to leave out.
        seen
            Whether to include items that the person has rated.
        cautious
            A probability p above 0 and up to 0.5, such as 0.1: rank items by the p-quantile of the
            posterior of the expected rating, which ranks uncertain items lower.
        explain
            Whether to add the reason for each recommendation.

        Returns
        -------
        polars.DataFrame
            The best first, with the columns of `predict`; with `cautious` also at_least, the
            quantile that they are ranked by; with `explain` also reason: the ratings with the
            largest contributions, and the bias of the item.

        Raises
        ------
        UnknownIdError
            If an item is unknown, or a title names several items.
        SettingError
            If `n` or `cautious` is out of range, or the model is a point estimate and `cautious` is
            given.
        """
        return recommendations(
            self.learned,
            self.posterior,
            n,
            candidates=candidates,
            exclude=exclude,
            seen=seen,
            cautious=cautious,
            explain=explain,
        )

    def explain(self, item: Any, n: int = 5) -> Explanation:
        """Explain the expected rating of an item by two exact decompositions of the score.

        The first has the parts of the score: the average, the two biases, and the contribution
        ``x_ua y_ia`` of each axis of taste. The second has the contributions of this person's
        ratings: the profile's mean is linear in the ratings, so rating r_j contributes
        ``alpha z_i' A^-1 z_j (r_j - mu - b_j)``, where z = [q, 1] for an item and A^-1 is the
        covariance of the profile (the equivalent kernel: Bishop, "Pattern recognition and machine
        learning", 2006, section 3.3.3).

        Parameters
        ----------
        item
            The id or the title of an item.
        n
            Maximum number of axes, and of ratings, to list; the others are summed in one row.

        Returns
        -------
        Explanation
            The tables `parts` and `ratings`; the `score` that each of them sums to, in units of the
            ratings in a Gibbs model, and before the sigmoid in a one-cycle model; the
            `counterfactual`; and a `sentence`.

        Raises
        ------
        UnknownIdError
            If the item is unknown, or the title names several items.
        SettingError
            If `n` is out of range.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> why = model.profile({"Fargo (1996)": 5, "Titanic (1997)": 2}).explain("Heat (1995)")
        >>> bool(abs(why.ratings["contribution"].sum() - why.score) < 1e-5)
        True
        """
        return explain(self.learned, self.posterior, self.axis_names, item, n)

    def next_questions(self, n: int = 3, *, exclude: Iterable[Any] = ()) -> pl.DataFrame:
        """Return the `n` items whose ratings would reduce the uncertainty of this profile most.

        A rating of item j would change the covariance V of the profile to
        ``V - V z_j z_j' V / s_j``, where z_j = [q_j, 1], times the slope of the likelihood if that
        is not linear, and s_j is the variance of the rating: that of its expectation, the
        uncertainty of the item, and the noise. The gain of item j is the resulting reduction of the
        variance of an expected rating, averaged over the items::

            gain_j = mean over i of (z_i' V z_j)^2 / s_j

        (V-optimality, the design of experiments for the predictions of a linear model: Atkinson,
        Donev and Tobias, "Optimum experimental designs, with SAS", 2007, section 10.7). Since
        people can only rate items that they know, items are ranked by the gain times their number
        of training ratings. Each question assumes that those before it were answered.

        Parameters
        ----------
        n
            Maximum number of items to return.
        exclude
            Ids or titles of items to leave out, such as those that the person does not know.

        Returns
        -------
        polars.DataFrame
            The columns id, item, gain (in squared units of the ratings) and ratings (the number of
            training ratings).

        Raises
        ------
        UnknownIdError
            If an item is unknown, or a title names several items.
        SettingError
            If `n` is out of range.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.profile({}).next_questions(3).height
        3
        """
        return next_questions(self.learned, self.posterior, n, exclude)

    def describe(self, n: int = 5) -> Portrait:
        """Return a portrait of this person: tastes, generosity, predictability and surprises.

        Positions on the canonical axes are in standard deviations of users. Surprises are ratings
        with large studentised residuals (Cook and Weisberg, "Residuals and influence in
        regression", 1982, section 2.2.1).

        Parameters
        ----------
        n
            Maximum number of surprising ratings to list.

        Returns
        -------
        Portrait
            The tables `axes` and `surprises`, the dictionaries `generosity` and `predictability`,
            and a `sentence`.

        Raises
        ------
        SettingError
            If `n` is out of range.

        Examples
        --------
        >>> import palate
        >>> ratings = palate.movielens("100k")
        >>> model = palate.fit(ratings)
        >>> model.user(196).describe().axes["axis"].to_list()[:3]
        [1, 2, 3]
        """
        return portrait(self.learned, self.posterior, self.axis_names, n)

    def favourites(self, n: int = 10) -> pl.DataFrame:
        """Return the `n` items that this person rated highest: id, item and rating.

        Raises
        ------
        SettingError
            If `n` is out of range.
        """
        return favourites(self.learned, self.posterior, n)
