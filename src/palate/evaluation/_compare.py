"""`compare`: models that are already fitted, measured on the same held-out ratings."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from palate._log import log
from palate._threads import thread_count
from palate._words import counted
from palate.data._duplicates import pair_numbers
from palate.data._ratings import Kind, Ratings, how_many
from palate.errors import DataError, SettingError, UnknownIdError
from palate.evaluation import _significance
from palate.evaluation._alignment import over, require_same_ids, united
from palate.evaluation._display import (
    BEHIND,
    FiguresTable,
    Shown,
    lists_table,
    ratings_table,
    relevance,
)
from palate.evaluation._fitted import FittedModel
from palate.evaluation._held_out_parts import Part
from palate.evaluation._measure import Measured, Test
from palate.evaluation._titles import distinct, model_title
from palate.model._model import Model, load

AnyModel = Model | str | Path
# Of ratings that are on the scale of a model, few lie outside the range of those of its fit.
_MAX_OUTSIDE = 0.5
# What is shown of each model, and the headings.
_OF_MODELS = {
    "solver": "solver",
    "training_ratings": "fitted to",
    "left_out": "left out",
    "unknown_users": "unknown people",
    "unknown_items": "unknown items",
}


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """How well models predict the same held-out ratings, and make lists.

    It is printed as tables, in a notebook too.

    Attributes
    ----------
    on
        Where the held-out ratings came from.
    kind
        What they are: "ratings", "events" or "counts".
    measured, people
        How many of them are measured, and of how many people.
    left_out
        How many are left out, because at least one of the models was fitted to them.
    relevant
        The lowest held-out rating that makes an item relevant to its user; None for events and
        counts, all of which are relevant.
    cold
        Of those whose items all models of ratings know, how many are of a user or an item that no
        model was fitted to.
    results
        For each model its name and solver; training_ratings (how many it was fitted to), left_out
        (how many of the given ratings are among these), unknown_users and unknown_items (of how
        many of the people and items that are measured it has none); and the figures of
        `palate.evaluate`, with the difference from the best of them and its standard error.
    sentence
        Which model has the best lists and which predicts ratings best, and by how much; or that the
        difference is within chance, at most two standard errors.
    """

    on: str
    kind: Kind
    measured: int
    people: int
    left_out: int
    relevant: float | None
    cold: int
    results: list[dict[str, Any]]
    sentence: str

    def frame(self) -> pl.DataFrame:
        """Return the results as a table, a row for each model."""
        return pl.DataFrame(self.results, infer_schema_length=None)

    def _parts(self) -> Iterator[str | FiguresTable]:
        people = counted(self.people, "person", "people")
        held_out = f"{how_many(self.kind, self.measured)} of {people}"
        yield f"Held out: {held_out} ({self.on}). {relevance(self.relevant)}"
        if self.left_out:
            left_out = how_many(self.kind, self.left_out)
            yield f"Left out: {left_out} that at least one of the models was fitted to."
        yield ""
        yield FiguresTable("The models", list(_OF_MODELS.values()), self._models())
        yield lists_table(self.results)
        rated = ratings_table(self.results)
        if rated is not None:
            yield rated
        yield f"{BEHIND}."
        if any(row["unknown_users"] or row["unknown_items"] for row in self.results):
            yield "unknown: those measured of whom the model has no training rating"
        if self.cold:
            cold = f"held-out {self.kind.removesuffix('s')}"
            yield f"cold: {counted(self.cold, cold)} of a user or item that no model was fitted to"
        yield f"\n{self.sentence}"

    def _models(self) -> list[list[str]]:
        return [
            [row["name"], row["solver"], *(f"{row[name]:,}" for name in list(_OF_MODELS)[1:])]
            for row in self.results
        ]


def compare(
    models: Iterable[AnyModel] | Mapping[str, AnyModel],
    *,
    on: Ratings,
    threads: int | None = None,
) -> Comparison:
    """Measure models that are already fitted on the same held-out ratings.

    Each model knows people by the histories that it was fitted to, or updated with. People whom it
    does not know are to it like anybody: expected ratings and lists are those of an empty history,
    beside what `on` knows of the people. Ratings that at least one of the models was fitted to are
    left out for all.

    Lists are the ten best items of each model's own catalogue, without what a person has had in the
    histories of any of the models; a relevant item that a model does not know is one that it
    misses. Expected ratings are compared on the items that all models of ratings know. The figures
    are those of `palate.evaluate`, and so are the differences with their standard errors, which are
    paired over the people.

    Parameters
    ----------
    models
        At least two models, or the folders of saved ones; with names of their own, if it is a
        dictionary. The names are else those of the folders and of the solvers.
    on
        Ratings, events or counts that the models were not fitted to, such as those of the time
        since.
    threads
        The number of threads, by default all that this process may use.

    Raises
    ------
    SettingError
        If there are fewer than two models, or one of them is no model.
    DataError
        If the models were fitted to all of the ratings, or these have ids of another type, are on
        another scale, or none of their items is known to a model.
    UnknownIdError
        If a model was saved without its users.
    ModelFileError
        If a model can't be loaded.

    Examples
    --------
    >>> palate.compare(["models/june", "models/july"], on=palate.read_ratings("august.csv"))
    >>> palate.compare({"with genres": first, "without": second}, on=test)
    """
    if not isinstance(on, Ratings) or len(on) == 0:
        raise DataError("there are no ratings to compare models on; read some with read_ratings")
    named = _named(models)
    fitted = {name: _training_ratings(name, model) for name, model in named.items()}
    for name, model in named.items():
        require_same_ids(on, fitted[name], ("these ratings", model_title(name)))
        _require_scale(name, model, on)
    return _compared(named, _held_out(fitted, on), on, threads)


class _HeldOut(NamedTuple):
    """What is measured, and how many are left out because of each model, by name."""

    part: Part
    left_out: dict[str, int]


def _compared(
    named: dict[str, Model], held_out: _HeldOut, on: Ratings, threads: int | None
) -> Comparison:
    """Return the comparison of models on what is held out."""
    asked = {name: FittedModel(model, held_out.part) for name, model in named.items()}
    test, measured = _measured(asked, held_out.part, on, threads)
    results = _significance.results_of(measured)
    people = _significance.people_compared(measured)
    said = _significance.sentence(results, people, model_title)
    log.info("compared %s on %s: %s", ", ".join(named), how_many(on.kind, len(test.valid)), said)
    return Comparison(
        on=on.source,
        kind=on.kind,
        measured=len(test.valid),
        people=test.valid.users.height,
        left_out=len(on) - len(test.valid),
        relevant=test.lowest_relevant,
        cold=int(test.cold.sum()),
        results=[
            _row(result, asked[result["name"]], held_out.left_out[result["name"]])
            for result in results
        ],
        sentence=said,
    )


def _measured(
    asked: dict[str, FittedModel], part: Part, on: Ratings, threads: int | None
) -> tuple[Test, dict[str, list[Measured]]]:
    """Return the test of the models, and the figures of each."""
    for name, model in asked.items():
        if (model.row_of_item[part.valid.item] < 0).all():
            which = f"the {how_many(on.kind, len(part.valid))} that no model was fitted to"
            raise DataError(
                f"{model_title(name)} knows none of the items of "
                f"{'these ratings' if len(part.valid) == len(on) else which}, such as "
                f"{part.train.items['id'][int(part.valid.item[0])]!r}; are they of the same items?"
            )
    rating = [m for m in asked.values() if m.learned.has_ratings and on.kind == "ratings"]
    predictable = np.ones(len(part.valid), dtype=np.bool_)
    for model in rating:
        predictable &= model.row_of_item[part.valid.item] >= 0
    scale = rating[0].learned.require_users() if rating else on
    test = Test(part, scale, thread_count(threads), predictable)
    predicts = bool(rating) and bool(predictable.any())
    return test, {
        name: [model.measured(name, test, predicts=predicts)] for name, model in asked.items()
    }


def _named(models: Iterable[AnyModel] | Mapping[str, AnyModel]) -> dict[str, Model]:
    """Return the models by name."""
    if isinstance(models, str | Path | Model) or not isinstance(models, Iterable):
        models = [models]  # and be refused for their number
    by_name = models.items() if isinstance(models, Mapping) else ((None, one) for one in models)
    names, loaded = [], []
    for name, given in by_name:
        if not isinstance(given, Model | str | Path):
            raise SettingError(
                f"{given!r} is not a model; give what palate.fit or palate.load returns, or the "
                "folder of a saved model"
            )
        model = given if isinstance(given, Model) else load(given)
        loaded.append(model)
        own = model.fit.solver if isinstance(given, Model) else str(given)
        names.append(own if name is None else str(name))
    if len(loaded) < 2:
        raise SettingError(
            f"there {'is one model' if loaded else 'are no models'}; give two or more to compare. "
            "palate.evaluate measures a solver beside baselines"
        )
    return dict(zip(distinct(names), loaded, strict=True))


def _training_ratings(name: str, model: Model) -> Ratings:
    if model.ratings is None:
        raise UnknownIdError(
            f"{model_title(name)} was saved without its users, so it is not known which ratings it "
            "was fitted to, and it knows nobody's history; save it with users to compare it"
        )
    return model.ratings


def _require_scale(name: str, model: Model, on: Ratings) -> None:
    """Check that not most of the ratings lie outside the scale of a model of ratings."""
    if on.kind != "ratings" or not model.learned.has_ratings:
        return
    low, high = model.learned.likelihood.low, model.learned.likelihood.high
    outside = float(np.mean((on.rating < low) | (on.rating > high)))
    if outside > _MAX_OUTSIDE:
        raise DataError(
            f"{outside:.0%} of these ratings are outside the scale of {model_title(name)}, {low:g} "
            f"to {high:g}; convert them to its scale"
        )


def _held_out(fitted: dict[str, Ratings], on: Ratings) -> _HeldOut:
    """Return the ratings that no model was fitted to, beside the histories of all models."""
    tables = [on, *fitted.values()]
    users = united([one.users for one in tables])
    items = united([one.items for one in (*fitted.values(), on)])
    own = {name: pair_numbers(over(one, users, items)) for name, one in fitted.items()}
    valid = over(on, users, items)
    numbers = pair_numbers(valid)
    among = {name: np.isin(numbers, theirs) for name, theirs in own.items()}
    kept = ~np.any(list(among.values()), axis=0)
    if not kept.any():
        raise DataError(
            f"the models were fitted to all of these {how_many(on.kind, len(on))}; give later "
            "ones, or hold some out before the fit"
        )
    valid = valid.take(kept)
    user, item = np.divmod(np.unique(np.concatenate(list(own.values()))), items.height)
    train = Ratings(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        rating=np.ones(len(user), dtype=np.float32),
        timestamp=None,
        users=users,
        items=items,
        kind="events",
    )
    tested = np.bincount(valid.user, minlength=users.height) > 0
    part = Part(train, train.of_users(tested), valid.of_users(tested))
    return _HeldOut(part, {name: int(those.sum()) for name, those in among.items()})


def _row(result: dict[str, Any], model: FittedModel, left_out: int) -> dict[str, Any]:
    """Return the row of a model in `Comparison.results`."""
    figures = {k: v for k, v in result.items() if k.endswith("_behind_se") or not _of_folds(k)}
    return {
        "name": figures.pop("name"),
        "solver": model.learned.fit.solver,
        "training_ratings": len(model.learned.require_users()),
        "left_out": left_out,
        "unknown_users": model.unknown_users,
        "unknown_items": model.unknown_items,
        **figures,
    }


def _of_folds(key: str) -> bool:
    """Return whether a key of results is about folds or a fit, of which there are none here."""
    return key in {"folds", "fit_seconds"} or key.endswith("_se")
