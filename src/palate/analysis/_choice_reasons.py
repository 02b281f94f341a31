"""Reasons of the choice model: which items of a history speak for another item."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate._words import Pronouns, capitalized, counted
from palate.data._ratings import Csr
from palate.learned._learned import Learned

# Maximum number of items in a sentence.
_MAX_NAMED = 2


@dataclass(frozen=True, eq=False)
class ChoiceExplanation:
    """An exact decomposition of the choice score of an item for a person.

    Attributes
    ----------
    id, item
        The item.
    score
        The choice score, which the contributions sum to.
    history
        The contributions of the items of the history: the columns name and contribution. Without a
        history the score is the popularity of the item, and the table says so.
    sentence
        A summary in words.
    """

    id: Any
    item: str
    score: float
    history: pl.DataFrame
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def explain_choice(
    learned: Learned, history: Csr, item: Any, n: int | None, pronouns: Pronouns
) -> ChoiceExplanation:
    """Explain the choice score of an item; see `Profile.explain_choice`."""
    if n is not None:
        _arguments.integer("n", n, 1)
    row = learned.item_index.row(item)
    names, contributions = _contributions(learned, history, row)
    order = np.argsort(-np.abs(contributions), kind="stable")
    rows = [(names[j], float(contributions[j])) for j in order[:n]]
    if n is not None and len(order) > n:
        others = len(order) - n
        rows.append((counted(others, "other item"), float(contributions[order[n:]].sum())))
    return ChoiceExplanation(
        id=learned.items["id"][row],
        item=learned.item_names[row],
        score=float(contributions.sum()),
        history=pl.DataFrame(
            rows, schema={"name": pl.String, "contribution": pl.Float64}, orient="row"
        ),
        sentence=_sentence(learned, history, row, names, contributions, pronouns=pronouns),
    )


def choice_reason(learned: Learned, history: Csr, item: int, pronouns: Pronouns) -> str:
    """Return the items of a history that speak most for an item, in words."""
    names, contributions = _contributions(learned, history, item)
    suggested = contributions.sum() > 0
    if not len(history.partner):
        return "because it is popular" if suggested else "although nobody has picked it"
    found = _speaking(learned, history, names, contributions, pronouns)
    if item in history.partner:
        return f"already picked; it goes with {found}" if found else "already picked"
    if suggested:
        return f"because {pronouns.they} picked {found}"
    return f"although {_why_not(found, pronouns)}"


def _sentence(
    learned: Learned,
    history: Csr,
    item: int,
    names: list[str],
    contributions: NDArray[np.float64],
    *,
    pronouns: Pronouns,
) -> str:
    """Return whether an item is suggested to a person, and the items that speak most for it."""
    title, suggested, they = learned.spoken_names[item], contributions.sum() > 0, pronouns.they
    if not len(history.partner):
        popular = f"{title} is suggested because it is popular."
        return popular if suggested else f"{title} is not suggested: nobody has picked it."
    found = _speaking(learned, history, names, contributions, pronouns)
    if item in history.partner:
        start = f"{capitalized(they)} picked {title} already, so it is not suggested again"
        rest = f"it goes with {found}" if found else f"nothing else {they} picked speaks for it"
        return f"{start}; {rest}."
    if not suggested:
        return f"{title} is not suggested: {_why_not(found, pronouns)}."
    return f"{title} is suggested because {they} picked {found}."


def _why_not(speaking: str, pronouns: Pronouns) -> str:
    """Return why an item is not suggested, given the items that speak most for it."""
    if not speaking:
        return f"nothing {pronouns.they} picked speaks for it"
    return f"what speaks against it outweighs {speaking}"


def _speaking(
    learned: Learned,
    history: Csr,
    names: list[str],
    contributions: NDArray[np.float64],
    pronouns: Pronouns,
) -> str:
    """Return the items of a history that speak most for an item; empty if none does.

    A low rating of such an item is said, since it is no sign of liking.
    """
    weighting = learned.require_choice().weighting
    lowest = weighting.mean - weighting.sd if weighting.kind == "ratings" else -np.inf
    order = np.argsort(-contributions, kind="stable")[:_MAX_NAMED]
    named: list[str] = []
    aside = f", which {pronouns.they} rated"
    for j in order[contributions[order] > 0]:
        rating = float(history.rating[j])
        named.append(names[j] + (f"{aside} {rating:g}" if rating < lowest else ""))
    *others, last = named or [""]
    comma = "," if any(aside in name for name in others) else ""
    return "".join(f"{name}{comma} and " for name in others) + last


def picked_together(learned: Learned, item: Any, n: int, min_ratings: int | None) -> pl.DataFrame:
    """Return the items that are picked by the same people; see `Model.similar`."""
    _arguments.integer("n", n, 1)
    row = learned.item_index.row(item)
    found = learned.require_choice().partial_correlations(row)
    least = 1 if min_ratings is None else _arguments.integer("min_ratings", min_ratings, 1)
    candidates = learned.item_counts >= least
    candidates[row] = False
    others = np.flatnonzero(candidates)
    rows = others[np.argsort(-found[others], kind="stable")[:n]]
    return learned.item_frame(
        rows, partial_correlation=found[rows], ratings=learned.item_counts[rows]
    )


def _contributions(
    learned: Learned, history: Csr, item: int
) -> tuple[list[str], NDArray[np.float64]]:
    choice = learned.require_choice()
    if not len(history.partner):
        return ["popularity"], choice.scores(history, threads=1)[0, [item]].astype(np.float64)
    titles = learned.spoken_names.gather(history.partner.astype(np.int64)).to_list()
    return titles, choice.contributions(history, item).astype(np.float64)
