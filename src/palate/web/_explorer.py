"""What the service computes from a model, in the types of its responses."""

from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
import polars as pl

from palate._computed_once import computed_once
from palate.analysis._intervals import Z, default_min_ratings
from palate.analysis._popularity import contrasts
from palate.analysis._questions import questions_and_clarity
from palate.errors import SettingError
from palate.learned._lookup import distinct_names
from palate.model._model import Model
from palate.model._profile import Profile
from palate.web import _map as plane
from palate.web import _person_responses as people
from palate.web import _requests as req
from palate.web import _responses as res
from palate.web._evaluation import BackgroundEvaluation
from palate.web._item_list import ItemList
from palate.web._item_neighbours import item_neighbours
from palate.web._json import Ids, json_ids, json_rows, json_value
from palate.web._known_users import KnownUsers
from palate.web._reasons import explained, recommended
from palate.web._summary import summarize

_MAX_SURPRISES, _MAX_FAVOURITES, _MAX_PICKED = 8, 12, 100
_MAX_CONTRASTED = 10


class Explorer:
    """Answers requests about one model.

    Tables that many requests need are computed when the first one does, and only once.

    Parameters
    ----------
    model
        The model.
    evaluation_folder
        See `BackgroundEvaluation`.
    fingerprint
        What responses carry to tell which model they are of; by default no other explorer has the
        same.
    """

    def __init__(
        self,
        model: Model,
        evaluation_folder: Path | None = None,
        fingerprint: str | None = None,
    ) -> None:
        self.model, self.fingerprint = model, fingerprint or token_hex(8)
        self.evaluation = BackgroundEvaluation(model, evaluation_folder)

    def precompute(self) -> "Explorer":
        """Compute what most requests need, so that the first one need not wait for it."""
        _ = self.summary, self.item_list.table, self.item_ids, self.model.learned.item_index
        return self

    @computed_once
    def item_ids(self) -> Ids:
        """The JSON form of the id of each item."""
        return json_ids(self.model.items["id"])

    @computed_once
    def user_ids(self) -> Ids:
        """The JSON form of the id of each known user."""
        return json_ids(self.model.learned.require_users().users["id"])

    @computed_once
    def summary(self) -> res.Summary:
        """The summary of the model."""
        return summarize(self.model, self.item_ids)

    @computed_once
    def item_list(self) -> ItemList:
        """The list of the items."""
        return ItemList(self.model, self.item_ids)

    @computed_once
    def popularity(self) -> res.Popularity:
        """The items picked often but liked little, and those picked rarely but well liked.

        Raises
        ------
        SettingError
            If the model has no ratings.
        """
        names = list(res.Contrasted.model_fields)
        often, rarely = (
            [res.Contrasted(**row) for row in json_rows(table.select(names), self.item_ids)]
            for table in contrasts(self.model.popularity(), _MAX_CONTRASTED)
        )
        least = default_min_ratings(self.model.learned.item_counts)
        return res.Popularity(min_ratings=least, often=often, rarely=rarely)

    def item(self, reference: Any) -> res.ItemPage:
        """Return all about the item with an id or a title, but for its neighbours.

        Raises
        ------
        UnknownIdError
            If there is no such item, or several.
        SettingError
            If the item has no training ratings.
        """
        row = self._known_row(reference)
        biases = self.item_list.row(row)
        decomposition = ("mu", "raters_bias", "raters_interaction", "residual")
        return res.ItemPage(
            **self.item_list.item(biases).model_dump(),
            **{name: json_value(biases[name]) for name in decomposition},
            axes=self._places(row) if self.model.learned.has_ratings else [],
        )

    def neighbours(self, reference: Any) -> res.Neighbours:
        """Return what people like and pick who like or pick an item; see `item` for errors."""
        row = self._known_row(reference)
        return item_neighbours(self.model, row, self.item_ids, self.summary.scale)

    def placed_item(self, reference: Any) -> tuple[res.Item, list[res.Place]]:
        """Return an item and its positions on the axes; see `item` for errors."""
        row = self._known_row(reference)
        item = self.item_list.item(self.item_list.row(row))
        return item, self._places(row) if self.model.learned.has_ratings else []

    def _known_row(self, reference: Any) -> int:
        """Return the row of an item that has training ratings, by its id or title."""
        learned = self.model.learned
        row = learned.item_index.row(reference)
        if learned.item_counts[row] == 0:
            raise SettingError(
                f"{learned.items['item'][row]!r} has no training {learned.kind}, so the model "
                "knows nothing about it; choose another item"
            )
        return row

    def _places(self, row: int) -> list[res.Place]:
        """Return the positions of an item on the axes, with 90% intervals where there are any."""
        canonical = self.model.learned.canonical_axes
        positions = canonical.centred_items[row]
        sd = None if canonical.sd is None else canonical.sd[row]
        places = []
        for axis in self.summary.axes:
            position = float(positions[axis.axis - 1])
            margin = None if sd is None else float(Z * sd[axis.axis - 1])
            places.append(
                res.Place(
                    axis=axis.axis,
                    name=axis.name,
                    low=axis.low_end,
                    high=axis.high_end,
                    position=position,
                    lower=None if margin is None else position - margin,
                    upper=None if margin is None else position + margin,
                )
            )
        return places

    @computed_once
    def known_users(self) -> KnownUsers:
        """What can be asked about the known users."""
        return KnownUsers(self.model, self.item_ids, self.user_ids)

    def user(self, user: Any) -> people.UserPage:
        """Return all about one known user.

        Raises
        ------
        UnknownIdError
            If the model does not know the user.
        """
        profile, row = self.model.user(user), self.model.learned.user_index.row(user)
        rating, has_ratings = profile.rating, self.model.learned.has_ratings
        favourites = json_rows(self._favourites(profile, row), self.item_ids)
        mean = float(rating.mean()) if len(rating) else 0.0
        portrait = self.portrait(profile) if has_ratings else None
        spread = None if portrait is None else portrait.predictability
        return people.UserPage(
            user=self.user_ids[self.model.learned.require_users().users["id"][row]],
            ratings=len(rating),
            mean=mean if has_ratings else None,
            bias=None if portrait is None else portrait.generosity["bias"],
            spread=None if spread is None else spread["residual_sd"],
            portrait=portrait,
            favourites=[people.RatedItem(**favourite) for favourite in favourites],
        )

    def _favourites(self, profile: Profile, row: int) -> pl.DataFrame:
        """Return what a known user rated highest or picked most often; events, the latest first."""
        known, kind = self.model.learned.require_users(), self.model.learned.kind
        if kind == "events" and known.timestamp is not None:
            own = np.flatnonzero(known.user == row)
            latest = known.item[own[np.argsort(known.timestamp[own], kind="stable")[::-1]]]
            rows = latest[:_MAX_PICKED]
            return self.model.learned.item_frame(rows, rating=np.ones(len(rows), np.float32))
        return profile.favourites(_MAX_FAVOURITES if kind == "ratings" else _MAX_PICKED)

    def profile(self, person: req.Person) -> Profile:
        """Return the profile of a known user, or of a person described by ratings or items.

        Raises
        ------
        UnknownIdError
            If the model does not know the user or an item.
        SettingError
            If an item is rated twice, a rating is off the scale, or a feature is unknown.
        """
        if person.user is not None:
            return self.model.user(person.user)
        unknown = person.unknown or "error"
        if person.items is not None:
            return self.model.profile(person.items, unknown=unknown)
        ratings = person.ratings or []
        _check_distinct(ratings)
        given = {rating.item: rating.rating for rating in ratings}
        return self.model.profile(given, features=person.features, unknown=unknown)

    def recommendations(self, request: req.RecommendationsRequest) -> people.Recommendations:
        """Return the best items for a person."""
        return recommended(self.profile(request), request, self.item_ids)

    def explanation(self, request: req.ExplanationRequest) -> people.Explanation:
        """Return why a person would pick an item, and how they would like it."""
        return explained(self.profile(request), request, self.item_ids)

    def questions(self, request: req.QuestionsRequest) -> people.Questions:
        """Return the items that a person should be asked about next."""
        profile, unknown = self.profile(request), request.unknown or "skip"
        frame, clarity = questions_and_clarity(
            self.model.learned, profile.posterior, request.n, request.exclude, unknown
        )
        return people.Questions(
            questions=[people.Question(**row) for row in json_rows(frame, self.item_ids)],
            **clarity._asdict(),
            skipped=list(distinct_names([*profile.skipped, *frame.skipped])),
        )

    def portrait(self, profile: Profile) -> people.Portrait:
        """Return a person in comparison with all users."""
        portrait = profile.describe(_MAX_SURPRISES)
        surprises = json_rows(portrait.surprises, self.item_ids)
        same = ("axis", "name", "position", "lower", "upper", "percentile")
        axes = zip(portrait.axes.iter_rows(named=True), self.model.axis_names.ends, strict=True)
        standings = [
            people.Standing(low=low, high=high, **{name: row[name] for name in same})
            for row, (low, high) in axes
        ]
        return people.Portrait(
            axes=standings[: len(self.summary.axes)],
            generosity=portrait.generosity,
            predictability=portrait.predictability,
            surprises=[people.Surprise(**row) for row in surprises],
            sentence=portrait.sentence,
            skipped=list(profile.skipped),
        )

    def map(self, query: req.MapQuery) -> plane.Map:
        """Return the items that match a query in the plane of two coordinates."""
        table = self.model.map(query.x, query.y)
        if query.where or query.search:
            mask = self.item_list.meeting(query.where, query.search)
            matching = self.model.items["id"].filter(mask)
            table = table.filter(pl.col("id").is_in(matching.implode()))
        return plane.map_columns(table, query.x, query.y, self.item_ids)

    def predictions(self, request: req.PredictionsRequest) -> plane.Predictions:
        """Return a person's expected ratings of all items."""
        return plane.predictions(self.model, self.profile(request), self.item_ids)

    def group(self, request: req.GroupRequest) -> plane.Group:
        """Return what items have in common."""
        return plane.group(self.model, request)


def _check_distinct(ratings: list[req.Rating]) -> None:
    """Refuse two ratings of the same id or title; `Model.profile` refuses one item by two names."""
    seen = set()
    for rating in ratings:
        key = (type(rating.item), rating.item)
        if key in seen:
            raise SettingError(f"{rating.item!r} is rated twice; give it once")
        seen.add(key)
