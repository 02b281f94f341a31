"""Varied lists: items that differ from each other, or in the proportions of a history."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _arguments
from palate.analysis._genres import genre_shares, list_columns
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
# From the places in a list, among the candidates, what each of these would add to its value.
Term = Callable[[list[int]], Numbers]


class Variety:
    """Chooses lists for their scores and for variety.

    With the score s relative to the best, a list L grows by the item j with the largest::

        (1 - diversity) s_j - diversity max_{i in L} cos_ij - calibration KL(p, q(L + j))

    where cos is the cosine between the sets of users of two items (maximal marginal relevance:
    Carbonell and Goldstein, "The use of MMR", SIGIR 1998), p are the shares of genres in the
    history and q those in the list (Steck, "Calibrated recommendations", RecSys 2018, section 5).
    What was chosen is listed by score, the best first.

    Parameters
    ----------
    learned
        The data behind the model.
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

    def __init__(self, learned: Learned, diversity: float, calibrate: str | None) -> None:
        self._learned = learned
        self._diversity = _arguments.finite("diversity", diversity, "be from 0 to 1")
        if not 0 <= self._diversity <= 1:
            raise SettingError(f"diversity is {diversity:g}; it must be from 0 to 1")
        if self._diversity > 0:
            learned.require_users()
        self._shares = None
        if calibrate is not None:
            self._shares = genre_shares(learned.items, calibrate)
            if self._shares is None:
                raise SettingError(f"calibrate is {calibrate!r}; {_what_to_give(learned.items)}")

    def candidates(self, n: int) -> int:
        """Return the number of best items that a list of n is chosen from."""
        wanted = self._diversity > 0 or self._shares is not None
        return max(_MIN_CANDIDATES, _MULTIPLE * n) if wanted else n

    def choose(
        self, history: Csr, rows: Rows, scores: NDArray[np.floating[Any]], n: int
    ) -> NDArray[np.intp]:
        """Return the places of n items in ascending order.

        Parameters
        ----------
        history
            The history of the person.
        rows, scores
            The candidates, best first, and their scores; shapes (items,).
        n
            The length of the list.
        """
        rows, scores = rows[: self.candidates(n)], scores[: self.candidates(n)]
        terms: list[Term] = []
        if self._diversity > 0:
            terms.append(self._dissimilarity(rows))
        if self._shares is not None:
            terms.append(_calibration(self._shares, history, rows))
        if not terms or not len(rows):
            return np.arange(min(n, len(rows)))
        relevance = (1 - self._diversity) * _relative(scores)
        chosen: list[int] = []
        while len(chosen) < min(n, len(rows)):
            value = relevance + sum(term(chosen) for term in terms)
            value[chosen] = -np.inf
            chosen.append(int(value.argmax()))
        return np.sort(np.array(chosen))

    def _dissimilarity(self, rows: Rows) -> Term:
        users = self._learned.ratings_by_item.take(rows)
        has = np.zeros((len(rows), self._learned.require_users().users.height), dtype=np.float32)
        has[users.row, users.partner] = 1
        has /= np.sqrt(np.maximum(users.counts, 1))[:, None]
        cosines = (has @ has.T).astype(np.float64)

        def term(chosen: list[int]) -> Numbers:
            nearest: Numbers = cosines[:, chosen].max(axis=1, initial=0)
            return -self._diversity * nearest

        return term


def _what_to_give(items: pl.DataFrame) -> str:
    """Return which columns lists can be calibrated by, or why there is none."""
    others = [name for name in items.columns if name not in {"id", "item"}]
    if not others:
        return (
            "these items have only ids and titles; give the ratings a table of items with a "
            "column of lists, such as genres, and fit again"
        )
    if lists := list(list_columns(items)):
        return f"give a column of the items that holds lists: {', '.join(lists)}"
    return (
        'it takes a column of lists, such as "Action|Comedy", and none of the columns of these '
        f"items holds any: {', '.join(others)}"
    )


def _relative(scores: NDArray[np.floating[Any]]) -> Numbers:
    """Return scores as fractions of the distance from the worst candidate to the best."""
    span = float(scores[0] - scores[-1])
    relative: Numbers = (scores - scores[-1]).astype(np.float64) / (span or 1.0)
    return relative


def _calibration(shares: Numbers, history: Csr, rows: Rows) -> Term:
    wanted, listed = shares[history.partner].sum(axis=0), shares[rows]
    wanted /= max(wanted.sum(), 1.0)

    def term(chosen: list[int]) -> Numbers:
        sums = listed[chosen].sum(axis=0) + listed
        q = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1.0)
        smoothed = (1 - _SMOOTHING) * q + _SMOOTHING * wanted
        ratio = np.divide(wanted, smoothed, out=np.ones_like(q), where=wanted > 0)
        divergence: Numbers = (wanted * np.log(ratio)).sum(axis=1)
        return -_CALIBRATION * divergence

    return term
