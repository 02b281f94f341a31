"""The summary of a model: its size, rating scale, axes, and what items can be filtered by."""

from importlib.metadata import version
from typing import Any

import numpy as np

from palate.inference._lists import By
from palate.learned._learned import Learned
from palate.model._model import Model
from palate.web import _responses as res
from palate.web._json import Ids, json_value

_MAX_COMPONENTS = 3
# Maximum number of categories of a column to filter by.
_MAX_CATEGORIES = 40
# A scale with at most this many distinct ratings is offered as it is, a finer one in equal steps.
_MAX_SCALE_STEPS = 11


def summarize(model: Model, ids: Ids) -> res.Summary:
    """Return the summary of a model; `ids` has the JSON form of each item's id."""
    columns, learned = _columns(model), model.learned
    likelihood = learned.likelihood if learned.has_ratings else None
    return res.Summary(
        items=model.items.height,
        users=None if model.ratings is None else model.ratings.users.height,
        ratings=int(learned.item_counts.sum()),
        source=model.fit.source_name,
        kind=learned.kind,
        lists_by=_questions(learned),
        solver=model.fit.solver,
        settings=model.fit.settings,
        choice_settings=None if learned.choice is None else dict(learned.choice.settings),
        lowest=None if likelihood is None else likelihood.low,
        highest=None if likelihood is None else likelihood.high,
        scale=_rating_scale(model),
        noise_sd=learned.parameters.typical_noise_sd if learned.has_ratings else None,
        sure=learned.has_intervals,
        history=json_value(model.history),
        axes=_axes(model, ids) if learned.has_ratings else [],
        columns=columns,
        coordinates=_coordinates(model, columns) if learned.has_ratings else [],
        palate=version("palate"),
    )


def _questions(learned: Learned) -> list[By]:
    """Return what lists can be ranked by, the default first."""
    if learned.choice is None:
        return ["rating"]
    return ["both", "choice", "rating"] if learned.has_ratings else ["choice"]


def _rating_scale(model: Model) -> list[float]:
    """Return the ratings that a person can choose from, lowest first; none of events and counts.

    A model without its training ratings has only their means per item, which bound the scale.
    """
    if model.learned.kind != "ratings":
        return []
    if model.ratings is not None:
        values = np.unique(model.ratings.rating)
        if len(values) <= _MAX_SCALE_STEPS:
            return [float(value) for value in values]
        return [float(x) for x in np.linspace(values[0], values[-1], _MAX_SCALE_STEPS)]
    means = model.learned.item_means[model.learned.item_counts > 0]
    low, high = np.floor(means.min()), np.ceil(means.max())
    whole_steps = 1 < high - low < _MAX_SCALE_STEPS
    steps = int(high - low) + 1 if whole_steps else _MAX_SCALE_STEPS
    return [float(x) for x in np.linspace(low, high, steps)]


def _axes(model: Model, ids: Ids) -> list[res.Axis]:
    def exemplars(rows: list[dict[str, Any]]) -> list[res.Exemplar]:
        return [res.Exemplar(**row | {"id": ids[row["id"]]}) for row in rows]

    names = model.axis_names
    frame, ends = names.table.head(names.in_view), names.ends
    return [
        res.Axis(
            axis=row["axis"],
            share=row["share"],
            name=row["name"],
            low_end=low,
            high_end=high,
            low=exemplars(row["low"]),
            high=exemplars(row["high"]),
        )
        for row, (low, high) in zip(frame.iter_rows(named=True), ends, strict=False)
    ]


def _columns(model: Model) -> list[res.Column]:
    columns: dict[str, res.Column] = {}
    for feature in model.learned.item_features:
        if feature.value is None:
            finite = feature.values[np.isfinite(feature.values)]
            columns[feature.column] = res.Column(
                name=feature.column,
                values=[],
                lowest=float(finite.min()),
                highest=float(finite.max()),
            )
        else:
            column = columns.setdefault(
                feature.column,
                res.Column(name=feature.column, values=[], lowest=None, highest=None),
            )
            if len(column.values) < _MAX_CATEGORIES:
                column.values.append(feature.value)
    return list(columns.values())


def _coordinates(model: Model, columns: list[res.Column]) -> list[str]:
    """Return the names of the coordinates that the map offers."""
    numeric = [column.name for column in columns if column.lowest is not None]
    # A map has two coordinates, however little the second axis explains.
    shown = min(max(model.axis_names.in_view, 2), model.factors)
    axes = [f"axis {n + 1}" for n in range(shown)]
    components = [f"component {n + 1}" for n in range(min(_MAX_COMPONENTS, model.factors))]
    return [*axes, "bias", "mean", "ratings", *numeric, *components]
