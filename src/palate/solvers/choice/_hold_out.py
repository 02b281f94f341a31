"""The hold-out that chooses the settings: how well a model ranks what it has not seen.

A fifth of the history of some users is held out. Where P = (X' W X + ridge)^-1 is exact, it is
replaced by that of the model which was fitted without these entries, user by user and in closed
form: one user's entries change one row of X, so that P changes by a matrix of rank 2 (a virtual
hold-out). Where P is approximate, the model is fitted without the entries of all these users.
Nothing but training data is used.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from palate._native import held_out_ndcg, held_out_scores
from palate.data._ratings import Csr
from palate.inference._lists import chance_of_high_rating, rating_scores
from palate.inference._user_posterior import Inferred, infer
from palate.learned._choice import DenseWeights, HistoryWeighting, LowRankWeights
from palate.learned._learned import Learned
from palate.solvers.choice._held_out import HeldOut
from palate.solvers.choice._histories import WeightSums

# The leverage of a rating is less than 1; an estimate from few draws may not be.
_MAX_LEVERAGE = 0.9
# The length of the lists.
_N = 10
# Maximum number of scores of a block of users.
_MAX_SCORES = 1 << 21


class Precision(Protocol):
    """The matrix P of a fitted model; shape (items, items)."""

    diagonal: NDArray[np.float32]

    def product(self, rows: Csr) -> NDArray[np.float32]:
        """Return X P for rows of X; shape (rows, items)."""

    def weights(self) -> DenseWeights | LowRankWeights:
        """Return B_ij = -P_ij / P_jj; P may be overwritten."""


class Candidate(NamedTuple):
    """A choice model to measure.

    Attributes
    ----------
    precision
        P.
    weighting, popularity
        As of `ChoiceModel`.
    exponents
        The exponents of the discount of popular items to try; shape (q,).
    """

    precision: Precision
    weighting: HistoryWeighting
    popularity: NDArray[np.float32]
    exponents: NDArray[np.float32]


class Tilt(NamedTuple):
    """Factors of each score: powers of the rating model's probability of a high rating to try.

    Attributes
    ----------
    learned
        The rating model.
    known
        The known features of the person of each history; None without any.
    powers
        The powers to try.
    """

    learned: Learned
    known: NDArray[np.float32] | None
    powers: tuple[float, ...]


class HeldOutScores(NamedTuple):
    """The scores of items for histories without their held-out entries.

    Attributes
    ----------
    scores
        Shape (n, items); minus infinity for items that are not ranked.
    row, item
        The history and the item of each held-out entry.
    """

    scores: NDArray[np.float32]
    row: NDArray[np.int32]
    item: NDArray[np.int32]


class _Part(NamedTuple):
    """Some histories, the mask of held-out entries, and what is left without them."""

    rows: NDArray[np.int64]
    histories: Csr
    held_out: NDArray[np.bool_]
    remaining: Csr
    arguments: dict[str, Any]  # of both kernels


class HoldOut:
    """What a model would recommend to people of whom something is held out.

    Parameters
    ----------
    held_out
        Their histories.
    sums
        What the weights of all people are scaled by.
    threads
        The number of threads.
    virtual
        Whether models to be measured are fitted to all entries; otherwise without those held out.
    """

    def __init__(self, held_out: HeldOut, sums: WeightSums, threads: int, *, virtual: bool) -> None:
        self._threads, self._virtual = threads, virtual
        self.users, self._histories, self._held_out, self._relevant = held_out
        counts, row = self._histories.counts, self._histories.row
        kept = counts - np.bincount(row[self._held_out], minlength=len(counts))
        self._weight = sums.weights(counts)
        self._kept_weight = (self._weight * np.sqrt(counts / kept)).astype(np.float32)

    def __len__(self) -> int:
        return len(self._weight)

    def ndcg(self, candidate: Candidate, tilt: Tilt | None = None) -> NDArray[np.float64]:
        """Return the nDCG at 10 of each history; shape (n, q).

        There is a column for each exponent of the discount or, with one exponent, for each power of
        the tilt.
        """
        parts = [self._ndcg(block, candidate, tilt) for block in self._blocks(len(self), candidate)]
        return np.concatenate(parts)

    def scores(self, candidate: Candidate, most: int) -> Iterator[HeldOutScores]:
        """Yield the scores of the first `most` histories, block by block, with one exponent."""
        (exponent,) = candidate.exponents
        for block in self._blocks(min(most, len(self)), candidate):
            part = self._part(block, candidate)
            scores = held_out_scores(
                **part.arguments, exponent=float(exponent), threads=self._threads
            )
            row, item = part.histories.row[part.held_out], part.histories.partner[part.held_out]
            yield HeldOutScores(scores, row, item)

    def _blocks(self, histories: int, candidate: Candidate) -> Iterator[slice]:
        step = max(1, _MAX_SCORES // len(candidate.popularity))
        for first in range(0, histories, step):
            yield slice(first, min(first + step, histories))

    def _part(self, block: slice, candidate: Candidate) -> _Part:
        rows = np.arange(block.start, block.stop)
        held_out = self._held_out[self._entries(block)]
        histories = self._histories.take(rows)
        remaining = histories.without(held_out)
        full = candidate.weighting.weighted(histories)
        kept = np.zeros_like(full.rating)
        kept[~held_out] = candidate.weighting.weighted(remaining).rating
        rest = full._replace(rating=kept)
        product = candidate.precision.product(rest)
        # A model that has not seen the held-out entries stays as it is: it loses what it gains.
        starts, items, values = full if self._virtual else rest
        arguments = {
            "starts": starts,
            "items": items,
            "values": values,
            "kept": kept,
            "weight": self._weight[block] if self._virtual else self._kept_weight[block],
            "kept_weight": self._kept_weight[block],
            "full_product": candidate.precision.product(full) if self._virtual else product,
            "kept_product": product,
            "diagonal": candidate.precision.diagonal,
            "popularity": candidate.popularity,
        }
        return _Part(rows, histories, held_out, remaining, arguments)

    def _entries(self, block: slice) -> slice:
        return slice(*self._histories.starts[[block.start, block.stop]])

    def _ndcg(self, block: slice, candidate: Candidate, tilt: Tilt | None) -> NDArray[np.float64]:
        part = self._part(block, candidate)
        measured = [
            held_out_ndcg(
                **part.arguments,
                relevant=self._relevant[self._entries(block)],
                exponents=candidate.exponents,
                factor=factor,
                n=_N,
                threads=self._threads,
            )
            for factor in self._factors(part, tilt)
        ]
        return np.concatenate(measured, axis=1)

    def _factors(self, part: _Part, tilt: Tilt | None) -> Iterator[NDArray[np.float32]]:
        """Yield the factors of all scores for each power; empty where they are 1."""
        if tilt is None:
            yield np.zeros((0, 0), dtype=np.float32)
            return
        inferred = infer(
            part.remaining,
            tilt.learned.parameters,
            self._threads,
            known=None if tilt.known is None else tilt.known[part.rows],
        )
        scores = rating_scores(tilt.learned.item_table, inferred.mean, self._threads)
        _leave_out(scores, inferred, part.histories, part.held_out, tilt.learned)
        chances = chance_of_high_rating(tilt.learned.likelihood, scores)
        for power in tilt.powers:
            yield chances ** np.float32(power)


def _leave_out(
    scores: NDArray[np.float32],
    inferred: Inferred,
    histories: Csr,
    held_out: NDArray[np.bool_],
    learned: Learned,
) -> None:
    """Take out of the scores what each held-out rating has contributed to its item.

    The item of a held-out rating r was learned from it too. With the score s of this rating and its
    leverage h in the posterior of the item, the score without it is r - (r - s) / (1 - h) (Cook and
    Weisberg, "Residuals and influence in regression", 1982, equation 2.2.7), where
    h = (p' C p + sd(b)^2) / v with the variance v of the rating about its expectation.
    """
    row, item = histories.row[held_out], histories.partner[held_out]
    posterior = learned.parameters.item_posterior
    assert posterior is not None
    p = inferred.mean[row, :-1]
    variance = posterior.covariances.paired_traces(item, p[:, :, None] * p[:, None, :])
    noise = learned.parameters.rating_variance(scores[row, item], item, inferred.variance[row])
    leverage = (variance + posterior.bias_sd[item] ** 2) / noise
    residual = histories.rating[held_out] - learned.likelihood.unclipped(scores[row, item])
    shrink = 1 / (1 - np.minimum(leverage, _MAX_LEVERAGE)) - 1
    scores[row, item] -= (residual * shrink).astype(np.float32)
