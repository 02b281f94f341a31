"""The metrics, each with its definition and source."""

from collections.abc import Callable
from functools import partial
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Csr, Ratings
from palate.evaluation._item_neighbours import cosines

Floats = NDArray[np.floating]
# The share of the history's genres in those of a list, so that the divergence is finite.
_SMOOTHING = 0.01


def mean(values: NDArray[np.float64]) -> float | None:
    """Return the mean of the values that are not NaN; None without any."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


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


class Judged(NamedTuple):
    """Lists, judged by what is relevant to their users.

    Attributes
    ----------
    hit
        Whether the item at each position is relevant; shape (users, n).
    relevant
        The number of relevant items of each user; shape (users,).
    """

    hit: NDArray[np.bool_]
    relevant: NDArray[np.int64]

    @classmethod
    def of(
        cls, top: NDArray[np.int32], user: NDArray[np.int32], item: NDArray[np.int32]
    ) -> "Judged":
        """Judge the lists of users.

        Parameters
        ----------
        top
            For each user the rows of the recommended items, the best first, -1 for none; shape
            (users, n).
        user, item
            The relevant pairs, each once; shape (pairs,).
        """
        width = int(max(top.max(initial=0), item.max(initial=0))) + 2  # -1 has a column of its own
        pairs = user.astype(np.int64) * width + item
        first = np.arange(len(top))[:, None] * width
        hit = np.isin(first + np.where(top < 0, width - 1, top), pairs)
        return cls(hit, np.bincount(user, minlength=len(top)))

    @property
    def length(self) -> int:
        """The length n of the lists."""
        return int(self.hit.shape[1])

    @property
    def attainable(self) -> NDArray[np.int64]:
        """The number of relevant items in the best list of each user; shape (users,)."""
        return np.minimum(self.relevant, self.length)

    def known(self, values: Any) -> NDArray[np.float64]:
        """Return values of users, NaN for those to whom nothing is relevant; shape (users,)."""
        return np.where(self.relevant > 0, values, np.nan)


# Each of the following returns a value for each user, NaN if nothing is relevant to them.


def precision(judged: Judged) -> NDArray[np.float64]:
    """Return the fraction of the n positions of a list that hold a relevant item.

    Herlocker, Konstan, Terveen and Riedl, "Evaluating collaborative filtering recommender systems",
    ACM TOIS 2004, section 4.2.1. Positions of a short list that hold nothing count as misses.
    """
    return judged.known(judged.hit.sum(axis=1) / judged.length)


def recall(judged: Judged) -> NDArray[np.float64]:
    """Return the fraction of the relevant items that are in the list (Herlocker et al., 2004)."""
    return judged.known(judged.hit.sum(axis=1) / np.maximum(judged.relevant, 1))


def ndcg(judged: Judged) -> NDArray[np.float64]:
    """Return the gain of a list, divided by that of the best list of this length.

    The gain is the sum of 1 / log2(p + 1) over the positions p = 1, 2, ... of relevant items
    (Jarvelin and Kekalainen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 2002,
    with gains of 0 and 1).
    """
    gain = 1 / np.log2(np.arange(judged.length) + 2)
    best = np.concatenate([[1], np.cumsum(gain)])[judged.attainable]
    return judged.known((judged.hit @ gain) / best)


def average_precision(judged: Judged) -> NDArray[np.float64]:
    """Return the sum of the precision at each hit, divided by that of the best list.

    The best list has hits alone, so that the sum is divided by the number of relevant items, but at
    most n (Manning, Raghavan and Schutze, "Introduction to information retrieval", 2008, section
    8.4, of lists that end at n).
    """
    position = np.arange(judged.length) + 1
    at_hits = (np.cumsum(judged.hit, axis=1) / position * judged.hit).sum(axis=1)
    return judged.known(at_hits / np.maximum(judged.attainable, 1))


def reciprocal_rank(judged: Judged) -> NDArray[np.float64]:
    """Return 1 / p, where p is the position of the first hit; 0 without one.

    Voorhees, "The TREC-8 question answering track report" (TREC 1999), section 2.
    """
    first = 1 / (judged.hit.argmax(axis=1) + 1)
    return judged.known(np.where(judged.hit.any(axis=1), first, 0))


def hit_rate(judged: Judged) -> NDArray[np.float64]:
    """Return 1 for a list with a relevant item, else 0.

    Deshpande and Karypis, "Item-based top-N recommendation algorithms", ACM TOIS 2004, section 6.2.
    """
    return judged.known(np.any(judged.hit, axis=1))


def overlap(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return for each user how many items two lists have in common, as a fraction of their length.

    The length is that of the longer list; NaN where both are empty. This is the overlap of two
    rankings at a depth (Webber, Moffat and Zobel, "A similarity measure for indefinite rankings",
    ACM TOIS 2010, section 3).

    Parameters
    ----------
    first, second
        The rows of the items of each user's two lists, -1 for none; shapes (users, n).
    """
    listed = second >= 0
    pairs = np.nonzero(listed)[0].astype(np.int32), second[listed]
    common = Judged.of(first, *pairs).hit.sum(axis=1)
    length = np.maximum((first >= 0).sum(axis=1), listed.sum(axis=1))
    return np.where(length > 0, common / np.maximum(length, 1), np.nan)


def catalogue_coverage(top: NDArray[np.int32], eligible: int) -> float | None:
    """Return the fraction of the eligible items that are recommended to at least one user.

    Herlocker et al. (2004), section 4.3 ("catalog coverage").
    """
    return len(np.unique(top[top >= 0])) / eligible if eligible else None


def novelty(top: NDArray[np.int32], train: Ratings) -> float | None:
    """Return the mean over lists of the mean self-information of their items, in bits.

    It is -log2 of the fraction of the people in `train` with training events who have the item:
    0 for an item that all have, 10 for one that a thousandth has. An item that nobody has counts as
    if one person had it (Zhou et al., "Solving the apparent diversity-accuracy dilemma of
    recommender systems", PNAS 2010). Empty lists are left out; None if that is all.
    """
    listed = top >= 0
    number = listed.sum(axis=1)
    if not number.any():
        return None
    people = len(np.unique(train.user))
    having = np.maximum(np.bincount(train.item, minlength=train.items.height), 1)
    bits = np.where(listed, np.log2(max(people, 1) / having)[top], 0).sum(axis=1)
    return float(np.mean(bits[number > 0] / number[number > 0]))


def diversity(top: NDArray[np.int32], train: Ratings) -> float | None:
    """Return the mean over lists of the mean of 1 - cosine over the pairs of their items.

    The cosine is that of the two items' columns of the training events. This is the intra-list
    similarity of Ziegler, McNee, Konstan and Lausen, "Improving recommendation lists through topic
    diversification" (WWW 2005), section 4.2, with another sign and as a mean. Lists with fewer than
    two items are left out; None if that is all.
    """
    return mean(diversities(top, train.items.height, partial(cosines, train)))


def diversities(
    top: NDArray[np.int32],
    items: int,
    cosines_of: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the diversity of each list, NaN with fewer than two items; shape (users,).

    Parameters
    ----------
    top
        The lists, -1 for none; shape (users, n).
    items
        The number of items.
    cosines_of
        Returns the cosines of pairs of items, given two arrays of their rows.
    """
    first, second = np.triu_indices(top.shape[1], 1)
    pairs = np.stack([top[:, first], top[:, second]], axis=-1)
    complete = (pairs >= 0).all(axis=-1)
    pair = np.sort(pairs[complete].astype(np.int64), axis=1)
    distinct, place = np.unique(pair[:, 0] * items + pair[:, 1], return_inverse=True)
    unlike = (1 - cosines_of(distinct // items, distinct % items))[place]
    number = complete.sum(axis=1)
    sums = np.bincount(np.nonzero(complete)[0], weights=unlike, minlength=len(top))
    return np.where(number > 0, sums / np.maximum(number, 1), np.nan)


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
    return mean(genre_divergences(top, given, genres))


def genre_divergences(top: NDArray[np.int32], given: Csr, genres: Floats) -> NDArray[np.float64]:
    """Return the divergence of each list, NaN where it is left out; shape (people,)."""
    person, place = np.nonzero(top >= 0)
    wanted = _mean_shares(given.row, given.partner, len(top), genres)
    listed = _mean_shares(person, top[person, place], len(top), genres)
    known = (wanted.sum(axis=1) > 0) & (listed.sum(axis=1) > 0)
    divergences = np.full(len(top), np.nan)
    p, q = wanted[known], listed[known]
    smoothed = (1 - _SMOOTHING) * q + _SMOOTHING * p
    ratio = np.divide(p, smoothed, out=np.ones_like(p), where=p > 0)
    divergences[known] = (p * np.log(ratio)).sum(axis=1)
    return divergences


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
