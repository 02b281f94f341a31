"""Two items, or two people, compared by what the same people rated, or by the same ratings."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate.analysis._intervals import correlation_interval
from palate.data._ratings import Csr
from palate.learned._learned import Learned

Numbers = NDArray[np.floating[Any]]


class Agreement(NamedTuple):
    """The correlation of two ratings of each of n items or people.

    Attributes
    ----------
    n
        Their number.
    correlation
        Pearson's; None for fewer than 4, or where all ratings of one side are the same.
    lower, upper
        Its 90% interval; see `correlation_interval`.
    """

    n: int
    correlation: float | None = None
    lower: float | None = None
    upper: float | None = None


def agreement(first: Numbers, second: Numbers) -> Agreement:
    """Return how far two ratings of the same n things agree; shapes (n,)."""
    n = len(first)
    if n < 4 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Agreement(n)
    r = float(np.clip(np.corrcoef(first, second)[0, 1], -1, 1))
    return Agreement(n, r, *correlation_interval(r, n))


@dataclass(frozen=True, eq=False)
class ItemPair:
    """Two items, and what the same people think of them.

    Attributes
    ----------
    people
        Those who have both in their history: user, first and second (their ratings), and likes_both
        (whether neither is below the mean of their ratings; null in a model without ratings). The
        highest ratings come first. None in a model without users.
    by_chance
        How many people would have both if those who have one were a random sample of all people:
        ``n_i n_j / n``; None in a model without users.
    agreement
        Of their ratings; None without ratings or users.
    similarity
        The cosine between the factors, ``q_i . q_j / (|q_i| |q_j|)``; None without ratings.
    first_higher
        The probability that the bias of the first is the higher one, given two independent normal
        posteriors: ``Phi((b_i - b_j) / sqrt(var_i + var_j))``; None in a point estimate.
    """

    people: pl.DataFrame | None
    by_chance: float | None
    agreement: Agreement | None
    similarity: float | None
    first_higher: float | None


def compare_items(learned: Learned, first: int, second: int) -> ItemPair:
    """Return how the items in two rows compare."""
    people = by_chance = agreed = None
    has_ratings = learned.has_ratings
    if learned.users is not None:
        ratings = learned.require_users()
        rows, one, other = _common(learned.ratings_by_item, first, second)
        table = pl.DataFrame(
            {"user": ratings.users["id"].gather(rows), "first": one, "second": other}
        )
        likes = np.minimum(one, other) >= ratings.user_means()[1][rows]
        people = table.with_columns(
            likes_both=pl.Series(likes) if has_ratings else pl.lit(None, pl.Boolean)
        ).sort(pl.col("first") + pl.col("second"), "user", descending=[True, False])
        counts = learned.ratings_by_item.counts
        everyone = np.count_nonzero(learned.ratings_by_user.counts)
        by_chance = float(counts[first] * counts[second] / max(everyone, 1))
        agreed = agreement(one, other) if has_ratings else None
    return ItemPair(
        people=people,
        by_chance=by_chance,
        agreement=agreed,
        similarity=_cosine(*learned.item_factors[[first, second]]) if has_ratings else None,
        first_higher=_first_higher(learned, first, second),
    )


@dataclass(frozen=True, eq=False)
class UserPair:
    """Two known users, and what they think of the same items.

    Attributes
    ----------
    items
        Those in both histories: id, item, and first and second (the ratings). The highest ratings
        come first.
    agreement
        Of these ratings; None in a model without ratings.
    """

    items: pl.DataFrame
    agreement: Agreement | None


def compare_users(learned: Learned, first: int, second: int) -> UserPair:
    """Return how the known users in two rows compare.

    Raises
    ------
    UnknownIdError
        If the model was saved without users.
    """
    learned.require_users()
    rows, one, other = _common(learned.ratings_by_user, first, second)
    items = learned.item_frame(rows, first=one, second=other).sort(
        pl.col("first") + pl.col("second"), "item", descending=[True, False]
    )
    return UserPair(items, agreement(one, other) if learned.has_ratings else None)


def _common(histories: Csr, first: int, second: int) -> tuple[NDArray[np.int32], Numbers, Numbers]:
    """Return the partners that two rows have in common, and the ratings of each; shapes (n,)."""
    one, other = (histories.take(np.array([row])) for row in (first, second))
    partners, place, other_place = np.intersect1d(one.partner, other.partner, return_indices=True)
    return partners, one.rating[place], other.rating[other_place]


def _cosine(first: Numbers, second: Numbers) -> float | None:
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / size if size > 0 else None


def _first_higher(learned: Learned, first: int, second: int) -> float | None:
    if not learned.has_intervals:
        return None
    posterior = learned.parameters.item_posterior
    assert posterior is not None
    sd = float(np.hypot(*posterior.bias_sd[[first, second]]))
    difference = float(learned.item_biases[first] - learned.item_biases[second])
    return NormalDist(0, max(sd, 1e-12)).cdf(difference)
