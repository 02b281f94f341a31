"""Metrics of lists of recommendations: `palate.metrics`. `palate.evaluate` uses the same.

Lists and relevant items are given in any of these forms, in which ids are compared as text:

- a list of ids for each user, the best first, and the relevant ids of each, paired by position;
- dictionaries with a list of ids for each user;
- tables with a user and an item in each row, the best of a user first, such as those of
  ``model.recommend()``: of polars, pandas or Arrow, or the path of a file.

What is relevant can also be given as `palate.Ratings`: of ratings, those in the top quarter of
their scale, such as 4 and more of 1 to 5; of events and counts, all.

The first `k` items of each list are judged. The metrics of relevant items are means over the users
to whom anything is relevant, of whom one without a list has an empty one; NaN without such users.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate import _arguments
from palate.data._ratings import Ratings
from palate.evaluation import _metric_formulas as formulas
from palate.evaluation._given_lists import (
    Lists,
    Relevant,
    histories_with,
    judged_lists,
    listed_items,
    paired_lists,
)

__all__ = [
    "average_precision",
    "catalogue_coverage",
    "diversity",
    "hit_rate",
    "ndcg",
    "novelty",
    "overlap",
    "precision",
    "recall",
    "reciprocal_rank",
]


def precision(recommended: Lists, relevant: Relevant, k: int = 10) -> float:
    """Return the precision at `k`: the mean fraction of the `k` positions with a relevant item.

    Positions of a list of fewer than `k` items that hold nothing count as misses.

    Parameters
    ----------
    recommended, relevant
        The lists and the relevant items of each user; see `palate.metrics` for their forms.
    k
        How many items of each list are judged.

    Raises
    ------
    DataError
        If these have another form, an item is twice in a list, or no user with relevant items has a
        list.
    SettingError
        If `k` is less than 1.

    Examples
    --------
    >>> palate.metrics.precision([["tea", "rum"]], [["tea", "ale", "gin"]], k=2)
    0.5
    """
    return _mean(formulas.precision, recommended, relevant, k)


def recall(recommended: Lists, relevant: Relevant, k: int = 10) -> float:
    """Return the recall at `k`: the mean fraction of the relevant items that are in the list.

    See `precision` for the parameters and errors.
    """
    return _mean(formulas.recall, recommended, relevant, k)


def ndcg(recommended: Lists, relevant: Relevant, k: int = 10) -> float:
    """Return the normalised discounted cumulative gain at `k`, from 0 to 1.

    The gain of a list is the sum of 1 / log2(p + 1) over the positions p = 1, 2, ... of relevant
    items. It is divided by that of the best list of `k` items. See `precision` for the parameters
    and errors.
    """
    return _mean(formulas.ndcg, recommended, relevant, k)


def average_precision(recommended: Lists, relevant: Relevant, k: int = 10) -> float:
    """Return the mean average precision at `k` (MAP), from 0 to 1.

    The average precision of a list is the sum of the precisions at the positions of relevant items,
    divided by the number of relevant items, but at most by `k`. See `precision` for the parameters
    and errors.
    """
    return _mean(formulas.average_precision, recommended, relevant, k)


def reciprocal_rank(recommended: Lists, relevant: Relevant, k: int = 10) -> float:
    """Return the mean reciprocal rank at `k` (MRR), from 0 to 1.

    The reciprocal rank of a list is 1 / p, where p is the position of the first relevant item; it
    is 0 without one. See `precision` for the parameters and errors.
    """
    return _mean(formulas.reciprocal_rank, recommended, relevant, k)


def hit_rate(recommended: Lists, relevant: Relevant, k: int = 10) -> float:
    """Return the hit rate at `k`: the fraction of users whose list has a relevant item.

    See `precision` for the parameters and errors.
    """
    return _mean(formulas.hit_rate, recommended, relevant, k)


def overlap(first: Lists, second: Lists, k: int = 10) -> float:
    """Return how alike two sets of lists are: the fraction of items that they have in common.

    For the first `k` items A and B of the two lists of a user it is ``|A n B| / max(|A|, |B|)``, in
    any order: 1 for the same items, 0 for none in common. The mean over the users with both lists.

    Parameters
    ----------
    first, second
        Two lists for each user, such as those of two models; see `palate.metrics` for their forms.
    k
        How many items of each list count.

    Raises
    ------
    DataError
        If these have another form, are not of the same users, or an item is twice in a list.
    SettingError
        If `k` is less than 1.

    Examples
    --------
    >>> palate.metrics.overlap([["tea", "rum"]], [["rum", "ale"]])
    0.5
    """
    lists = paired_lists(first, second, _arguments.count("k", k))
    return _or_nan(formulas.mean(formulas.overlap(*lists)))


def catalogue_coverage(
    recommended: Lists, catalogue: Iterable[Any] | Ratings, k: int = 10
) -> float:
    """Return the fraction of the catalogue that is in at least one list.

    Parameters
    ----------
    recommended
        The lists; see `palate.metrics` for their forms.
    catalogue
        The ids of all items that could have been recommended; or the training ratings, with their
        rated items.
    k
        How many items of each list count.

    Raises
    ------
    DataError
        If a list has an item that is not in the catalogue, or an item twice.
    SettingError
        If `k` is less than 1.
    """
    top, items = listed_items(recommended, catalogue, _arguments.count("k", k))
    return _or_nan(formulas.catalogue_coverage(top, items))


def novelty(recommended: Lists, histories: Lists | Ratings, k: int = 10) -> float:
    """Return how unusual the recommended items are: their mean self-information, in bits.

    The self-information of an item is -log2 of the fraction of people who have it: 0 if all have
    it, 10 if one of 1,024 has it. An item that nobody has counts as if one person had it. The mean
    over the items of each list, and then over lists; NaN without any.

    Parameters
    ----------
    recommended
        The lists; see `palate.metrics` for their forms.
    histories
        What each person has, such as the training ratings, in the same forms or as `Ratings`, of
        which all count.
    k
        How many items of each list count.

    Raises
    ------
    DataError
        If these have another form, or an item is twice in a list.
    SettingError
        If `k` is less than 1.
    """
    return _or_nan(
        formulas.novelty(*histories_with(recommended, histories, _arguments.count("k", k)))
    )


def diversity(recommended: Lists, histories: Lists | Ratings, k: int = 10) -> float:
    """Return how much the items of a list differ: the mean of 1 - cosine over its pairs of items.

    The cosine is that of who has the two items: n_ij / sqrt(n_i n_j), where n_ij people have both,
    and n_i have item i. The mean over the pairs of each list, and then over lists; lists of fewer
    than two items are left out; NaN if that is all. See `novelty` for the parameters and errors.
    """
    return _or_nan(
        formulas.diversity(*histories_with(recommended, histories, _arguments.count("k", k)))
    )


def _mean(
    metric: Callable[[formulas.Judged], NDArray[np.float64]],
    recommended: Lists,
    relevant: Relevant,
    k: int,
) -> float:
    """Return the mean of a metric over the users to whom anything is relevant."""
    return _or_nan(
        formulas.mean(metric(judged_lists(recommended, relevant, _arguments.count("k", k))))
    )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
