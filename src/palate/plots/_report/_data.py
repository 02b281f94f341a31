"""The section on the training ratings."""

import numpy as np
from numpy.typing import NDArray

from palate.model._model import Model
from palate.plots._distributions import count_distribution, rating_distribution
from palate.plots._report._html import figure, note, paragraph
from palate.plots._report._notes import NO_USERS


def data_section(model: Model) -> str:
    """Return the section as HTML."""
    counts, ratings, kind = model.learned.item_counts, model.ratings, model.learned.kind
    # Each event or count is that of another person, or of another item.
    people, items = ("ratings", "ratings") if kind == "ratings" else ("people", "items")
    html = paragraph(
        f"Everything on this page is learned from these {kind}. Usually a few items have very many "
        f"{people} and most have few, so some things are known well and others hardly at all."
    )
    if ratings is None:
        html += note(
            f"{NO_USERS}, so it is not known here which {kind} there were, and of how many people."
        )
    elif kind == "ratings":
        html += figure(lambda width: rating_distribution(ratings, width))
    html += figure(
        lambda width: count_distribution(counts, "items", width, of=people),
        _median(counts, "item", people),
    )
    if ratings is not None:
        by_user = np.bincount(ratings.user, minlength=ratings.users.height)
        html += figure(
            lambda width: count_distribution(by_user, "users", width, of=items),
            _median(by_user, "user", items),
        )
    return html


def _median(counts: NDArray[np.int64], kind: str, of: str) -> str:
    positive = counts[counts > 0]
    if not len(positive):
        return f"No {kind} has any {of}."
    return (
        f"Half of the {kind}s have {np.median(positive):,.0f} {of} or fewer; the largest number "
        f"of {of} of one {kind} is {positive.max():,}."
    )
