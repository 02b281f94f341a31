"""The report as a whole: its header and the order of its sections."""

import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from palate._words import capitalized
from palate.errors import SettingError
from palate.evaluation import Evaluation
from palate.model._model import Model
from palate.model._profile import Profile
from palate.plots._report._accuracy import accuracy_section
from palate.plots._report._axes import axes_section
from palate.plots._report._biases import biases_section
from palate.plots._report._data import data_section
from palate.plots._report._fit import fit_section
from palate.plots._report._html import Section, facts, note, page, settings_text
from palate.plots._report._items import map_section, neighbours_section, picked_section
from palate.plots._report._notes import NO_ITEM_COLUMNS, NO_USERS, PICKS_ONLY
from palate.plots._report._popularity import popularity_section
from palate.plots._report._user import user_section
from palate.plots._units import has_intervals, has_item_columns
from palate.plots._write import check_path, write_page
from palate.solvers._registry import solver_title

_TITLE = "What people like: a report by Palate"
_INTRODUCTION = (
    '<p class="kind">Palate report</p><h1>What people like, and how certain that is</h1>'
    '<p class="lead">A table of ratings shows more than averages: how much each item is liked '
    "regardless of taste, which tastes there are, and who would like what. This page shows what a "
    "model has learned from one such table.</p>"
)
_PICKS_TITLE = "What people pick: a report by Palate"
_PICKS_INTRODUCTION = (
    '<p class="kind">Palate report</p><h1>What people pick, and what they would pick next</h1>'
    '<p class="lead">A table of what people picked shows more than what is popular: which items '
    "are picked by the same people. This page shows what a model has learned from one such "
    "table.</p>"
)


def report(
    model: Model,
    path: str | Path,
    *,
    user: Any = None,
    evaluation: Evaluation | None = None,
) -> Path:
    """Write all that a model has learned as one HTML page, which can be read without a network.

    Parameters
    ----------
    model
        The model.
    path
        The file to write. An existing file is replaced in one step.
    user
        The id of the user to portray; by default one with the median number of ratings.
    evaluation
        The result of `palate.evaluate` for such ratings; without it the report says that accuracy
        was not measured.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    UnknownIdError
        If there is no such user, or `user` is given and the model was saved without users.
    SettingError
        If `model` or `evaluation` is of another type, or the file cannot be written.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.report(model, "report.html").name
    'report.html'
    """
    if not isinstance(model, Model):
        raise SettingError(
            f"{model!r} is not a model; give the result of palate.fit or palate.load"
        )
    if evaluation is not None and not isinstance(evaluation, Evaluation):
        raise SettingError(
            f"{evaluation!r} is not an evaluation; give the result of palate.evaluate"
        )
    path = check_path(path)
    sections = _sections(model, _portrayed_user(model, user), evaluation)
    title = _TITLE if model.learned.has_ratings else _PICKS_TITLE
    write_page(path, page(title, _header(model), sections))
    return path


def _sections(
    model: Model, user: tuple[Any, Profile] | None, evaluation: Evaluation | None
) -> list[Section]:
    sections = [
        Section("data", "Data", f"The {model.learned.kind}", data_section(model)),
        Section("fit", "Fit", "How the model was fitted", fit_section(model)),
        Section(
            "accuracy", "Accuracy", "How well it predicts", accuracy_section(model, evaluation)
        ),
    ]
    if not model.learned.has_ratings:
        return [
            *sections,
            Section("picked", "Items", "What most people pick", picked_section(model)),
            Section(
                "person", "One person", "What one person would pick", user_section(model, user)
            ),
        ]
    return [
        *sections,
        Section("biases", "Biases", "Liked regardless of taste", biases_section(model)),
        Section(
            "popularity", "Popularity", "Picked often, picked rarely", popularity_section(model)
        ),
        Section("axes", "Tastes", "The axes of taste", axes_section(model)),
        Section("map", "Map", "A map of the items", map_section(model)),
        Section("neighbours", "Neighbours", "Similar items", neighbours_section(model)),
        Section("person", "One person", "One person's taste", user_section(model, user)),
    ]


def _portrayed_user(model: Model, user: Any) -> tuple[Any, Profile] | None:
    """Return the id and the profile of `user`, or of one with the median number of ratings."""
    if user is not None:
        return user, model.user(user)
    if model.ratings is None or not len(model.ratings):
        return None
    counts = np.bincount(model.ratings.user, minlength=model.ratings.users.height)
    order = np.argsort(counts, kind="stable")
    median = model.ratings.users["id"][int(order[len(order) // 2])]
    return median, model.user(median)


def _header(model: Model) -> str:
    counts = [("items", f"{model.items.height:,}")]
    counts += [] if model.users is None else [("users", f"{model.users.height:,}")]
    kind, has_ratings = model.learned.kind, model.learned.has_ratings
    counts.append((kind, f"{int(model.learned.item_counts.sum()):,}"))
    counts += [("axes of taste", f"{model.factors}")] if has_ratings else []
    now = datetime.datetime.now().astimezone()
    settings = settings_text(model.fit.settings)
    origin = [
        (f"Source of the {kind}", model.fit.source_name),
        ("Solver", f"{capitalized(solver_title(model.fit.solver))}; {settings}"),
        ("Written", f"{now:%d %B %Y} by Palate {version('palate')}".lstrip("0")),
    ]
    introduction = _INTRODUCTION if has_ratings else _PICKS_INTRODUCTION
    return introduction + facts(counts, style="counts") + facts(origin) + _missing(model)


def _missing(model: Model) -> str:
    """Return notes on what is missing from this report because the model lacks it."""
    if not model.learned.has_ratings:
        return note(PICKS_ONLY)
    lines = []
    if not has_intervals(model):
        lines.append(
            "This model is a point estimate: it has one number for each quantity and does not know "
            "how certain that number is, so the items have no intervals on this page. A model "
            "fitted by Gibbs sampling has them."
        )
    if model.ratings is None:
        lines.append(
            f"{NO_USERS}, so this page cannot show how the ratings are distributed, why mean "
            "ratings mislead, and the portrait of a person."
        )
    if not has_item_columns(model):
        lines.append(
            f"{NO_ITEM_COLUMNS}, so tastes are named by examples and not by kinds. A table of "
            "items with genres or years (the argument items=) would provide names."
        )
    return "".join(map(note, lines))
