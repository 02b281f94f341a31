"""Two models beside each other: lists for the same person, how alike they are, and accuracy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from palate._computed_once import computed_once
from palate.errors import DataError, PalateError, SettingError
from palate.evaluation._model_differences import bias_differences, list_overlap
from palate.evaluation._titles import distinct, model_title
from palate.inference._lists import By
from palate.learned._lookup import known_rows, require_same_type
from palate.model._model import Model
from palate.model._profile import Profile
from palate.web import _compare_responses as res
from palate.web import _person_responses as people
from palate.web import _requests as req
from palate.web import _responses as of_model
from palate.web._accuracy import background_accuracy
from palate.web._explorer import Explorer
from palate.web._json import json_rows
from palate.web._model_holder import ModelHolder

# How far down a list the place of an item is looked for.
_DEPTH = 100
_MAX_ONLY, _MAX_BIASES = 12, 10
_LISTED = 10


class ComparedModels:
    """Holds the comparison of the models of two holders, made anew when one is replaced."""

    def __init__(self, holders: list[ModelHolder], names: list[str]) -> None:
        self.names, self.holders = names, holders
        self._current: ModelComparison | None = None
        self._lock = threading.Lock()

    @classmethod
    def of(cls, holders: list[ModelHolder], names: list[str]) -> "ComparedModels | None":
        """Return what compares two models; None if there is only one."""
        return cls(holders, names) if len(holders) == 2 else None

    @property
    def current(self) -> "ModelComparison":
        """The comparison of the current models.

        Raises
        ------
        SettingError, DataError
            If they can't be compared.
        """
        explorers = [holder.explorer for holder in self.holders]
        with self._lock:
            if self._current is None or self._current.explorers != explorers:
                self._current = ModelComparison(dict(zip(self.names, explorers, strict=True)))
            return self._current


def names_of(folders: list[Path]) -> list[str]:
    """Return names of the models in one or two folders: the ends of their paths that differ.

    Raises
    ------
    SettingError
        If it is the same folder twice.
    """
    paths = [folder.resolve() for folder in folders]
    if len(set(paths)) < len(paths):
        raise SettingError(
            f"{folders[0]} and {folders[1]} are the same folder; give the folders of two models to "
            "compare, or one to explore it alone"
        )
    parts = 1
    while len({path.parts[-parts:] for path in paths}) < len(paths):
        parts += 1
    return [str(Path(*path.parts[-parts:])) for path in paths]


def names_of_models(models: list[Model]) -> list[str]:
    """Return names of one or two models, by what they were fitted by.

    Raises
    ------
    SettingError
        If one is no model.
    """
    for model in models:
        if not isinstance(model, Model):
            raise SettingError(
                f"{model!r} is not a model; give what palate.fit or palate.load returns"
            )
    return distinct(model.fit.solver for model in models)


class ModelComparison:
    """Answers requests about two models; what takes long is computed once, when it is asked for.

    Parameters
    ----------
    explorers
        The explorers of the two models by their names.

    Raises
    ------
    SettingError
        If one of the models knows ratings and the other what people pick.
    DataError
        If their ids are of different types, or they have no item in common.
    """

    def __init__(self, explorers: dict[str, Explorer]) -> None:
        self.names = list(explorers)
        self.explorers = list(explorers.values())
        self._models = {name: explorer.model for name, explorer in explorers.items()}
        require_comparable(self._models)
        self._accuracy = background_accuracy(self._models, _shared_folder(*self.explorers))

    @computed_once
    def summary(self) -> res.Compared:
        """What the two models have in common."""
        first, second = self._models.values()
        users = None
        if first.users is not None and second.users is not None:
            users = int((known_rows(second.users["id"], first.users["id"]) >= 0).sum())
        return res.Compared(
            models=[self._one(place) for place in (0, 1)],
            common_items=len(self._known[0] & self._known[1]),
            common_users=users,
            lists_by=self.lists_by,
        )

    @computed_once
    def lists_by(self) -> list[By]:
        """What both models can rank lists by, the default first."""
        first, second = (explorer.summary.lists_by for explorer in self.explorers)
        return [by for by in first if by in second]

    def _one(self, place: int) -> res.ComparedModel:
        explorer, other = self.explorers[place], self.explorers[1 - place]
        model, counts = explorer.model, explorer.model.learned.item_counts
        known = _rated_ids(other.model)
        only = model.items["id"].is_in(known.implode()).not_().to_numpy() & model.learned.rated
        most = np.flatnonzero(only)
        most = most[np.argsort(-counts[most], kind="stable")][:_MAX_ONLY]
        rows = json_rows(model.learned.item_frame(most), explorer.item_ids)
        return res.ComparedModel(
            name=self.names[place],
            solver=model.fit.solver,
            items=int(model.learned.rated.sum()),
            users=explorer.summary.users,
            ratings=int(counts.sum()),
            only_items=int(only.sum()),
            only=[of_model.ItemName(**row) for row in rows],
        )

    def lists(self, request: req.ComparedListsRequest) -> res.ComparedLists:
        """Return the lists of both models for one person, without what either history has.

        Raises
        ------
        UnknownIdError
            If a model does not know the user.
        SettingError
            If a model can't answer the question, or a rating is off its scale.
        """
        by = request.by or (self.lists_by[0] if self.lists_by else None)
        person = request.person()
        profiles = [self._profile(place, person) for place in (0, 1)]
        found = [self._list(place, person, profiles[1 - place], by) for place in (0, 1)]
        unknown = [list(profile.skipped) for profile in profiles]
        neither = [name for name in unknown[0] if name in unknown[1]]
        lists = [
            res.ComparedList(
                model=self.names[place],
                recommendations=self._beside(place, found, profiles[1 - place], request.n),
                unknown=[name for name in unknown[place] if name not in neither],
            )
            for place in (0, 1)
        ]
        listed = [{str(one.id) for one in given.recommendations} for given in lists]
        return res.ComparedLists(
            lists=lists,
            common=len(listed[0] & listed[1]),
            history=[] if request.user is not None else self._names(profiles),
            skipped=neither,
        )

    def _profile(self, place: int, person: req.Person) -> Profile:
        with self._named(place):
            return self.explorers[place].profile(person)

    def _list(
        self, place: int, person: req.Person, other: Profile, by: By | None
    ) -> people.Recommendations:
        """Return a long list of one model, without what the person has had by the other."""
        ids = self.explorers[1 - place].item_ids
        had = self.explorers[1 - place].model.items["id"].gather(other.rated)
        had = had.filter(had.is_in(self.explorers[place].model.items["id"].implode()))
        wanted = req.RecommendationsRequest(
            **person.model_dump(exclude_unset=True),
            n=_DEPTH,
            by=by,
            exclude=[ids[one] for one in had],
        )
        with self._named(place):
            return self.explorers[place].recommendations(wanted)

    def _names(self, profiles: list[Profile]) -> list[of_model.ItemName]:
        """Return the items of a person's history, each once."""
        names: dict[str, of_model.ItemName] = {}
        for explorer, profile in zip(self.explorers, profiles, strict=True):
            items = explorer.model.learned.item_frame(profile.rated)
            for row in json_rows(items, explorer.item_ids):
                names.setdefault(str(row["id"]), of_model.ItemName(**row))
        return list(names.values())

    @computed_once
    def _known(self) -> list[set[str]]:
        """The ids of the items that people have in each model, as text.

        As JSON, numbers are text in a model in which one of them is very large.
        """
        return [set(_rated_ids(explorer.model).cast(pl.String)) for explorer in self.explorers]

    def _beside(
        self, place: int, found: list[people.Recommendations], other: Profile, n: int
    ) -> list[res.ComparedItem]:
        """Return the first items of one list with what the other model makes of them."""
        listed = found[place].recommendations[:n]
        ranks = {str(one.id): one.rank for one in found[1 - place].recommendations}
        common = [str(one.id) for one in listed if str(one.id) in self._known[1 - place]]
        expected: dict[str, float] = {}
        if self.explorers[1 - place].model.learned.has_ratings:
            predictions = other.predict(common)["prediction"].to_list()
            expected = dict(zip(common, predictions, strict=True))
        return [
            res.ComparedItem(
                **one.model_dump(),
                other_knows=str(one.id) in common,
                other_rank=ranks.get(str(one.id)),
                other_prediction=expected.get(str(one.id)),
            )
            for one in listed
        ]

    def explanation(self, request: req.ComparedExplanationRequest) -> people.Explanation:
        """Return why a person would pick an item by one of the models, or how they would like it.

        Raises
        ------
        UnknownIdError
            If that model does not know the user or the item.
        """
        asked = req.ExplanationRequest(
            **request.person().model_dump(exclude_unset=True), item=request.item, n=request.n
        )
        place = int(request.model == "second")
        with self._named(place):
            return self.explorers[place].explanation(asked)

    @computed_once
    def overlap(self) -> res.Overlap:
        """How alike the lists are over the people whom both models know."""
        first, second = self._models.values()
        for name, model in self._models.items():
            if model.users is None:
                return _no_overlap(f"the model {name} was saved without its users")
        if not self.summary.common_users:
            return _no_overlap("the models know no people in common")
        by = self.lists_by[0] if self.lists_by else None
        found = list_overlap(first, second, _LISTED, by=by)
        known = found.overlaps[np.isfinite(found.overlaps)]
        counts = np.bincount(np.rint(_LISTED * known).astype(int), minlength=_LISTED + 1)
        return res.Overlap(
            n=_LISTED,
            people=len(known),
            known=found.known,
            mean=float(known.mean()) if len(known) else None,
            counts=counts.tolist(),
        )

    @computed_once
    def biases(self) -> res.ComparedBiases:
        """The items whose biases differ most between the models."""
        first, second = self._models.values()
        scales = [explorer.summary.scale for explorer in self.explorers]
        for name, model in self._models.items():
            if not model.learned.has_ratings:
                return _no_biases(f"the model {name} knows what people pick, and has no biases")
        if [scale[:1] + scale[-1:] for scale in scales] != [scales[0][:1] + scales[0][-1:]] * 2:
            ranges = " and ".join(f"{scale[0]:g} to {scale[-1]:g}" for scale in scales)
            return _no_biases(f"the ratings are on different scales, {ranges}")
        table = bias_differences(first, second)
        higher, lower = (
            table.filter(of_side).head(_MAX_BIASES)
            for of_side in (pl.col("difference") > 0, pl.col("difference") < 0)
        )
        sure = None
        if first.learned.has_intervals and second.learned.has_intervals:
            sure = table.filter((pl.col("lower") > 0) | (pl.col("upper") < 0)).height
        ids = self.explorers[0].item_ids
        return res.ComparedBiases(
            higher=[res.ComparedBias(**row) for row in json_rows(higher, ids)],
            lower=[res.ComparedBias(**row) for row in json_rows(lower, ids)],
            items=table.height,
            sure=sure,
        )

    def accuracy(self) -> res.Accuracy:
        """Return the accuracy of both solvers; the first call starts its measurement."""
        self._accuracy.start()
        return self._accuracy.result() or res.Accuracy(scores=None)

    @contextmanager
    def _named(self, place: int) -> Iterator[None]:
        """Let errors of one of the models say which it is."""
        try:
            yield
        except PalateError as error:
            raise type(error)(f"{model_title(self.names[place])}: {error}") from error


def require_comparable(models: dict[str, Model]) -> None:
    """Check that two models by name can be compared; one alone always can.

    Raises
    ------
    SettingError
        If one of the models was fitted to ratings and the other to events, for instance.
    DataError
        If their ids are of different types, or they have no item in common.
    """
    if len(models) < 2:
        return
    (name, first), (other_name, second) = models.items()
    kinds = (first.learned.kind, second.learned.kind)
    if kinds[0] != kinds[1]:
        raise SettingError(
            f"{model_title(name)} was fitted to {kinds[0]} and {model_title(other_name)} to "
            f"{kinds[1]}, so nobody can be described to both; compare models of the same kind"
        )
    where = (model_title(name), model_title(other_name))
    require_same_type("item", first.items["id"], second.items["id"], where)
    if first.users is not None and second.users is not None:
        require_same_type("user", first.users["id"], second.users["id"], where)
    if not first.items["id"].is_in(second.items["id"].implode()).any():
        examples = " and ".join(repr(model.items["id"][0]) for model in models.values())
        raise DataError(
            f"{where[0]} and {where[1]} have no item in common, such as {examples}; are they of "
            "the same items?"
        )


def _rated_ids(model: Model) -> pl.Series:
    """Return the ids of the items that can be in a list: those with training ratings."""
    return model.items["id"].filter(pl.Series(model.learned.rated))


def _shared_folder(first: Explorer, second: Explorer) -> Path | None:
    """Return where processes that serve the same two saved models share their accuracy."""
    one, other = first.evaluation.folder, second.evaluation.folder
    if one is None or other is None:
        return None
    return one.with_name(f"{one.name}-against-{other.name}")


def _no_overlap(reason: str) -> res.Overlap:
    return res.Overlap(n=_LISTED, people=0, known=0, mean=None, counts=[], why_not=reason)


def _no_biases(reason: str) -> res.ComparedBiases:
    return res.ComparedBiases(higher=[], lower=[], items=0, sure=None, why_not=reason)
