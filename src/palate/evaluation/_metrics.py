"""The metrics, each with its definition and source."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


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
) -> tuple[float | None, float | None]:
    """Return the mean nDCG and recall of recommended lists, over the users with a relevant item.

    The gain of a list is the sum of 1 / log2(p + 1) over the positions p = 1, 2, ... of relevant
    items; nDCG is the gain divided by that of the ideal list of this length (Jarvelin and
    Kekalainen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 2002, with gains of 0
    and 1). Recall is the fraction of the user's relevant items that are in the list (Herlocker,
    Konstan, Terveen and Riedl, "Evaluating collaborative filtering recommender systems", ACM TOIS
    2004, section 4.2.1).

    Parameters
    ----------
    top
        For each user the rows of the recommended items, the best first, -1 for none.
    user, item
        The relevant held-out pairs.
    """
    relevant = np.bincount(user, minlength=len(top))
    judged = relevant > 0
    if not judged.any():
        return None, None
    width = int(max(top.max(initial=0), item.max(initial=0))) + 2  # -1 has a column of its own
    pairs = user.astype(np.int64) * width + item
    hit = np.isin(np.arange(len(top))[:, None] * width + np.where(top < 0, width - 1, top), pairs)
    gain = 1 / np.log2(np.arange(top.shape[1]) + 2)
    best = np.concatenate([[0], np.cumsum(gain)])[np.minimum(relevant, top.shape[1])]
    ndcg = (hit @ gain)[judged] / best[judged]
    recall = hit.sum(axis=1)[judged] / relevant[judged]
    return float(ndcg.mean()), float(recall.mean())


def catalogue_coverage(top: NDArray[np.int32], eligible: int) -> float | None:
    """Return the fraction of the eligible items that are recommended to at least one user.

    Herlocker et al. (2004), section 4.3 ("catalog coverage").
    """
    return len(np.unique(top[top >= 0])) / eligible if eligible else None
