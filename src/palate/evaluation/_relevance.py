"""Which held-out pairs are relevant: what a good list should contain."""

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Ratings

# A held-out rating is relevant if it is in the top quarter of the scale: 4 or more of 1 to 5.
_RELEVANT = 0.75


def has_ratings(ratings: Ratings) -> bool:
    """Return whether the ratings say how items are liked; equal ones only say what was chosen."""
    return bool(np.ptp(ratings.rating) > 0)


def relevant_from(ratings: Ratings) -> float | None:
    """Return the lowest relevant rating; None for events, of which all are relevant."""
    if not has_ratings(ratings):
        return None
    return float(ratings.rating.min() + _RELEVANT * np.ptp(ratings.rating))


def relevant_pairs(ratings: Ratings, valid: Ratings) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the user rows and the item rows of the relevant held-out pairs; shapes (n,)."""
    lowest = relevant_from(ratings)
    if lowest is None:
        return valid.user, valid.item
    relevant = valid.rating >= lowest
    return valid.user[relevant], valid.item[relevant]
