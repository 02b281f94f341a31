"""Words for the ends of an axis, from the features that are clearly associated with it."""

import numpy as np
from numpy.typing import NDArray

from palate.analysis._associations import RATINGS, Associated
from palate.analysis._exemplars import Exemplars, Rows

# An association is clear if its interval is further than this from zero, and the exemplars bear it
# out: so many of them have the category, or lie on the right side of the median of a number.
_CLEAR, _HAVE, _LIE = 0.2, 0.5, 0.75
# An axis is popularity if no association is stronger than that with the number of ratings, and its
# interval is further than this from zero.
_POPULAR = 0.5
_POPULARITY = "lesser-known", "crowd-pleasers"
# An end can be named after a category that at least this fraction of the items has.
_COMMON = 0.05

Words = tuple[str | None, str | None]


def words_of_ends(
    associations: list[list[Associated]],
    exemplars: list[Exemplars],
    eligible: NDArray[np.bool_],
    noun: str,
) -> list[Words]:
    """Return words for the low and the high end of each axis; None where nothing is clear.

    Parameters
    ----------
    associations
        The associations of each axis, in the cautious order.
    exemplars
        The exemplars of each axis.
    eligible
        Whether each item has enough ratings to count in an association; shape (items,).
    noun
        What the items are called.

    Notes
    -----
    Words are of a category and of a date, such as "older Drama". No two ends have the same
    category.
    """
    used: set[str] = set()
    words: list[Words] = []
    for along, of_axis in zip(associations, exemplars, strict=True):
        if _is_popularity(along) and _POPULARITY[0] not in used:
            used.update(_POPULARITY)
            ends = f"{_POPULARITY[0]} {noun}", _POPULARITY[1]
            words.append(ends if along[0].found.association > 0 else ends[::-1])
            continue
        low, high = (
            _of_end(_clear(along, eligible, rows, sign), sign, used, noun)
            for rows, sign in ((of_axis.low, -1), (of_axis.high, 1))
        )
        words.append((low, high))
    return words


def _is_popularity(along: list[Associated]) -> bool:
    strongest = along[0] if along else None
    return (
        strongest is not None
        and strongest.feature.column == RATINGS
        and abs(strongest.found.bound) >= _POPULAR
    )


def _clear(
    along: list[Associated], eligible: NDArray[np.bool_], rows: Rows, sign: int
) -> list[Associated]:
    """Return the associations that are clear at one end: `sign` is -1 for the low one, else 1."""
    return [
        pair
        for pair in along
        if pair.feature.column != RATINGS
        and abs(pair.found.bound) >= _CLEAR
        and _agrees(pair, eligible, rows, sign)
    ]


def _agrees(pair: Associated, eligible: NDArray[np.bool_], rows: Rows, sign: int) -> bool:
    """Return whether the exemplars at one end bear an association out."""
    values, direction = pair.feature.values, sign * np.sign(pair.found.association)
    if not len(rows):
        return False
    if pair.feature.value is None:
        middle = np.median(values[eligible & np.isfinite(values)])
        return bool(np.mean(direction * (values[rows] - middle) > 0) >= _LIE)
    is_common = pair.found.items >= _COMMON * eligible.sum()
    return bool(direction > 0 and is_common and np.mean(values[rows] == 1) >= _HAVE)


def _of_end(clear: list[Associated], sign: int, used: set[str], noun: str) -> str | None:
    """Return words that are not used, and add them to `used`; None if there are none.

    They are the first category, with the date if that is clear too, or else a date or a number.
    """
    numbers = [pair for pair in clear if pair.feature.value is None]
    dates = [_of_number(pair, sign) for pair in numbers if pair.feature.is_date]
    others = [_of_number(pair, sign) for pair in numbers if not pair.feature.is_date]
    alone = [f"{date} {noun}" for date in dates] + [f"{noun} with {other}" for other in others]
    categories = [pair.feature.value for pair in clear if pair.feature.value is not None]
    for found in [*categories, *alone]:
        if found not in used:
            used.add(found)
            return " ".join([*dates[:1], found]) if found in categories else found
    return None


def _of_number(pair: Associated, sign: int) -> str:
    """Return words for the high or the low values of a number, such as "older"."""
    is_high = sign * pair.found.association > 0
    if pair.feature.is_date:
        return "newer" if is_high else "older"
    return f"{'high' if is_high else 'low'} {pair.feature.column}"
