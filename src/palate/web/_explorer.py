"""What the service tells of a model, as plain values."""

import re
import threading
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.errors import SettingError, first_line
from palate.evaluation import evaluate
from palate.interpret._certainty import Z
from palate.interpret._metadata import features, matching
from palate.model._model import Model
from palate.model._profile import Profile
from palate.solvers import SOLVERS
from palate.web import _schemas as s

_MOST_AXES, _EXEMPLARS, _NEIGHBOURS, _COMPONENTS = 12, 8, 12, 3
_MOST_VALUES = 40
# JavaScript has no larger whole numbers.
_EXACT = (1 << 53) - 1
# A scale of so many different ratings is offered as they are; else as ten steps.
_MOST_STEPS = 11
# Beyond so many ratings, measuring how good the solver is takes minutes.
_MOST_TO_EVALUATE = 2_000_000


class Explorer:
    """One model and what is read off it once."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._ids = shown_ids(model.items["id"])
        self._user_ids = {} if model.users is None else shown_ids(model.users["id"])
        self._evaluation: s.Evaluation | None = None
        self._lock = threading.Lock()

    def warm(self) -> "Explorer":
        """Read off what every visitor will ask for."""
        _ = self.summary, self.items, self.model.names
        if self.items.height:
            self.item(self.items["id"][0])
        self.portrait(self.model.profile({}))
        return self

    def _rows(self, frame: pl.DataFrame) -> list[dict[str, Any]]:
        """Return the rows of a frame of items as plain values."""
        return [
            {name: plain(value) for name, value in row.items()} | {"id": self._ids[row["id"]]}
            for row in frame.iter_rows(named=True)
        ]

    @cached_property
    def summary(self) -> s.Summary:
        """What the model is of."""
        model = self.model
        known, columns = model.ratings, self._columns()
        return s.Summary(
            items=model.items.height,
            users=None if known is None else known.users.height,
            ratings=int(model.item_counts.sum()),
            source=re.split(r": | from the ", model.fit.source)[0],  # without the folder
            solver=model.fit.solver,
            settings=model.fit.settings,
            lowest=model.link.low,
            highest=model.link.high,
            scale=self.scale,
            noise_sd=model.parameters.noise_sd,
            sure=model.parameters.item_bias_sd is not None,
            history=plain(model.history),
            axes=self._axes(),
            columns=columns,
            coordinates=self._coordinates(columns),
            palate=version("palate"),
        )

    @cached_property
    def scale(self) -> list[float]:
        """The ratings to choose from."""
        known = self.model.ratings
        if known is not None:
            values = np.unique(known.rating)
            if len(values) <= _MOST_STEPS:
                return [float(value) for value in values]
            return [float(x) for x in np.linspace(values[0], values[-1], _MOST_STEPS)]
        means = self.model.item_means[self.model.item_counts > 0]
        low, high = np.floor(means.min()), np.ceil(means.max())
        few = 1 < high - low < _MOST_STEPS
        return [
            float(x) for x in np.linspace(low, high, int(high - low) + 1 if few else _MOST_STEPS)
        ]

    def _axes(self) -> list[s.Axis]:
        frame = self.model.axes(_EXEMPLARS).head(_MOST_AXES)
        ends = self.model.axis_ends
        return [
            s.Axis(
                axis=row["axis"],
                share=row["share"],
                name=row["name"],
                low_end=low,
                high_end=high,
                low=[self._exemplar(one) for one in row["low"]],
                high=[self._exemplar(one) for one in row["high"]],
            )
            for row, (low, high) in zip(frame.iter_rows(named=True), ends, strict=False)
        ]

    def _exemplar(self, row: dict[str, Any]) -> s.Exemplar:
        return s.Exemplar(id=self._ids[row["id"]], item=row["item"], position=row["position"])

    def _columns(self) -> list[s.Column]:
        columns: dict[str, s.Column] = {}
        for feature in features(self.model.items):
            values = feature.values[np.isfinite(feature.values)]
            if feature.value is None:
                ends = float(values.min()), float(values.max())
                columns[feature.column] = s.Column(
                    name=feature.column, values=[], lowest=ends[0], highest=ends[1]
                )
            else:
                column = columns.setdefault(
                    feature.column,
                    s.Column(name=feature.column, values=[], lowest=None, highest=None),
                )
                if len(column.values) < _MOST_VALUES:
                    column.values.append(feature.value)
        return list(columns.values())

    def _coordinates(self, columns: list[s.Column]) -> list[str]:
        numbers = [column.name for column in columns if column.lowest is not None]
        axes = [f"axis {n + 1}" for n in range(min(_MOST_AXES, self.model.factors))]
        components = [f"component {n + 1}" for n in range(min(_COMPONENTS, self.model.factors))]
        return [*axes, "bias", "mean", "ratings", *numbers, *components]

    @cached_property
    def items(self) -> pl.DataFrame:
        """Every item with a training rating, and its row in the model."""
        table = self.model.biases("bias")
        rows = self.model.items.select("id").with_row_index("row")
        return table.join(rows, on="id", how="left", maintain_order="left")

    def item_list(self, asked: s.ItemsQuery) -> s.Items:
        """Return a page of the items."""
        table = self.items.filter(pl.col("ratings") >= asked.min_ratings)
        if asked.where:
            table = table.filter(pl.Series(self._chosen(asked.where)).gather(table["row"]))
        # Words may stand in any order, for articles often stand last: "Godfather, The".
        for word in asked.search.lower().split():
            table = table.filter(pl.col("item").str.to_lowercase().str.contains(word, literal=True))
        table = table.sort(asked.sort, "row", descending=[asked.descending, False], nulls_last=True)
        rows = [self._item(row) for row in _page(table, asked).iter_rows(named=True)]
        return s.Items(total=table.height, page=asked.page, size=asked.size, items=rows)

    def _chosen(self, where: list[str]) -> NDArray[np.bool_]:
        """Return which items fulfil the conditions; there may be none."""
        items, conditions = self.model.items, _conditions(where)
        chosen = np.ones(items.height, dtype=np.bool_)
        for column, value in conditions.items():
            try:
                chosen &= matching(items, {column: value})
            except SettingError:
                if column not in items.columns:
                    raise
                chosen[:] = False
        return chosen

    def _item(self, row: dict[str, Any]) -> s.Item:
        more = self.model.items.row(row["row"], named=True)
        return s.Item(
            **{
                name: plain(row[name]) for name in s.Item.model_fields if name not in ("id", "more")
            },
            id=self._ids[row["id"]],
            more={name: plain(value) for name, value in more.items() if name not in ("id", "item")},
        )

    def item(self, what: Any) -> s.ItemPage:
        """Return everything about one item."""
        model, row = self.model, self.model.names.row(what)
        found = self.items.filter(pl.col("row") == row)
        if found.height == 0:
            title = model.items["item"][row]
            raise SettingError(f"nobody has rated {title!r}, so that nothing is known of it")
        told = found.row(0, named=True)
        similar = model.similar(model.items["id"][row], _NEIGHBOURS)
        parts = ("mu", "raters_bias", "raters_interaction", "residual")
        return s.ItemPage(
            **self._item(told).model_dump(),
            **{name: plain(told[name]) for name in parts},
            axes=self._places(row),
            neighbours=[
                s.Neighbour(**{name: one[name] for name in s.Neighbour.model_fields})
                for one in self._rows(similar)
            ],
        )

    def _places(self, row: int) -> list[s.Place]:
        canonical = self.model.canonical
        positions = canonical.places[row]
        sd = None if canonical.sd is None else canonical.sd[row]
        places = []
        for axis in self.summary.axes:
            at = float(positions[axis.axis - 1])
            spread = None if sd is None else float(Z * sd[axis.axis - 1])
            places.append(
                s.Place(
                    axis=axis.axis,
                    name=axis.name,
                    low=axis.low_end,
                    high=axis.high_end,
                    position=at,
                    lower=None if spread is None else at - spread,
                    upper=None if spread is None else at + spread,
                )
            )
        return places

    @cached_property
    def _users(self) -> pl.DataFrame:
        ratings, _ = self.model.known()
        counts = np.bincount(ratings.user, minlength=ratings.users.height)
        sums = np.bincount(ratings.user, weights=ratings.rating, minlength=len(counts))
        with np.errstate(invalid="ignore"):
            return pl.DataFrame(
                {"user": ratings.users["id"], "ratings": counts, "mean": sums / counts}
            ).filter(pl.col("ratings") > 0)

    def user_list(self, asked: s.Page) -> s.Users:
        """Return a page of the known users, whose ids begin with what is looked for."""
        table = self._users
        if asked.search:
            table = table.filter(pl.col("user").cast(pl.String).str.starts_with(asked.search))
        rows = _page(table, asked).iter_rows(named=True)
        users = [s.User(**row | {"user": self._user_ids[row["user"]]}) for row in rows]
        return s.Users(total=table.height, page=asked.page, size=asked.size, users=users)

    def user(self, user: Any) -> s.UserPage:
        """Return everything about one known user."""
        profile, row = self.model.user(user), self.model.user_row(user)
        return s.UserPage(
            user=self._user_ids[self.model.known()[0].users["id"][row]],
            ratings=len(profile.rating),
            mean=float(profile.rating.mean()) if len(profile.rating) else 0.0,
            portrait=self.portrait(profile),
            favourites=[s.Rated(**row) for row in self._rows(profile.favourites(12))],
        )

    def profile(self, person: s.Person) -> Profile:
        """Return the profile of whoever is meant."""
        if person.user is not None:
            return self.model.user(person.user)
        return self.model.profile({one.item: one.rating for one in _once(person.ratings or [])})

    def recommendations(self, asked: s.RecommendationsRequest) -> s.Recommendations:
        """Return what somebody may like."""
        frame = self.profile(asked).recommend(
            asked.n,
            candidates=asked.candidates,
            exclude=asked.exclude,
            cautious=asked.cautious,
            explain=asked.reasons,
        )
        return s.Recommendations(
            recommendations=[self._recommendation(row) for row in self._rows(frame)]
        )

    def _recommendation(self, row: dict[str, Any]) -> s.Recommendation:
        link, sd = self.model.link, row["sd"]
        lower = upper = None
        if sd is not None:
            lower = max(link.low, row["prediction"] - Z * sd)
            upper = min(link.high, row["prediction"] + Z * sd)
        return s.Recommendation(**row, lower=lower, upper=upper)

    def explanation(self, asked: s.ExplanationRequest) -> s.Explanation:
        """Return why somebody is expected to rate an item as they are."""
        why = self.profile(asked).explain(asked.item, asked.n)
        names = ("item", "prediction", "score", "unit", "counterfactual", "sentence")
        return s.Explanation(
            id=self._ids[why.id],
            **{name: plain(getattr(why, name)) for name in names},
            parts=plain(why.parts),
            ratings=plain(why.ratings),
        )

    def questions(self, asked: s.QuestionsRequest) -> s.Questions:
        """Return what to ask somebody next."""
        frame = self.profile(asked).next_questions(asked.n, exclude=asked.exclude)
        return s.Questions(questions=[s.Question(**row) for row in self._rows(frame)])

    def portrait(self, profile: Profile) -> s.Portrait:
        """Return where somebody stands among all."""
        told, ends = profile.describe(8), self.model.axis_ends
        names = ("axis", "name", "position", "lower", "upper", "percentile")
        standings = [
            s.Standing(low=low, high=high, **{name: row[name] for name in names})
            for row, (low, high) in zip(told.axes.iter_rows(named=True), ends, strict=True)
        ]
        return s.Portrait(
            axes=standings[:_MOST_AXES],
            generosity=told.generosity,
            predictability=told.predictability,
            surprises=[s.Surprise(**row) for row in self._rows(told.surprises)],
            sentence=told.sentence,
        )

    def map(self, x: str, y: str, size: int) -> s.Map:
        """Return the most rated items on a plane."""
        points = [s.Point(**row) for row in self._rows(self.model.map(x, y).head(size))]
        return s.Map(x=x, y=y, points=points)

    def evaluation(self) -> s.Evaluation:
        """Return how good the solver is; the first call begins to measure it."""
        with self._lock:
            if self._evaluation is None:
                self._evaluation = s.Evaluation(scores=None, split=None, why_not=self._why_not())
                if self._evaluation.why_not is None:
                    threading.Thread(target=self._measure, daemon=True).start()
            return self._evaluation

    def _why_not(self) -> str | None:
        ratings = self.model.ratings
        if ratings is None:
            return "the model was saved without its users"
        if self.model.fit.solver not in SOLVERS:
            return f"a model by {self.model.fit.solver} can't be fitted anew from here"
        if len(ratings) > _MOST_TO_EVALUATE:
            return f"{len(ratings):,} ratings take long; use palate evaluate"
        return None

    def _measure(self) -> None:
        ratings, _ = self.model.known()
        name = self.model.fit.solver
        try:
            done = evaluate(
                ratings, [SOLVERS[name](**self.model.fit.settings)], split="random", threads=1
            )
            scores = [
                s.Score(
                    name=row["name"],
                    rmse=row.get("rmse"),
                    mae=row.get("mae"),
                    ndcg=next((v for k, v in row.items() if k.startswith("ndcg")), None),
                    ours=row["name"] == name,
                )
                for row in done.results
            ]
            self._evaluation = s.Evaluation(scores=scores, split=done.split)
        except Exception as error:  # whatever it is, nobody should wait for it for ever
            self._evaluation = s.Evaluation(scores=None, split=None, why_not=first_line(error))


def _page(table: pl.DataFrame, asked: s.Page) -> pl.DataFrame:
    first = (asked.page - 1) * asked.size
    return table[first : first + asked.size]


def shown_ids(ids: pl.Series) -> dict[Any, int | str]:
    """Return how each id is sent: so that, sent back, it is found again."""
    whole = ids.dtype.is_integer() and bool((ids.cast(pl.Int128).abs() <= _EXACT).all())
    sent = ids if whole or ids.dtype == pl.String else ids.cast(pl.String)
    return dict(zip(ids.to_list(), sent.to_list(), strict=True))


def plain(value: Any) -> Any:
    """Return a value of Python as JSON has it: no NaN, and text for what JSON does not know."""
    if isinstance(value, pl.DataFrame):
        return [{k: plain(v) for k, v in row.items()} for row in value.iter_rows(named=True)]
    if isinstance(value, pl.Series):
        value = value.to_list()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _conditions(where: list[str]) -> dict[str, str]:
    conditions = {}
    for text in where:
        found = re.fullmatch(r"([^=]+)=(.+)", text, re.S)
        if not found:
            raise SettingError(f"where is {text!r}; it is COLUMN=VALUE, such as genres=Comedy")
        conditions[found[1]] = found[2]
    return conditions


def _once(ratings: list[s.Rating]) -> list[s.Rating]:
    seen = set()
    for one in ratings:
        key = (type(one.item), one.item)
        if key in seen:
            raise SettingError(f"{one.item!r} is rated twice; give it once")
        seen.add(key)
    return ratings
