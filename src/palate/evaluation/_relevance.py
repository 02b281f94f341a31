"""Which held-out pairs are relevant: what a good list should contain."""

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Ratings


def relevant_pairs(ratings: Ratings, valid: Ratings) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the user rows and the item rows of the relevant held-out pairs; shapes (n,)."""
    lowest = ratings.lowest_relevant
    relevant = np.ones(len(valid), np.bool_) if lowest is None else valid.rating >= lowest
    return valid.user[relevant], valid.item[relevant]
