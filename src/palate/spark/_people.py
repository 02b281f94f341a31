"""The users of a fit in the executors of a cluster."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyspark import RDD, SparkContext, StorageLevel

from palate.learned._known_features import KnownFeatures
from palate.solvers.gibbs._row_block import RowBlock, RowDraw, RowSums
from palate.solvers.gibbs._sums import merged
from palate.solvers.gibbs._user_block import NOTHING, DrawPrecisions, Step, SumRows, UserBlock
from palate.spark._item_blocks import DrawItemBlock
from palate.spark._packing import Arrays, Plan, same
from palate.spark._results import ByBlock, added_in_order
from palate.spark._user_blocks import ApplySteps, KeepChanges, SendUsers, merged_arrays

Result = TypeVar("Result")
Blocks = RDD[tuple[int, Arrays]]
_MADE_ONCE = frozenset({"features"})
_WITH_RATINGS = frozenset({"ratings", "known"})


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
        The ratings grouped by user, with what is known of the users; and grouped by item.
    counts
        The numbers of ratings of the users.
    needs
        What the blocks of items need of each block of users.
    """

    by_user: Blocks
    by_item: Blocks
    counts: Blocks
    needs: Blocks

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
        work = self._work([*self._pending, step])
        self._pending = []
        read = self._stacked(self._read_by(work))
        if work.changes:
            total: Result = self._changed(read, work)
        else:
            results = read.mapPartitions(work, preservesPartitioning=True)
            total = added_in_order(results, self.blocks)
        return total

    def _work(self, steps: list[Step[Any]]) -> ApplySteps:
        return ApplySteps(steps, self._plan, self._scale, self._seed, self._threads)

    def _read_by(self, work: ApplySteps) -> list[Blocks]:
        """Return the arrays that steps read."""
        rated = not work.reads.isdisjoint(_WITH_RATINGS)
        placed = self._placed.by_user if rated else self._placed.counts
        return [placed, *self._latest(work.reads)]

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

    def _changed(self, stacked: RDD[Any], work: ApplySteps) -> Any:
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
        found = self._results.value
        blocks = np.flatnonzero(np.diff(self._plan.users)).tolist()
        if missing := [block for block in blocks if block not in found]:
            again = stacked.mapPartitions(work, preservesPartitioning=True)
            found |= dict(self._context.runJob(again, iter, missing))
        self._add(Layer(done, work.changes))
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

    def state(self) -> tuple[Blocks, list[frozenset[str]]]:
        """Return all that steps have changed, but for the features, which stay as they started.

        Returns the arrays, and the names of those that were changed together.
        """
        self._do_pending()
        groups, seen = list[frozenset[str]](), _MADE_ONCE
        for layer in reversed(self._layers):
            if group := layer.names - seen:
                groups.insert(0, group)
            seen |= layer.names
        stacked = self._stacked([layer.blocks for layer in self._layers])
        return stacked.mapPartitions(merged_arrays, preservesPartitioning=True), groups

    def restore(self, layers: Iterable[Layer]) -> None:
        """Set all that `state` has returned, perhaps long ago; the features have been made."""
        self._pending = []
        for layer in layers:
            self._add(layer)

    def _do_pending(self) -> None:
        if self._pending:
            self.total(Nothing())

    def draw_items(
        self, precisions: DrawPrecisions, draw: RowDraw, items: RowBlock
    ) -> tuple[RowSums, NDArray[np.float32], NDArray[np.float64]]:
        """Draw the precisions of the users, and the rows of the items; see `People`.

        The rows and the precisions of users go to the blocks of items that need them. The next step
        draws the same precisions again, since to keep them would take a pass of its own.
        """
        self._do_pending()
        users = self._work([precisions, SumRows()])
        read = self._stacked([self._placed.needs, *self._read_by(users)])
        self._results.value = {}
        messages = read.mapPartitions(SendUsers(users, self._results))
        work = DrawItemBlock(
            draw,
            items.shifts(draw.number, draw.prior),
            items.precisions,
            self._plan.items,
            self._scale,
            self._threads,
        )
        sent = messages.partitionBy(self._plan.blocks, same)
        parts = self._stacked([self._placed.by_item, sent]).mapPartitions(work).collect()
        found: dict[int, Any] = dict(parts)
        self.change(precisions)
        sums = self._results.value
        total: RowSums = merged([sums[block] for block in sorted(sums)])
        rows, squares = zip(*(found[block] for block in sorted(found)), strict=True)
        return total, np.concatenate(rows), np.concatenate(squares)


@dataclass(frozen=True)
class Nothing:
    """The step that does nothing: for those before it."""

    reads = changes = NOTHING

    def __call__(self, block: UserBlock) -> None:
        """Leave a block as it is."""
