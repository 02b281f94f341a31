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

from palate import _random_streams
from palate._native import held_out_ndcg, held_out_scores, permutation
from palate.data._ratings import Csr, Ratings, group
from palate.inference._lists import chance_of_high_rating, rating_scores
from palate.inference._user_posterior import Inferred, infer
from palate.learned._choice import DenseWeights, HistoryWeighting, LowRankWeights
from palate.learned._learned import Learned
from palate.solvers.choice._histories import user_weights

# Maximum numbers of histories, and of the scores that are ranked for each setting; but a thousand
# histories are needed.
_MAX_HISTORIES, _MAX_RANKED, _MIN_HISTORIES = 4000, 1 << 30, 1000
# The fraction of a history that is held out.
_SHARE = 0.2
_PARTS = 2
# The leverage of a rating is less than 1; an estimate from few draws may not be.
_MAX_LEVERAGE = 0.9
# The length of the lists.
_N = 10
# Maximum number of scores of a block of users.
_MAX_SCORES = 1 << 23


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
    """Factors of each score: powers of the rating model's probability of a high rating to try."""

    learned: Learned
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
    """Histories of some users, the mask of held-out entries, and what is left without them."""

    users: NDArray[np.int64]
    histories: Csr
    held_out: NDArray[np.bool_]
    remaining: Csr
    arguments: dict[str, Any]  # of both kernels


class HoldOut:
    """Histories with some entries held out.

    Of each history a random fifth is held out. In a virtual hold-out from a small table other
    fifths follow, as further histories, since few users would be too noisy.

    Parameters
    ----------
    ratings
        The training ratings, events or counts.
    seed
        Chooses the users and the entries.
    threads
        The number of threads.
    virtual
        Whether models to be measured are fitted to all ratings; otherwise to `remaining`.
    """

    def __init__(self, ratings: Ratings, seed: int, threads: int, *, virtual: bool) -> None:
        self._threads, self._virtual, self._ratings = threads, virtual, ratings
        histories = ratings.by_user()
        counts = histories.counts
        number = np.maximum(1, np.rint(_SHARE * counts)).astype(np.int64)
        lowest = ratings.lowest_relevant
        relevant = histories.rating >= (-np.inf if lowest is None else lowest)
        rank = _random_ranks(histories, seed)
        users, parts = [], []
        for part in range(_PARTS if virtual else 1):
            held_out = _is_held_out(rank, number[rank.row], part)
            hits = np.bincount(rank.row[held_out & relevant], minlength=len(counts))
            # At least one entry is kept.
            eligible = np.flatnonzero((hits > 0) & (counts > number))
            order = permutation(seed, _random_streams.HOLD_OUT + 1 + part, len(eligible))
            users.append(eligible[order])
            parts.append(np.full(len(eligible), part))
        most = max(_MIN_HISTORIES, min(_MAX_HISTORIES, _MAX_RANKED // ratings.items.height))
        chosen, part_of = np.concatenate(users)[:most], np.concatenate(parts)[:most]
        self._users, self._histories = chosen, histories.take(chosen)
        row = self._histories.row
        self._held_out = _is_held_out(rank.take(chosen), number[chosen][row], part_of[row])
        flags = histories._replace(rating=relevant.astype(np.float32)).take(chosen)
        self._relevant = self._held_out & (flags.rating > 0)
        kept = counts[chosen] - np.bincount(row[self._held_out], minlength=len(chosen))
        self._weight = user_weights(counts)[chosen]
        self._kept_weight = (self._weight * np.sqrt(counts[chosen] / kept)).astype(np.float32)
        self._out = _is_held_out(rank, number[rank.row], 0) & np.isin(rank.row, chosen)

    @property
    def remaining(self) -> Ratings:
        """The ratings without all that is held out."""
        entry = group(
            self._ratings.user,
            self._ratings.users.height,
            np.arange(len(self._ratings), dtype=np.int32),
            self._ratings.rating,
        ).partner
        kept = np.ones(len(self._ratings), dtype=np.bool_)
        kept[entry[self._out]] = False
        return self._ratings.take(kept)

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
        return _Part(self._users[block], histories, held_out, remaining, arguments)

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
        known = tilt.learned.known_of_users
        inferred = infer(
            part.remaining,
            tilt.learned.parameters,
            self._threads,
            known=None if known is None else known[part.users],
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


def _random_ranks(grouped: Csr, seed: int) -> Csr:
    """Return the place of each entry in a random order of its user's entries, from 0."""
    size = len(grouped.partner)
    order = permutation(seed, _random_streams.HOLD_OUT, size)
    # A stable sort by user of the entries in random order puts each user's in random order.
    shuffled = order[np.argsort(grouped.row[order], kind="stable")]
    rank = np.empty(size, dtype=np.float32)
    rank[shuffled] = np.arange(size) - grouped.starts[grouped.row[shuffled]]
    return grouped._replace(rating=rank)


def _is_held_out(rank: Csr, number: NDArray[np.int64], part: int | NDArray[np.int64]) -> Any:
    return (rank.rating >= part * number) & (rank.rating < (part + 1) * number)
