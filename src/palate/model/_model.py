"""The model: a facade over the data that a fit leaves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate._log import log
from palate._words import YOU, counted
from palate.analysis._feature_effects import item_feature_effects, user_feature_effects
from palate.analysis._item_table import ItemTable
from palate.data._ratings import Ratings, how_many
from palate.errors import DataError, SettingError
from palate.inference._user_posterior import infer
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._file_format import save_learned
from palate.learned._learned import FitRecord, Learned
from palate.learned._likelihood import SigmoidGaussian, mean_squared_error
from palate.learned._load import load_learned
from palate.learned._lookup import Unknown
from palate.learned._point_estimate import linear_point_estimate, point_estimate, validate_tables
from palate.learned._ratings_input import histories_of_people, history_of_person, known_ratings
from palate.model._known_users import KnownUsers
from palate.model._profile import Profile
from palate.model._profiles import Profiles
from palate.model._refit import RefitAdvice, refit_advice
from palate.model._update import update


class Model(KnownUsers):
    """A fitted model: items are learned, users are inferred.

    `fit` and `load` return models. In a method that takes an item, this is its id or its title.

    Attributes
    ----------
    learned
        The data behind the model.
    """

    @classmethod
    def from_factors(
        cls,
        ratings: Ratings,
        users: NDArray[np.floating[Any]],
        items: NDArray[np.floating[Any]],
        *,
        solver: str,
        settings: Mapping[str, Any] | None = None,
        y_range: tuple[float, float] | None = None,
        history: Sequence[Mapping[str, Any]] = (),
    ) -> "Model":
        """Return a model with factors and biases from another source, such as another library.

        Parameters
        ----------
        ratings
            The training ratings.
        users, items
            The k factors of each user and item, then the bias; shapes (users, k + 1) and
            (items, k + 1). The rows are those of ``ratings.users`` and ``ratings.items``.
        solver, settings, history
            The record of the fit: the name of the solver, its settings, and a row for each epoch,
            all of them values that JSON can hold.
        y_range
            The lowest and highest expected rating (low, high). If it is given, the expected rating
            is ``low + (high - low) * sigmoid(p_u . q_i + b_u + b_i)``; otherwise it is
            ``p_u . q_i + b_u + b_i``, clipped to the range of the ratings.

        Raises
        ------
        SettingError
            If a table has the wrong shape or holds values that are not finite, or `y_range` is not
            an increasing pair of finite numbers.
        """
        tables = [np.ascontiguousarray(table, dtype=np.float32) for table in (users, items)]
        validate_tables(ratings, *tables)
        if y_range is None:
            parameters, user_table = linear_point_estimate(ratings, *tables)
        else:
            likelihood = SigmoidGaussian(*_arguments.interval("y_range", y_range), noise_sd=1.0)
            user_table, item_table = tables
            parameters = point_estimate(ratings, user_table, item_table, likelihood)
        rows = [dict(row) for row in history]
        fit = FitRecord(solver, dict(settings or {}), ratings.source, rows)
        return cls(Learned.of_fit(ratings, parameters, user_table, fit))

    def __repr__(self) -> str:
        return repr(self.learned)

    @property
    def items(self) -> pl.DataFrame:
        """The items: the columns ``id``, ``item`` (the title, else the id) and features."""
        return self.learned.items

    @property
    def users(self) -> pl.DataFrame | None:
        """The known users: the column ``id``; None in a model that was saved without them."""
        return self.learned.users

    @property
    def ratings(self) -> Ratings | None:
        """The training ratings; None in a model that was saved without users."""
        return self.learned.ratings

    @property
    def fit(self) -> FitRecord:
        """How the model was fitted."""
        return self.learned.fit

    @property
    def history(self) -> pl.DataFrame:
        """The history of the fit: a row for each epoch or sweep."""
        # A value can be None in any number of rows: valid_rmse is, throughout the burn-in.
        return pl.DataFrame(self.learned.fit.history, infer_schema_length=None)

    @property
    def factors(self) -> int:
        """The number of factors k."""
        return self.learned.factors

    @property
    def item_factors(self) -> NDArray[np.float32]:
        """The factors of each item; shape (items, k)."""
        return self.learned.item_factors

    @property
    def item_biases(self) -> NDArray[np.float32]:
        """The bias of each item, in units of the score; shape (items,)."""
        return self.learned.item_biases

    def profile(
        self,
        ratings: Mapping[Any, float] | Iterable[Any] | Ratings,
        *,
        features: Mapping[str, Any] | None = None,
        unknown: Unknown = "error",
    ) -> Profile:
        """Return the profile of any person, inferred from their history; the model is unchanged.

        Parameters
        ----------
        ratings
            A rating for each item, by its id or title, as in ``{"Fargo (1996)": 5}``; or the
            `Ratings` of one user. Without any rating the profile is the prior over users. In a
            model of events or counts: a list of items, or a count for each item.
        features
            What is known of the person, as in ``{"age": 24}``: values of columns of the users table
            that the model was fitted with. (`Ratings` bring their own.)
        unknown
            What to do with items that the model does not know: an "error", or "skip" them. They are
            then in the profile's attribute `skipped`.

        Raises
        ------
        UnknownIdError
            If an item is unknown and not to be skipped, or a title names several items.
        DataError
            If an item is rated twice, a rating lies outside the model's scale, a feature is of
            another type than in the fit, or the `Ratings` are not those of exactly one user.
        SettingError
            If the model does not know a feature, or `features` are given with `Ratings`.
        """
        if isinstance(ratings, Ratings):
            if ratings.users.height != 1:
                raise DataError(
                    f"these are the ratings of {ratings.users.height:,} users; use profiles"
                )
            if features is not None:
                raise SettingError("features are given with Ratings; give these a table of users")
            one = self.profiles(ratings, unknown=unknown)
            return replace(one[0], skipped=one.skipped, pronouns=YOU)
        given, skipped = history_of_person(self.learned, ratings, unknown)
        posterior = None
        if self.learned.has_ratings or features:
            parameters = self.learned.require_rating_model()
            known = parameters.user_prior.known.of_person(features)
            inferred = infer(given, parameters, threads=1, known=known, covariances=True)
            posterior = inferred.only(given, known)
        return Profile(self.learned, given, posterior, self.axis_names, skipped)

    def profiles(
        self,
        ratings: Ratings | None = None,
        *,
        users: Iterable[Any] | None = None,
        unknown: Unknown = "error",
    ) -> Profiles:
        """Return the profiles of all known users, of some of them, or of the users of `ratings`.

        Parameters
        ----------
        ratings
            The ratings of any people.
        users
            The ids of known users.
        unknown
            What to do with items of `ratings`, or with `users`, that the model does not know: an
            "error", or "skip" them. They are then in the attribute `skipped` of the profiles.

        Raises
        ------
        UnknownIdError
            If a user or an item is unknown and not to be skipped, or no `ratings` are given and the
            model was saved without users.
        DataError
            If a rating lies outside the model's scale.
        SettingError
            If both `ratings` and `users` are given.
        """
        if ratings is None:
            return self._known_profiles() if users is None else self._profiles_of(users, unknown)
        if users is not None:
            raise SettingError("users chooses known users; leave it out where ratings are given")
        ratings, skipped = known_ratings(self.learned, ratings, unknown)
        histories = histories_of_people(self.learned, ratings)
        posteriors = (
            UserPosteriors.inferred(
                self.learned.parameters, histories, self.learned.known_of(ratings.users)
            )
            if self.learned.has_ratings
            else None
        )
        return Profiles(
            self.learned, ratings.users, histories, posteriors, self.axis_names, skipped
        )

    def features(self) -> pl.DataFrame:
        """Return what each feature of the items is worth: its effect on the biases.

        The items table's columns of numbers, dates, categories and lists move the prior mean of an
        item, so that items are predicted before anybody has rated them. Effects are given all other
        features, and how often and by whom items are rated.

        Returns
        -------
        polars.DataFrame
            A row for each feature, the highest effect first: column, value (the category; null for
            a number), per (the standard deviation of the number, dates in years; null for a
            category), effect (in units of the ratings: of the category against the average item, or
            against none where items can have several; of so large a difference of the number),
            lower and upper (its 90% interval), items (with the category).

        Raises
        ------
        SettingError
            If the model is a point estimate, or was fitted to events or counts.
        """
        return item_feature_effects(self.learned)

    def user_features(self) -> pl.DataFrame:
        """Return what each feature of the users is worth: its effect on how high they rate.

        The columns of the users table move the prior mean of a person, likewise. See `features`
        for the columns, of which the last is users; it is null in a model that was saved without
        them.

        Raises
        ------
        SettingError
            If the model is a point estimate, or was fitted to events or counts.
        """
        return user_feature_effects(self.learned)

    def loss(self, ratings: Ratings) -> float:
        """Return the mean squared error on ratings of known users and items.

        Raises
        ------
        DataError
            If there are no ratings, or their users or items are not those of the model.
        UnknownIdError
            If the model was saved without users.
        """
        known = self.learned.require_users()
        if not isinstance(ratings, Ratings) or len(ratings) == 0:
            raise DataError("there are no ratings to measure the loss on")
        if not known.shares_ids(ratings):
            raise DataError("the users or items of these ratings are not those of the model")
        scores = self.user_posteriors.scores(ratings.user, ratings.item)
        return mean_squared_error(self.learned.likelihood, scores, ratings.rating)

    def update(self, ratings: Ratings, *, unknown: Unknown = "error") -> "Update":
        """Return a model with new ratings added, also of new users and items; see `Update`.

        The profiles of these users are inferred from all their ratings, old and new. A new rating
        replaces an old one of the same user and item. New counts are added to the old ones: give
        the plays since, not the total. The parameters of the items of the fit are unchanged.
        Timestamps are kept if both the old and the new ratings have them.

        Into a Gibbs model come also the items of ``ratings.items`` that it lacks. They are inferred
        from their features and ratings, given the users; their status is "added". What they are
        picked with only a refit can learn: until then they are listed by rating alone. In other
        models an unknown item is an error. With ``unknown="skip"``, ratings of unknown items are
        left out of any model; these items are in the attribute `skipped` of the drift.

        Raises
        ------
        UnknownIdError
            If the model was saved without users; or an item is unknown to a point estimate or a
            model of events or counts, in which only a refit can learn it.
        DataError
            If there are no ratings, or none of known items; they are of another kind than those of
            the model, one lies outside its scale, a sum of counts overflows, or ids or timestamps
            have another type.
        """
        known, skipped = known_ratings(self.learned, ratings, unknown)
        if skipped and len(known) == 0:
            raise DataError(
                f"the model knows none of the items of these ratings, such as {skipped[0]!r}; are "
                "they of the same items?"
            )
        learned, drift = update(self.learned, known, new_items=unknown != "skip")
        log.info(
            "added %s to the model, now of %s and %s; %s skipped",
            how_many(known.kind, len(known)),
            counted(learned.require_users().users.height, "user"),
            counted(learned.items.height, "item"),
            counted(len(skipped), "unknown item"),
        )
        return Update(Model(learned), ItemTable.of(drift, skipped))

    def save(self, path: str | Path, *, users: bool = True) -> None:
        """Save the model in the folder `path`, replacing a model that is there.

        After a crash at any moment the folder has the old model or the new one, complete.

        Parameters
        ----------
        path
            The folder; it is created if it does not exist.
        users
            Whether to save the users and their ratings as well.

        Raises
        ------
        ModelFileError
            If the folder can't be written to, or holds something other than a model.
        """
        save_learned(self.learned, Path(path), users=users)


class Update(NamedTuple):
    """A model with new ratings, and how far the items have drifted since the fit.

    Attributes
    ----------
    model
        The model with the new users, items, ratings and profiles. The parameters of the items that
        it had before, and their numbers of training ratings, are those of the fit.
    drift
        A row for each of these with new ratings, the most significant first: id, item, new_ratings
        (their number), drift (the mean difference between the new ratings and their expectation
        given all ratings of their users, in units of the ratings), sd (the standard deviation of
        the drift under the hypothesis of no change) and z (drift / sd). In a point estimate the
        uncertainty of the items is unknown, so the sd comes from the residuals of the new ratings
        alone. Events and counts have no drift: the columns are id, item and new_ratings.
        Its attribute `skipped` has the ids of unknown items, where these were skipped.
    """

    model: Model
    drift: ItemTable

    @property
    def refit(self) -> RefitAdvice:
        """Whether the model should be fitted again; see `RefitAdvice` for the rule."""
        return refit_advice(self.model.learned, self.drift)


def load(path: str | Path, *, private_copies: Path | None = None) -> Model:
    """Read the model in the folder `path`.

    Parameters
    ----------
    path
        A folder written by `Model.save`. It is read into memory, so that later changes of its files
        do not affect the model.
    private_copies
        A folder that no other program writes to. The arrays are copied there once and mapped into
        memory, so that several processes share them.

    Raises
    ------
    ModelFileError
        If there is no model, its format is that of another version of Palate, or a file is missing,
        damaged or changed; the message says which.
    """
    return Model(load_learned(Path(path), private_copies=private_copies))
