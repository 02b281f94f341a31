"""What the service computes from a model, in the types of its responses."""

import re
from functools import cached_property
from secrets import token_hex
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._intervals import Z, default_min_ratings
from palate.analysis._matching_items import matching_items
from palate.analysis._popularity import contrasts
from palate.errors import SettingError
from palate.learned._lookup import distinct_names
from palate.model._model import Model
from palate.model._profile import Profile
from palate.web import _person_responses as people
from palate.web import _requests as req
from palate.web import _responses as res
from palate.web._evaluation import BackgroundEvaluation
from palate.web._json import json_ids, json_rows, json_value
from palate.web._reasons import explained, recommended
from palate.web._summary import summarize

_MAX_NEIGHBOURS, _MAX_SURPRISES, _MAX_FAVOURITES, _MAX_PICKED = 12, 8, 12, 100
_MAX_CONTRASTED = 10
# The columns of the table of items that need ratings.
_OF_RATINGS = {"mean", "bias", "lower", "upper", "gap"}


class Explorer:
    """Answers requests about one model; tables that every request needs are computed once.

    Responses carry the `fingerprint` of the model; by default no other explorer has the same.
    """

    def __init__(self, model: Model, fingerprint: str | None = None) -> None:
        self.model, self.fingerprint = model, fingerprint or token_hex(8)
        self._ids = json_ids(model.items["id"])
        self._user_ids = {} if model.users is None else json_ids(model.users["id"])
        self._evaluation = BackgroundEvaluation(model)

    def precompute(self) -> "Explorer":
        """Compute what is cached, so that the first visitor need not wait for it."""
        _ = self.summary, self.items, self.model.learned.item_index
        if self.items.height:
            self.item(self.items["id"][0])
        if self.model.learned.has_ratings:
            self.portrait(self.model.profile({}))
        return self

    @cached_property
    def summary(self) -> res.Summary:
        """The summary of the model."""
        return summarize(self.model, self._ids)

    def evaluation(self) -> res.Evaluation:
        """Return the evaluation of the model's solver; the first call starts it."""
        return self._evaluation.result()

    @cached_property
    def items(self) -> pl.DataFrame:
        """Every item that has training ratings, with its bias and its row in the model.

        In a model without ratings, all that is known is by how many people an item was picked.
        """
        learned = self.model.learned
        rows = self.model.items.select("id").with_row_index("row")
        if learned.has_ratings:
            table = self.model.biases("bias")
            return table.join(rows, on="id", how="left", maintain_order="left")
        picked = np.flatnonzero(learned.rated)
        unknown = set(res.ItemPage.model_fields) - {"id", "item", "ratings"}
        table = learned.item_frame(picked, row=picked, ratings=learned.item_counts[picked])
        return table.with_columns(pl.lit(None).alias(name) for name in sorted(unknown))

    def item_list(self, query: req.ItemsQuery) -> res.Items:
        """Return a page of the items that match a query; without an order, the best match first.

        Raises
        ------
        SettingError
            If there is no such column, or the order needs ratings and the model has none.
        """
        sort = query.sort or ("bias" if self.model.learned.has_ratings else "ratings")
        if sort in _OF_RATINGS:
            self.model.learned.require_rating_model()
        table = self.items.filter(pl.col("ratings") >= query.min_ratings)
        if query.where:
            table = table.filter(pl.Series(self._meeting(query.where)).gather(table["row"]))
        table = table.sort(sort, "row", descending=[query.descending, False], nulls_last=True)
        if query.search:
            found = self.model.learned.item_index.names.rows(query.search)
            match = pl.DataFrame({"row": found}, schema={"row": table.schema["row"]})
            table = table.join(match, on="row", maintain_order="left" if query.sort else "right")
        items = [self._item(row) for row in _page(table, query).iter_rows(named=True)]
        return res.Items(total=table.height, page=query.page, size=query.size, items=items)

    @cached_property
    def popularity(self) -> res.Popularity:
        """The items picked often but liked little, and those picked rarely but well liked.

        Raises
        ------
        SettingError
            If the model has no ratings.
        """
        names = list(res.Contrasted.model_fields)
        often, rarely = (
            [res.Contrasted(**row) for row in json_rows(table.select(names), self._ids)]
            for table in contrasts(self.model.popularity(), _MAX_CONTRASTED)
        )
        least = default_min_ratings(self.model.learned.item_counts)
        return res.Popularity(min_ratings=least, often=often, rarely=rarely)

    def _meeting(self, where: list[str]) -> NDArray[np.bool_]:
        """Return a mask of the items that meet all conditions; it may be all False."""
        items = self.model.items
        mask = np.ones(items.height, dtype=np.bool_)
        for column, value in _conditions(where).items():
            try:
                mask &= matching_items(items, {column: value})
            except SettingError:  # also raised where no item has the value
                if column not in items.columns:
                    raise
                mask[:] = False
        return mask

    def _item(self, row: dict[str, Any]) -> res.Item:
        """Return an item from a row of `items`."""
        metadata = self.model.items.row(row["row"], named=True)
        columns = set(res.Item.model_fields) - {"id", "more"}
        return res.Item(
            **{name: json_value(row[name]) for name in columns},
            id=self._ids[row["id"]],
            more={
                name: json_value(value)
                for name, value in metadata.items()
                if name not in ("id", "item")
            },
        )

    def item(self, reference: Any) -> res.ItemPage:
        """Return all about the item with an id or a title.

        Raises
        ------
        UnknownIdError
            If there is no such item, or several.
        SettingError
            If the item has no training ratings.
        """
        model, row = self.model, self.model.learned.item_index.row(reference)
        found = self.items.filter(pl.col("row") == row)
        if found.height == 0:
            title = model.items["item"][row]
            raise SettingError(
                f"{title!r} has no training {self.summary.kind}, so the model knows nothing about "
                "it; choose another item"
            )
        biases = found.row(0, named=True)
        decomposition = ("mu", "raters_bias", "raters_interaction", "residual")
        return res.ItemPage(
            **self._item(biases).model_dump(),
            **{name: json_value(biases[name]) for name in decomposition},
            axes=self._places(row) if model.learned.has_ratings else [],
            neighbours=self._neighbours(row) if model.learned.has_ratings else [],
            also_picked=[] if model.learned.choice is None else self._also_picked(row),
        )

    def _neighbours(self, row: int) -> list[res.Neighbour]:
        """Return the items that are liked by the same people as the item in a row."""
        neighbours = self.model.similar(self.model.items["id"][row], _MAX_NEIGHBOURS)
        return [
            res.Neighbour(**{name: neighbour[name] for name in res.Neighbour.model_fields})
            for neighbour in json_rows(neighbours, self._ids)
        ]

    def _also_picked(self, row: int) -> list[res.AlsoPicked]:
        """Return what people pick whose history is the item in a row."""
        highest = self.summary.scale[-1] if self.summary.scale else 1
        alone = self.model.profile({self.model.items["id"][row]: highest})
        found = alone.recommend(_MAX_NEIGHBOURS, by="choice").filter(pl.col("score") > 0)
        names = ("id", "item", "score", "ratings")
        return [res.AlsoPicked(**one) for one in json_rows(found.select(names), self._ids)]

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

    @cached_property
    def _users(self) -> pl.DataFrame:
        """Every user with a history: id, number of ratings, and their mean if there are ratings."""
        learned = self.model.learned
        ratings = learned.require_users()
        counts, means = ratings.user_means()
        table = {"user": ratings.users["id"], "ratings": counts}
        table["mean"] = means if learned.has_ratings else [None] * len(counts)
        return pl.DataFrame(table).filter(pl.col("ratings") > 0)

    def user_list(self, query: req.PageQuery) -> people.Users:
        """Return a page of the known users whose ids begin with the text searched for.

        Raises
        ------
        UnknownIdError
            If the model was saved without its users.
        """
        table = self._users
        if query.search:
            table = table.filter(pl.col("user").cast(pl.String).str.starts_with(query.search))
        rows = _page(table, query).iter_rows(named=True)
        users = [people.User(**row | {"user": self._user_ids[row["user"]]}) for row in rows]
        return people.Users(total=table.height, page=query.page, size=query.size, users=users)

    def user(self, user: Any) -> people.UserPage:
        """Return all about one known user.

        Raises
        ------
        UnknownIdError
            If the model does not know the user.
        """
        profile, row = self.model.user(user), self.model.learned.user_index.row(user)
        rating, has_ratings = profile.rating, self.model.learned.has_ratings
        favourites = json_rows(self._favourites(profile, row), self._ids)
        mean = float(rating.mean()) if len(rating) else 0.0
        return people.UserPage(
            user=self._user_ids[self.model.learned.require_users().users["id"][row]],
            ratings=len(rating),
            mean=mean if has_ratings else None,
            portrait=self.portrait(profile) if has_ratings else None,
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
        return recommended(self.profile(request), request, self._ids)

    def explanation(self, request: req.ExplanationRequest) -> people.Explanation:
        """Return why a person would pick an item, and how they would like it."""
        return explained(self.profile(request), request, self._ids)

    def questions(self, request: req.QuestionsRequest) -> people.Questions:
        """Return the items that a person should be asked about next."""
        profile, unknown = self.profile(request), request.unknown or "skip"
        frame = profile.next_questions(request.n, exclude=request.exclude, unknown=unknown)
        return people.Questions(
            questions=[people.Question(**row) for row in json_rows(frame, self._ids)],
            skipped=list(distinct_names([*profile.skipped, *frame.skipped])),
        )

    def portrait(self, profile: Profile) -> people.Portrait:
        """Return a person in comparison with all users."""
        portrait = profile.describe(_MAX_SURPRISES)
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
            surprises=[people.Surprise(**row) for row in json_rows(portrait.surprises, self._ids)],
            sentence=portrait.sentence,
            skipped=list(profile.skipped),
        )

    def map(self, x: str, y: str, size: int) -> res.Map:
        """Return up to `size` items in the plane of two coordinates, the most rated first."""
        points = [res.Point(**row) for row in json_rows(self.model.map(x, y).head(size), self._ids)]
        return res.Map(x=x, y=y, points=points)


def _page(table: pl.DataFrame, query: req.PageQuery) -> pl.DataFrame:
    start = (query.page - 1) * query.size
    return table[start : start + query.size]


def _conditions(where: list[str]) -> dict[str, str]:
    conditions = {}
    for text in where:
        match = re.fullmatch(r"([^=]+)=(.+)", text, re.S)
        if not match:
            raise SettingError(f"where is {text!r}; it must be COLUMN=VALUE, such as genres=Comedy")
        conditions[match[1]] = match[2]
    return conditions


def _check_distinct(ratings: list[req.Rating]) -> None:
    """Refuse two ratings of the same id or title; `Model.profile` refuses one item by two names."""
    seen = set()
    for rating in ratings:
        key = (type(rating.item), rating.item)
        if key in seen:
            raise SettingError(f"{rating.item!r} is rated twice; give it once")
        seen.add(key)
