"""The figures of contenders on a block of users, computed in the executor that has the block."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import Broadcast
from pyspark.sql import Row

from palate.analysis._genres import genre_shares
from palate.data._ratings import Csr, Ratings
from palate.evaluation._baselines import Baseline, DampedMeans, GlobalMean, Popularity
from palate.evaluation._figure_sums import Answers, Cosines, HeldOut, sums_of
from palate.evaluation._item_neighbours import ItemNeighbours
from palate.evaluation._measure import N, entries_of
from palate.inference._lists import By, Choices, top_items
from palate.inference._user_posteriors import UserPosteriors
from palate.learned._file_format import ModelFiles
from palate.learned._learned import Learned
from palate.solvers._combined import Combined
from palate.solvers.gibbs._solver import Gibbs
from palate.spark._checks import ITEM, RATING, USER
from palate.spark._numbering import BLOCK
from palate.spark._packing import Arrays, Plan, csr, from_bytes, to_bytes
from palate.spark._sent_model import model_of

# The number of people whose histories are multiplied at a time.
_PEOPLE = 1024


def together_in(row: Row, items: int) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Yield the block of a packed row, and how many people of it have each two items.

    It runs in an executor. Rows of what is known of people have no ratings.
    """
    arrays = from_bytes(row["ratings"])
    if "partner" not in arrays:
        return
    total, histories = np.zeros((items, items), dtype=np.int32), csr(arrays)
    for first in range(0, len(histories.starts) - 1, _PEOPLE):
        rows = np.arange(first, min(first + _PEOPLE, len(histories.starts) - 1))
        some = histories.take(rows)
        has = np.zeros((len(rows), items), dtype=np.float32)
        has[some.row, some.partner] = 1
        total += (has.T @ has).astype(np.int32)
    yield row[BLOCK], total


class Context(NamedTuple):
    """What the executors need beside the model.

    Attributes
    ----------
    baselines
        The baselines.
    together
        How many people have each two items; shape (items, items). None of too many items.
    """

    baselines: list[Baseline]
    together: NDArray[np.int32] | None

    @classmethod
    def of(cls, learned: Learned, together: NDArray[np.int32] | None) -> "Context":
        """Fit the baselines."""
        counts = learned.item_counts
        sums = np.where(counts > 0, learned.item_means.astype(np.float64) * counts, 0)
        damped = DampedMeans.of_sums(sums, counts)
        baselines: list[Baseline] = [GlobalMean(damped.mean), damped, Popularity(counts)]
        if together is not None:
            baselines.append(ItemNeighbours.of_counts(counts, together.__getitem__))
        return cls(baselines, together)


@dataclass(frozen=True, eq=False)
class Measure:
    """Measures the contenders on a block of users; runs in an executor."""

    files: Broadcast[ModelFiles]
    context: Broadcast[Context]
    plan: Plan
    lowest_relevant: float

    def __call__(self, pairs: pa.Table, packed: pa.Table) -> pa.Table:
        """Return the sums of a block, given its held-out ratings and its packed ratings."""
        learned, arrays = model_of(self.files.value).learned, Arrays()
        block = int((pairs if pairs.num_rows else packed)[BLOCK][0].as_py())
        first, end = self.plan.users[block : block + 2].tolist()
        for data in packed["ratings"].to_pylist():
            arrays |= from_bytes(data)
        given = _ratings(
            csr(arrays) if "partner" in arrays else Csr.empty(end - first), learned.items
        )
        valid = _Valid(
            (pairs[USER].to_numpy() - first).astype(np.int32),
            pairs[ITEM].to_numpy().astype(np.int32),
            pairs[RATING].to_numpy(),
        )
        answers = [
            *_of_model(learned, given, arrays.get("known"), valid),
            *(_of_baseline(one, given, valid, learned.rated) for one in self._baselines),
        ]
        held_out = self._held_out(learned, given, valid)
        sums = to_bytes(sums_of(answers, held_out, learned.items.height))
        return pa.table({"sums": pa.array([sums], pa.binary())})

    @property
    def _baselines(self) -> list[Baseline]:
        return self.context.value.baselines

    def _held_out(self, learned: Learned, given: Ratings, valid: "_Valid") -> HeldOut:
        histories, relevant = given.by_user(), valid.rating >= self.lowest_relevant
        return HeldOut(
            histories,
            valid.user,
            ~(learned.rated[valid.item] & (histories.counts > 0)[valid.user]),
            (valid.user[relevant], valid.item[relevant]),
            genre_shares(learned.items),
            self._cosines(learned.item_counts),
        )

    def _cosines(self, counts: NDArray[np.int64]) -> Cosines | None:
        together, norms = self.context.value.together, np.sqrt(counts)
        if together is None:
            return None

        def cosines(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
            both: NDArray[np.float64] = together[one, other] / np.maximum(
                norms[one] * norms[other], 1
            )
            return both

        return cosines


class _Valid(NamedTuple):
    """Held-out ratings: the rows of users in the block, the rows of items, and the ratings."""

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    rating: NDArray[np.float32]


def _ratings(histories: Csr, items: pl.DataFrame) -> Ratings:
    """Return the ratings of users without names."""
    users = pl.DataFrame({"id": np.arange(len(histories.starts) - 1)})
    return Ratings(histories.row, histories.partner, histories.rating, None, users, items)


def entries(learned: Learned) -> list[tuple[str, By]]:
    """Return the name of each entry of a model, and the question by which it makes lists."""
    return entries_of(Gibbs.name if learned.choice is None else Combined.name, learned)


def _of_model(
    learned: Learned, given: Ratings, known: NDArray[np.float32] | None, valid: _Valid
) -> Iterator[Answers]:
    """Yield what the model says, for each way to make lists with it."""
    histories, likelihood = given.by_user(), learned.likelihood
    people = UserPosteriors.inferred(learned.parameters, histories, known)
    scores = people.scores(valid.user, valid.item)
    unclipped = likelihood.unclipped(scores) - valid.rating
    sd = people.rating_sd(valid.user, valid.item)
    choices = Choices(learned.rated, histories)
    for name, by in entries(learned):
        top = top_items(learned, histories, people, N, choices, by=by, threads=1).rows
        if by == "choice":
            yield Answers(name, None, top)
        else:
            yield Answers(name, likelihood.rating(scores) - valid.rating, top, unclipped, sd)


def _of_baseline(
    baseline: Baseline, given: Ratings, valid: _Valid, eligible: NDArray[np.bool_]
) -> Answers:
    expected = baseline.predict(given, valid.user, valid.item)
    error = None if expected is None else expected - valid.rating
    return Answers(baseline.name, error, baseline.top_items(given, eligible, N, threads=1))
