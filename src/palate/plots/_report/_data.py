"""The section on the training ratings."""

import numpy as np
from numpy.typing import NDArray

from palate.model._model import Model
from palate.plots._distributions import count_distribution, rating_distribution
from palate.plots._report._html import figure, note, paragraph
from palate.plots._report._notes import NO_USERS


def data_section(model: Model) -> str:
    """Return the section as HTML."""
    counts, ratings = model.learned.item_counts, model.ratings
    html = paragraph(
        "Everything on this page is learned from these ratings. Usually a few items have very many "
        "ratings and most have few, so some things are known well and others hardly at all."
    )
    if ratings is None:
        html += note(
            f"{NO_USERS}, so it is not known here which ratings were given, and by how many people."
        )
    else:
        html += figure(lambda width: rating_distribution(ratings, width))
    html += figure(
        lambda width: count_distribution(counts, "items", width), _median(counts, "item")
    )
    if ratings is not None:
        by_user = np.bincount(ratings.user, minlength=ratings.users.height)
        html += figure(
            lambda width: count_distribution(by_user, "users", width), _median(by_user, "user")
        )
    return html


def _median(counts: NDArray[np.int64], kind: str) -> str:
    positive = counts[counts > 0]
    if not len(positive):
        return f"No {kind} has a rating."
    return (
        f"Half of the {kind}s have {np.median(positive):,.0f} ratings or fewer; the largest number "
        f"of ratings of one {kind} is {positive.max():,}."
    )
