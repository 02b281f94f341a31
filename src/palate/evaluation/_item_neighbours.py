"""The baseline of item neighbours, and the cosines of items."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from palate.data._ratings import Ratings

# The number of neighbours of an item and the shrinkage of its cosines.
_NEIGHBOURS, _SHRINKAGE = 100, 50.0
# Below the least cosine of items that anybody has in common.
_TIE_BREAK = 1e-9


@dataclass(frozen=True, eq=False)
class ItemNeighbours:
    """Recommends the items that most resemble those of a person's history; predicts no ratings.

    The similarity of two items is the shrunk cosine of their columns of the table of events,

        s_ij = n_ij / (sqrt(n_i n_j) + 50),

    where n_ij people have both items and n_i have item i. Each item i keeps its 100 most similar
    items, with s_ij divided by their sum over these; an unseen item's score is the sum of s_ij over
    the items i of the history. Equal scores are ordered by popularity, so that an empty history
    gets the most popular items. (Deshpande and Karypis, "Item-based top-N recommendation
    algorithms", ACM TOIS 2004, sections 4.1 and 4.2; after Sarwar, Karypis, Konstan and Riedl,
    "Item-based collaborative filtering recommendation algorithms", WWW 2001. The shrinkage is that
    of Dacrema et al., "A troubling analysis of reproducibility and progress in recommender systems
    research", ACM TOIS 2021.)
    """

    name: ClassVar[str] = "item-neighbours"
    title: ClassVar[str] = "item neighbours"
    needs_ratings: ClassVar[bool] = False

    counts: NDArray[np.int64]
    items: NDArray[np.int32]
    similarity: NDArray[np.float64]

    @classmethod
    def of(cls, train: Ratings) -> Self:
        """Return the baseline, fitted to these ratings."""
        by_item, by_user = train.by_item(), train.by_user()

        def together(row: int) -> NDArray[np.int64]:
            people = by_item.partner[slice(*by_item.starts[row : row + 2])]
            return np.bincount(by_user.take(people).partner, minlength=train.items.height)

        return cls.of_counts(by_item.counts, together)

    @classmethod
    def of_counts(
        cls, counts: NDArray[np.int64], together: Callable[[int], NDArray[np.int64]]
    ) -> Self:
        """Return the baseline, from numbers of people.

        Parameters
        ----------
        counts
            How many have each item; shape (items,).
        together
            Returns how many have an item and each other one; shape (items,).
        """
        kept = min(_NEIGHBOURS, len(counts))
        items = np.zeros((len(counts), kept), dtype=np.int32)
        similarity = np.zeros((len(counts), kept))
        norms = np.sqrt(counts)
        for row in np.flatnonzero(counts):  # one row of the item-item table at a time
            both = together(int(row))
            others = np.flatnonzero(both)
            others = others[others != row]
            cosine = both[others] / (norms[row] * norms[others] + _SHRINKAGE)
            best = _largest(cosine, kept)
            items[row, : len(best)] = others[best]
            similarity[row, : len(best)] = cosine[best] / cosine[best].sum()
        return cls(counts, items, similarity)

    def predict(
        self, given: Ratings, user: NDArray[np.int32], item: NDArray[np.int32]
    ) -> NDArray[np.float64] | None:
        """Return None: the similarities do not predict ratings."""
        return None

    def top_items(
        self, given: Ratings, eligible: NDArray[np.bool_], n: int, threads: int
    ) -> NDArray[np.int32] | None:
        """Return the unseen items with the highest scores; shape (people, n)."""
        grouped = given.by_user()
        popular = _TIE_BREAK * self.counts / max(1, self.counts.max(initial=0))
        popular[~eligible] = -np.inf
        top = np.full((given.users.height, n), -1, dtype=np.int32)
        for person in range(len(top)):
            seen = grouped.partner[slice(*grouped.starts[person : person + 2])]
            scores = popular + np.bincount(
                self.items[seen].ravel(), self.similarity[seen].ravel(), minlength=len(popular)
            )
            scores[seen] = -np.inf
            best = _largest(scores, n)
            best = best[np.isfinite(scores[best])]
            top[person, : len(best)] = best
        return top


def cosines(
    train: Ratings, first: NDArray[np.integer[Any]], second: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Return the cosines n_ij / sqrt(n_i n_j) of pairs of items; shape (n,).

    n_ij people have both items in `train`, and n_i have item i. The cosine of an item that nobody
    has is 0.
    """
    by_item = train.by_item()
    norms = np.sqrt(by_item.counts)
    order = np.argsort(first, kind="stable")
    together = np.zeros(len(first))
    has_first = np.zeros(train.users.height, dtype=np.bool_)
    for pairs in np.split(order, np.flatnonzero(np.diff(first[order])) + 1):
        if len(pairs):
            row = first[pairs[0]]
            people = by_item.partner[slice(*by_item.starts[row : row + 2])]
            has_first[people] = True
            others = by_item.take(second[pairs])
            both = np.concatenate([[0], np.cumsum(has_first[others.partner])])
            together[pairs] = np.diff(both[others.starts])
            has_first[people] = False
    together /= np.maximum(norms[first] * norms[second], 1)
    return together


def _largest(values: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """Return the places of the n largest values, the largest first, of equals the first first."""
    places = np.arange(len(values))
    if n < len(values):
        least = np.partition(values, len(values) - n)[len(values) - n]
        places = np.flatnonzero(values >= least)
    return places[np.argsort(-values[places], kind="stable")][:n]
