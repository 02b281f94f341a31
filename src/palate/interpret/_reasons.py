"""Why a score is what it is: by its parts, and by the ratings that caused it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from palate import _arguments
from palate.inference._link import Linear, at
from palate.interpret._causes import Causes, Numbers

if TYPE_CHECKING:
    from palate.model._profile import Profile

# A contribution smaller than this share of the scale is not worth words in a sentence.
_WORTH_SAYING = 0.0125
# On a scale as long as this a prediction is told to a tenth.
_LONG_SCALE = 2
# A reason in one line names so many ratings.
_NAMED = 2


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a person is expected to rate an item as they are, taken apart exactly, twice.

    Attributes
    ----------
    id, item
        The item.
    prediction
        The expected rating.
    score
        What each of the two tables sums to. By Gibbs it is in units of the ratings, and the
        prediction is the score cut off at the ends of the scale. By the book's recipe it is what
        goes into the sigmoid.
    unit
        The unit of the score and of the contributions: "rating" or "score".
    parts
        By part: columns name and contribution.
    ratings
        By the ratings that caused it: columns name and contribution.
    counterfactual
        The one rating that, changed by a star (1, or on a scale shorter than 4 a quarter of it),
        moves the score most: item, rating, changed_to, and the score and the prediction that there
        would be then (by the book's recipe to first order); None for a person without ratings.
    sentence
        The same in plain words.
    """

    id: Any
    item: str
    prediction: float
    score: float
    unit: str
    parts: pl.DataFrame
    ratings: pl.DataFrame
    counterfactual: dict[str, Any] | None
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def explain(profile: Profile, item: Any, n: int) -> Explanation:
    """Take the score of an item apart; see `Profile.explain`."""
    _arguments.integer("n", n, 1)
    model, causes = profile.model, Causes(profile)
    row = model.names.row(item)
    general, tastes = _general(profile, row), _tastes(profile, row)
    score = float(sum(general.values()) + tastes.sum())
    title, prediction = model.items["item"][row], _prediction(profile, score)
    ratings = causes.contributions(row)
    unit = "rating" if isinstance(model.link, Linear) else "score"
    return Explanation(
        id=model.items["id"][row],
        item=title,
        prediction=prediction,
        score=score,
        unit=unit,
        parts=_table(general, _taste_names(profile, row), tastes, n, "axes"),
        ratings=_table(
            _before(causes, row, score, ratings), _rating_names(profile), ratings, n, "ratings"
        ),
        counterfactual=_counterfactual(causes, row, score),
        sentence=f"{_expected(profile, row, prediction)}: "
        f"{'' if unit == 'rating' else 'as a score, '}{_of_parts(profile, row, general, tastes)}."
        f"{_of_ratings(profile, ratings)}",
    )


def reason(causes: Causes, item: int) -> str:
    """Say in one line what speaks most for an item."""
    contributions, names = causes.contributions(item), _rating_names(causes.profile)
    best = np.argsort(-contributions, kind="stable")[:_NAMED]
    told = [f"{names[j]} ({contributions[j]:+.2f})" for j in best if contributions[j] > 0]
    bias = float(causes.profile.model.item_biases[item])
    if not causes.profile.model.item_counts[item]:
        return "; ".join([*told, "nobody has rated it"])
    return "; ".join([*told, f"{_SAYINGS['its bias'][int(bias < 0)]} ({bias:+.2f})"])


def _general(profile: Profile, item: int) -> dict[str, float]:
    """Return the parts of a score that are no matter of this person's tastes, by name."""
    model = profile.model
    average = model.canonical.average
    general = {
        "average": float(model.link.mu + average[-1]),
        "your bias": float(profile.row[-1] - average[-1]),
        "its bias": float(model.item_biases[item]),
    }
    if average[:-1].any():
        x = model.canonical.positions(profile.row[None])[0]
        general["your liking of the average item"] = float(x @ model.canonical.middle)
        factors = model.item_factors[item].astype(np.float64)
        general["its appeal to the average taste"] = float(average[:-1] @ factors)
    return general


def _tastes(profile: Profile, item: int) -> Numbers:
    """Return what each axis contributes to a score; shape (k,)."""
    canonical = profile.model.canonical
    tastes: Numbers = canonical.positions(profile.row[None])[0] * canonical.places[item]
    return tastes


def _prediction(profile: Profile, score: float) -> float:
    link = profile.model.link
    return at(link.rating, score - link.mu)


def _taste_names(profile: Profile, item: int) -> list[str]:
    canonical = profile.model.canonical
    mine, its = canonical.positions(profile.row[None])[0], canonical.places[item]
    return [
        f"axis {axis + 1}: {_leaning(ends, mine[axis], its[axis])}"
        for axis, ends in enumerate(profile.model.axis_ends)
    ]


def _leaning(ends: tuple[str, str], mine: float, its: float) -> str:
    """Say which way a person and an item lean: the same, or against each other."""
    lean = f"you lean to {ends[int(mine > 0)]}"
    if (mine > 0) == (its > 0):
        return f"{lean}, and so does this"
    return f"{lean}, and this to {ends[int(its > 0)]}"


def _rating_names(profile: Profile) -> list[str]:
    titles = profile.model.items["item"].gather(profile.rated.astype(np.int64))
    return [
        f"you gave {title} {rating:g}"
        for title, rating in zip(titles, profile.rating.tolist(), strict=True)
    ]


def _before(causes: Causes, item: int, score: float, ratings: Numbers) -> dict[str, float]:
    """Return what makes up a score before any rating of this person, by name."""
    model = causes.profile.model
    before = {"average": float(model.link.mu)} if isinstance(model.link, Linear) else {}
    before["its bias"] = float(model.item_biases[item])
    before["what holds for everybody"] = causes.of_everybody(item)
    if not isinstance(model.link, Linear):
        # A row that was learned in epochs is not quite where its ratings alone would put it.
        rest = score - sum(before.values()) - float(ratings.sum())
        before["training beyond this"] = rest
    return before


def _table(
    first: dict[str, float], names: list[str], contributions: Numbers, n: int, what: str
) -> pl.DataFrame:
    """Return a line for each of `first` and the `n` largest contributions, and one for the rest."""
    order = np.argsort(-np.abs(contributions), kind="stable")
    lines = list(first.items()) + [(names[j], float(contributions[j])) for j in order[:n]]
    if len(order) > n:
        others = len(order) - n
        lines.append((f"{others} other {what}", float(contributions[order[n:]].sum())))
    return pl.DataFrame(lines, schema={"name": pl.String, "contribution": pl.Float64}, orient="row")


def _counterfactual(causes: Causes, item: int, score: float) -> dict[str, Any] | None:
    profile = causes.profile
    if not len(profile.rated):
        return None
    link, pulls = profile.model.link, causes.pulls(item)
    j = int(np.abs(pulls).argmax())
    rating, star = float(profile.rating[j]), min(1.0, (link.high - link.low) / 4)
    if rating + star > link.high:
        star = -star
    if star == 0:
        return None
    return {
        "item": profile.model.items["item"][int(profile.rated[j])],
        "rating": rating,
        "changed_to": rating + star,
        "score": score + star * float(pulls[j]),
        "prediction": _prediction(profile, score + star * float(pulls[j])),
    }


# What a part means, above and below zero.
_SAYINGS = {
    "your bias": ("you seem to rate higher than average", "you seem to rate lower than average"),
    "its bias": ("it is well liked", "it is not much liked"),
    "your liking of the average item": ("you like much of what there is", "you like little of it"),
    "its appeal to the average taste": ("its kind is liked", "its kind is not much liked"),
}


def _expected(profile: Profile, row: int, prediction: float) -> str:
    title = profile.model.items["item"][row]
    decimals = 1 if profile.model.link.high - profile.model.link.low >= _LONG_SCALE else 2
    given = profile.rating[profile.rated == row]
    if len(given):
        told = f"You gave {title} {given[0]:g}; what is expected of you is"
    else:
        told = f"You are expected to give {title}"
    return f"{told} {prediction:.{decimals}f}"


def _of_parts(profile: Profile, item: int, general: dict[str, float], tastes: Numbers) -> str:
    said = [f"{general['average']:.2f} on average"]
    if profile.model.item_counts[item] == 0:
        return f"{said[0]}; nobody has rated it, so nothing more is known of it"
    link = profile.model.link
    least = _WORTH_SAYING * (link.high - link.low)
    for name, sayings in _SAYINGS.items():
        value = general.get(name, 0.0)
        if abs(value) >= least:
            said.append(f"{sayings[int(value < 0)]} ({value:+.2f})")
    axis = int(np.abs(tastes).argmax())
    if abs(tastes[axis]) >= least:
        name = _taste_names(profile, item)[axis].partition(": ")[2]
        said.append(f"{name} ({tastes[axis]:+.2f})")
    return "; ".join(said)


def _of_ratings(profile: Profile, ratings: Numbers) -> str:
    if not len(ratings):
        return ""
    j = int(np.abs(ratings).argmax())
    return f" Of your ratings, it counts most that {_rating_names(profile)[j]} ({ratings[j]:+.2f})."
