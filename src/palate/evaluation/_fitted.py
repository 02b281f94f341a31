"""A model that is already fitted, asked about the people and the items of a part."""

import numpy as np
import polars as pl

from palate.data._ratings import Csr, Ratings, group
from palate.evaluation._held_out_parts import Part
from palate.evaluation._measure import Measured, N, Test
from palate.inference._lists import Choices, question, top_items
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._lookup import known_rows
from palate.model._model import Model


class FittedModel:
    """A fitted model and the people of a part, whom it knows by the histories that it has of them.

    Attributes
    ----------
    learned
        The data behind the model.
    row_of_item
        The row in the model of each item of the part; -1 for unknown ones; shape (items,).
    unknown_users, unknown_items
        Of how many of the people and of the held-out items the model has no rating.
    """

    def __init__(self, model: Model, part: Part) -> None:
        self.learned, self._model = model.learned, model
        self._users = part.valid.users
        ours, theirs = self.learned.items["id"], part.train.items["id"]
        self.row_of_item = known_rows(ours, theirs)
        # The row in the part of each item of the model. The last is for missing items.
        self._item_of_row = np.append(known_rows(theirs, ours), np.int32(-1))
        self._user_rows = known_rows(self.learned.require_users().users["id"], self._users["id"])
        self._known = self._user_rows >= 0
        # The place of each person where those that are known come first.
        self._order = np.argsort(np.argsort(~self._known, kind="stable"), kind="stable")
        has_history = np.append(self.learned.ratings_by_user.counts > 0, False)
        is_rated = np.append(self.learned.rated, False)  # the last are for unknown ones
        self.unknown_users = int((~has_history[self._user_rows]).sum())
        self.unknown_items = int((~is_rated[self.row_of_item[np.unique(part.valid.item)]]).sum())

    def measured(self, name: str, test: Test, *, predicts: bool) -> Measured:
        """Return the figures of the model, of its expected ratings only if it `predicts` them."""
        histories = self._histories()
        posteriors = self._posteriors(histories)
        predicted = None
        if predicts and posteriors is not None:
            predicted = test.predictions(posteriors, self.row_of_item[test.predicted.item])
        lists = top_items(
            self.learned,
            histories,
            posteriors,
            N,
            Choices(self.learned.rated, self._seen(test.given)),
            by=question(self.learned, None),
            threads=test.threads,
        )
        return test.measured(name, predicted, self._item_of_row[lists.rows])

    def _histories(self) -> Csr:
        """Return the history that the model has of each person: an empty one of unknown people."""
        known = self.learned.ratings_by_user.take(self._user_rows[self._known])
        starts = np.pad(known.starts, (0, int((~self._known).sum())), mode="edge")
        return known._replace(starts=starts).take(self._order)

    def _posteriors(self, histories: Csr) -> UserPosteriors | None:
        """Return the posterior of each person: of unknown people given their features alone."""
        if not self.learned.has_ratings:
            return None
        known = self._model.user_posteriors.take(self._user_rows[self._known])
        strangers = self._users.filter(~pl.Series(self._known))
        unknown = UserPosteriors.inferred(
            self.learned.parameters,
            Csr.empty(strangers.height),
            self.learned.known_of(strangers),
        )
        order, features = self._order, None
        if known.known is not None and unknown.known is not None:
            features = np.concatenate([known.known, unknown.known])[order]
        return UserPosteriors(
            self.learned.parameters,
            np.concatenate([known.table, unknown.table])[order],
            histories,
            np.concatenate([known.variances, unknown.variances])[order],
            features,
        )

    def _seen(self, given: Ratings) -> Csr:
        """Return the items that the lists of each person leave out, as rows of the model."""
        item = self.row_of_item[given.item]
        has = item >= 0
        return group(given.user[has], given.users.height, item[has], given.rating[has])
