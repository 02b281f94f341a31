"""The users of a fit in the executors of a cluster."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyspark import RDD, Accumulator, SparkContext, StorageLevel
from threadpoolctl import threadpool_limits

from palate.data._ratings import Csr
from palate.learned._known_features import KnownFeatures
from palate.solvers.gibbs._row_block import RowBlock, RowDraw, Runtime
from palate.solvers.gibbs._sums import merged
from palate.solvers.gibbs._user_block import NOTHING, Step, UserBlock
from palate.spark._item_blocks import DrawItemBlock, messages_of
from palate.spark._packing import Arrays, Plan, csr, same
from palate.spark._results import ByBlock, added_in_order

Result = TypeVar("Result")
Blocks = RDD[tuple[int, Arrays]]
_MADE_ONCE = frozenset({"features"})


def threads_of(context: SparkContext) -> int:
    """Return the number of threads of a task."""
    return int(context.getConf().get("spark.task.cpus", "1") or 1)


class Layer(NamedTuple):
    """Arrays of all blocks of users, by name. Those of a later layer replace those of an earlier.

    Attributes
    ----------
    blocks
        A pair for each block: its number, and the arrays.
    names
        The names of the arrays.
    """

    blocks: Blocks
    names: frozenset[str]


class Placed(NamedTuple):
    """The packed ratings in the executors, a block in each partition.

    Attributes
    ----------
    by_user, by_item
        The ratings grouped by user, and by item.
    needed
        What the blocks of items need of each block of users.
    """

    by_user: Blocks
    by_item: Blocks
    needed: Blocks

    def close(self) -> None:
        """Let the executors forget them."""
        for blocks in self:
            blocks.unpersist()


class SparkPeople:
    """Users in blocks, one in each partition of an RDD; see `People`.

    What a step changes becomes a layer of its own above the arrays that were there, so that nothing
    is copied that stays as it was. Layers that are replaced as a whole are dropped. A lost block is
    computed again by the same steps, to the same bits.

    Parameters
    ----------
    context
        The Spark context.
    plan
        Which users and items are in which block.
    placed
        The packed ratings.
    items
        The items; see `Ratings.items`.
    known
        The known features of the users, whose values are among the packed ratings.
    seed
        As of `Gibbs`.
    """

    def __init__(
        self,
        context: SparkContext,
        plan: Plan,
        placed: Placed,
        items: pl.DataFrame,
        *,
        known: KnownFeatures,
        seed: int,
    ) -> None:
        self._context, self._plan, self._placed = context, plan, placed
        self.items, self.known, self._seed = items, known, seed
        self._threads = threads_of(context)
        self._scale = (0.0, 1.0)
        self._layers: list[Layer] = []
        self._pending: list[Step[None]] = []
        self._results = context.accumulator(dict[int, Any](), ByBlock())

    def standardise(self, mu: float, sd: float) -> None:
        """Take the mean and the standard deviation of the ratings."""
        self._scale = (mu, sd)

    def change(self, step: Step[None]) -> None:
        """Apply a step in the next pass over the users."""
        self._pending.append(step)

    def total(self, step: Step[Result]) -> Result:
        """Apply a step to each block, and return the sum of the results, in the order of blocks."""
        steps = [*self._pending, step]
        self._pending = []
        names = frozenset(name for each in steps for name in each.changes)
        work = ApplySteps(steps, names, self._plan, self._scale, self._seed, self._threads)
        done = self._stacked([self._placed.by_user, *(layer.blocks for layer in self._layers)])
        if names:
            total: Result = self._changed(done, work, names)
        else:
            results = done.mapPartitions(work, preservesPartitioning=True)
            total = added_in_order(results, self.blocks)
        return total

    def _changed(self, stacked: RDD[Any], work: "ApplySteps", names: frozenset[str]) -> Any:
        """Put what steps change above the other layers, and return the sum of their results.

        Results come through an accumulator: to read them from the layer would send all of it to
        a second Python process of each task. A block can come twice, but with the same bits; and a
        task that failed when its block was kept already comes without its result.
        """
        self._results.value = {}
        kept = KeepChanges(work, self._results)
        done = stacked.mapPartitions(kept, preservesPartitioning=True)
        done.persist(StorageLevel.MEMORY_AND_DISK)
        done._jrdd.count()
        found, self._results.value = self._results.value, {}
        blocks = np.flatnonzero(np.diff(self._plan.users)).tolist()
        if missing := [block for block in blocks if block not in found]:
            again = stacked.mapPartitions(work, preservesPartitioning=True)
            found |= dict(self._context.runJob(again, iter, missing))
        self._add(Layer(done, names))
        return merged([found[block] for block in blocks])

    def _add(self, layer: Layer) -> None:
        """Put a layer above the others, and drop those of which nothing is seen any more."""
        for old in self._layers:
            if old.names <= layer.names:
                old.blocks.unpersist()
        self._layers = [old for old in self._layers if not old.names <= layer.names]
        self._layers.append(layer)

    def close(self) -> None:
        """Let the executors forget what steps have changed; the ratings stay."""
        for layer in self._layers:
            layer.blocks.unpersist()

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return self._plan.blocks

    def state(self) -> Layer:
        """Return all that steps have changed, but for the features, which stay as they started."""
        if self._pending:
            self.total(Nothing())
        names = frozenset(name for layer in self._layers for name in layer.names) - _MADE_ONCE
        stacked = self._stacked([layer.blocks for layer in self._layers])

        def kept(layers: Iterable[tuple[int, Arrays]]) -> Iterator[tuple[int, Arrays]]:
            for number, arrays in merged_arrays(layers):
                yield number, {name: arrays[name] for name in names}

        return Layer(stacked.mapPartitions(kept, preservesPartitioning=True), names)

    def restore(self, blocks: Blocks, names: frozenset[str]) -> None:
        """Set all that `state` has returned, perhaps long ago; the features have been made."""
        self._pending = []
        self._add(Layer(blocks, names))

    def draw_items(
        self, draw: RowDraw, items: RowBlock, freedom: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Draw the rows of the items; see `People`.

        The rows of users go to the blocks of items that need them. What goes with them is the sum
        of squares: with it and the freedom the precision of a user, whose random numbers are keyed
        by the user's number, is drawn there again.
        """
        drawn = self._latest({"rows", "squares"})
        messages = self._stacked([self._placed.needed, *drawn]).mapPartitions(messages_of)
        work = DrawItemBlock(
            draw,
            freedom,
            items.shifts(draw.number, draw.prior),
            items.precisions,
            self._plan.items,
            self._scale,
            self._threads,
        )
        sent = messages.partitionBy(self._plan.blocks, same)
        parts = self._stacked([self._placed.by_item, sent]).mapPartitions(work).collect()
        found: dict[int, Any] = dict(parts)
        rows, squares = zip(*(found[block] for block in sorted(found)), strict=True)
        return np.concatenate(rows), np.concatenate(squares)

    def _latest(self, names: AbstractSet[str]) -> list[Blocks]:
        """Return the blocks of the layers with the latest arrays of these names, and no others."""
        found, missing = list[Blocks](), set(names)
        for layer in reversed(self._layers):
            if layer.names & missing:
                found.insert(0, layer.blocks)
                missing -= layer.names
        return found

    def _stacked(self, layers: Sequence[RDD[Any]]) -> RDD[Any]:
        """Return the arrays of each block, those of the first layer first, without a shuffle."""
        return layers[0] if len(layers) == 1 else self._context.union(list(layers))


@dataclass(frozen=True)
class Nothing:
    """The step that does nothing: for those before it."""

    changes = NOTHING

    def __call__(self, block: UserBlock) -> None:
        """Leave a block as it is."""


@dataclass(frozen=True, eq=False)
class ApplySteps:
    """Applies steps to the block of a partition; runs in an executor.

    Attributes
    ----------
    steps
        The steps; the result is that of the last one.
    names
        What they change.
    plan, scale, seed, threads
        As of `SparkPeople`.
    """

    steps: list[Step[Any]]
    names: frozenset[str]
    plan: Plan
    scale: tuple[float, float]
    seed: int
    threads: int

    def __call__(self, layers: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Return the number of the block, and the result."""
        for number, result, _ in self.applied(layers):
            yield number, result

    def applied(self, layers: Iterable[Any]) -> Iterator[tuple[int, Any, Arrays]]:
        """Return the number of the block, the result, and what was changed."""
        for number, arrays in merged_arrays(layers):
            with threadpool_limits(self.threads, user_api="blas"):
                block, result = self._block(number, arrays), None
                for step in self.steps:
                    result = step(block)
                yield number, result, {name: getattr(block, name) for name in sorted(self.names)}

    def _block(self, number: int, arrays: Arrays) -> UserBlock:
        ratings = csr(arrays)
        block = UserBlock(
            ratings,
            int(self.plan.items[-1]),
            known=np.zeros((len(ratings.starts) - 1, 0), dtype=np.float32),
            seed=self.seed,
            runtime=Runtime(self.threads),
            first=int(self.plan.users[number]),
            first_rating=int(self.plan.ratings[number]),
        )
        block.scale = self.scale
        for name in arrays.keys() - set(Csr._fields):
            setattr(block, name, arrays[name])
        return block


@dataclass(frozen=True, eq=False)
class KeepChanges:
    """Applies steps to the block of a partition, and returns what they change.

    Attributes
    ----------
    work
        The steps.
    results
        What their results are added to, by block.
    """

    work: ApplySteps
    results: Accumulator[dict[int, Any]]

    def __call__(self, layers: Iterable[Any]) -> Iterator[tuple[int, Arrays]]:
        """Return the number of the block, and what was changed; runs in an executor."""
        for number, result, changed in self.work.applied(layers):
            self.results.add({number: result})
            yield number, changed


def merged_arrays(layers: Iterable[tuple[int, Arrays]]) -> Iterator[tuple[int, Arrays]]:
    """Return the arrays of the only block of a partition, if it has any."""
    number, arrays = None, Arrays()
    for block, layer in layers:
        number = block
        arrays |= layer
    if number is not None:
        yield number, arrays
