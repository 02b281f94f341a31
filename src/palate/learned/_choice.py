"""The choice model: what a fit learns of which items people pick."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate._linear_algebra import add_product, multiply_by_panels
from palate._native import count_and_sum, logit_totals, multiply, multiply_sparse
from palate.data._ratings import Csr, Kind, group

# A person's mean is drawn towards the overall mean as by this number of ratings.
_DAMPING = 5.0
# What an entry counts at least: people who like nothing of what they know get lists as well.
_LEAST = 0.01
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class HistoryWeighting:
    """How much each entry of a history counts.

    An event counts 1. With the rating r_ui, or the logarithm of the count, an entry counts::

        x_ui = max(0.01, 1 + strength (r_ui - mean - b_u) / sd)

    where b_u is the damped mean of the person's deviations from the mean. A low rating is still
    evidence of interest, a high one of more.

    Attributes
    ----------
    kind
        What the table holds.
    mean, sd
        Those of all ratings, or of the logarithms of all counts.
    strength
        How much the ratings matter; 0 for events.
    """

    kind: Kind
    mean: float
    sd: float
    strength: float

    def values(
        self, row: NDArray[np.int32], n_rows: int, rating: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return x for each entry; shape (n,).

        Parameters
        ----------
        row
            The person of each entry, from 0 to n_rows - 1; shape (n,).
        n_rows
            The number of people.
        rating
            The ratings or counts; shape (n,).
        """
        if self.strength == 0:
            return np.ones(len(rating), dtype=np.float32)
        deviation = (graded(self.kind, rating) - np.float32(self.mean)) / np.float32(self.sd)
        counts, sums = count_and_sum(row, deviation, n_rows)
        own = (sums / (counts + _DAMPING)).astype(np.float32)
        values = 1 + np.float32(self.strength) * (deviation - own[row])
        counted: NDArray[np.float32] = np.maximum(values, np.float32(_LEAST))
        return counted

    def weighted(self, histories: Csr) -> Csr:
        """Return histories with x in place of the ratings."""
        values = self.values(histories.row, len(histories.starts) - 1, histories.rating)
        return histories._replace(rating=values)


def graded(kind: Kind, rating: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ratings as they are, and counts as logarithms: one more matters less and less."""
    grades: NDArray[np.float32] = np.log(rating) if kind == "counts" else rating
    return grades


class DenseWeights(NamedTuple):
    """Weights B_ij of item i in a history for item j, as a matrix.

    Attributes
    ----------
    matrix
        B; shape (items, items), with 0 on the diagonal.
    """

    matrix: NDArray[np.float32]

    def scores(
        self, histories: Csr, threads: int, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the sum of x_i B_ij over each history, for each item j; shape (people, items)."""
        scores: NDArray[np.float32] = multiply(*histories, self.matrix, threads, out=out)
        return scores

    def contributions(self, items: NDArray[np.int32], item: int) -> NDArray[np.float32]:
        """Return B_ij for each of `items` and one item j; shape (n,)."""
        weights: NDArray[np.float32] = self.matrix[items, item]
        return weights

    def of_item(self, item: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return B_ij and B_ji for one item i and each item j; shapes (items,)."""
        return self.matrix[item], self.matrix[:, item]

    def times(self, columns: NDArray[np.float32], threads: int) -> NDArray[np.float32]:
        """Return B times some columns; shape (items, k)."""
        return multiply_by_panels(columns.T, self.matrix, threads).T

    def transposed_times(self, columns: NDArray[np.float32], threads: int) -> NDArray[np.float32]:
        """Return B' times some columns; shape (items, k)."""
        return multiply_by_panels(columns.T, self.matrix.T, threads).T


class LowRankWeights(NamedTuple):
    """Weights B = left right' + a sparse matrix, with 0 on the diagonal.

    Attributes
    ----------
    left, right
        Shapes (items, k).
    starts, neighbours, values
        The sparse part: row i has ``values[n]`` in column ``neighbours[n]`` for n from
        ``starts[i]`` to ``starts[i + 1] - 1``.
    """

    left: NDArray[np.float32]
    right: NDArray[np.float32]
    starts: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    values: NDArray[np.float32]

    def scores(
        self, histories: Csr, threads: int, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the sum of x_i B_ij over each history, for each item j; shape (people, items)."""
        items = histories.partner
        scores: NDArray[np.float32] = multiply_sparse(
            *histories, *self.sparse, len(self.left), threads, out=out
        )
        add_product(scores, multiply(*histories, self.left, threads), self.right, threads)
        # Of many histories, the diagonal is needed more than once.
        rows = slice(None) if len(items) > len(self.left) else items
        own = np.einsum("nk,nk->n", self.left[rows], self.right[rows])
        own = own[items] if len(items) > len(self.left) else own
        scores[histories.row, items] -= histories.rating * own
        return scores

    def contributions(self, items: NDArray[np.int32], item: int) -> NDArray[np.float32]:
        """Return B_ij for each of `items` and one item j; shape (n,)."""
        weights: NDArray[np.float32] = self.left[items] @ self.right[item]
        weights[items == item] = 0
        for n, i in enumerate(items):
            first, last = self.starts[i], self.starts[i + 1]
            found = first + np.searchsorted(self.neighbours[first:last], item)
            if found < last and self.neighbours[found] == item:
                weights[n] += self.values[found]
        return weights

    def of_item(self, item: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return B_ij and B_ji for one item i and each item j; shapes (items,)."""
        row: NDArray[np.float32] = self.right @ self.left[item]
        column: NDArray[np.float32] = self.left @ self.right[item]
        entries = slice(*self.starts[item : item + 2])
        row[self.neighbours[entries]] += self.values[entries]
        found = np.flatnonzero(self.neighbours == item)
        column[np.searchsorted(self.starts, found, side="right") - 1] += self.values[found]
        return row, column

    def times(self, columns: NDArray[np.float32], threads: int) -> NDArray[np.float32]:
        """Return B, with left right' on its diagonal, times some columns; shape (items, k)."""
        product: NDArray[np.float32] = multiply(*self.sparse, columns, threads)
        product += self.left @ (self.right.T @ columns)
        return product

    def transposed_times(self, columns: NDArray[np.float32], threads: int) -> NDArray[np.float32]:
        """Return B', with left right' on its diagonal, times some columns; shape (items, k)."""
        sparse = self.sparse
        transposed = group(sparse.partner, len(self.left), sparse.row, sparse.rating)
        product: NDArray[np.float32] = multiply(*transposed, columns, threads)
        product += self.right @ (self.left.T @ columns)
        return product

    @property
    def sparse(self) -> Csr:
        """The sparse matrix."""
        return Csr(self.starts, self.neighbours, self.values)


@dataclass(frozen=True)
class ConditionalLogit:
    """How probable it is that an item is the next one that a person picks, given all scores.

    It is a conditional logit over the items that are not in the history (McFadden, "Conditional
    logit analysis of qualitative choice behavior", 1974, section II)::

        P_uj = w_uj / sum_k w_uk,   w_uj = (max(s_uj, 0) / m_u + offset)^slope

    where m_u is the mean of max(s_uk, 0) over these items.

    Attributes
    ----------
    slope
        At least 0; with 0 all items are equally probable.
    offset
        Positive: what an item without any score has, relative to the mean.
    """

    slope: float
    offset: float

    def at(
        self,
        rows: NDArray[np.integer[Any]],
        scores: NDArray[np.float32],
        histories: Csr,
        ranked: NDArray[np.bool_],
        threads: int,
    ) -> NDArray[np.float32]:
        """Return the probabilities of some items for each person; shape (people, n).

        They are 0 for items that are not to be picked: minus infinity, or not `ranked`. For items
        of the history they mean nothing.

        Parameters
        ----------
        rows
            The rows of the items; shape (people, n).
        scores
            The choice scores of all items; shape (people, items).
        histories
            The histories that the scores are for.
        ranked
            Which items anybody can pick; shape (items,).
        threads
            The number of threads.
        """
        starts, partner, _ = histories
        totals = logit_totals(scores, starts, partner, ranked, self.slope, self.offset, threads)
        scale, highest, total = (column[:, None] for column in totals.T)
        found = np.take_along_axis(scores, rows, axis=1)
        weights = ((np.maximum(found, 0) * scale + np.float32(self.offset)) / highest) ** (
            np.float32(self.slope)
        )
        weights[~ranked[rows] | (found == -np.inf)] = 0
        # Without any item to pick all are 0.
        probabilities: NDArray[np.float32] = weights / np.maximum(total, _TINY)
        return probabilities


@dataclass(frozen=True, eq=False)
class ChoiceModel:
    """What is learned of which items people pick.

    The score of item j for a person is a sum over their history, times a discount of popular
    items::

        s_uj = d_j sum_i x_ui B_ij

    Attributes
    ----------
    weighting
        How much each entry of a history counts.
    weights
        B.
    popularity
        The weighted number of histories that each item is in; shape (items,).
    discount
        d; shape (items,).
    rating_power
        beta: where items are ranked by both questions, the score is multiplied by the beta-th
        power of the probability of a high rating.
    settings
        The settings that the fit has chosen, by name.
    chance
        How probable a pick is, given all scores; None where a fit could hold nothing out.
    """

    weighting: HistoryWeighting
    weights: DenseWeights | LowRankWeights
    popularity: NDArray[np.float32]
    discount: NDArray[np.float32]
    rating_power: float
    settings: Mapping[str, float]
    chance: ConditionalLogit | None

    def scores(
        self, histories: Csr, threads: int, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the score of every item for each person; shape (people, items).

        For a person without a history these are the popularities, relative to the highest.

        Parameters
        ----------
        histories
            The ratings, events or counts of each person, in `Csr` form.
        threads
            The number of threads.
        out
            Where the scores are written to, if it is given; shape (people, items).
        """
        weighted = self.weighting.weighted(histories)
        scores: NDArray[np.float32] = self.weights.scores(weighted, threads, out)
        scores *= self.discount
        scores[histories.counts == 0] = self.popularity / self.popularity.max()
        return scores

    def chances(
        self,
        rows: NDArray[np.integer[Any]],
        scores: NDArray[np.float32],
        histories: Csr,
        threads: int,
    ) -> NDArray[np.float32]:
        """Return the probability that an item is the next that a person picks; shape (people, n).

        Those of all items sum to 1 for each person. They are NaN for items of the history, and
        where they are not known. For a person without a history they are the items' shares of the
        popularity.

        Parameters
        ----------
        rows
            The rows of n items for each person; shape (people, n).
        scores
            Those of `ChoiceModel.scores`; shape (people, items).
        histories
            The histories that the scores are for.
        threads
            The number of threads.
        """
        if self.chance is None:
            chances = np.full(rows.shape, np.nan, dtype=np.float32)
        else:
            chances = self.chance.at(rows, scores, histories, self.popularity > 0, threads)
            picked = np.zeros(scores.shape, dtype=np.bool_)
            picked[histories.row, histories.partner] = True
            chances[np.take_along_axis(picked, rows, axis=1)] = np.nan
        empty = histories.counts == 0
        if empty.any():
            shares = self.popularity / self.popularity.sum(dtype=np.float64)
            chances[empty] = shares[rows[empty]]
        return chances

    def partial_correlations(self, item: int) -> NDArray[np.float32]:
        """Return the partial correlation of each item with one item; shape (items,).

        It is -P_ij / (P_ii P_jj)^1/2: how much two items are picked by the same people, given
        everything else that they picked (Lauritzen, "Graphical models", 1996, section 5.1).
        """
        row, column = self.weights.of_item(item)
        sizes: NDArray[np.float32] = np.sqrt(np.abs(row * column))
        return np.sign(row) * sizes

    def contributions(self, history: Csr, item: int) -> NDArray[np.float32]:
        """Return what each entry of one person's history adds to the score of an item; (n,)."""
        weighted = self.weighting.weighted(history)
        weights = self.weights.contributions(weighted.partner, item)
        contributions: NDArray[np.float32] = weighted.rating * weights * self.discount[item]
        return contributions
