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
_BY_BOTH = (
    "What this person would pick and like, each with the reasons: why they would pick it, and what "
    "the expected rating rests on."
)
_BY_RATING = "The items with the highest expected ratings, each with the main reasons."
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
        given = "title: rating" if model.learned.has_ratings else "title: 1"
        few = "ratings" if model.learned.has_ratings else "items"
        return note(
            f"{NO_USERS}, so there is no user to portray. It can still describe anybody from a few "
            f"{few}: model.profile({{{given}}})."
        )
    user_id, profile = user
    recommended = profile.recommend(_RECOMMENDED, explain=True)
    about = _portrait if model.learned.has_ratings else _history
    best = recommended if recommended.height else profile.favourites(1)
    return (
        about(user_id, profile)
        + heading("Recommendations")
        + _recommendations(model, profile, recommended)
        + ("" if best.is_empty() else _explanation(profile, best["id"][0]))
    )


def _history(user_id: Any, profile: Profile) -> str:
    """Return a part of the history of a person in a model that knows only what people pick."""
    favourites = profile.favourites(_RECOMMENDED)
    html = paragraph(
        f"User {user_id} picked {len(profile.rated):,} items. They are all that the model knows "
        f"about this person. Below are {favourites.height} of them."
    )
    if favourites["rating"].n_unique() < 2:  # events are all alike
        return html + table(["item"], [[item] for item in favourites["item"]])
    pairs = favourites.select("item", "rating").iter_rows()
    return html + table(
        ["item", "rating or count"], [[item, Number(f"{value:g}")] for item, value in pairs]
    )


def _portrait(user_id: Any, profile: Profile) -> str:
    described = profile.describe()
    html = paragraph(
        f"User {user_id} gave {len(profile.rated):,} ratings. They are all that the model knows "
        "about this person; from them it infers a taste, and how uncertain it is."
    )
    html += quotation(str(described)) + figure(
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


def _recommendations(model: Model, profile: Profile, recommended: pl.DataFrame) -> str:
    if recommended.is_empty():
        return note("The history of this person has every item; nothing is left.")
    if not model.learned.has_ratings:
        return _picks(recommended)
    reasons, by_both = [recommended["reason"].to_list()], "score" in recommended.columns
    if by_both:
        reasons.append(_rating_reasons(profile, recommended["id"].to_list()))
    html = paragraph(
        f"{_BY_BOTH if by_both else _BY_RATING} Numbers in brackets are {score_unit(model)}."
    )
    has_sd = has_intervals(model)
    if not has_sd:
        html += note("A point estimate does not know how uncertain these expected ratings are.")
    heads = ["item and reasons", f"expected rating ({POINTS})"]
    heads += ["standard deviation"] if has_sd else []
    rows: list[list[Cell]] = [
        [
            _reasoned(row["item"], *why),
            Number(f"{row['prediction']:.2f}"),
            *([Number(f"{row['sd']:.2f}")] if has_sd else []),
        ]
        for row, *why in zip(recommended.iter_rows(named=True), *reasons, strict=True)
    ]
    return html + table(heads, rows)


def _picks(recommended: pl.DataFrame) -> str:
    """Return the recommendations of a model that knows only what people pick."""
    return paragraph(
        "The items that this person would pick next, each with the reason and the number of people "
        "who picked it."
    ) + table(
        ["item and reason", "people"],
        [
            [_reasoned(row["item"], row["reason"]), Number(f"{row['ratings']:,}")]
            for row in recommended.iter_rows(named=True)
        ],
    )


def _reasoned(item: str, *reasons: str) -> Reasoned:
    return Reasoned(item, tuple(reason[0].upper() + reason[1:] for reason in reasons))


def _rating_reasons(profile: Profile, items: list[Any]) -> list[str]:
    """Return the reasons for the expected ratings of items that were ranked by both questions."""
    table = profile.recommend(len(items), candidates=items, seen=True, by="rating", explain=True)
    reasons = dict(table.select("id", "reason").iter_rows())
    return [reasons[item] for item in items]


def _explanation(profile: Profile, item: Any) -> str:
    html = "" if profile.learned.choice is None else _explained_choice(profile, item)
    return html + (_explained_rating(profile, item) if profile.learned.has_ratings else "")


def _explained_choice(profile: Profile, item: Any) -> str:
    explained = profile.explain_choice(item)
    html = heading("Why this person would pick one of them") + quotation(str(explained))
    if explained.score <= 0:
        return html
    rows = [
        [name, Number(f"{contribution / explained.score:.0%}")]
        for name, contribution in explained.history.iter_rows()
    ]
    return html + table(["item of the history", "share of the score"], rows)


def _explained_rating(profile: Profile, item: Any) -> str:
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
