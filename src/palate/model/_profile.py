"""A profile: what a model knows of one person."""

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
    """One person as a model sees them: a normal distribution over their factors and bias.

    Attributes
    ----------
    learned
        The data behind the model.
    posterior
        The posterior of the person's factors and bias, and the ratings it rests on.
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
        """The mean of the person's k factors, then of their bias; shape (k + 1,)."""
        return self.posterior.mean

    @property
    def covariance(self) -> NDArray[np.float32]:
        """The covariance of these, given the items; shape (k + 1, k + 1)."""
        return self.posterior.covariance

    @property
    def rated(self) -> NDArray[np.int32]:
        """The rows of the items that the person has rated; shape (m,)."""
        return self.posterior.rated

    @property
    def rating(self) -> NDArray[np.float32]:
        """Their ratings, in the same order; shape (m,)."""
        return self.posterior.rating

    def predict(self, items: Any) -> pl.DataFrame:
        """Return the rating that this person is expected to give each of `items`.

        `items` is one id or title, or several.

        Returns
        -------
        polars.DataFrame
            In the order asked: id, item, prediction (in units of the ratings), sd (of the rating
            about it, with what is unknown of the person and of the item and the noise of a
            rating; null for a point estimate, which doesn't know), ratings (how many the item
            has), and status: "known", "rarely rated" (fewer than five ratings) or "prior-only"
            (none).

        Raises
        ------
        UnknownIdError
            If the model does not know one of the items.
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
            How many; there are fewer where fewer are left to choose from.
        candidates
            Choose from these items only; by default from all that have a training rating.
        exclude
            Leave these out.
        seen
            Whether items that the person has rated may come back.
        cautious
            A probability up to 0.5, such as 0.1: rank by the rating that the person's expected
            rating surpasses with all but this probability, which holds back items that the model
            is not sure of.
        explain
            Whether to give the reason of each.

        Returns
        -------
        polars.DataFrame
            The best first, with the columns of `predict`; with `cautious` also at_least, the
            rating by which they are ranked; with `explain` also reason: the ratings that speak most
            for the item, and its bias.

        Raises
        ------
        UnknownIdError
            If the model does not know one of the items named.
        SettingError
            If `n` or `cautious` is out of range, or `cautious` is asked of a point estimate.
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
        """Say why this person is expected to rate an item as they are, exactly, in two ways.

        By its parts: the average, the two biases, and what each axis of taste contributes,
        ``x_ua y_ia``. And by the ratings that caused it: since the profile's mean is linear in
        the ratings, the rating r_j contributes ``alpha z_i' A^-1 z_j (r_j - mu - b_j)``, with z the
        factors of an item and 1, and A^-1 the covariance of the profile (the equivalent kernel:
        Bishop, "Pattern recognition and machine learning", 2006, section 3.3.3). Both sum to the
        score.

        Parameters
        ----------
        item
            An id or a title.
        n
            How many axes and how many ratings to name; the least important are one line.

        Returns
        -------
        Explanation
            With the tables `parts` and `ratings`, the `score` that both sum to, in units of the
            ratings (by Gibbs) or of the score that goes into the sigmoid (by the book's recipe),
            the `counterfactual`, and a `sentence`.

        Raises
        ------
        UnknownIdError
            If the model does not know the item.
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
        """Return the `n` items whose ratings are expected to tell most of this person's tastes.

        With a rating of item j the profile's covariance V would become ``V - V z_j z_j' V / s_j``,
        where z_j is what the rating depends on (the item's factors and 1) and s_j its variance, the
        noise and what is unknown of the item included. The gain is by how much that shrinks the
        variance of an expected rating, on average over the items::

            gain_j = mean over i of (z_i' V z_j)^2 / s_j

        (experimental design for a linear model by its predictions: Atkinson, Donev and Tobias,
        "Optimum experimental designs, with SAS", 2007, section 10.7, V-optimality). Since one can
        only rate what one knows, items are ranked by the gain times how many have rated them. Each
        question takes the ones before it as answered.

        Parameters
        ----------
        n
            How many.
        exclude
            Leave these out: items that the person does not know.

        Returns
        -------
        polars.DataFrame
            Columns id, item, gain (in squared units of the ratings) and ratings (how many the item
            has).

        Raises
        ------
        UnknownIdError
            If the model does not know one of the items named.
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
        """Describe this person: tastes, generosity, predictability, and what surprised.

        Positions are on the canonical axes, in standard deviations of users; surprises are
        studentised residuals (Cook and Weisberg, "Residuals and influence in regression", 1982,
        section 2.2.1).

        Parameters
        ----------
        n
            How many surprising ratings to name.

        Returns
        -------
        Portrait
            The tables `axes` and `surprises`, `generosity`, `predictability` and a `sentence`.

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
        """Return the `n` items that this person rated highest: id, item and rating."""
        return favourites(self.learned, self.posterior, n)
