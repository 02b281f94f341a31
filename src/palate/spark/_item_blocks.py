"""The half of a sweep that draws the items: messages from blocks of users to blocks of items."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from palate import _random_streams
from palate.solvers.gibbs._random_stream import RowStream
from palate.solvers.gibbs._row_block import Partners, RowBlock, RowDraw, Runtime, freedoms
from palate.solvers.gibbs._row_variances import drawn_precisions
from palate.solvers.gibbs._user_block import standardised
from palate.spark._packing import Arrays, csr


class Message(NamedTuple):
    """The users of one block that a block of items needs, in the order of their numbers.

    Attributes
    ----------
    source
        The block of users.
    rows, squares, counts
        See `RowBlock`.
    """

    source: int
    rows: NDArray[np.float32]
    squares: NDArray[np.float64]
    counts: NDArray[np.int32]


def messages_of(layers: Iterable[tuple[int, Arrays]]) -> Iterator[tuple[int, Message]]:
    """Return the messages of a block of users, with their destinations; runs in an executor."""
    source, arrays = None, Arrays()
    for block, layer in layers:
        source = block
        arrays |= layer
    if source is None:
        return
    own, starts, counts = (arrays[name] for name in ("own", "starts", "counts"))
    for destination in range(len(starts) - 1):
        users = own[starts[destination] : starts[destination + 1]]
        if len(users):
            yield (
                destination,
                Message(
                    source,
                    arrays["rows"][users],
                    arrays["squares"][users],
                    counts[users].astype(np.int32),
                ),
            )


@dataclass(frozen=True, eq=False)
class DrawItemBlock:
    """Draws the items of a partition; runs in an executor.

    Attributes
    ----------
    draw, freedom
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
    freedom: float
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
            with threadpool_limits(self.threads, user_api="blas"):
                yield block, self._drawn(block, arrays, self._partners(arrays, messages))

    def _partners(self, arrays: Arrays, messages: list[Message]) -> Partners:
        """Return the users that the block needs: those of its messages, by block of users."""
        if not messages:
            columns = self.shifts.shape[1]
            return Partners(np.zeros((0, columns), dtype=np.float32), np.zeros(0))
        _, *columns_of_all = zip(*sorted(messages, key=lambda message: message.source), strict=True)
        rows, squares, counts = (np.concatenate(parts) for parts in columns_of_all)
        stream = _random_streams.sweep(self.draw.number, "user precisions")
        random = RowStream(self.draw.seed, stream, arrays["users"])
        numbers = freedoms(counts, rows.shape[1])
        return Partners(rows, drawn_precisions(self.freedom, numbers, squares, random))

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
