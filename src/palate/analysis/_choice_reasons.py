"""Reasons of the choice model: which items of a history speak for another item."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
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


def explain_choice(learned: Learned, history: Csr, item: Any, n: int) -> ChoiceExplanation:
    """Explain the choice score of an item; see `Profile.explain_choice`."""
    _arguments.integer("n", n, 1)
    row = learned.item_index.row(item)
    title = learned.items["item"][row]
    names, contributions = _contributions(learned, history, row)
    order = np.argsort(-np.abs(contributions), kind="stable")
    rows = [(names[j], float(contributions[j])) for j in order[:n]]
    if len(order) > n:
        others = len(order) - n
        name = f"{others} other item{'s' if others > 1 else ''}"
        rows.append((name, float(contributions[order[n:]].sum())))
    reason = _reason(learned, history, names, contributions)
    return ChoiceExplanation(
        id=learned.items["id"][row],
        item=title,
        score=float(contributions.sum()),
        history=pl.DataFrame(
            rows, schema={"name": pl.String, "contribution": pl.Float64}, orient="row"
        ),
        sentence=f"{title} is suggested {reason}.",
    )


def choice_reason(learned: Learned, history: Csr, item: int) -> str:
    """Return the items of a history that speak most for an item, in words."""
    return _reason(learned, history, *_contributions(learned, history, item))


def _reason(
    learned: Learned, history: Csr, names: list[str], contributions: NDArray[np.float64]
) -> str:
    if not len(history.partner):
        return "because it is popular"
    # What counts less than an average entry was not liked: it is named only if nothing else speaks.
    liked = learned.require_choice().weighting.weighted(history).rating >= 1
    speaking = contributions > 0
    named = speaking & liked if (speaking & liked).any() else speaking
    order = np.argsort(-contributions, kind="stable")
    found = [names[j] for j in order if named[j]][:_MAX_NAMED]
    if not found:
        return "although nothing you picked speaks for it"
    return f"because you picked {' and '.join(found)}"


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
    titles = learned.items["item"].gather(history.partner.astype(np.int64)).to_list()
    return titles, choice.contributions(history, item).astype(np.float64)
