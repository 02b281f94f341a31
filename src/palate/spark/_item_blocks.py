"""The half of a sweep that draws the items: messages from blocks of users to blocks of items."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.solvers.gibbs._row_block import Partners, RowBlock, RowDraw, Runtime
from palate.solvers.gibbs._user_block import UserBlock, standardised
from palate.spark._packing import Arrays, csr
from palate.spark._task import task


class Message(NamedTuple):
    """The users of one block that a block of items needs, in the order of their numbers.

    Attributes
    ----------
    source
        The block of users.
    rows
        Their rows.
    weights
        Their precisions, as exact as the ratings are weighted.
    """

    source: int
    rows: NDArray[np.float32]
    weights: NDArray[np.float32]


def messages_of(source: int, users: UserBlock, needs: Arrays) -> Iterator[tuple[int, Message]]:
    """Return the messages of a block of users, with their destinations."""
    own, bounds = needs["own"], needs["bounds"]
    weights = users.precisions.astype(np.float32)
    for destination in range(len(bounds) - 1):
        needed = own[bounds[destination] : bounds[destination + 1]]
        if len(needed):
            yield destination, Message(source, users.rows[needed], weights[needed])


@dataclass(frozen=True, eq=False)
class DrawItemBlock:
    """Draws the items of a partition; runs in an executor.

    Attributes
    ----------
    draw
        See `People.draw_items`.
    shifts, precisions
        Of all items; see `RowBlock`.
    bounds
        The first item of each block, and the end.
    scale
        The mean and the standard deviation of the ratings.
    threads
        The number of threads.
    """

    draw: RowDraw
    shifts: NDArray[np.float32]
    precisions: NDArray[np.float64]
    bounds: NDArray[np.int64]
    scale: tuple[float, float]
    threads: int

    def __call__(self, parts: Iterable[Any]) -> Iterator[Any]:
        """Return the block, and its rows and their squares."""
        block, arrays, messages = None, Arrays(), list[Message]()
        for number, part in parts:
            block = number
            if isinstance(part, Message):
                messages.append(part)
            else:
                arrays |= part
        if block is not None:
            with task(self.threads):
                yield block, self._drawn(block, arrays, self._partners(messages))

    def _partners(self, messages: list[Message]) -> Partners:
        """Return the users that the block needs: those of its messages, by block of users."""
        if not messages:
            columns = self.shifts.shape[1]
            return Partners(np.zeros((0, columns), dtype=np.float32), np.zeros(0))
        messages = sorted(messages, key=lambda message: message.source)
        rows = np.concatenate([message.rows for message in messages])
        weights = np.concatenate([message.weights for message in messages])
        return Partners(rows, weights.astype(np.float64))

    def _drawn(self, number: int, arrays: Arrays, partners: Partners) -> Any:
        first, end = self.bounds[number : number + 2].tolist()
        ratings = csr(arrays)
        block = RowBlock("item", first, ratings.counts, self.draw.seed)
        block.precisions = self.precisions[first:end]
        return self.draw.rows(
            block,
            np.ascontiguousarray(self.shifts[first:end]),
            standardised(ratings, *self.scale),
            partners,
            Runtime(self.threads),
        )
