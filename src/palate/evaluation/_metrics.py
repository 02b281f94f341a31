"""The metrics, each with its definition and source."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Csr, Ratings
from palate.evaluation._item_neighbours import cosines

Floats = NDArray[np.floating]
# The share of the history's genres in those of a list, so that the divergence is finite.
_SMOOTHING = 0.01


def rmse(error: Floats) -> float | None:
    """Return the root mean squared error; None without errors."""
    return float(np.sqrt(np.mean(np.square(error, dtype=np.float64)))) if len(error) else None


def mae(error: Floats) -> float | None:
    """Return the mean absolute error; None without errors."""
    return float(np.mean(np.abs(error), dtype=np.float64)) if len(error) else None


def interval(error: Floats, sd: Floats, share: float) -> tuple[float, float]:
    """Return the coverage and the mean width of central normal intervals.

    Coverage is the fraction of ratings inside their intervals. The interval with the nominal
    coverage `share` is prediction +- z sd, where z is the normal quantile of (1 + share) / 2; it is
    not clipped to the scale (Gneiting and Raftery, "Strictly proper scoring rules, prediction, and
    estimation", JASA 2007, section 6.2).
    """
    half = NormalDist().inv_cdf((1 + share) / 2) * sd
    return float(np.mean(np.abs(error) <= half)), float(np.mean(2 * half))


def ranking(
    top: NDArray[np.int32], user: NDArray[np.int32], item: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the nDCG and the recall of each user's list; NaN for users without a relevant item.

    The gain of a list is the sum of 1 / log2(p + 1) over the positions p = 1, 2, ... of relevant
    items; nDCG is the gain divided by that of the ideal list of this length (Jarvelin and
    Kekalainen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 2002, with gains of 0
    and 1). Recall is the fraction of the user's relevant items that are in the list (Herlocker,
    Konstan, Terveen and Riedl, "Evaluating collaborative filtering recommender systems", ACM TOIS
    2004, section 4.2.1).

    Parameters
    ----------
    top
        For each user the rows of the recommended items, the best first, -1 for none; shape
        (users, n).
    user, item
        The relevant held-out pairs.
    """
    relevant = np.bincount(user, minlength=len(top))
    width = int(max(top.max(initial=0), item.max(initial=0))) + 2  # -1 has a column of its own
    pairs = user.astype(np.int64) * width + item
    hit = np.isin(np.arange(len(top))[:, None] * width + np.where(top < 0, width - 1, top), pairs)
    gain = 1 / np.log2(np.arange(top.shape[1]) + 2)
    best = np.concatenate([[0], np.cumsum(gain)])[np.minimum(relevant, top.shape[1])]
    with np.errstate(invalid="ignore"):
        return (hit @ gain) / best, hit.sum(axis=1) / relevant


def catalogue_coverage(top: NDArray[np.int32], eligible: int) -> float | None:
    """Return the fraction of the eligible items that are recommended to at least one user.

    Herlocker et al. (2004), section 4.3 ("catalog coverage").
    """
    return len(np.unique(top[top >= 0])) / eligible if eligible else None


def diversity(top: NDArray[np.int32], train: Ratings) -> float | None:
    """Return the mean over lists of the mean of 1 - cosine over the pairs of their items.

    The cosine is that of the two items' columns of the training events. This is the intra-list
    similarity of Ziegler, McNee, Konstan and Lausen, "Improving recommendation lists through topic
    diversification" (WWW 2005), section 4.2, with another sign and as a mean. Lists with fewer than
    two items are left out; None if that is all.
    """
    first, second = np.triu_indices(top.shape[1], 1)
    pairs = np.stack([top[:, first], top[:, second]], axis=-1)
    complete = (pairs >= 0).all(axis=-1)
    if not complete.any():
        return None
    pair = np.sort(pairs[complete].astype(np.int64), axis=1)
    items = train.items.height
    distinct, place = np.unique(pair[:, 0] * items + pair[:, 1], return_inverse=True)
    unlike = (1 - cosines(train, distinct // items, distinct % items))[place]
    number = complete.sum(axis=1)
    sums = np.bincount(np.nonzero(complete)[0], weights=unlike, minlength=len(top))
    return float(np.mean(sums[number > 0] / number[number > 0]))


def genre_divergence(top: NDArray[np.int32], given: Csr, genres: Floats) -> float | None:
    """Return the mean divergence of the genres of lists from those of the histories.

    With p(g) the mean over a history, and q(g) the mean over a list, of the items' shares of genres
    (an item with two genres has a half of each), it is the Kullback-Leibler divergence
    sum_g p(g) log(p(g) / ((1 - a) q(g) + a p(g))) in nats, with a = 0.01: 0 for lists in the
    proportions of the history (Steck, "Calibrated recommendations", RecSys 2018, equations 2 to 6,
    unweighted). Lists and histories without an item of known genres are left out; None if that is
    all.

    Parameters
    ----------
    top
        The lists, -1 for none; shape (people, n).
    given
        The histories, grouped by person.
    genres
        The share of each genre in each item; shape (items, genres). A row is 0 where unknown.
    """
    person, place = np.nonzero(top >= 0)
    wanted = _mean_shares(given.row, given.partner, len(top), genres)
    listed = _mean_shares(person, top[person, place], len(top), genres)
    known = (wanted.sum(axis=1) > 0) & (listed.sum(axis=1) > 0)
    if not known.any():
        return None
    p, q = wanted[known], listed[known]
    smoothed = (1 - _SMOOTHING) * q + _SMOOTHING * p
    ratio = np.divide(p, smoothed, out=np.ones_like(p), where=p > 0)
    return float((p * np.log(ratio)).sum(axis=1).mean())


def _mean_shares(
    person: NDArray[np.integer], item: NDArray[np.integer], people: int, genres: Floats
) -> NDArray[np.float64]:
    """Return the mean shares of genres of each person's items with known genres; rows of 0 else."""
    sums = np.stack(
        [np.bincount(person, weights=share[item], minlength=people) for share in genres.T], axis=1
    )
    total = sums.sum(axis=1, keepdims=True)  # an item's shares sum to 1
    shares: NDArray[np.float64] = sums / np.maximum(total, 1)
    return shares
