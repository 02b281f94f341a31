"""Steps of the chain, applied to the blocks of users in the executors."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark import Accumulator

from palate.data._ratings import Csr
from palate.solvers.gibbs._row_block import Runtime
from palate.solvers.gibbs._user_block import Step, UserBlock
from palate.spark._item_blocks import Message, messages_of
from palate.spark._packing import Arrays, Plan, csr
from palate.spark._task import task


@dataclass(frozen=True, eq=False)
class ApplySteps:
    """Applies steps to the block of a partition; runs in an executor.

    Attributes
    ----------
    steps
        The steps; the result is that of the last one.
    plan, scale, seed, threads
        As of `SparkPeople`.
    """

    steps: list[Step[Any]]
    plan: Plan
    scale: tuple[float, float]
    seed: int
    threads: int

    @cached_property
    def reads(self) -> frozenset[str]:
        """What they read, but for what one of them has changed before."""
        found, made = set[str](), set[str]()
        for step in self.steps:
            found |= set(step.reads) - made
            made |= set(step.changes)
        return frozenset(found)

    @cached_property
    def changes(self) -> frozenset[str]:
        """What they change."""
        return frozenset(name for step in self.steps for name in step.changes)

    def __call__(self, layers: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Return the number of the block, and the result."""
        for number, arrays in merged_arrays(layers):
            yield number, self.applied(number, arrays)[1]

    def applied(self, number: int, arrays: Arrays) -> tuple[UserBlock, Any]:
        """Return the block with these arrays after the steps, and the result."""
        with task(self.threads):
            block, result = self._block(number, arrays), None
            for step in self.steps:
                result = step(block)
            return block, result

    def _block(self, number: int, arrays: Arrays) -> UserBlock:
        ratings = csr(arrays) if "partner" in arrays else without_ratings(arrays["counts"])
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
        for name in arrays.keys() & self.reads:
            setattr(block, name, arrays[name])
        return block


@dataclass(frozen=True, eq=False)
class _Reporting:
    """Applies steps to the block of a partition, whose result it adds to an accumulator.

    Attributes
    ----------
    work
        The steps.
    results
        What their results are added to, by block.
    """

    work: ApplySteps
    results: Accumulator[dict[int, Any]]

    def _applied(self, layers: Iterable[Any]) -> Iterator[tuple[int, UserBlock, Arrays]]:
        """Return the number of the block, the block, and all arrays of the partition."""
        for number, arrays in merged_arrays(layers):
            block, result = self.work.applied(number, arrays)
            self.results.add({number: result})
            yield number, block, arrays


class KeepChanges(_Reporting):
    """Applies steps to the block of a partition, and returns what they change."""

    def __call__(self, layers: Iterable[Any]) -> Iterator[tuple[int, Arrays]]:
        """Return the number of the block, and what was changed; runs in an executor."""
        for number, block, _ in self._applied(layers):
            yield number, {name: getattr(block, name) for name in sorted(self.work.changes)}


class SendUsers(_Reporting):
    """Applies steps to the block of a partition, and sends the users to the blocks of items."""

    def __call__(self, layers: Iterable[Any]) -> Iterator[tuple[int, Message]]:
        """Return the messages, with their destinations; runs in an executor."""
        for number, block, arrays in self._applied(layers):
            yield from messages_of(number, block, arrays)


def merged_arrays(layers: Iterable[tuple[int, Arrays]]) -> Iterator[tuple[int, Arrays]]:
    """Return the arrays of the only block of a partition, if it has any."""
    number, arrays = None, Arrays()
    for block, layer in layers:
        number = block
        arrays |= layer
    if number is not None:
        yield number, arrays


def without_ratings(counts: NDArray[np.int64]) -> Csr:
    """Return the place of the ratings of users, without the ratings, for steps that read none."""
    starts = np.concatenate([[0], np.cumsum(counts)])
    return Csr(starts, np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32))
