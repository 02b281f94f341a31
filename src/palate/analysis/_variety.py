"""Varied lists: items that differ from each other, or in the proportions of a history."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate import _arguments
from palate.analysis._genres import genre_shares
from palate.data._ratings import Csr
from palate.errors import SettingError
from palate.learned._learned import Learned

Numbers = NDArray[np.float64]
Rows = NDArray[np.integer]
# The list is chosen from this number of best items, or this multiple of its length.
_MIN_CANDIDATES, _MULTIPLE = 50, 5
# The weight of the proportions, against that of the scores.
_CALIBRATION = 0.5
# The share of the wanted proportions in those of a list (Steck 2018, equation 7).
_SMOOTHING = 0.01
# A list, and what each candidate would add to its value.
Term = Callable[[list[int]], Numbers]


def varied(
    learned: Learned,
    history: Csr,
    rows: Rows,
    scores: NDArray[np.floating[Any]],
    n: int,
    *,
    diversity: float,
    calibrate: str | None,
) -> Rows:
    """Return n of the rows, chosen one after another for their scores and for variety.

    With the score s relative to the best, a list L grows by the item j with the largest::

        (1 - diversity) s_j - diversity max_{i in L} cos_ij - calibration KL(p, q(L + j))

    where cos is the cosine between the sets of users of two items (maximal marginal relevance:
    Carbonell and Goldstein, "The use of MMR", SIGIR 1998), p are the shares of genres in the
    history and q those in the list (Steck, "Calibrated recommendations", RecSys 2018, section 5).

    Parameters
    ----------
    learned, history
        The data behind the model, and the history of one person.
    rows, scores
        The items, best first, and their scores; shapes (items,).
    n
        The length of the list.
    diversity
        From 0 to 1.
    calibrate
        A column of the items table with lists of genres or the like; or None.

    Raises
    ------
    SettingError
        If `diversity` is out of range, or the column does not hold lists.
    UnknownIdError
        If diversity is asked of a model that was saved without users.
    """
    diversity = _arguments.finite("diversity", diversity)
    if not 0 <= diversity <= 1:
        raise SettingError(f"diversity is {diversity:g}; it must be from 0 to 1")
    candidates = rows[: max(_MIN_CANDIDATES, _MULTIPLE * n)]
    terms: list[Term] = []
    if diversity > 0:
        terms.append(_dissimilarity(learned, candidates, diversity))
    if calibrate is not None:
        terms.append(_calibration(learned, history, candidates, calibrate))
    if not terms or not len(candidates):
        return rows[:n]
    relevance = (1 - diversity) * _relative(scores[: len(candidates)])
    chosen: list[int] = []
    while len(chosen) < min(n, len(candidates)):
        value = relevance + sum(term(chosen) for term in terms)
        value[chosen] = -np.inf
        chosen.append(int(value.argmax()))
    return candidates[chosen]


def _relative(scores: NDArray[np.floating[Any]]) -> Numbers:
    """Return scores as fractions of the distance from the worst candidate to the best."""
    span = float(scores[0] - scores[-1])
    relative: Numbers = (scores - scores[-1]).astype(np.float64) / (span or 1.0)
    return relative


def _dissimilarity(learned: Learned, candidates: Rows, diversity: float) -> Term:
    ratings = learned.require_users()
    place = np.full(learned.items.height, -1)
    place[candidates] = np.arange(len(candidates))
    listed = place[ratings.item] >= 0
    users, row = np.unique(ratings.user[listed], return_inverse=True)
    has = np.zeros((len(users), len(candidates)), dtype=np.float32)
    has[row, place[ratings.item[listed]]] = 1
    has /= np.maximum(np.linalg.norm(has, axis=0), 1)
    cosines = (has.T @ has).astype(np.float64)

    def term(chosen: list[int]) -> Numbers:
        nearest: Numbers = cosines[:, chosen].max(axis=1, initial=0)
        return -diversity * nearest

    return term


def _calibration(learned: Learned, history: Csr, candidates: Rows, column: str) -> Term:
    shares = genre_shares(learned.items, column)
    if shares is None:
        raise SettingError(
            f"calibrate is {column!r}; give a column of the items table that holds lists, such as "
            "genres"
        )
    wanted, listed = shares[history.partner].sum(axis=0), shares[candidates]
    wanted /= max(wanted.sum(), 1.0)

    def term(chosen: list[int]) -> Numbers:
        sums = listed[chosen].sum(axis=0) + listed
        q = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1.0)
        smoothed = (1 - _SMOOTHING) * q + _SMOOTHING * wanted
        ratio = np.divide(wanted, smoothed, out=np.ones_like(q), where=wanted > 0)
        divergence: Numbers = (wanted * np.log(ratio)).sum(axis=1)
        return -_CALIBRATION * divergence

    return term
