"""The report: what a model has learned, on one page that opens anywhere."""

import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from palate.errors import SettingError
from palate.evaluation import Evaluation
from palate.interpret._axes import MAJOR
from palate.interpret._certainty import enough
from palate.model._model import Model
from palate.model._profile import Profile
from palate.plots import _page
from palate.plots._counts import counts_figure, ratings_figure
from palate.plots._figures import (
    EXEMPLARS,
    POINTS,
    axis_figure,
    axis_name,
    biases,
    explanation,
    history,
    near,
    neighbours,
    portrait,
    unit,
)
from palate.plots._map import gap, item_map
from palate.plots._page import (
    Cell,
    Number,
    Reasoned,
    Section,
    escape,
    figure,
    folded,
    note,
    prose,
    table,
)
from palate.plots._text import between, signed
from palate.plots._write import writable, write_page

_LISTED, _MAPPED, _CARDS, _NEAREST = 10, 1000, 6, 5
_NO_USERS = "This model was saved without its users and their ratings"
_MISSING = "\N{EN DASH}"


def report(
    model: Model,
    path: str | Path,
    *,
    user: Any = None,
    evaluation: Evaluation | None = None,
) -> Path:
    """Write all that a model has learned as one HTML page, which needs no network to be read.

    Parameters
    ----------
    model
        The model.
    path
        The file to write. A file that is there is replaced in one step, when the new one is whole.
    user
        The id of the user to portray; by default the one with the median number of ratings.
    evaluation
        What `palate.evaluate` returned for ratings like these; without it the report says that
        accuracy was not measured.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    UnknownIdError
        If there is no such user, or the model was saved without users and one is asked for.
    SettingError
        If this is no model or no evaluation, or the file can't be written.

    Examples
    --------
    >>> import palate, palate.plots
    >>> model = palate.fit(palate.movielens("100k"))
    >>> palate.plots.report(model, "report.html").name
    'report.html'
    """
    if not isinstance(model, Model):
        raise SettingError(f"{model!r} is no model; give what palate.fit or palate.load returns")
    if evaluation is not None and not isinstance(evaluation, Evaluation):
        raise SettingError(f"{evaluation!r} is no evaluation; give what palate.evaluate returns")
    path = writable(path)
    person = _person(model, user)
    sections = [
        Section("data", "Data", "The ratings", _data(model)),
        Section("fit", "Fit", "How the model was fitted", _fit(model)),
        Section("accuracy", "Accuracy", "How well it predicts", _accuracy(model, evaluation)),
        Section("biases", "Biases", "What is liked, whatever one's taste", _biases(model)),
        Section("axes", "Tastes", "The axes of taste", _axes(model)),
        Section("map", "Map", "A map of the items", _map(model)),
        Section("neighbours", "Neighbours", "What is like what", _neighbours(model)),
        Section("person", "One person", "One person's taste", _user(model, person)),
    ]
    write_page(path, _page.page("What people like: a report by Palate", _head(model), sections))
    return path


def _person(model: Model, user: Any) -> tuple[Any, Profile] | None:
    """Return whom to portray: the user asked for, or one with as many ratings as most have."""
    if user is not None:
        return user, model.user(user)
    if model.ratings is None or not len(model.ratings):
        return None
    counts = np.bincount(model.ratings.user, minlength=model.ratings.users.height)
    order = np.argsort(counts, kind="stable")
    median = model.ratings.users["id"][int(order[len(order) // 2])]
    return median, model.user(median)


def _sure(model: Model) -> bool:
    return model.parameters.item_bias_sd is not None


def _described(model: Model) -> bool:
    """Return whether anything but ids and titles is known of the items."""
    return model.items.width > len(("id", "item"))


def _head(model: Model) -> str:
    counts = [("items", f"{model.items.height:,}")]
    counts += [] if model.users is None else [("users", f"{model.users.height:,}")]
    counts.append(("ratings", f"{int(model.item_counts.sum()):,}"))
    counts.append(("axes of taste", f"{model.factors}"))
    now = datetime.datetime.now().astimezone()
    settings = _page.settings_text(model.fit.settings)
    return (
        '<p class="kind">Palate report</p><h1>What people like, and how sure that is</h1>'
        '<p class="lead">A table of ratings says more than which titles are rated high: what each '
        "is worth by itself, which tastes there are, and who would like what. This page is what "
        "a model has learned from one such table.</p>"
        + _page.facts(counts).replace("<dl>", '<dl class="counts">')
        + _page.facts(
            [
                ("Ratings from", model.fit.source),
                ("Fitted by", f"{_SOLVERS.get(model.fit.solver, model.fit.solver)}; {settings}"),
                ("Written", f"{now:%d %B %Y} by Palate {version('palate')}".lstrip("0")),
            ]
        )
        + _missing(model)
    )


_SOLVERS = {"gibbs": "Gibbs sampling", "one-cycle": "the one-cycle recipe of the fastai book"}


def _missing(model: Model) -> str:
    """Say once, at the top, what this model can't tell."""
    lines = []
    if not _sure(model):
        lines.append(
            "This model is a point estimate: it gives one number for each thing it has learned, "
            "and does not know how sure it is, so its items have no intervals here. "
            "A fit by Gibbs has them."
        )
    if model.ratings is None:
        lines.append(
            f"{_NO_USERS}, so what needs them is left out: how the ratings are spread, why means "
            "mislead, and the portrait of a person."
        )
    if not _described(model):
        lines.append(
            "Nothing but ids and titles is known of the items, so tastes are named by examples and "
            "not by kinds. A table of items with genres or years (items=) would name them."
        )
    return "".join(map(note, lines))


def _data(model: Model) -> str:
    counts, ratings = model.item_counts, model.ratings
    told = prose(
        "Everything below rests on these ratings. A few titles have very many of them and most "
        "have few, so some things are known well and others hardly at all."
    )
    if ratings is None:
        told += note(
            f"{_NO_USERS}, so which ratings were given, and by how many people, is not known here."
        )
    else:
        told += figure(lambda width: ratings_figure(ratings, width))
    told += figure(lambda width: counts_figure(counts, "items", width), _typical(counts, "item"))
    if ratings is not None:
        by_user = np.bincount(ratings.user, minlength=ratings.users.height)
        told += figure(
            lambda width: counts_figure(by_user, "users", width), _typical(by_user, "user")
        )
    return told


def _typical(counts: Any, what: str) -> str:
    rated = counts[counts > 0]
    if not len(rated):
        return f"No {what} has a rating."
    return (
        f"Half of the {what}s have {np.median(rated):,.0f} ratings or fewer; one has "
        f"{rated.max():,}, more than any other."
    )


def _fit(model: Model) -> str:
    told = prose(_HOW.get(model.fit.solver, "The model was fitted to the ratings above."))
    if model.fit.interrupted:
        told += note("The fit was interrupted; this is what it had learned until then.")
    if model.history.is_empty():
        return told + note("The course of the fit was not kept with this model.")
    seconds = float(model.history["seconds"].sum()) if "seconds" in model.history.columns else 0
    caption = f"It took {seconds:.1f} seconds. " if seconds else ""
    return told + figure(
        lambda width: history(model, width=width),
        f"{caption}Lower is closer to the ratings that the model learned from; a line that has "
        "levelled off says that a longer fit would have learned little more.",
    )


_HOW = {
    "gibbs": "The model guesses what would explain the ratings, over and over, each time a little "
    "differently. What all these guesses agree on is what it knows; where they differ is how "
    "unsure it is, and that becomes the intervals on this page. noise_sd is how far single ratings "
    "scatter about what is expected, train_rmse how far the latest guess is from the ratings.",
    "one-cycle": "The model goes through all ratings several times and corrects itself after each "
    "handful of them, first boldly and then ever more carefully. train_loss is how far off it was "
    "on the ratings it learned from, valid_loss on others that were held back, if there were any.",
}


def _accuracy(model: Model, evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return (
            '<p class="note">How well this model predicts was not measured; '
            "<code>palate report MODEL --evaluate</code> does it.</p>"
        )
    heads = ["", f"RMSE ({POINTS})", f"MAE ({POINTS})", "NDCG@10", "recall@10", "in 90% interval"]
    keys = ("rmse", "mae", "ndcg_10", "recall_10", "coverage_90")
    rows = [
        [_CONTENDERS.get(row["name"], row["name"]), *(_score(row, key) for key in keys)]
        for row in evaluation.results
    ]
    held = f"{evaluation.split[:1].upper()}{evaluation.split[1:]}"
    return (
        prose(
            "Part of the ratings were held back, and predicted from the rest. RMSE and MAE say by "
            "how many rating points a prediction is off (lower is better); NDCG and recall how "
            "many of the titles somebody went on to like are among ten recommendations (higher is "
            "better). An interval that promises 90% should hold 90% of the ratings."
        )
        + table(heads, rows, bold=_CONTENDERS.get(model.fit.solver, model.fit.solver))
        + prose(f"{held}.{_OVER_FOLDS if len(evaluation.cold) > 1 else ''}")
        + (note(f"Beware: {evaluation.warning}.") if evaluation.warning else "")
    )


_OVER_FOLDS = " What follows \N{PLUS-MINUS SIGN} is the standard error over folds."
_CONTENDERS = {
    "gibbs": "Gibbs",
    "one-cycle": "one-cycle",
    "global-mean": "one mean for all",
    "damped-means": "means of items and users",
    "popularity": "most rated first",
}


def _score(row: dict[str, Any], key: str) -> Number:
    if row[key] is None:
        return Number(_MISSING)
    form = ".1%" if key == "coverage_90" else ".3f"
    error = row.get(f"{key}_se")
    return Number(f"{row[key]:{form}}" + (f" ± {error:{form}}" if error is not None else ""))


def _biases(model: Model) -> str:
    told = prose(
        "A bias says how many rating points a title stands above or below the average by itself, "
        "once it is taken into account who rated it and how well it suits them. A high one is "
        "liked even by people to whose taste it does not speak."
    )
    ordered = model.biases()
    many = min(_LISTED, ordered.height // 2) or 1
    told += figure(lambda width: biases(model, _LISTED, width=width), _surest(model))
    lists = "".join(
        f"<h3>{heading}</h3>{_bias_table(part)}"
        for heading, part in (
            ("Highest", ordered.head(many)),
            ("Lowest", ordered.tail(many).reverse()),
        )
    )
    told += folded("The same as tables", lists)
    told += f"<h3>Where the mean rating misleads</h3>{prose(_MISLEADS)}"
    told += figure(
        lambda width: gap(model, width=width),
        "Titles on the slanted band are worth what their means say. The labelled ones are furthest "
        "from their place by mean; the table says why.",
    )
    if model.ratings is None:
        told += note(f"{_NO_USERS}, so the reasons can't be told.")
    return told + _gap_table(model.biases("gap").head(_LISTED))


_MISLEADS = (
    "A mean rating depends on who came. A film for a few enthusiasts gets high marks from them, "
    "and one that severe people watch gets low ones; the bias corrects for both."
)


def _surest(model: Model) -> str:
    if not _sure(model):
        return "The dots are estimates without intervals: some rest on very few ratings."
    return (
        "The bars are 90% intervals. The order is by the end nearer to zero, so nothing stands "
        "here by the luck of a few ratings."
    )


def _bias_table(frame: pl.DataFrame) -> str:
    heads = ["title", "ratings", "mean rating", f"bias ({POINTS})", "90% interval"]
    return table(
        heads,
        [
            [
                row["item"],
                Number(f"{row['ratings']:,}"),
                Number(f"{row['mean']:.2f}"),
                Number(signed(row["bias"])),
                Number(between(row["lower"], row["upper"]) or _MISSING),
            ]
            for row in frame.iter_rows(named=True)
        ],
    )


def _gap_table(frame: pl.DataFrame) -> str:
    return table(
        ["title, and why", "mean", "bias", "rank by mean, by bias"],
        [
            [
                Reasoned(row["item"], row["reason"] or ""),
                Number(f"{row['mean']:.2f}"),
                Number(signed(row["bias"])),
                Number(f"{row['rank_by_mean']:,}, {row['rank_by_bias']:,}"),
            ]
            for row in frame.iter_rows(named=True)
        ],
    )


def _axes(model: Model) -> str:
    told = prose(
        "People differ in what they like along a few lines, which the model found by itself from "
        "the ratings alone. Each axis below has two ends: who is drawn to one is put off by the "
        "other. Names come from what is known of the titles at the ends."
    )
    if not _described(model):
        told += note(
            "Nothing but ids and titles is known of the items, so the only thing that an axis can "
            "be seen to go along with is how often they are rated."
        )
    table = model.axes(EXEMPLARS)
    major = table.filter(pl.col("share").is_finite() & (pl.col("share") >= MAJOR))
    drawable = major.filter((pl.col("low").list.len() > 0) | (pl.col("high").list.len() > 0))
    if drawable.is_empty():
        return told + note("No axis stands out: in these ratings no two tastes can be told apart.")
    for row in drawable.iter_rows(named=True):
        told += figure(
            partial(axis_figure, model, row),
            f"Axis {row['axis']} makes up {row['share']:.0%} of all the differences in taste that "
            f"were found. {_ends_told(model, row['axis'])}",
        )
    rest = table.height - major.height
    if rest:
        told += prose(f"The other {rest} make up less than {MAJOR:.0%} each.")
    return told


def _ends_told(model: Model, axis: int) -> str:
    low, high = axis_name(model, axis).split(" \N{LEFT RIGHT ARROW} ", 1)
    return f"Low on it: {low}. High on it: {high}."


def _map(model: Model) -> str:
    x, y = ("axis 1", "axis 2") if model.factors > 1 else ("axis 1", "bias")
    return prose(
        "Titles that lie close together appeal to the same people. Labels name the most rated "
        "where there is room; point at any other to see what it is, drag to look closer, and "
        "click twice to come back."
    ) + figure(
        lambda width: item_map(model, x, y, most_rated=_MAPPED, width=width),
        "The labelled ones are in full colour."
        + ("" if _described(model) else " No kinds are known, so colours show the bias."),
    )


def _neighbours(model: Model) -> str:
    order = np.argsort(-model.item_counts, kind="stable")[:_CARDS]
    ids = [model.items["id"][int(row)] for row in order if model.item_counts[row]]
    told = prose(
        "Two titles are alike if the same people like them, whatever they are about: 1 is alike in "
        "all ways that were found, 0 in none. These are the most rated titles, each with the "
        f"nearest that have at least {enough(model.item_counts)} ratings, the surest first."
    )
    found = [(name, near(model, name, _NEAREST)) for name in ids]
    if not any(frame.height for _, frame in found):
        return told + note("Too little is known of the items for any two to be called alike.")
    first = next(name for name, frame in found if frame.height)
    told += figure(lambda width: neighbours(model, first, width=width))
    cards = "".join(_card(model, name, frame) for name, frame in found if name != first)
    return f'{told}<div class="cards">{cards}</div>'


def _card(model: Model, name: Any, frame: pl.DataFrame) -> str:
    lines = "".join(
        f"<li><span>{escape(row['item'])}</span><span>{row['similarity']:.2f}</span></li>"
        for row in frame.iter_rows(named=True)
    )
    title = model.items["item"][model.names.row(name)]
    body = f"<ol>{lines}</ol>" if lines else prose("Nothing is like it for sure.")
    return f'<div class="card"><h3>{escape(title)}</h3>{body}</div>'


def _user(model: Model, person: tuple[Any, Profile] | None) -> str:
    if person is None:
        return note(
            f"{_NO_USERS}, so there is nobody to portray. "
            "It still reads anybody from a few ratings: model.profile({title: rating})."
        )
    user, profile = person
    portrayed = profile.describe()
    told = prose(
        f"User {user} gave {len(profile.rated):,} ratings. The model never sees a person, only "
        "these ratings; from them it infers a taste, and says in which ways it could be wrong."
    )
    told += f"<blockquote>{prose(str(portrayed))}</blockquote>"
    told += figure(
        lambda width: portrait(portrayed, width=width),
        "50 is the middle of all people. Left and right are the two ends of each axis; the bars "
        "are 90% intervals.",
    )
    if portrayed.surprises.height:
        told += f"<h3>What surprised</h3>{prose(_SURPRISES)}{_surprises(portrayed.surprises)}"
    recommended = profile.recommend(_LISTED, explain=True)
    told += f"<h3>What to recommend</h3>{_recommended(model, recommended)}"
    best = recommended if recommended.height else profile.favourites(1)
    return told + ("" if best.is_empty() else _why(profile, best["id"][0]))


_SURPRISES = (
    "Ratings of this person that their other ratings do not lead one to expect. The surprise is in "
    "standard deviations; about one rating in twenty lies beyond 2."
)


def _surprises(frame: pl.DataFrame) -> str:
    return table(
        ["title", "rating", "expected", "surprise"],
        [
            [
                row["item"],
                Number(f"{row['rating']:g}"),
                Number(f"{row['expected']:.1f}"),
                Number(signed(row["surprise"])),
            ]
            for row in frame.iter_rows(named=True)
        ],
    )


def _recommended(model: Model, frame: pl.DataFrame) -> str:
    if frame.is_empty():
        return note("This person has rated every item that has ratings; nothing is left.")
    told = prose(
        "The titles with the highest ratings to be expected of this person, and what speaks for "
        f"each; numbers in brackets are {unit(model)}."
    )
    sure = _sure(model)
    if not sure:
        told += note("A point estimate does not know how far off each of these may be.")
    heads = ["title, and why", f"expected ({POINTS})", *(["give or take"] if sure else [])]
    rows: list[list[Cell]] = [
        [
            Reasoned(row["item"], row["reason"]),
            Number(f"{row['prediction']:.2f}"),
            *([Number(f"{row['sd']:.2f}")] if sure else []),
        ]
        for row in frame.iter_rows(named=True)
    ]
    return told + table(heads, rows)


_INNER = (
    " The numbers are on the model's own scale, the score, which a curve turns into a rating at "
    "the end."
)


def _why(profile: Profile, item: Any) -> str:
    why = profile.explain(item)
    told = (
        "<h3>One of them explained, in two ways</h3>"
        + prose(
            "First the expected rating is put together from what holds for everybody and "
            "what each taste adds; then, from the ratings that it rests on. Both come to the "
            "same." + (_INNER if why.unit == "score" else "")
        )
        + f"<blockquote>{prose(str(why))}</blockquote>"
        + figure(lambda width: explanation(why, width=width))
    )
    if why.counterfactual is None:
        return told
    other = why.counterfactual
    return told + prose(
        f"What would change it most: had {other['item']} got {other['changed_to']:g} and not "
        f"{other['rating']:g}, the rating to expect would be {other['prediction']:.1f}."
    )
