"""The histories of the choice model's fit, in the executors of a cluster."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pyspark import RDD

from palate._native import CancelToken
from palate.data._ratings import Csr, Kind, group, lowest_relevant
from palate.learned._choice import HistoryWeighting, graded
from palate.learned._learned import Learned
from palate.solvers.choice._held_out import HeldOut, chosen, histories_to_measure, parts_of
from palate.solvers.choice._histories import Histories, WeightSums, weighting_with
from palate.solvers.gibbs._sums import Span
from palate.spark._drawing import CandidatesOf, DrawingOf, HeldOutOf, joined
from palate.spark._packing import Arrays, Plan, csr, same, stacked
from palate.spark._pieces import Pieces
from palate.spark._results import added_in_order, added_tables
from palate.spark._task import task
from palate.spark._user_blocks import merged_arrays

Result = TypeVar("Result")
Blocks = RDD[tuple[int, Arrays]]
# What is done with the histories of a block, whose number comes first.
Step = Callable[[int, Csr], Result]
# What is computed for consecutive items, of which the first is given, from histories with them.
Work = Callable[[int, Histories], Csr | NDArray[np.float32]]


class _Totals(NamedTuple):
    """Sums over all people: for their weights, and of the graded ratings and of their squares."""

    weights: WeightSums
    grades: float
    squares: float
    ratings: Span


class SparkHistories:
    """People in blocks, one in each partition of an RDD; see `People` of the choice model.

    Held-out entries depend on the numbers of their user and of the rating among those in the order
    of users and items, so that it does not matter which block they are in.

    Parameters
    ----------
    by_user
        The packed histories, with a block in each partition.
    plan
        Which users and items are in which block.
    kind
        What they are.
    threads
        The number of threads of a task.
    left_out
        What is held out of them already, if anything is.
    """

    def __init__(
        self, by_user: Blocks, plan: Plan, kind: Kind, threads: int, left_out: HeldOut | None = None
    ) -> None:
        self._by_user, self._plan, self._kind = by_user, plan, kind
        self._threads, self._left_out = threads, left_out

    @property
    def items(self) -> int:
        """The number of items."""
        return int(self._plan.items[-1])

    @property
    def users(self) -> int:
        """The number of users."""
        return int(self._plan.users[-1])

    @cached_property
    def _totals(self) -> _Totals:
        return self.total(_TotalsOf(self._kind))

    def weight_sums(self) -> WeightSums:
        """Return what the weights of people are scaled by."""
        return self._totals.weights

    def weighting(self, strength: float) -> HistoryWeighting:
        """Return the weighting of histories; see `People`."""
        if self._kind == "events":
            return weighting_with("events", 0.0, 0.0, strength)
        (entries, _), grades, squares, span = self._totals
        mean = grades / entries
        variance = max(squares / entries - mean**2, 0.0) if span.high > span.low else 0.0
        return weighting_with(self._kind, mean, float(np.sqrt(variance)), strength)

    def histories(self, weighting: HistoryWeighting) -> "SparkWeighted":
        """Return the histories, weighted."""
        return SparkWeighted(self, _Weigh(weighting, self.weight_sums(), self.items))

    def hold_out(self, seed: int, *, virtual: bool) -> HeldOut:
        """Return random histories with random entries held out; see `People`."""
        low, high = self._totals.ratings
        lowest = lowest_relevant(low, high) if self._kind == "ratings" else None
        parts, most = parts_of(virtual=virtual), histories_to_measure(self.items)
        drawing = DrawingOf(self._plan, seed, lowest)
        found = self.results(CandidatesOf(drawing, parts, most))
        user, part_of = chosen(found, parts, most)
        pieces = self.results(HeldOutOf(drawing, user, part_of))
        place = np.concatenate([places for places, _ in pieces])
        return joined([piece for _, piece in pieces]).take(np.argsort(place))

    def without(self, held_out: HeldOut) -> "SparkHistories":
        """Return the same people without the entries that are held out."""
        return SparkHistories(self._by_user, self._plan, self._kind, self._threads, held_out)

    def known(self, users: NDArray[np.int64], rating: Learned) -> NDArray[np.float32] | None:
        """Return the known features of some people; see `People`."""
        if not len(rating.parameters.user_prior.known):
            return None
        found = self._by_user.mapPartitions(_KnownOf(users, self._plan)).collect()
        places, rows = (np.concatenate(parts) for parts in zip(*found, strict=True))
        known: NDArray[np.float32] = rows[np.argsort(places)]
        return known

    def results(self, step: Step[Result]) -> list[Result]:
        """Return what a step returns for each block, in the order of blocks."""
        found = dict(self._mapped(step).collect())
        return [found[block] for block in sorted(found)]

    def _mapped(self, step: Step[Result]) -> RDD[tuple[int, Result]]:
        work = _Apply(step, self._plan, self._threads, self._left_out)
        return self._by_user.mapPartitions(work, preservesPartitioning=True)

    def total(self, step: Step[Result]) -> Result:
        """Return the sum of what a step returns for each block, in the order of blocks."""
        total: Result = added_in_order(self._mapped(step), self._plan.blocks)
        return total

    def total_table(self, step: Step[NDArray[np.float32]], width: int) -> NDArray[np.float32]:
        """Return the same of tables with a row for each item; shape (items, width)."""
        shape = self.items, width
        return added_tables(self._mapped(step), self._plan.blocks, shape, np.float32)

    def rows_of_items(
        self, messages: "_Messages", work: Work, pieces: Pieces
    ) -> RDD[tuple[int, tuple[int, Any]]]:
        """Return parts of a table, computed from the histories with any of the items of their rows.

        Of items that nobody has there is no part.
        """
        sent = self._mapped(messages).flatMap(_sent).partitionBy(self._plan.blocks, same)
        return sent.mapPartitions(_OfItems(work, self._plan, pieces))

    @property
    def first_items(self) -> NDArray[np.int64]:
        """The first item of each block, and the end."""
        return self._plan.items

    @property
    def threads(self) -> int:
        """The number of threads of a task."""
        return self._threads


class SparkWeighted:
    """The histories in a cluster, weighted; see `WeightedHistories`."""

    def __init__(self, people: SparkHistories, weigh: "_Weigh") -> None:
        self._people, self._weigh, self.users = people, weigh, people.users

    def popularity(self) -> NDArray[np.float32]:
        """Return the diagonal of X' W X; shape (items,)."""
        sums = self._people.total(_Popularity(self._weigh))
        popularity: NDArray[np.float32] = sums.astype(np.float32)
        return popularity

    def co_occurrences(self, threads: int, cancel: CancelToken) -> NDArray[np.float32]:
        """Return X' W X; shape (items, items)."""
        items = self._people.items
        work = _Dense(items, self._people.threads)
        pieces = Pieces.of(items, items * np.float32().itemsize)
        parts = self._people.rows_of_items(self._messages, work, pieces)
        return pieces.table(parts, items, np.float32)

    def largest_co_occurrences(
        self, scale: NDArray[np.float32], most: int, threads: int, cancel: CancelToken
    ) -> Csr:
        """Return the largest entries of S X' W X S in each row, but for the diagonal."""
        work = _Largest(scale, most, self._people.threads)
        pieces = Pieces.of(len(scale), most * (np.int32().itemsize + np.float32().itemsize))
        counts = np.zeros(len(scale), dtype=np.int64)
        # Of what is not used there is no memory.
        partner = np.empty(len(scale) * most, dtype=np.int32)
        rating = np.empty(len(scale) * most, dtype=np.float32)
        end = 0
        for first, rows in pieces.taken(self._people.rows_of_items(self._messages, work, pieces)):
            start, end = end, end + len(rows.partner)
            counts[first : first + len(rows.counts)] = rows.counts
            partner[start:end], rating[start:end] = rows.partner, rows.rating
        return Csr(np.concatenate([[0], np.cumsum(counts)]), partner[:end], rating[:end])

    def scaled_product(
        self, scale: NDArray[np.float32], threads: int, cancel: CancelToken
    ) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """Return a function that returns S X' W X S B for a matrix B."""
        own = self._people.threads

        def product(basis: NDArray[np.float32]) -> NDArray[np.float32]:
            step = _Product(self._weigh, scale, basis, own)
            return self._people.total_table(step, basis.shape[1])

        return product

    @property
    def _messages(self) -> "_Messages":
        return _Messages(self._weigh, self._people.first_items)


@dataclass(frozen=True, eq=False)
class _Apply:
    """Applies a step to the block of a partition; runs in an executor."""

    step: Step[Any]
    plan: Plan
    threads: int
    left_out: HeldOut | None

    def __call__(self, blocks: Iterable[tuple[int, Arrays]]) -> Iterator[tuple[int, Any]]:
        for number, arrays in merged_arrays(blocks):
            histories = csr(arrays)
            if self.left_out is not None:
                histories = self._remaining(number, histories, self.left_out)
            with task(self.threads):
                yield number, self.step(number, histories)

    def _remaining(self, number: int, histories: Csr, left_out: HeldOut) -> Csr:
        first, end = self.plan.users[number : number + 2]
        own = left_out.take(np.flatnonzero((left_out.users >= first) & (left_out.users < end)))
        gone = np.zeros(len(histories.partner), dtype=np.bool_)
        gone[histories.entries(own.users - first)[own.held_out]] = True
        return histories.without(gone)


@dataclass(frozen=True, eq=False)
class _KnownOf:
    """Returns the known features of some people, and their places among these."""

    users: NDArray[np.int64]
    plan: Plan

    def __call__(
        self, blocks: Iterable[tuple[int, Arrays]]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        for number, arrays in merged_arrays(blocks):
            first, end = self.plan.users[number : number + 2]
            places = np.flatnonzero((self.users >= first) & (self.users < end))
            yield places, arrays["known"][self.users[places] - first]


@dataclass(frozen=True)
class _TotalsOf:
    """Returns the totals of a block."""

    kind: Kind

    def __call__(self, number: int, histories: Csr) -> _Totals:
        grades = graded(self.kind, histories.rating).astype(np.float64)
        sums = float(grades.sum()), float(grades @ grades)
        return _Totals(WeightSums.of(histories.counts), *sums, Span.of(histories.rating))


@dataclass(frozen=True, eq=False)
class _Weigh:
    """Weighs the histories of a block."""

    weighting: HistoryWeighting
    sums: WeightSums
    items: int

    def __call__(self, histories: Csr) -> Histories:
        by_user = self.weighting.weighted(histories)
        by_item = group(by_user.partner, self.items, by_user.row, by_user.rating)
        return Histories(by_user, by_item, self.sums.weights(histories.counts))


@dataclass(frozen=True, eq=False)
class _Popularity:
    """Returns the diagonal of X' W X of a block."""

    weigh: _Weigh

    def __call__(self, number: int, histories: Csr) -> NDArray[np.float64]:
        return self.weigh(histories).popularity_sums()


@dataclass(frozen=True, eq=False)
class _Product:
    """Returns S X' W X S B of a block."""

    weigh: _Weigh
    scale: NDArray[np.float32]
    basis: NDArray[np.float32]
    threads: int

    def __call__(self, number: int, histories: Csr) -> NDArray[np.float32]:
        return self.weigh(histories).scaled_product(self.scale, self.threads)(self.basis)


@dataclass(frozen=True, eq=False)
class _Messages:
    """Returns for each block of items the weighted histories with any of them."""

    weigh: _Weigh
    first_items: NDArray[np.int64]

    def __call__(
        self, number: int, histories: Csr
    ) -> list[tuple[int, tuple[int, Csr, NDArray[np.float32]]]]:
        weighted, found = self.weigh(histories), []
        block_of = np.searchsorted(self.first_items, weighted.by_user.partner, side="right") - 1
        for block in np.unique(block_of).tolist():
            users = np.unique(weighted.by_user.row[block_of == block])
            found.append((block, (number, weighted.by_user.take(users), weighted.weight[users])))
        return found


def _sent(messages: tuple[int, list[Any]]) -> list[Any]:
    return messages[1]


@dataclass(frozen=True, eq=False)
class _OfItems:
    """Computes the rows of a block of items from its messages; runs in an executor."""

    work: Work
    plan: Plan
    pieces: Pieces

    def __call__(self, messages: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
        block, parts = None, []
        for number, message in messages:
            block = number
            parts.append(message)
        if block is None:
            return
        parts.sort(key=lambda part: part[0])
        by_user = stacked([part[1] for part in parts])
        first, end = self.plan.items[block : block + 2].tolist()
        own = (by_user.partner >= first) & (by_user.partner < end)
        items, users = by_user.partner[own] - np.int32(first), by_user.row[own]
        by_item = group(items, end - first, users, by_user.rating[own])
        weight = np.concatenate([part[2] for part in parts])
        for piece, row, stop in self.pieces.within(first, end):
            some = by_item.take(np.arange(row - first, stop - first))
            yield piece, (row, self.work(row, Histories(by_user, some, weight)))


@dataclass(frozen=True)
class _Dense:
    """Returns the rows of X' W X."""

    items: int
    threads: int

    def __call__(self, first: int, histories: Histories) -> NDArray[np.float32]:
        return histories.co_occurrences(self.threads, width=self.items)


@dataclass(frozen=True, eq=False)
class _Largest:
    """Returns the largest entries of the rows of S X' W X S."""

    scale: NDArray[np.float32]
    most: int
    threads: int

    def __call__(self, first: int, histories: Histories) -> Csr:
        return histories.largest_co_occurrences(self.scale, self.most, self.threads, first=first)
