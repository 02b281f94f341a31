"""The section on one user: portrait, recommendations and an explanation."""

from typing import Any

import polars as pl

from palate.model._model import Model
from palate.model._profile import Profile
from palate.plots._explanation import explanation
from palate.plots._format import signed
from palate.plots._portrait import portrait
from palate.plots._report._html import (
    Cell,
    Number,
    Reasoned,
    figure,
    heading,
    note,
    paragraph,
    quotation,
    table,
)
from palate.plots._report._notes import NO_USERS
from palate.plots._units import POINTS, has_intervals, score_unit

_RECOMMENDED = 10
_SURPRISES = (
    "These are the ratings that one would not expect from this person's other ratings. The "
    "surprise is in standard deviations; about one rating in twenty lies beyond 2."
)
_TWO_WAYS = (
    "First the expected rating is built from what holds for everybody and from what each taste "
    "adds; then from the person's own ratings. Both sums are the same."
)
_SCORE_SCALE = (
    " The numbers are on the scale of the score, which a curve turns into a rating at the end."
)


def user_section(model: Model, user: tuple[Any, Profile] | None) -> str:
    """Return the section as HTML."""
    if user is None:
        return note(
            f"{NO_USERS}, so there is no user to portray. It can still describe anybody from a few "
            "ratings: model.profile({title: rating})."
        )
    user_id, profile = user
    recommended = profile.recommend(_RECOMMENDED, explain=True)
    best = recommended if recommended.height else profile.favourites(1)
    return (
        paragraph(
            f"User {user_id} gave {len(profile.rated):,} ratings. They are all that the model "
            "knows about this person; from them it infers a taste, and how uncertain it is."
        )
        + _portrait(profile)
        + heading("Recommendations")
        + _recommendations(model, recommended)
        + ("" if best.is_empty() else _explanation(profile, best["id"][0]))
    )


def _portrait(profile: Profile) -> str:
    described = profile.describe()
    html = quotation(str(described)) + figure(
        lambda width: portrait(described, width=width),
        "50 is the middle of all people. Left and right are the two ends of each axis; the bars "
        "are 90% intervals.",
    )
    if described.surprises.is_empty():
        return html
    return (
        html
        + heading("Surprising ratings")
        + paragraph(_SURPRISES)
        + _surprises(described.surprises)
    )


def _surprises(surprises: pl.DataFrame) -> str:
    return table(
        ["item", "rating", "expected", "surprise"],
        [
            [
                row["item"],
                Number(f"{row['rating']:g}"),
                Number(f"{row['expected']:.1f}"),
                Number(signed(row["surprise"])),
            ]
            for row in surprises.iter_rows(named=True)
        ],
    )


def _recommendations(model: Model, recommended: pl.DataFrame) -> str:
    if recommended.is_empty():
        return note("This person has rated every item that has ratings; nothing is left.")
    html = paragraph(
        "The items with the highest expected ratings, each with the main reasons. Numbers in "
        f"brackets are {score_unit(model)}."
    )
    has_sd = has_intervals(model)
    if not has_sd:
        html += note("A point estimate does not know how uncertain these expected ratings are.")
    heads = ["item and reason", f"expected rating ({POINTS})"]
    heads += ["standard deviation"] if has_sd else []
    rows: list[list[Cell]] = [
        [
            Reasoned(row["item"], row["reason"]),
            Number(f"{row['prediction']:.2f}"),
            *([Number(f"{row['sd']:.2f}")] if has_sd else []),
        ]
        for row in recommended.iter_rows(named=True)
    ]
    return html + table(heads, rows)


def _explanation(profile: Profile, item: Any) -> str:
    explained = profile.explain(item)
    html = (
        heading("One of them explained in two ways")
        + paragraph(_TWO_WAYS + (_SCORE_SCALE if explained.unit == "score" else ""))
        + quotation(str(explained))
        + figure(lambda width: explanation(explained, width=width))
    )
    other = explained.counterfactual
    if other is None:
        return html
    return html + paragraph(
        f"The change with the largest effect: if {other['item']} had been rated "
        f"{other['changed_to']:g} instead of {other['rating']:g}, the expected rating would be "
        f"{other['prediction']:.1f}."
    )
