"""Profiles: what a model infers about one person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._words import YOU, Pronouns
from palate.analysis._axes import AxisNames
from palate.analysis._choice_reasons import ChoiceExplanation, explain_choice
from palate.analysis._explanation import Explanation, explain
from palate.analysis._item_table import ItemTable
from palate.analysis._list_options import ListOptions
from palate.analysis._portrait import Portrait, portrait
from palate.analysis._questions import Clarity, clarity, next_questions
from palate.analysis._recommendations import favourites, predictions, recommendations
from palate.analysis._vectors import VectorsBy, people_vectors
from palate.data._ratings import Csr
from palate.inference._lists import By
from palate.inference._user_posterior import UserPosterior
from palate.learned._learned import Learned
from palate.learned._lookup import Unknown


@dataclass(frozen=True, eq=False)
class Profile:
    """One person's history, and the posterior of their factors and bias, a normal distribution.

    `Model.user` returns the profile of a known user, `Model.profile` that of anyone with a history.
    In a model of events or counts there is no posterior; what needs one says so.

    Attributes
    ----------
    learned
        The data behind the model.
    history
        The ratings, events or counts of the person, in one row.
    rating_posterior
        The posterior, and the ratings that it was inferred from; None for events and counts.
    axis_names
        The names of the axes.
    skipped
        The ids and titles of the history that the model does not know, where these were skipped.
    pronouns
        How sentences call the person: "you", or "they" for one of several, such as a known user.
    """

    learned: Learned
    history: Csr
    rating_posterior: UserPosterior | None
    axis_names: AxisNames
    skipped: tuple[Any, ...] = ()
    pronouns: Pronouns = YOU

    def __repr__(self) -> str:
        if self.rating_posterior is None:
            return f"<Profile: {len(self.rated):,} items; {self.learned!r}>"
        return f"<Profile: {len(self.rated):,} ratings, bias {self.row[-1]:+.2f}; {self.learned!r}>"

    @property
    def posterior(self) -> UserPosterior:
        """The posterior.

        Raises
        ------
        SettingError
            If the model was fitted to events or counts.
        """
        if self.rating_posterior is None:
            self.learned.require_rating_model()
        assert self.rating_posterior is not None
        return self.rating_posterior

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
        """The rows, in `Model.items`, of the items of the history; shape (m,)."""
        return self.history.partner

    @property
    def rating(self) -> NDArray[np.float32]:
        """The ratings of these items, or their counts; shape (m,)."""
        return self.history.rating

    def predict(self, items: Any, *, unknown: Unknown = "error") -> ItemTable:
        """Return the expected ratings of `items` by this person.

        Parameters
        ----------
        items
            One id or title, or several.
        unknown
            What to do with items that the model does not know: an "error", or "skip".

        Returns
        -------
        ItemTable
            A polars table with a row for each item, in the given order, whose attribute `skipped`
            has the ids and titles that were skipped:

            - id, item
            - prediction: the expected rating, in units of the ratings
            - sd: the standard deviation of the rating about the prediction, from the uncertainty of
              the person, that of the item, and the noise; null in a point estimate
            - ratings: the number of training ratings of the item
            - status: "known", "rarely rated" (1 to 4 training ratings), "added" (after the fit; see
              `Model.update`), "features only" (no ratings, but the items table has features) or
              "prior-only"

        Raises
        ------
        UnknownIdError
            If an item is unknown and not to be skipped, or a title names several items.
        """
        return predictions(self.learned, self.posterior, items, unknown)

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
    ) -> ItemTable:
        """Return the `n` best items for this person.

        Parameters
        ----------
        n, seen, explain
            Maximum number of items; whether to include those of the history; and reasons.
        candidates, exclude, where
            Ids or titles of the items to choose from, by default all that have a training rating;
            of items to leave out; conditions on columns of the items, such as {"year": "1990.."}.
        by
            What items are ranked by: "choice", what this person would pick; "rating", how they
            would like it; "both", see `palate.fit`. By default both, where the model knows both.
        balance
            Instead of `by`, from 0 to 1: "choice" (0), "both" (0.5), "rating" (1) or in between.
        cautious
            A probability p above 0 and up to 0.5, such as 0.1: rank by the p-quantile of the
            posterior of the expected rating. It implies ``by="rating"``.
        diversity, calibrate
            From 0 to 1: how much items of different users are preferred to the best ones. A column
            of lists in the items table, such as "genres": prefer the proportions of the history.
        unknown
            What to do with items that the model does not know: "error" or "skip". By default
            unknown candidates are an error, and unknown exclusions are skipped.

        Returns
        -------
        ItemTable
            A polars table whose attribute `skipped` has what was skipped. The best first: rank; id,
            item; score, which items are ranked by; by "choice" and "both" chance, the probability
            that it is the next item the person picks (null in the history and in small tables);
            where the model knows ratings, prediction and sd; ratings and status, as in `predict`
            (of events "rarely picked", "never picked"); at_least, a quantile, and reason if asked.

        Raises
        ------
        UnknownIdError
            If an item is unknown and not to be skipped, or a title names several items.
        SettingError
            If an argument is out of range, or the model can't answer the question.
        """
        choice = (candidates, exclude, where, seen, by, balance, cautious, diversity)
        options = ListOptions(n, *choice, calibrate, explain, unknown)
        person = (self.learned, self.history, self.rating_posterior)
        return recommendations(*person, options, self.pronouns)

    def explain(self, item: Any, n: int | None = 5) -> Explanation:
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
            Maximum number of axes, and of ratings, to list. The others are summed in one row, and
            so are parts below 0.05 on a scale from 1 to 5, and axes that explain little. None:
            everything is listed.

        Returns
        -------
        Explanation
            The tables `parts` and `ratings`; the `score` that each of them sums to, in units of the
            ratings in a Gibbs model, and before the sigmoid in a one-cycle model; the
            `counterfactual`; `choice`, the decomposition of the choice score (see
            `explain_choice`); and a `sentence`.

        Raises
        ------
        UnknownIdError
            If the item is unknown, or the title names several items.
        SettingError
            If `n` is out of range.

        Examples
        --------
        >>> import palate
        >>> model = palate.fit(palate.movielens("100k"))
        >>> why = model.profile({"Fargo (1996)": 5, "Titanic (1997)": 2}).explain("Heat (1995)")
        >>> bool(abs(why.ratings["contribution"].sum() - why.score) < 1e-5)
        True
        """
        choice = None if self.learned.choice is None else self.explain_choice(item, n)
        person = (self.learned, self.posterior, self.axis_names)
        return explain(*person, item, n, pronouns=self.pronouns, choice=choice)

    def explain_choice(self, item: Any, n: int | None = 5) -> ChoiceExplanation:
        """Explain the choice score of an item by an exact sum over the person's history.

        Item i of the history contributes ``d_j x_i B_ij`` to the score of item j (see
        `palate.Choice`).

        Parameters
        ----------
        item
            The id or the title of an item.
        n
            Maximum number of items of the history to list; the others are summed in one row. None:
            all are listed.

        Returns
        -------
        ChoiceExplanation
            The table `history`, the `score` that it sums to, and a `sentence`.

        Raises
        ------
        UnknownIdError
            If the item is unknown, or the title names several items.
        SettingError
            If `n` is out of range, or the model has no choice model.

        Examples
        --------
        >>> import palate
        >>> model = palate.fit(palate.movielens("100k"))
        >>> me = model.profile({"Fargo (1996)": 5, "Titanic (1997)": 2})
        >>> why = me.explain_choice("Heat (1995)")
        >>> bool(abs(why.history["contribution"].sum() - why.score) < 1e-5)
        True
        """
        return explain_choice(self.learned, self.history, item, n, self.pronouns)

    def next_questions(
        self, n: int = 3, *, exclude: Iterable[Any] = (), unknown: Unknown = "skip"
    ) -> ItemTable:
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
        unknown
            What to do with those that the model does not know: "skip", or an "error".

        Returns
        -------
        ItemTable
            A polars table, whose attribute `skipped` has the ids and titles that were skipped: the
            columns id, item, gain (in squared units of the ratings) and ratings (the number of
            training ratings).

        Raises
        ------
        UnknownIdError
            If an item is unknown and not to be skipped, or a title names several items.
        SettingError
            If `n` is out of range.

        Examples
        --------
        >>> import palate
        >>> model = palate.fit(palate.movielens("100k"))
        >>> model.profile({}).next_questions(3).height
        3
        """
        return next_questions(self.learned, self.posterior, n, exclude, unknown)

    def clarity(self, *, exclude: Iterable[Any] = ()) -> Clarity:
        """Return how clear this person's tastes are, and how many ratings would make them clear.

        With the prior covariance V_0 and that of this profile, V, the history explains ``1 - mean
        over i of z_i' V z_i / mean over i of z_i' V_0 z_i`` of the variance of an expected rating
        (see `next_questions`). `exclude` has items that the person can't rate.

        Examples
        --------
        >>> import palate
        >>> palate.fit(palate.movielens("100k")).profile({}).clarity().explained
        0.0
        """
        return clarity(self.learned, self.posterior, exclude)

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
        >>> model = palate.fit(palate.movielens("100k"))
        >>> model.user(196).describe().axes["axis"].to_list()[:3]
        [1, 2, 3]
        """
        return portrait(self.learned, self.posterior, self.axis_names, n, self.pronouns)

    def favourites(self, n: int = 10) -> pl.DataFrame:
        """Return the `n` items of the history with the highest ratings or counts.

        The columns are id, item and rating.

        Raises
        ------
        SettingError
            If `n` is out of range.
        """
        return favourites(self.learned, self.history, n)

    def vector(self, by: VectorsBy) -> NDArray[np.float32]:
        """Return the vector whose inner products with those of items are scores; shape (d,).

        See `Model.vectors`.

        Raises
        ------
        SettingError
            If there are no vectors by this question, or the model can't answer it.
        """
        user = self.rating_posterior
        table = None if user is None else user.mean[None, :]
        vector: NDArray[np.float32] = people_vectors(self.learned, self.history, table, by)[0]
        return vector
