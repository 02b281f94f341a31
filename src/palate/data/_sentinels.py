"""Values among ratings that probably stand for "no rating": -1 or 0."""

import numpy as np
from numpy.typing import NDArray

# Scales have whole or half steps, and at most so many of them (0 to 100).
_MAX_RATING = 100
# A lowest value of 0 must be so many times as frequent as the next one.
_TIMES = 2


def sentinel_note(ratings: NDArray[np.float32]) -> str | None:
    """Return a note if the lowest value of ratings may stand for "no rating"; None if not.

    Ratings in other than whole or half steps have no such value. -1 may be one where it is the
    only negative value and the highest is above 1: no usual scale goes from -1 to 5. Scales that
    start at 0 are usual (0 to 5, 0 to 10), so 0 is pointed out only if its frequency is out of line
    with the others: it is more frequent than each of them, at least twice as frequent as the lowest
    of them, and they do not simply fall.
    """
    low, high = float(ratings.min()), float(ratings.max())
    if low not in (-1, 0) or not 1 < high <= _MAX_RATING:
        return None
    steps = 2 * (ratings - low)
    if not (steps == np.rint(steps)).all():
        return None
    counts = np.bincount(steps.astype(np.int64))
    first, *others = np.flatnonzero(counts)[1:].tolist()
    if not others or (low == -1 and first < 2):
        return None
    zeros, next_count, highest = counts[0], counts[first], counts[others].max()
    if low == 0 and (zeros < _TIMES * next_count or next_count > highest or zeros <= highest):
        return None
    return (
        f"{zeros / len(ratings):.1%} of the ratings are {low:g}, all others {low + first / 2:g} to "
        f"{high:g}: if {low:g} means that there is no rating, leave these rows out"
    )
