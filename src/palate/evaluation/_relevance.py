"""Which held-out pairs are relevant: what a good list should contain."""

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Ratings


def relevant_from(ratings: Ratings) -> float | None:
    """Return the lowest relevant rating; None for events and counts, of which all are relevant."""
    return ratings.lowest_relevant


def relevant_pairs(ratings: Ratings, valid: Ratings) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the user rows and the item rows of the relevant held-out pairs; shapes (n,)."""
    lowest = relevant_from(ratings)
    relevant = np.ones(len(valid), np.bool_) if lowest is None else valid.rating >= lowest
    return valid.user[relevant], valid.item[relevant]
