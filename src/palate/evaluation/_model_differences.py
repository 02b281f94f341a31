"""How far two fitted models differ: in the lists of the same people, and in the items' biases."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import _random_streams
from palate._native import permutation
from palate.analysis._intervals import bound_nearest_zero, default_min_ratings, null_column
from palate.data._ratings import Csr, group
from palate.evaluation._metric_formulas import overlap
from palate.inference._lists import By, Choices, question, top_items
from palate.learned._lookup import known_rows
from palate.model._model import Model
from palate.model._profiles import Profiles

# So many people give the mean overlap of ten items to within 0.01 or so.
_MAX_PEOPLE = 1000


@dataclass(frozen=True, eq=False)
class ListOverlap:
    """How alike the lists of two models are.

    Attributes
    ----------
    n
        The length of the lists.
    overlaps
        Of each person the fraction of items that both lists have; shape (people,).
    known
        How many people both models know, of whom these are a sample.
    """

    n: int
    overlaps: NDArray[np.float64]
    known: int


def list_overlap(
    first: Model, second: Model, n: int = 10, *, by: By | None = None, threads: int | None = None
) -> ListOverlap:
    """Return how alike the lists of two models are for the people whom both know.

    Each model knows a person by the history that it has, and what is in either history is left out
    of both lists. The people are all that both know, or a random sample of 1,000 of them.

    Parameters
    ----------
    first, second
        Two models with users, whose ids have the same types.
    n
        The length of the lists.
    by
        What both rank by; by default each ranks as it does by default.
    threads
        The number of threads, by default all that this process may use.

    Raises
    ------
    UnknownIdError
        If a model was saved without its users.
    SettingError
        If a model can't answer the question.
    """
    ids, others = (model.learned.require_users().users["id"] for model in (first, second))
    common = ids.filter(known_rows(others, ids) >= 0)
    drawn = permutation(0, _random_streams.COMPARED_PEOPLE, len(common))[:_MAX_PEOPLE]
    people = common[np.sort(drawn)]
    one, other = (model.profiles(users=people.to_list()) for model in (first, second))
    to_first, to_second = _rows_in(first, second), _rows_in(second, first)
    left_out = one.histories.together(_translated(other.histories, to_first))
    also_left_out = other.histories.together(_translated(one.histories, to_second))
    top = _top(one, n, left_out, by, threads)
    other_top = _top(other, n, also_left_out, by, threads)
    # Items that the first model lacks have rows of their own, after its own items.
    beyond = first.items.height + np.arange(len(to_first), dtype=np.int32)
    rows = np.append(np.where(to_first >= 0, to_first, beyond), np.int32(-1))
    return ListOverlap(n, overlap(top, rows[other_top]), len(common))


def bias_differences(first: Model, second: Model, min_ratings: int | None = None) -> pl.DataFrame:
    """Return the items that both models know, those first on whose biases they differ most.

    The difference is ``b_i - b'_i``. If both models have intervals, its variance is the sum of the
    variances of the two biases, and the order is by the bound of the 90% interval that is nearest
    to zero, then by the difference. Models fitted to the same ratings err alike, so that their
    differences are more certain than these intervals say. In models without intervals the order is
    by the difference.

    Parameters
    ----------
    first, second
        Two models of ratings on the same scale, whose ids of items have the same type.
    min_ratings
        Leave out items with fewer training ratings in either model; by default 20, or fewer in a
        small data set.

    Returns
    -------
    polars.DataFrame
        A row for each item: id, item, ratings, other_ratings (their numbers), bias, other_bias,
        difference, and lower and upper (its 90% interval; null without intervals).

    Raises
    ------
    SettingError
        If a model does not know expected ratings, or `min_ratings` is out of range.
    """
    if min_ratings is None:
        counts = (model.learned.item_counts for model in (first, second))
        min_ratings = min(default_min_ratings(count) for count in counts)
    columns = ["id", "ratings", "bias", "lower", "upper"]
    table, others = (model.biases("bias", min_ratings=min_ratings) for model in (first, second))
    both = table.select("item", *columns).join(
        others.select(columns), on="id", suffix="_other", maintain_order="left"
    )
    difference = (both["bias"] - both["bias_other"]).to_numpy()
    lower = upper = difference
    has_intervals = first.learned.has_intervals and second.learned.has_intervals
    if has_intervals:
        half = np.hypot(_half_width(both, ""), _half_width(both, "_other"))
        lower, upper = difference - half, difference + half
    bound = bound_nearest_zero(lower, upper)
    order = np.lexsort((-np.abs(difference), -np.abs(bound)))
    missing = null_column(len(difference))
    result = both.select(
        "id",
        "item",
        "ratings",
        "bias",
        other_ratings="ratings_other",
        other_bias="bias_other",
    ).with_columns(
        pl.Series("difference", difference),
        pl.Series("lower", lower if has_intervals else missing),
        pl.Series("upper", upper if has_intervals else missing),
    )
    return result[order]


def _half_width(table: pl.DataFrame, suffix: str) -> NDArray[np.float64]:
    """Return half the width of the intervals of biases."""
    width: NDArray[np.float64] = (table[f"upper{suffix}"] - table[f"lower{suffix}"]).to_numpy()
    return width / 2


def _rows_in(first: Model, second: Model) -> NDArray[np.int32]:
    """Return the row in the first model of each item of the second; -1 if it has none."""
    return known_rows(first.items["id"], second.items["id"])


def _translated(histories: Csr, rows: NDArray[np.int32]) -> Csr:
    """Return histories with the rows that the items have in another model, without unknown ones."""
    item = rows[histories.partner]
    has = item >= 0
    people = len(histories.starts) - 1
    return group(histories.row[has], people, item[has], histories.rating[has])


def _top(
    people: Profiles, n: int, left_out: Csr, by: By | None, threads: int | None
) -> NDArray[np.int32]:
    """Return the rows of the best items of each person, -1 where fewer are left."""
    learned = people.learned
    choices = Choices(learned.rated, left_out)
    return top_items(
        learned,
        people.histories,
        people.rating_posteriors,
        n,
        choices,
        by=question(learned, by),
        threads=threads,
    ).rows
