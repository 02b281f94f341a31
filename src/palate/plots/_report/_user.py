"""The section on one user: portrait, recommendations and an explanation."""

from typing import Any

import polars as pl

from palate._words import LEAST_SHOWN, capitalized
from palate.inference._lists import By
from palate.model._model import Model
from palate.model._profile import Profile
from palate.plots._explanation import explanation
from palate.plots._format import signed
from palate.plots._portrait import portrait
from palate.plots._report._html import (
    MISSING,
    Cell,
    Number,
    Reasoned,
    disclosure,
    figure,
    heading,
    note,
    paragraph,
    quotation,
    table,
)
from palate.plots._report._notes import NO_USERS
from palate.plots._units import has_intervals, score_unit

_RECOMMENDED = 10
_SURPRISES = (
    "These are the ratings that one would not expect from this person's other ratings. The "
    "surprise is in standard deviations; about one rating in twenty lies beyond 2."
)
_RANKED_BY: dict[By, str] = {
    "both": "What this person would pick and like, each item with both reasons: why they would "
    "pick it, and what the expected rating rests on.",
    "choice": "What this person would pick next, each item with the reason.",
    "rating": "The items with the highest expected ratings, each with the main reasons.",
}
_CHANCE = " The chance is the probability that the item is the next one this person picks."
_SD = " The number after \N{PLUS-MINUS SIGN} is the standard deviation of a rating."
_TWO_WAYS = (
    "The expected rating is explained in two ways: first from what holds for everybody and from "
    "what each taste adds, then from the person's own ratings. Both sums are the same."
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
        f"about this person; {favourites.height} of them are listed here."
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
        lambda width: portrait(described, max(profile.axis_names.in_view, 1), width=width),
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
    if model.learned.choice is None:
        return _list(model, profile, recommended, "rating")
    return (
        _list(model, profile, recommended, "both")
        + disclosure("Show what they would pick, liked or not", _of(model, profile, "choice"))
        + disclosure("Show what they would like, picked or not", _of(model, profile, "rating"))
    )


def _of(model: Model, profile: Profile, by: By) -> str:
    """Return the list by one question alone."""
    return _list(model, profile, profile.recommend(_RECOMMENDED, by=by, explain=True), by)


def _list(model: Model, profile: Profile, recommended: pl.DataFrame, by: By) -> str:
    """Return recommendations with expected ratings, and how they are ranked."""
    has_sd, has_chance = has_intervals(model), _has_chance(recommended)
    text = _RANKED_BY[by] + _CHANCE * has_chance + _SD * has_sd
    if by != "choice":
        text += f" Numbers in brackets are {score_unit(model)}."
    html = paragraph(text)
    if not has_sd:
        html += note("A point estimate does not know how uncertain these expected ratings are.")
    reasons = [recommended["reason"].to_list()]
    if by == "both":
        reasons.append(_rating_reasons(profile, recommended["id"].to_list()))
    heads = ["item and reasons", *(["chance"] if has_chance else []), "expected rating"]
    rows: list[list[Cell]] = [
        [_reasoned(row["item"], *why), *([_chance(row)] if has_chance else []), _expected(row)]
        for row, *why in zip(recommended.iter_rows(named=True), *reasons, strict=True)
    ]
    return html + table(heads, rows)


def _has_chance(recommended: pl.DataFrame) -> bool:
    return "chance" in recommended.columns and bool(recommended["chance"].is_not_null().any())


def _chance(row: dict[str, Any]) -> Number:
    return Number(MISSING if row["chance"] is None else f"{row['chance']:.1%}")


def _expected(row: dict[str, Any]) -> Number:
    """Return an expected rating, with its standard deviation if there is one."""
    spread = "" if row["sd"] is None else f" \N{PLUS-MINUS SIGN} {row['sd']:.2f}"
    return Number(f"{row['prediction']:.2f}{spread}")


def _picks(recommended: pl.DataFrame) -> str:
    """Return the recommendations of a model that knows only what people pick."""
    has_chance = _has_chance(recommended)
    text = "The items that this person would pick next, each with the reason and the number of "
    text += "people who picked it."
    heads = ["item and reason", *(["chance"] if has_chance else []), "people"]
    rows: list[list[Cell]] = [
        [
            _reasoned(row["item"], row["reason"]),
            *([_chance(row)] if has_chance else []),
            Number(f"{row['ratings']:,}"),
        ]
        for row in recommended.iter_rows(named=True)
    ]
    return paragraph(text + _CHANCE * has_chance) + table(heads, rows)


def _reasoned(item: str, *reasons: str) -> Reasoned:
    return Reasoned(item, tuple(map(capitalized, reasons)))


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
    html = heading(f"Why they would pick {explained.item}") + quotation(str(explained))
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
        heading(f"How they would like {explained.item}")
        + paragraph(_TWO_WAYS + (_SCORE_SCALE if explained.unit == "score" else ""))
        + quotation(str(explained))
        + figure(lambda width: explanation(explained, width=width))
    )
    other = explained.counterfactual
    if other is None or abs(other["prediction"] - explained.prediction) < LEAST_SHOWN:
        return html
    return html + paragraph(
        f"The change with the largest effect: if {other['item']} had been rated "
        f"{other['changed_to']:g} instead of {other['rating']:g}, the expected rating would be "
        f"{other['prediction']:.2f} instead of {explained.prediction:.2f}."
    )
